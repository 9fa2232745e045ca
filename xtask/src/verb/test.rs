//! `cargo xtask test`.

use crate::{bail, cli, error::Result};

/// See the command line's help.
pub fn run(_args: &cli::Test) -> Result<()> {
    bail!("not yet written")
}
