//! `cargo xtask bundle`: one file with all that a build without a network needs.

use std::fs;

use crate::{
    bundle::{self, CARGO_HOME, DOWNLOADS},
    cli,
    context::BuildContext,
    cross,
    debian::fetch,
    error::{Context, Error, Result},
    inspect::html::size,
    manifest::LockedManifest,
    private, shell, task, unpack,
};

/// See the command line's help.
pub fn run(args: &cli::Bundle) -> Result<()> {
    if args.out.is_dir() {
        return Err(Error::new(format!("{} is a directory", args.out.display()))
            .hint("name the file to write: --out dialbox.bundle"));
    }
    // Before anything is fetched.
    let above = args.out.parent().filter(|it| !it.as_os_str().is_empty());
    let can_be_there = private::refuse_others(&args.out)
        .and_then(|()| above.map_or(Ok(()), |it| fs::read_dir(it).map(drop)));
    can_be_there.context(|| format!("cannot write {}", args.out.display()))?;
    let ctx = BuildContext::with_layers(&args.sources, &args.layers);
    let locked = LockedManifest::load(&ctx)?;
    cross::refuse_other_rustc(&ctx)?;
    let _alone = task::lock_cache(&ctx)?;
    let packages = locked.all_packages();
    let debs = fetch::packages(&ctx, &packages.iter().collect::<Vec<_>>())?;
    let toolchain = unpack::tool(&ctx, &locked, locked.manifest.tool("toolchain")?)?;
    let phase = ctx.progress.phase("crates");
    let crates = cross::archives::of_crates(&ctx, &locked, &toolchain)?;
    phase.done(format!("{} files", crates.len()));
    let named = packages.iter().map(|it| format!("{DOWNLOADS}/{}", it.sha256)).zip(debs);
    let crates = crates.into_iter().map(|(name, path)| (format!("{CARGO_HOME}/{name}"), path));
    let mut files: Vec<_> = named.chain(crates).collect();
    files.sort();
    files.dedup();
    let phase = ctx.progress.phase("bundle");
    let length = bundle::write(&args.out, &files, locked.time_stamp())?;
    phase.done(format!("{} files, {}", files.len(), size(length)));
    let (name, out) = (args.out.display(), shell::quoted(&args.out));
    ctx.progress.line(format!(
        "  {name} is ready\nnext: on a machine with this checkout and its Rust toolchain\n      \
         mkdir -p target/bundle && tar -xf {out} -C target/bundle\n      \
         CARGO_HOME=target/bundle/{CARGO_HOME} CARGO_NET_OFFLINE=true cargo xtask build-image --offline --bundle {out}"
    ));
    Ok(())
}
