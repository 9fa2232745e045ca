//! Hashes of large files that did not change since they were hashed: this program, and what was published.
//!
//! A hash is taken from here only while the file has the same device, inode, size, and times of its last change to the
//! nanosecond. Every write sets the time of change (`st_ctime`), and no program can set that to a value of its choice. A
//! second write within the clock's step would go unnoticed (gitformat-index, "racy git"): the hash of a file that changed
//! in the last seconds is not kept. What is damaged below the file system goes unnoticed, too, until the stamps are
//! removed; a task's output is always hashed before it is read.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::digest_file;
use crate::{context::BuildContext, error::Result, private};

/// A file must have rested for this many seconds: more than any clock's step.
const REST: i64 = 3;

/// The known hashes, by path.
#[derive(Debug)]
pub struct Stamps {
    file: PathBuf,
    now: u64,
    known: BTreeMap<String, (String, String)>,
}

impl Stamps {
    /// Reads what earlier runs have kept.
    pub fn load(ctx: &BuildContext) -> Self {
        let file = ctx.cache.join("stamps");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let entry = |line: &str| {
            let [digest, stamp, path] = line.splitn(3, '\t').collect::<Vec<_>>().try_into().ok()?;
            Some((path.to_owned(), (stamp.to_owned(), digest.to_owned())))
        };
        Self { file, now: ctx.now, known: text.lines().filter_map(entry).collect() }
    }

    /// SHA-256 of a file's content, in hexadecimal.
    pub fn digest(&mut self, path: &Path) -> Result<String> {
        // A name with a line end would be two entries.
        let name = fs::canonicalize(path).ok().and_then(|it| it.into_os_string().into_string().ok());
        let name = name.filter(|it| !it.contains('\n'));
        let (Some(name), Some(before)) = (name, stamp(path, self.now)) else { return digest_file(path) };
        if let Some((stamp, digest)) = self.known.get(&name)
            && *stamp == before
        {
            return Ok(digest.clone());
        }
        let digest = digest_file(path)?;
        if stamp(path, self.now).as_ref() == Some(&before) {
            self.known.insert(name, (before, digest.clone()));
            self.save();
        }
        Ok(digest)
    }

    /// Without the file, the next run hashes again.
    fn save(&self) {
        let lines = self.known.iter().map(|(path, (stamp, digest))| format!("{digest}\t{stamp}\t{path}\n"));
        let fresh = self.file.with_extension("new");
        let _ = private::create_file(&fresh)
            .and_then(|_| fs::write(&fresh, lines.collect::<String>()))
            .and_then(|()| fs::rename(&fresh, &self.file));
    }
}

/// `None` for a file that changed only now.
fn stamp(path: &Path, now: u64) -> Option<String> {
    let it = fs::metadata(path).ok()?;
    let rested = it.ctime().max(it.mtime()) + REST < i64::try_from(now).ok()?;
    let times = format!("{}.{:09} {}.{:09}", it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec());
    rested.then(|| format!("{} {} {} {times}", it.dev(), it.ino(), it.size()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn context(dir: &Path) -> BuildContext {
        let mut ctx = BuildContext::new(&cli::Sources::default());
        ctx.cache = dir.to_owned();
        // The files of this test have rested for a day.
        ctx.now += 24 * 60 * 60;
        ctx
    }

    #[test]
    fn a_file_that_rests_is_hashed_once_and_a_changed_one_again() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = context(dir.path());
        let file = dir.path().join("image");
        fs::write(&file, "one").unwrap();
        let one = digest_file(&file).unwrap();
        assert_eq!(Stamps::load(&ctx).digest(&file).unwrap(), one);
        // The kept hash is used: another one in its place would be returned.
        let kept = fs::read_to_string(dir.path().join("stamps")).unwrap();
        fs::write(dir.path().join("stamps"), kept.replace(&one, "kept")).unwrap();
        assert_eq!(Stamps::load(&ctx).digest(&file).unwrap(), "kept");
        // As long, and with the old time of its content, which any program can set.
        let old = fs::metadata(&file).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&file, "two").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        assert_eq!(Stamps::load(&ctx).digest(&file).unwrap(), digest_file(&file).unwrap());
    }

    #[test]
    fn the_hash_of_a_file_that_changed_only_now_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut ctx = context(dir.path());
        ctx.now -= 24 * 60 * 60;
        let file = dir.path().join("image");
        fs::write(&file, "one").unwrap();
        Stamps::load(&ctx).digest(&file).unwrap();
        assert!(!dir.path().join("stamps").exists());
    }
}
