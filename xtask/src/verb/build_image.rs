//! `cargo xtask build-image`: from the locked packages and `src/` to a flashable image in `out/`.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{self, Path, PathBuf},
    time::Instant,
};

use rustix::{
    fs::{SeekFrom, seek},
    io::Errno,
};

use crate::{
    bundle, cli,
    context::{BuildContext, SharedCache},
    cross,
    debian::substitute::substitute,
    directory_lock,
    error::{Context, Error, Result},
    image::{imager, inventory::not_locked, pipeline, summed::SUMS},
    input_file,
    manifest::LockedManifest,
    parallel, private, shell,
    site::SiteSource,
    task::{self, Output},
    text_file,
};

/// How many files are copied to the output directory at a time.
const COPIES: usize = 8;
/// Larger files are not compared first: those of another image differ.
const SMALL: u64 = 1 << 20;

/// Builds the image and puts it into the output directory.
pub fn run(args: &cli::BuildImage) -> Result<()> {
    let began = Instant::now();
    // Before anything is built.
    if args.out.metadata().is_ok_and(|it| !it.is_dir()) {
        return Err(Error::caused_by(
            format!("cannot create {}", args.out.display()),
            io::Error::from(io::ErrorKind::AlreadyExists),
        ));
    }
    let mut ctx = BuildContext::with_layers(&args.supplies.sources, &args.layers);
    if args.explain {
        ctx.progress.explaining();
    }
    bundle::take(&mut ctx, args.supplies.bundle.as_deref())?;
    ctx.remote = shared_cache(&args.shared, &ctx)?;
    let locked = LockedManifest::load(&ctx)?;
    let file = match &args.site {
        Some(file) => file.clone(),
        None => locked.manifest.site()?.unwrap_or_else(|| ctx.image_dir().join("sites/dialer.toml")),
    };
    let site = SiteSource::load_for_use(&file, &ctx.short(&file).to_string())?;
    cross::refuse_other_rustc(&ctx)?;
    let _alone = task::lock_cache(&ctx)?;
    let locked = with_all_packages(&ctx, locked, &site, args.locked)?;
    let image = args.out.join(format!("{}.img", locked.manifest.name));
    let is_new = loop {
        match pipeline::build(&ctx, &locked, &site).and_then(|output| publish(&ctx, &output, &args.out)) {
            // The bad output is forgotten, so there are fewer of them at each turn.
            Err(error) if error.is_passing() => ctx.progress.line(error.to_string()),
            outcome => break outcome?,
        }
    };
    if is_new {
        let seconds = began.elapsed().as_secs_f64();
        ctx.progress.line(format!(
            "  {} is ready, for site {} ({seconds:.1} s)",
            image.display(),
            ctx.short(&file)
        ));
    } else {
        ctx.progress.line(format!("  {} is up to date: nothing in it changed", image.display()));
    }
    write_imager_manifest(args, &locked, &site)?;
    if let Some(note) = not_locked::note(&locked.substitutes) {
        let file = args.out.join(not_locked::file(&locked.manifest.name));
        ctx.progress.line(format!("\n  {}: {note}", file.display()));
    }
    ctx.progress.line(next_commands(&image));
    Ok(())
}

/// Fetches the packages. What no mirror has any more is chosen again from the signed indices, unless only the locked
/// image will do.
fn with_all_packages(
    ctx: &BuildContext,
    locked: LockedManifest,
    site: &SiteSource,
    only_locked: bool,
) -> Result<LockedManifest> {
    let gone = pipeline::prepare(ctx, &locked, site)?;
    if gone.is_empty() {
        return Ok(locked);
    }
    if only_locked {
        let error = gone.iter().fold(Error::new("no mirror has these locked packages any more"), Error::fact);
        return Err(error.hint(
            "`cargo xtask lock` chooses again; without --locked this build does so for itself; or --mirror URL",
        ));
    }
    let replaced = substitute(ctx, locked, &gone)?;
    ctx.progress
        .line("  not the locked image: no mirror has these locked packages any more, and others are taken");
    replaced.substitutes.iter().for_each(|it| ctx.progress.line(format!("  {it}")));
    Ok(replaced)
}

/// A build without a network asks no server.
fn shared_cache(args: &cli::Shared, ctx: &BuildContext) -> Result<Option<SharedCache>> {
    match args.cache.as_ref().or(ctx.cache_url.as_ref()) {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
            Err(Error::new(format!("the cache `{url}` is not an http or https address"))
                .hint("give the address above `ac` and `cas`, as in http://cache.example:8080"))
        }
        Some(url) if !ctx.offline => {
            let url = url.trim_end_matches('/').to_owned();
            Ok(Some(SharedCache { url, push: args.cache_push, ..SharedCache::default() }))
        }
        None if args.cache_push => {
            Err(Error::new("--cache-push without a cache").hint("--cache URL, or set DIALBOX_CACHE=URL"))
        }
        _ => Ok(None),
    }
}

/// Not one of the files that are equal on every machine: it names the place of the image.
fn write_imager_manifest(args: &cli::BuildImage, locked: &LockedManifest, site: &SiteSource) -> Result<()> {
    let name = &locked.manifest.name;
    let (plain, compressed) = (format!("{name}.img"), format!("{name}.img.gz"));
    let url = match &args.imager_url {
        Some(directory) => format!("{}/{compressed}", directory.trim_end_matches('/')),
        None => {
            let file = path::absolute(args.out.join(&compressed));
            imager::file_url(&file.context(|| "cannot find the current directory".into())?)
        }
    };
    let size = |file: &str| {
        let file = args.out.join(file);
        file.metadata().map(|it| it.len()).context(|| format!("cannot find {}", file.display()))
    };
    let sums = args.out.join(SUMS);
    let sums = text_file::read(&sums, &sums.display().to_string())?;
    let sha256 = |file: &str| {
        let line = sums.lines().find_map(|line| line.strip_suffix(file)?.strip_suffix("  "));
        line.ok_or_else(|| Error::new(format!("{SUMS} has no {file}")))
    };
    let manifest = imager::manifest(&imager::Entry {
        hostname: &site.site.hostname.to_string(),
        role: site.site.role.as_str(),
        url: &url,
        size: size(&plain)?,
        sha256: sha256(&plain)?,
        compressed_size: size(&compressed)?,
        compressed_sha256: sha256(&compressed)?,
        epoch: locked.epoch,
    });
    let file = Part::of(&args.out, &format!("{name}{}", imager::SUFFIX));
    let written = private::create_file(&file.part).and_then(|mut part| part.write_all(manifest.as_bytes()));
    written.context(|| format!("cannot write {}", file.whole.display()))?;
    file.finish()
}

fn next_commands(image: &Path) -> String {
    let default = image == Path::new("out/dialbox-rpi1.img");
    let option = if default { String::new() } else { format!(" --image {}", shell::quoted(image)) };
    format!(
        "next: cargo xtask test{option}     try it under QEMU\n      cargo xtask qemu{option}     boot it here\n      \
         cargo xtask flash{option}    onto a card"
    )
}

/// Copies the files of a finished build to `out`, under temporary names until all are complete; the old ones stay until
/// then. Those that are there already are left alone. Only their owner can read them: the image holds the site's secrets. `false` if `out` had them already.
fn publish(ctx: &BuildContext, output: &Output, out: &Path) -> Result<bool> {
    let names = output.names()?;
    private::create_dir(out).context(|| format!("cannot create {}", out.display()))?;
    // Another checkout may build into the same directory.
    let waiting =
        || ctx.progress.line(format!("  waiting for another run that writes to {} …", out.display()));
    let _alone =
        directory_lock::hold(out, waiting).context(|| format!("cannot write to {}", out.display()))?;
    // An interrupted run may have left temporary files.
    names.iter().for_each(|name| drop(Part::of(out, name)));
    if output.is_copied_to(ctx, out, SUMS)? {
        return remove_note(out, &names).map(|()| false);
    }
    let from = output.dir()?;
    // Each waits for the disk.
    let parts = parallel::map(COPIES, &names, |name| match is_same(&from.join(name), &out.join(name)) {
        true => Ok(None),
        false => Part::copy(from, out, name).map(Some),
    })?;
    let (sums, others): (Vec<_>, Vec<_>) =
        parts.into_iter().flatten().partition(|it| it.whole == out.join(SUMS));
    others.into_iter().try_for_each(Part::finish)?;
    // The sums of the earlier build name what is removed; if this run is interrupted before, the next one does it.
    remove_others(out, &names)?;
    sums.into_iter().try_for_each(Part::finish)?;
    remove_note(out, &names).map(|()| true)
}

/// Beside a locked image there must be no file that says otherwise.
fn remove_note(out: &Path, names: &[String]) -> Result<()> {
    let images = names.iter().filter_map(|it| it.strip_suffix(".img"));
    for note in images.map(not_locked::file).filter(|it| !names.contains(it)) {
        match fs::remove_file(out.join(&note)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context(|| format!("cannot remove {}", out.join(note).display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes files of an earlier build from the directories below `out`: the licence of a package that is no longer in the
/// image, for one. What its `SHA256SUMS` does not name, and what lies in `out` itself, may be the user's.
fn remove_others(out: &Path, names: &[String]) -> Result<()> {
    let directories: BTreeSet<&str> = names.iter().filter_map(|it| Some(it.rsplit_once('/')?.0)).collect();
    let sums = input_file::read(&out.join(SUMS), SUMS).unwrap_or_default();
    let sums = String::from_utf8_lossy(&sums);
    let earlier = sums.lines().filter_map(|line| Some(line.split_once("  ")?.1));
    let is_gone = |name: &&str| {
        let directory = name.rsplit_once('/').map(|(directory, _)| directory);
        directory.is_some_and(|it| directories.contains(it)) && names.iter().all(|it| it != name)
    };
    for name in earlier.filter(is_gone) {
        match fs::remove_file(out.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context(|| format!("cannot remove {}", out.join(name).display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A temporary file in `out/`: removed on drop unless it is finished.
struct Part {
    part: PathBuf,
    whole: PathBuf,
}

impl Part {
    fn of(out: &Path, name: &str) -> Self {
        let whole = out.join(name);
        let part = whole.file_name().unwrap_or_default().to_string_lossy();
        Self { part: whole.with_file_name(format!(".{part}.part")), whole }
    }

    fn copy(from: &Path, out: &Path, name: &str) -> Result<Self> {
        let file = Self::of(out, name);
        let directory = file.part.parent().map_or(Ok(()), private::create_dir);
        let copied = directory.and_then(|()| copy_sparsely(&from.join(name), &file.part));
        copied.map_err(|error| {
            Error::new(format!("cannot write {}", file.whole.display()))
                .fact(error)
                .fact("what was there before is still there, whole")
                .hint("make room or choose another directory with --out, then run the same command again")
        })?;
        Ok(file)
    }

    fn finish(self) -> Result<()> {
        private::rename(&self.part, &self.whole)
            .context(|| format!("cannot replace {}", self.whole.display()))
    }
}

/// Whether there is such a file, and only its owner can read it.
fn is_same(from: &Path, to: &Path) -> bool {
    let is_private = |it: &fs::Metadata| it.is_file() && it.mode() & 0o777 == 0o600;
    let (Ok(here), Ok(there)) = (fs::metadata(from), fs::symlink_metadata(to)) else { return false };
    let equal = || Ok::<_, io::Error>(fs::read(from)? == fs::read(to)?);
    here.len() == there.len() && here.len() <= SMALL && is_private(&there) && equal().unwrap_or(false)
}

/// Copies a file without its holes, which are two thirds of the image.
fn copy_sparsely(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, private::create_file(to)?);
    to.set_len(from.metadata()?.len())?;
    let mut hole = 0;
    loop {
        let data = match seek(&from, SeekFrom::Data(hole)) {
            // No more data. The new name must not come before the content, if the power is cut.
            Err(Errno::NXIO) => return to.sync_all(),
            data => data?,
        };
        hole = seek(&from, SeekFrom::Hole(data))?;
        from.seek(io::SeekFrom::Start(data))?;
        to.seek(io::SeekFrom::Start(data))?;
        io::copy(&mut (&from).take(hole - data), &mut to)?;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `finish` there is nothing left to remove.
        let _ = fs::remove_file(&self.part);
    }
}
