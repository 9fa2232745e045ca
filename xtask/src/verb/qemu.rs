//! `cargo xtask qemu`.

use crate::{bail, cli, error::Result};

/// See the command line's help.
pub fn run(_args: &cli::Qemu) -> Result<()> {
    bail!("not yet written")
}
