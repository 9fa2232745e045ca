//! `cargo xtask build-image`.

use crate::{bail, cli, error::Result};

/// See the command line's help.
pub fn run(_args: &cli::BuildImage) -> Result<()> {
    bail!("not yet written")
}
