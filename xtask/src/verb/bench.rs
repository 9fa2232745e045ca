//! `cargo xtask bench`.

use crate::{bail, cli, error::Result};

/// See the command line's help.
pub fn run(_args: &cli::Bench) -> Result<()> {
    bail!("not yet written")
}
