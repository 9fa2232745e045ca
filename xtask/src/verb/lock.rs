//! `cargo xtask lock`: choose exact packages for what the recipes want.

use crate::{
    cli,
    context::BuildContext,
    debian::{archive::Archive, resolve},
    error::Result,
    manifest::{Lock, Manifest},
};

/// See the command line's help.
pub fn run(args: &cli::Lock) -> Result<()> {
    let ctx = BuildContext::new(&args.sources);
    let manifest = Manifest::load(&ctx)?;
    if args.check {
        manifest.lock(Lock::load(&ctx)?)?;
        ctx.progress.line("image/packages.lock fits the recipes");
        return Ok(());
    }
    let old =
        if ctx.lock_file().exists() { Lock::load(&ctx)? } else { Lock { epoch: 0, packages: Vec::new() } };
    let archive = Archive::open(&manifest, &ctx)?; // signatures are checked here, or not at all
    let phase = ctx.progress.phase("resolve");
    let packages = resolve::resolve(&manifest, &archive)?;
    phase.done(format!("{} packages", packages.len()));
    let changes = old.changes(&packages);
    if changes.is_empty() {
        // The same packages from newer indices are the same image: its date stays, too.
        ctx.progress.line("image/packages.lock is up to date");
        return Ok(());
    }
    Lock { epoch: archive.date, packages }.save(&ctx)?;
    for change in &changes {
        ctx.progress.line(change);
    }
    ctx.progress
        .line(format!("image/packages.lock: {} changes\nnext: cargo xtask build-image", changes.len()));
    Ok(())
}
