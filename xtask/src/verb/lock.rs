//! `cargo xtask lock`: choose the exact packages for the recipes.

use crate::{
    cli,
    context::BuildContext,
    debian::{archive::Archive, release::Age, resolve},
    error::{Error, Result},
    manifest::{Lock, Manifest, SourceLock},
    version,
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
    let age = if args.allow_older { Age::Any } else { Age::NotOlderThan(old.releases.clone()) };
    let archive = Archive::open(&manifest, &age, &ctx)?; // the only place where signatures are checked
    let phase = ctx.progress.phase("resolve");
    let packages = resolve::resolve(&manifest, &archive)?;
    phase.done(format!("{} packages", packages.len()));
    if !args.allow_older {
        let is_older = |new: &str, old: &str| version::compare(new, old).is_lt();
        refuse_older(&old.older_versions(&packages, &manifest, is_older))?;
    }
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

fn refuse_older(versions: &[String]) -> Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    let error = Error::new("the mirror has older versions than image/packages.lock");
    Err(versions.iter().fold(error, Error::fact).hint(
        "use a mirror that is kept up to date (--mirror URL), set `version` in the recipe, or --allow-older",
    ))
}
