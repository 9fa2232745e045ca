//! `cargo xtask lock`: choose the exact packages for the recipes.

use std::collections::BTreeMap;

use crate::{
    cli,
    context::BuildContext,
    debian::{archive::Archive, resolve},
    error::Result,
    manifest::{Lock, Manifest, SourceLock},
};

/// See the command line's help.
pub fn run(args: &cli::Lock) -> Result<()> {
    let ctx = BuildContext::new(&args.sources);
    let manifest = Manifest::load(&ctx)?;
    if args.check {
        let locked = manifest.lock(Lock::load(&ctx)?)?;
        if SourceLock::exists(&ctx) {
            SourceLock::load(&ctx)?.check(&locked)?;
        }
        ctx.progress.line("image/packages.lock fits the recipes");
        return Ok(());
    }
    let old = if ctx.lock_file().exists() { Lock::load(&ctx)? } else { Lock::default() };
    let oldest = if args.allow_older { BTreeMap::new() } else { old.releases.clone() };
    let archive = Archive::open(&manifest, &oldest, &ctx)?; // the only place where signatures are checked
    let phase = ctx.progress.phase("resolve");
    let packages = resolve::resolve(&manifest, &archive)?;
    phase.done(format!("{} packages", packages.len()));
    SourceLock { sources: archive.sources(&manifest, &packages)? }.save(&ctx)?;
    let changes = old.changes(&packages);
    let releases = archive.releases().clone();
    if changes.is_empty() {
        // The same packages from newer indices make the same image, so its date stays.
        let lock = Lock { epoch: old.epoch, releases, packages };
        if lock != old {
            lock.save(&ctx)?;
        }
        ctx.progress.line("image/packages.lock is up to date");
        return Ok(());
    }
    Lock { epoch: archive.date(), releases, packages }.save(&ctx)?;
    for change in &changes {
        ctx.progress.line(change);
    }
    ctx.progress
        .line(format!("image/packages.lock: {} changes\nnext: cargo xtask build-image", changes.len()));
    Ok(())
}
