//! Tasks whose output is cached under the hash of their inputs (as in Yocto's sstate): the same
//! inputs are not processed twice.

mod action_result;
mod output;
mod record;
mod remote;
mod stamps;

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::{ErrorKind, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    invocation::Invocation,
    parallel, private,
};
pub use output::{Output, WorkDir};
use record::Record;
use remote::Remote;
use stamps::Stamps;

/// The ending of a record's name, and the one that records had as long as they were TOML.
const RECORD: &str = "record";
const OLD_RECORD: &str = "toml";

/// How many outputs of a task are kept: enough to switch between a few sites.
const KEPT: usize = 4;

/// All inputs of a task's output, by name, so that a change can be named. The values are hashes: a site holds secrets,
/// and records stay in the cache for several builds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// The inputs of a task that this program performs itself; a changed builder runs it again.
    pub fn from_builder(ctx: &BuildContext) -> Result<Self> {
        Ok(Self::default().text("xtask", &Stamps::load(ctx).digest(&ctx.program)?))
    }

    /// A value.
    pub fn text(mut self, name: impl Into<String>, value: &str) -> Self {
        self.0.insert(name.into(), digest(value.as_bytes()));
        self
    }

    /// The programs that the task runs, with all arguments and variables.
    pub fn invocation(self, name: impl Into<String>, invocation: &Invocation) -> Self {
        self.text(name, &invocation.to_string())
    }

    /// The output of another task.
    pub fn output(self, name: impl Into<String>, output: &Output) -> Self {
        self.text(name, output.digest())
    }

    /// One file of another task's output, with its current hash. If the file was changed, reading it fails.
    pub fn output_file(mut self, name: &str, output: &Output) -> Result<Self> {
        self.0.insert(name.to_owned(), output.file_digest(name)?);
        Ok(self)
    }

    /// A file, or every file below a directory, by content and mode.
    pub fn path(mut self, name: &str, path: &Path) -> Result<Self> {
        for file in files_below(path)? {
            let below = file.strip_prefix(path).unwrap_or(&file);
            let label = if below.as_os_str().is_empty() {
                name.to_owned()
            } else {
                format!("{name}/{}", below.display())
            };
            self.0.insert(label, digest_node(&file)?);
        }
        Ok(self)
    }

    /// The hash of all of them.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.0 {
            hash.update(format!("{name}\0{value}\n"));
        }
        hex(&hash.finalize())[..32].to_owned()
    }

    /// The inputs that differ, as text: `overlay/etc/inittab changed`.
    fn changes_since(&self, earlier: &Self) -> String {
        let changed = self.0.iter().filter_map(|(name, value)| match earlier.0.get(name) {
            None => Some(format!("{name} is new")),
            Some(before) if before != value => Some(format!("{name} changed")),
            Some(_) => None,
        });
        let gone = earlier.0.keys().filter(|name| !self.0.contains_key(*name));
        let mut changes: Vec<String> = changed.chain(gone.map(|name| format!("{name} is gone"))).collect();
        let more = changes.len().saturating_sub(4);
        changes.truncate(4);
        if more > 0 {
            changes.push(format!("and {more} more"));
        }
        changes.join(", ")
    }
}

/// The output of a task with these inputs, if it exists.
pub fn find(ctx: &BuildContext, task: &str, inputs: &Inputs) -> Option<Output> {
    Output::find(task, ctx.cache.join("tasks").join(task).join(inputs.key()))
}

/// Whether there is one. Its record, which may be long, is not read.
pub fn is_made(ctx: &BuildContext, task: &str, inputs: &Inputs) -> bool {
    let dir = ctx.cache.join("tasks").join(task).join(inputs.key());
    dir.is_dir() && Record::is_one(&dir.with_extension(RECORD))
}

/// Runs `make` in an empty directory, unless the cache has an output for these inputs.
/// The output appears under its name when it is complete, or not at all.
pub fn run(
    ctx: &BuildContext,
    task: &str,
    inputs: Inputs,
    make: impl FnOnce(&WorkDir) -> Result<String>,
) -> Result<Output> {
    run_silently(ctx, task, inputs, |out| {
        let phase = ctx.progress.phase(task.to_owned());
        make(out).map(|outcome| phase.done(outcome))
    })
}

/// The same with an output that may also come from the shared cache, and go there: one that is slow to make, and in which
/// nothing of a site is, since others can read it.
pub fn run_shared(
    ctx: &BuildContext,
    task: &str,
    inputs: Inputs,
    make: impl FnOnce(&WorkDir) -> Result<String>,
) -> Result<Output> {
    let Some(cache) = &ctx.remote else { return run(ctx, task, inputs, make) };
    let remote = Remote::new(cache);
    let key = inputs.key();
    let output = run(ctx, task, inputs, |out| match remote.fetch(ctx, task, &key, out)? {
        true => Ok("from the shared cache".into()),
        false => make(out),
    })?;
    remote.store(ctx, task, &key, &output)?;
    Ok(output)
}

/// The same without a progress line, for a part of a larger phase.
pub fn run_silently(
    ctx: &BuildContext,
    task: &str,
    inputs: Inputs,
    make: impl FnOnce(&WorkDir) -> Result<()>,
) -> Result<Output> {
    let shelf = ctx.cache.join("tasks").join(task);
    let key = inputs.key();
    let dir = shelf.join(&key);
    if let Some(output) = find(ctx, task, &inputs) {
        ctx.progress.explain(|| format!("{task}: nothing changed"));
        return Ok(output);
    }
    ctx.progress.explain(|| format!("{task}: {}", why(&shelf, &inputs)));
    fs::create_dir_all(&shelf).context(|| format!("cannot create {}", ctx.short(&shelf)))?;
    let work = work_dirs(ctx);
    let scratch = fs::create_dir_all(&work)
        .and_then(|()| tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir_in(&work));
    let scratch = scratch.context(|| format!("cannot create a directory in {}", ctx.short(&work)))?;
    let out = WorkDir::new(scratch.path());
    make(&out)?;
    let output = out.finish(task, dir, inputs)?;
    forget_old(&shelf, &key);
    Ok(output)
}

/// Where outputs are made: beside the directories of the tasks, into which they are renamed.
fn work_dirs(ctx: &BuildContext) -> PathBuf {
    ctx.cache.join("work")
}

/// Creates the cache, removes other users' access to it, and takes the build lock until the guard is dropped. Leftovers
/// of an interrupted build are removed.
pub fn lock_cache(ctx: &BuildContext) -> Result<fs::File> {
    let cannot = || format!("cannot use the cache {}", ctx.short(&ctx.cache));
    private::claim_dir(&ctx.cache).context(cannot)?;
    let file = fs::File::create(ctx.cache.join("lock")).context(cannot)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        ctx.progress.line("  waiting for another cargo xtask to finish …");
        flock(&file, FlockOperation::LockExclusive).context(cannot)?;
    }
    remove_work_dirs(ctx)?;
    Ok(file)
}

fn remove_work_dirs(ctx: &BuildContext) -> Result<()> {
    match fs::remove_dir_all(work_dirs(ctx)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(|| format!("cannot remove {}", ctx.short(&work_dirs(ctx))))
        }
        _ => Ok(()),
    }
}

/// SHA-256 of some bytes, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's content, in hexadecimal.
pub fn digest_file(path: &Path) -> Result<String> {
    let hash_it = || {
        let mut file = fs::File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = [0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex(&hash.finalize())),
                n => hash.update(&buffer[..n]),
            }
        }
    };
    hash_it().map_err(|error: std::io::Error| error).context(|| format!("cannot read {}", path.display()))
}

fn why(shelf: &Path, inputs: &Inputs) -> String {
    let earlier = records(shelf).into_iter().next_back().and_then(|(_, path)| Record::read(&path));
    match earlier {
        None => "never made before".into(),
        Some(record) if record.inputs == *inputs => "its output is gone".into(),
        Some(record) => inputs.changes_since(&record.inputs),
    }
}

/// The records in a task's directory, the oldest first.
fn records(shelf: &Path) -> Vec<(std::time::SystemTime, PathBuf)> {
    let entries = fs::read_dir(shelf).into_iter().flatten().flatten().map(|it| it.path());
    let mut records: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|it| it == RECORD || it == OLD_RECORD))
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .collect();
    records.sort();
    records
}

/// Outputs with records of another format are removed as well: no build finds them again, and they may hold a site that
/// other users can read. Errors and races with another build are ignored: they only cost disk space.
fn forget_old(shelf: &Path, key: &str) {
    let (ours, foreign): (Vec<_>, Vec<_>) =
        records(shelf).into_iter().map(|(_, path)| path).partition(|it| Record::is_one(it));
    let surplus = ours.len().saturating_sub(KEPT);
    let old = ours.iter().take(surplus).filter(|it| it.file_stem().is_some_and(|it| it != key));
    for record in old.chain(&foreign) {
        let _ = fs::remove_file(record);
        // The output of a foreign record may have been made again, with one of ours.
        if !record.with_extension(RECORD).exists() {
            let _ = fs::remove_dir_all(record.with_extension(""));
        }
    }
}

/// Every file and link below `path`, sorted; `path` itself if it is not a directory.
pub fn files_below(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![path.to_path_buf()];
    while let Some(path) = open.pop() {
        let kind = fs::symlink_metadata(&path).context(|| format!("cannot read {}", path.display()))?;
        if kind.is_file() || kind.is_symlink() {
            files.push(path);
            continue;
        }
        if !kind.is_dir() {
            // Reading a FIFO would wait for ever.
            return Err(Error::new(format!(
                "{} is neither a file, a symlink nor a directory",
                path.display()
            ))
            .hint("remove it, and run the same command again"));
        }
        let cannot = || format!("cannot read {}", path.display());
        for entry in fs::read_dir(&path).context(cannot)? {
            open.push(entry.context(cannot)?.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The hash of each file, by its path below `dir`. `known`: hashes of files that are known already.
fn digests(
    dir: &Path,
    files: &[PathBuf],
    known: &BTreeMap<PathBuf, String>,
) -> Result<Vec<(String, String)>> {
    parallel::map(parallel::processors(), files, |file| {
        let digest = known.get(file).map_or_else(|| digest_node(file), |known| Ok(known.clone()))?;
        Ok((file.strip_prefix(dir).unwrap_or(file).display().to_string(), digest))
    })
}

/// The hash of an output with these files.
fn digest_of(digests: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (name, digest) in digests {
        hash.update(format!("{name}\0{digest}\n"));
    }
    hex(&hash.finalize())
}

fn digest_tree(dir: &Path) -> Result<String> {
    Ok(digest_of(&digests(dir, &files_below(dir)?, &BTreeMap::new())?))
}

/// Content and x bit, the part of the mode that git keeps; of a link, its target.
fn digest_node(path: &Path) -> Result<String> {
    let kind = fs::symlink_metadata(path).context(|| format!("cannot read {}", path.display()))?;
    if kind.is_symlink() {
        let target = fs::read_link(path).context(|| format!("cannot read {}", path.display()))?;
        return Ok(format!("-> {}", target.display()));
    }
    let executable = if kind.permissions().mode() & 0o111 != 0 { "x" } else { "" };
    Ok(digest_file(path)? + executable)
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
