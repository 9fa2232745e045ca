//! The output of a task, and the check that it has not changed since.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::{ErrorKind, Write},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use super::{
    Inputs, RECORD, digest, digest_node, digest_of, digest_tree, digests, files_below, record::Record,
    stamps::Stamps,
};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    input_file, private,
};

/// A task's output: a directory that is complete.
#[derive(Debug, Clone)]
pub struct Output {
    task: String,
    dir: PathBuf,
    digest: String,
    files: BTreeMap<String, String>,
    /// Set once the files have matched the digest.
    checked: OnceLock<()>,
}

/// An output in progress.
#[derive(Debug)]
pub struct WorkDir {
    dir: PathBuf,
    /// Hashes of the files written by [`write`](Self::write), so that they need not be read for hashing.
    written: Mutex<BTreeMap<PathBuf, String>>,
}

impl Output {
    /// The output in the cache, if it exists. Its files are not read.
    pub(super) fn find(task: &str, dir: PathBuf) -> Option<Self> {
        let Record { digest, files, .. } = Record::read(&record_file(&dir)).filter(|_| dir.is_dir())?;
        Some(Self { task: task.to_owned(), dir, digest, files, checked: OnceLock::new() })
    }

    /// Hash of all its files: the input of the next task. If two runs with different inputs give the same output,
    /// rebuilding stops here.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its directory in the cache, read-only. Fails if a file was changed, added or removed since the task ended.
    ///
    /// The files are hashed here, once, and not when the output is found: a build in which nothing has
    /// changed reads none of them.
    pub fn dir(&self) -> Result<&Path> {
        if self.checked.get().is_none() {
            let found = digest_tree(&self.dir)?;
            if found != self.digest {
                return Err(self.refuse(&self.digest, &found));
            }
            self.checked.get_or_init(|| ());
        }
        Ok(&self.dir)
    }

    /// The content of one file, compared with the record. The others are not read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let file = self.path(name);
        let content = fs::read(&file).context(|| format!("cannot read {}", file.display()))?;
        if self.checked.get().is_none() {
            let (found, recorded) = (digest(&content), self.files.get(name).map(String::as_str));
            if recorded != Some(&found) {
                return Err(self.refuse(recorded.unwrap_or("none"), &found));
            }
        }
        Ok(content)
    }

    /// The path of a file that was not compared with the record: for who has the hashes of the parts that are read.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Names of its files, as paths below its directory and in the order in which they are hashed.
    pub fn names(&self) -> Result<Vec<String>> {
        let name = |file: PathBuf| {
            let name = file.strip_prefix(&self.dir).ok().and_then(|it| it.to_str()).map(str::to_owned);
            name.ok_or_else(|| Error::new(format!("{} is not a name in UTF-8", file.display())))
        };
        files_below(&self.dir)?.into_iter().map(name).collect()
    }

    /// Whether another directory holds copies of all its files. Only copies that changed since the last time are read,
    /// and none if the file `sums` differs, which has the hashes of the others.
    pub fn is_copied_to(&self, ctx: &BuildContext, other: &Path, sums: &str) -> Result<bool> {
        let read = |dir: &Path| input_file::read(&dir.join(sums), sums).ok();
        if read(other) != read(&self.dir) {
            return Ok(false);
        }
        let copies: Vec<PathBuf> = self.names()?.into_iter().map(|it| other.join(it)).collect();
        let mut stamps = Stamps::load(ctx);
        let mut known = BTreeMap::new();
        for copy in &copies {
            let Ok(kind) = fs::symlink_metadata(copy) else { return Ok(false) };
            if kind.is_file() && kind.mode() & 0o111 == 0 {
                known.insert(copy.clone(), stamps.digest(copy)?);
            }
        }
        Ok(digests(other, &copies, &known).is_ok_and(|it| digest_of(&it) == self.digest))
    }

    pub(super) fn file_digest(&self, name: &str) -> Result<String> {
        digest_node(&self.dir.join(name))
    }

    /// The error for files, or a part of one, whose hash is another one than the recorded.
    pub fn refuse(&self, recorded: &str, found: &str) -> Error {
        // Without the record, the next run makes it again. Tasks beside each other read the same output: the other one may
        // have removed it already.
        let forgotten = fs::remove_file(record_file(&self.dir));
        let error = Error::new(format!("the output of {} was changed after it was made", self.task))
            .fact(self.dir.display())
            .fact(format!("what was read had the hash  {recorded}"))
            .fact(format!("and has now                 {found}"));
        match forgotten {
            Err(it) if it.kind() != ErrorKind::NotFound => {
                error.hint("find out who can write there, then remove it")
            }
            _ => error.hint("find out who can write there; it is made again").passing(),
        }
    }
}

impl WorkDir {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), written: Mutex::default() }
    }

    /// Removes what was written.
    pub(super) fn clear(&self) -> Result<()> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let again = fs::remove_dir_all(&self.dir).and_then(|()| private::create_dir(&self.dir));
        again.context(|| format!("cannot empty {}", self.dir.display()))
    }

    /// The directory to write into.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file of this name in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file that only its owner may read, and returns its SHA-256.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<String> {
        let whole = 0..bytes.len();
        self.write_runs(name, bytes, &[whole])
    }

    /// The same with the x bit.
    pub(super) fn write_program(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let digest = self.write(name, bytes)?;
        let path = self.join(name);
        let mode = fs::set_permissions(&path, Permissions::from_mode(0o700));
        mode.context(|| format!("cannot write {name} in the cache"))?;
        // As `digest_node` has it.
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(path, digest + "x");
        Ok(())
    }

    /// The same for a file that is zero outside some ranges: the zeros become holes.
    pub fn write_runs(&self, name: &str, bytes: &[u8], runs: &[Range<usize>]) -> Result<String> {
        let path = self.join(name);
        let write = || {
            if let Some(above) = path.parent() {
                private::create_dir(above)?;
            }
            let file = private::create_file(&path)?;
            file.set_len(bytes.len() as u64)?;
            runs.iter().try_for_each(|run| file.write_all_at(&bytes[run.clone()], run.start as u64))
        };
        write()
            .map_err(|error: std::io::Error| error)
            .context(|| format!("cannot write {name} in the cache"))?;
        let digest = digest(bytes);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(path, digest.clone());
        Ok(digest)
    }

    /// Moves it to its place in the cache, and writes the record.
    pub(super) fn finish(self, task: &str, dir: PathBuf, inputs: Inputs) -> Result<Output> {
        let written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        let files = digests(&self.dir, &files_below(&self.dir)?, &written)?;
        let digest = digest_of(&files);
        let record = Record { digest, files: files.into_iter().collect(), inputs };
        let keep = || {
            if dir.exists() {
                fs::remove_dir_all(&dir)?;
            }
            fs::rename(&self.dir, &dir)?;
            private::create_file(&record_file(&dir))?.write_all(record.to_text().as_bytes())
        };
        keep().context(|| format!("cannot keep the output of task {task}"))?;
        let Record { digest, files, .. } = record;
        Ok(Output { task: task.to_owned(), dir, digest, files, checked: OnceLock::from(()) })
    }
}

fn record_file(dir: &Path) -> PathBuf {
    dir.with_extension(RECORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_two_tasks_find_changed_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        let work = WorkDir::new(&work);
        work.write("root.squashfs", b"whole").unwrap();
        let kept = dir.path().join("kept");
        work.finish("root", kept.clone(), Inputs::default()).unwrap();
        fs::write(kept.join("root.squashfs"), "half").unwrap();

        let output = Output::find("root", kept.clone()).unwrap();
        let errors = [output.dir().unwrap_err(), output.read("root.squashfs").unwrap_err()];
        for error in errors {
            assert!(error.is_passing(), "{error}");
        }
        assert!(Output::find("root", kept).is_none());
    }
}
