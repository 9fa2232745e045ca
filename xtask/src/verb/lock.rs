//! `cargo xtask lock`: choose the exact packages for the recipes.

use std::collections::BTreeMap;

use crate::{
    cli,
    context::BuildContext,
    debian::{
        archive::Archive,
        release::Age,
        resolve::{self, Recipes, Scope},
    },
    error::{Error, Result},
    manifest::{Layer, Lock, LockedManifest, LockedPackage, Manifest, SourceLock},
    version,
};

/// See the command line's help.
pub fn run(args: &cli::Lock) -> Result<()> {
    let ctx = BuildContext::with_layers(&args.sources, &args.layers);
    let layers = Manifest::load(&ctx)?.layers;
    if args.check {
        let locked = LockedManifest::load(&ctx)?;
        if SourceLock::exists(&layers) {
            SourceLock::load(&layers)?.check(&locked)?;
        }
        let files: Vec<String> = layers.iter().map(|it| it.shown(&it.lock())).collect();
        let verb = if files.len() > 1 { "fit" } else { "fits" };
        ctx.progress.line(format!("{} {verb} the recipes", files.join(", ")));
        return Ok(());
    }
    let is_given = |it: &Layer| ctx.layers.is_empty() || ctx.layers.iter().any(|dir| it.is_in(dir));
    for (level, layer) in layers.iter().enumerate() {
        // The checkout's own lock is not touched for a layer.
        if is_given(layer) && (ctx.layers.is_empty() || level > 0) {
            choose(&ctx, args, level)?;
        }
    }
    Ok(())
}

/// Makes the lock of one layer, from what lies below it.
fn choose(ctx: &BuildContext, args: &cli::Lock, level: usize) -> Result<()> {
    let manifest = Manifest::load_up_to(ctx, level)?;
    let layer = &manifest.layers[level];
    let file = layer.shown(&layer.lock());
    if level > 0 && manifest.named_packages(level).is_empty() {
        ctx.progress.line(format!("{} names no package: it needs no lock", layer.file()));
        return Ok(());
    }
    let below = Lock::below(ctx, level)?;
    let old = Lock::load(layer)?.unwrap_or_default();
    let age = if args.allow_older { Age::Any } else { Age::NotOlderThan(latest(&below, &old)) };
    let archive = Archive::open(&manifest, Recipes::All, &age, ctx)?;
    let phase = ctx.progress.phase("resolve");
    let scope = Scope { recipes: Recipes::OfLevel(level), locked: &below.packages };
    let packages = resolve::resolve(&manifest, &archive, &scope)?;
    phase.done(format!("{} packages", packages.len()));
    if !args.allow_older {
        let is_older = |new: &str, old: &str| version::compare(new, old).is_lt();
        refuse_older(&old.older_versions(&packages, &manifest, level, is_older), &file)?;
    }
    let is_own = |it: &&LockedPackage| !below.packages.iter().any(|other| other.id() == it.id());
    let own: Vec<LockedPackage> = packages.iter().filter(is_own).cloned().collect();
    SourceLock { sources: archive.sources(&manifest, &own)? }.save(layer)?;
    let changes = old.changes(&packages);
    let releases = archive.releases().clone();
    if changes.is_empty() {
        // The same packages from newer indices make the same image, so its date stays.
        let lock = Lock { epoch: old.epoch, releases, packages };
        if lock != old {
            lock.save(layer)?;
        }
        ctx.progress.line(format!("{file} is up to date"));
        return Ok(());
    }
    Lock { epoch: archive.date(), releases, packages }.save(layer)?;
    for change in &changes {
        ctx.progress.line(change);
    }
    let option = layer.lock_command().replace("cargo xtask lock", "");
    ctx.progress.line(format!("{file}: {} changes\nnext: cargo xtask build-image{option}", changes.len()));
    Ok(())
}

/// The dates of the indices that these locks were made from, the later one of each suite.
fn latest(below: &Lock, old: &Lock) -> BTreeMap<String, u64> {
    let mut latest = below.releases.clone();
    for (suite, date) in &old.releases {
        let known = latest.entry(suite.clone()).or_default();
        *known = (*known).max(*date);
    }
    latest
}

fn refuse_older(versions: &[String], file: &str) -> Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    let error = Error::new(format!("the mirror has older versions than {file}"));
    Err(versions.iter().fold(error, Error::fact).hint(
        "use a mirror that is kept up to date (--mirror URL), set `version` in the recipe, or --allow-older",
    ))
}
