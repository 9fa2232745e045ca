//! `cargo xtask tidy`.

use crate::{bail, error::Result};

/// See the command line's help.
pub fn run() -> Result<()> {
    bail!("not yet written")
}
