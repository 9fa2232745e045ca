//! `cargo xtask demo`: a dialer, its operator and a telephone, without any hardware.

use crate::{bundle, cli, context::BuildContext, error::Result, lab};

/// Boots copies of the image; `quit` ends it.
pub fn run(args: &cli::Demo) -> Result<()> {
    let mut ctx = BuildContext::new(&args.supplies.sources);
    bundle::take(&mut ctx, args.supplies.bundle.as_deref())?;
    lab::run(lab::with_image(&ctx, lab::command(&ctx, "demo"), &args.image)?, "the demo broke off")
}
