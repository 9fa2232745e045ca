//! Fetches files of the archive. Those in the download directory are used, the rest comes from a mirror; no file is
//! returned before its SHA-256 was checked.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{
    context::BuildContext,
    debian::{
        mirror::Mirrors,
        sink::{self, Sink},
        transfer::{Client, Failure, Patience},
    },
    error::{Context, Error, Result},
    manifest::{LockedPackage, PackageId},
    parallel,
    progress::Phase,
};

/// Mirrors allow a few connections; more do not speed it up.
const CONNECTIONS: usize = 4;

/// A file of the archive, with size and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in messages.
    pub name: String,
    /// Below the mirror.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Hexadecimal.
    pub sha256: String,
    /// Where size and hash come from: the package lock, or a signed index.
    pub origin: Origin,
}

/// Where a hash was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `image/packages.lock`
    Lock,
    /// `image/sources.lock`
    Sources,
    /// This suite's signed files.
    Suite(String),
}

impl From<&LockedPackage> for Wanted {
    fn from(package: &LockedPackage) -> Self {
        Self {
            name: package.file_name().to_owned(),
            path: package.path.clone(),
            size: package.size,
            sha256: package.sha256.clone(),
            origin: Origin::Lock,
        }
    }
}

/// Fetches every missing package of the lock; returns the files in the order of the lock.
pub fn packages(ctx: &BuildContext, packages: &[&LockedPackage]) -> Result<Vec<PathBuf>> {
    let wanted: Vec<Wanted> = packages.iter().map(|it| Wanted::from(*it)).collect();
    files(ctx, &wanted)
}

/// Fetches those of the missing packages that a mirror has; returns the others.
pub fn packages_or_gone(ctx: &BuildContext, packages: &[&LockedPackage]) -> Result<Vec<PackageId>> {
    let wanted: Vec<Wanted> = packages.iter().map(|it| Wanted::from(*it)).collect();
    let (_, gone) = fetch(ctx, &wanted, Patience::default())?;
    let is_gone = |it: &&&LockedPackage| gone.iter().any(|(gone, _)| gone.sha256 == it.sha256);
    Ok(packages.iter().filter(is_gone).map(|it| it.id()).collect())
}

/// Fetches one file if it is missing. It prints no result: its caller reports a larger step.
pub fn file(ctx: &BuildContext, wanted: &Wanted) -> Result<PathBuf> {
    match find_here(ctx, wanted) {
        Ok(file) => Ok(file),
        Err(absence) if ctx.offline => Err(offline(ctx, &[(wanted, &absence)])),
        Err(_) => {
            let (_, gone) = download(ctx, &[wanted], Patience::default())?;
            all_there(ctx, gone).map(|()| stored(ctx, wanted))
        }
    }
}

/// Fetches the missing ones of these files; returns them in the same order.
pub fn files(ctx: &BuildContext, wanted: &[Wanted]) -> Result<Vec<PathBuf>> {
    files_with(ctx, wanted, Patience::default())
}

fn files_with(ctx: &BuildContext, wanted: &[Wanted], patience: Patience) -> Result<Vec<PathBuf>> {
    let (files, gone) = fetch(ctx, wanted, patience)?;
    all_there(ctx, gone).map(|()| files)
}

/// Files that no mirror has, each with the addresses that were tried.
type Gone<'a> = Vec<(&'a Wanted, Vec<String>)>;

fn all_there(ctx: &BuildContext, gone: Gone) -> Result<()> {
    let errors = gone.into_iter().map(|(wanted, urls)| explain(ctx, wanted, Failure::NotFound { urls }));
    errors.reduce(Error::and).map_or(Ok(()), Err)
}

/// Where these files are, or will be when those that are gone are had in another way.
fn fetch<'a>(
    ctx: &BuildContext,
    wanted: &'a [Wanted],
    patience: Patience,
) -> Result<(Vec<PathBuf>, Gone<'a>)> {
    let here = parallel::map(CONNECTIONS, wanted, |it| Ok::<_, Error>(find_here(ctx, it)))?;
    let missing: Vec<(&Wanted, &Absence)> = wanted
        .iter()
        .zip(&here)
        .filter_map(|(wanted, found)| Some((wanted, found.as_ref().err()?)))
        .collect();
    let mut gone = Gone::new();
    if !missing.is_empty() {
        if ctx.offline {
            return Err(offline(ctx, &missing));
        }
        let missing: Vec<&Wanted> = missing.into_iter().map(|(wanted, _)| wanted).collect();
        let phase;
        (phase, gone) = download(ctx, &missing, patience)?;
        let came = missing.iter().filter(|it| gone.iter().all(|(gone, _)| gone != *it));
        let bytes: u64 = came.clone().map(|it| it.size).sum();
        phase.done(format!("{} files, {:.1} MB", came.count(), bytes as f64 / 1e6));
    }
    let places = here.into_iter().zip(wanted);
    Ok((places.map(|(found, wanted)| found.unwrap_or_else(|_| stored(ctx, wanted))).collect(), gone))
}

/// Why a file is missing, as far as its name shows.
enum Absence {
    NoSuchFile,
    Unusable { found: PathBuf, why: String },
}

fn stored(ctx: &BuildContext, wanted: &Wanted) -> PathBuf {
    ctx.downloads.join(&wanted.sha256)
}

/// A directory filled by a user has the packages' own names; ours has their hashes.
fn find_here(ctx: &BuildContext, wanted: &Wanted) -> Result<PathBuf, Absence> {
    let mut absence = Absence::NoSuchFile;
    for candidate in [stored(ctx, wanted), ctx.downloads.join(&wanted.name)] {
        let why = match fs::metadata(&candidate) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => error.to_string(),
            // A pipe would be waited for.
            Ok(kind) if !kind.is_file() => "it is no file".to_owned(),
            Ok(_) => match File::open(&candidate).and_then(|mut file| sink::sha256(&mut file)) {
                Ok(sha256) if sha256 == wanted.sha256 => return Ok(candidate),
                Ok(sha256) => format!("its sha256 is {sha256}"),
                Err(error) => error.to_string(),
            },
        };
        absence = Absence::Unusable { found: candidate, why };
    }
    Err(absence)
}

fn offline(ctx: &BuildContext, missing: &[(&Wanted, &Absence)]) -> Error {
    let count = match missing.len() {
        1 => "one package is".to_owned(),
        count => format!("{count} packages are"),
    };
    let mut error = Error::new(format!("offline, and {count} not in {}", ctx.short(&ctx.downloads)));
    for (wanted, absence) in missing {
        error = error.fact(format!("{}  sha256 {}", &wanted.name, wanted.sha256));
        if let Absence::Unusable { found, why } = absence {
            error = error.fact(format!("  {} is there, but {why}", ctx.short(found)));
        }
    }
    error.hint("run it once without --offline, or put the files there")
}

fn download<'a, 'b>(
    ctx: &'a BuildContext,
    missing: &[&'b Wanted],
    patience: Patience,
) -> Result<(Phase<'a>, Gone<'b>)> {
    let mirrors = Mirrors::find(ctx)?;
    let client = Client::new(ctx, patience);
    fs::create_dir_all(&ctx.downloads).context(|| format!("cannot make {}", ctx.short(&ctx.downloads)))?;
    let total = missing.iter().map(|it| it.size).sum();
    let phase = ctx.progress.transfer("fetch", total);
    // The largest comes first, so that it does not run alone at the end.
    let mut queue = missing.to_vec();
    queue.sort_by_key(|it| std::cmp::Reverse(it.size));
    let gone = parallel::map(CONNECTIONS, &queue, |wanted| {
        phase.now(wanted.name.clone());
        let urls: Vec<String> = mirrors.urls(&wanted.path).collect();
        match download_one(ctx, &client, &urls, wanted, &|bytes| phase.advance(bytes)) {
            Ok(()) => Ok(None),
            Err(Failure::NotFound { urls }) => Ok(Some((*wanted, urls))),
            Err(failure) => Err(explain(ctx, wanted, failure)),
        }
    })?;
    Ok((phase, gone.into_iter().flatten().collect()))
}

/// Writes to a partial file beside the final one. It survives an interruption, and the next run resumes it from the same
/// mirror. It is locked, so that two builds do not write it at the same time.
fn download_one(
    ctx: &BuildContext,
    client: &Client,
    urls: &[String],
    wanted: &Wanted,
    advance: &dyn Fn(u64),
) -> Result<(), Failure> {
    let part = ctx.downloads.join(format!("{}.part", wanted.sha256));
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&part)?;
    file.lock()?;
    if find_here(ctx, wanted).is_ok() {
        // Another process fetched it while we waited for the lock; our partial file is empty or gone.
        return fs::remove_file(&part).or(Ok(()));
    }
    let note = part.with_extension("from.part");
    let mut sink = Sink::resume(&mut file, note.clone(), advance)?;
    let outcome = client.download(urls, wanted.size, &wanted.sha256, &mut sink);
    match outcome {
        Ok(()) => {
            file.sync_all()?;
            fs::rename(&part, stored(ctx, wanted))?;
            sync_directory(&ctx.downloads)?;
        }
        Err(Failure::Died { .. } | Failure::Disk(_)) => return outcome, // the next run resumes it
        Err(_) => fs::remove_file(&part)?,
    }
    match fs::remove_file(&note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => outcome,
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn explain(ctx: &BuildContext, wanted: &Wanted, failure: Failure) -> Error {
    let name = &wanted.name;
    let origin = origin(ctx, wanted);
    match failure {
        Failure::WrongHash { found } => Error::new(format!("hash mismatch for {name}"))
            .fact(format!("expected  {}  ({origin})", wanted.sha256))
            .fact(format!("found     {found}  (all {} bytes came)", wanted.size))
            .hint("run the same command again, or try another --mirror; the broken file was not kept"),
        Failure::WrongSize { url, found } => Error::new(format!("{name} has another size at the mirror"))
            .fact(format!("expected  {} bytes  ({origin})", wanted.size))
            .fact(format!("found     {found} bytes  ({url})"))
            .hint("try another --mirror; nothing was kept"),
        Failure::NotFound { urls } => {
            let error = Error::new(format!("no mirror has {name}")).fact(format!("wanted by  {origin}"));
            urls.iter()
                .fold(error, |error, url| error.fact(format!("404        {url}")))
                .hint(match wanted.origin {
                    Origin::Sources => "try a mirror that has all of the archive: --mirror URL",
                    // A mirror without this architecture, or one that is being updated.
                    Origin::Suite(_) => "this mirror is not complete: try another --mirror, or this one later",
                    Origin::Lock => "Debian drops a package when a newer one replaces it: `cargo xtask lock` chooses again",
                })
        }
        Failure::Refused { url, status } => {
            Error::new(format!("the mirror refuses {name}: {status}")).fact(url).hint("try another --mirror")
        }
        Failure::WebPage { url } => Error::new(format!("a web page came instead of {name}"))
            .fact(url)
            .hint("if this network has a login page, log in with a browser; or try another --mirror"),
        Failure::Unusable { url, why } => why.context(format!("{name} cannot be used")).fact(url),
        Failure::Died { url, tries, last } => {
            Error::new(format!("the download of {name} broke off {tries} times"))
                .fact(last)
                .fact(url)
                .hint("run the same command again: it goes on where it stopped")
        }
        Failure::Disk(error) => {
            Error::caused_by(format!("cannot store {name} in {}", ctx.short(&ctx.downloads)), error)
        }
    }
}

/// The line of the lock that holds the hash, or the suite.
fn origin(ctx: &BuildContext, wanted: &Wanted) -> String {
    match &wanted.origin {
        Origin::Suite(suite) => format!("the signed index of {suite}"),
        Origin::Lock => line_of(ctx, "image/packages.lock", &wanted.sha256),
        Origin::Sources => line_of(ctx, "image/sources.lock", &wanted.sha256),
    }
}

fn line_of(ctx: &BuildContext, file: &str, words: &str) -> String {
    let text = fs::read_to_string(ctx.workspace.join(file)).unwrap_or_default();
    let line = text.lines().position(|line| line.contains(words));
    line.map_or(file.to_owned(), |at| format!("{file}:{}", at + 1))
}

#[cfg(test)]
mod tests;
