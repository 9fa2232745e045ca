//! `cargo xtask site`.

use crate::{bail, cli, error::Result};

/// See the command line's help.
pub fn run(_args: &cli::Site) -> Result<()> {
    bail!("not yet written")
}
