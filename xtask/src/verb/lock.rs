//! `cargo xtask lock`.

use crate::{bail, cli, error::Result};

/// See the command line's help.
pub fn run(_args: &cli::Lock) -> Result<()> {
    bail!("not yet written")
}
