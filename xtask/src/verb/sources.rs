//! `cargo xtask sources`: fetches the source packages of all that is in the image, as its licences ask for.

use std::{fs, path::Path};

use crate::{
    cli,
    context::BuildContext,
    debian::fetch::{self, Origin, Wanted},
    error::{Context, Error, Result},
    inspect::html::size,
    manifest::{LockedManifest, LockedSource, SourceLock},
    task::digest_file,
};

/// See the command line's help.
pub fn run(args: &cli::FetchSources) -> Result<()> {
    let mut ctx = BuildContext::with_layers(&args.sources, &args.layers);
    let locked = LockedManifest::load(&ctx)?;
    let sources = SourceLock::load(&locked.manifest.layers)?;
    sources.check(&locked)?;
    let sources = sources.sources;
    let all: u64 = sources.iter().flat_map(|it| &it.files).map(|it| it.size).sum();
    if args.dry_run {
        for source in &sources {
            ctx.progress.line(line(source));
        }
        let count = sources.len();
        ctx.progress.line(format!(
            "{count} source packages, {}, would be in {}",
            size(all),
            args.out.display()
        ));
        return Ok(());
    }
    // Partial files lie here, and an interrupted run is resumed.
    ctx.downloads = args.out.join(".partial");
    let mut failures = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        if let Err(error) = fetch_one(&ctx, source, &args.out) {
            // If not even the first one comes, nothing will.
            if number == 0 {
                return Err(error);
            }
            ctx.progress.line(error.to_string());
            failures.push(source.id());
        }
    }
    if !failures.is_empty() {
        let count = format!("{} of {} source packages are not complete", failures.len(), sources.len());
        let error = failures.iter().fold(Error::new(count), Error::fact);
        return Err(
            error.hint("run the same command again, or with a full mirror of the archive: --mirror URL")
        );
    }
    // Not empty if the user keeps something there.
    let _ = fs::remove_dir(&ctx.downloads);
    ctx.progress.line(format!(
        "  {} source packages, {}, are in {}",
        sources.len(),
        size(all),
        args.out.display()
    ));
    Ok(())
}

/// `busybox 1:1.35.0-4+deb12u1  2.5 MB  busybox_1.35.0-4+deb12u1.dsc 3f1c…`
fn line(source: &LockedSource) -> String {
    let bytes = source.files.iter().map(|it| it.size).sum();
    let dsc = source.files.first().map_or_else(String::new, |it| format!("{} sha256 {}", it.name, it.sha256));
    format!("{} {}  {}  {dsc}", source.name, source.version, size(bytes))
}

fn fetch_one(ctx: &BuildContext, source: &LockedSource, out: &Path) -> Result<()> {
    // A version may have an epoch; file names of sources have none.
    let dir = out.join(format!("{}_{}", source.name, source.version.replace(':', "%3a")));
    let cannot = || format!("cannot write {}", dir.display());
    fs::create_dir_all(&dir).context(cannot)?;
    let is_there = |name: &str, sha256: &str| {
        let file = dir.join(name);
        file.is_file() && digest_file(&file).is_ok_and(|it| it == sha256)
    };
    let missing: Vec<_> = source.files.iter().filter(|it| !is_there(&it.name, &it.sha256)).collect();
    let wanted: Vec<Wanted> = missing
        .iter()
        .map(|file| Wanted {
            name: file.name.clone(),
            path: format!("{}/{}", source.directory, file.name),
            size: file.size,
            sha256: file.sha256.clone(),
            origin: Origin::Sources,
        })
        .collect();
    let fetched = fetch::files(ctx, &wanted);
    // One file that no mirror has does not keep the others out.
    for file in &wanted {
        let from = ctx.downloads.join(&file.sha256);
        if fetched.is_ok() || digest_file(&from).is_ok_and(|it| it == file.sha256) {
            fs::rename(from, dir.join(&file.name)).context(cannot)?;
        }
    }
    fetched.map(drop).map_err(|it| it.context(format!("cannot fetch the source of {}", source.id())))
}
