//! `cargo xtask qemu`: the image, booted with its console on this terminal.

use crate::{bundle, cli, context::BuildContext, error::Result, lab};

/// Boots a copy of the image; Ctrl-A x ends it.
pub fn run(args: &cli::Qemu) -> Result<()> {
    let mut ctx = BuildContext::new(&args.supplies.sources);
    bundle::take(&mut ctx, args.supplies.bundle.as_deref())?;
    lab::run(lab::with_image(&ctx, lab::command(&ctx, "qemu"), &args.image)?, "the emulator did not run")
}
