//! Files on the state partition, written so that a power cut leaves the old or the new content.

mod card_record;
mod ledger;
mod loss;
pub mod slots;

pub use card_record::CardRecord;
pub use ledger::{Boot, Cause, Ledger};
pub use loss::Loss;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

/// Bytes of a file that are read at most; the ledgers, the longest ones, have some ten thousand.
const LONGEST: u64 = 256 << 10;

/// A directory of small files, each replaced as a whole.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// The store in a directory, which must exist.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// A file's text; `None` if there is no such file, or none that this store can have written: not a regular file, too
    /// long, or not text. `init` reads before any service runs, so nothing here may block.
    pub fn read(&self, name: &str) -> Option<String> {
        // Without NONBLOCK, opening a FIFO waits for a writer (open(2)).
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(self.dir.join(name), OFlags::RDONLY | flags, Mode::empty()).ok()?;
        let file = File::from(file);
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text).ok()?;
        (text.len() as u64 <= LONGEST).then_some(text)
    }

    /// Replaces a file, or whatever else has its name: when this returns, the new content survives a power cut; a
    /// power cut before that leaves the old content.
    pub fn replace(&self, name: &str, content: &str) -> io::Result<()> {
        let temporary = self.dir.join(format!("{name}.new"));
        // A file left by a power cut may have another mode.
        remove(&temporary)?;
        // The file is created with its mode: `sim` holds a hash of the PIN, and a PIN has few digits to try.
        let file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
        if let Err(error) = write_and_sync(file, content) {
            // On a full partition it would take what little room there is.
            let _ = remove(&temporary);
            return Err(error);
        }
        let place = self.dir.join(name);
        if let Err(error) = fs::rename(&temporary, &place) {
            if error.kind() != io::ErrorKind::IsADirectory {
                return Err(error);
            }
            fs::remove_dir_all(&place)?;
            fs::rename(&temporary, &place)?;
        }
        self.sync()
    }

    /// Removes a file permanently; a missing file is not an error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        if remove(&self.dir.join(name))? { self.sync() } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

fn write_and_sync(mut file: File, content: &str) -> io::Result<()> {
    file.write_all(content.as_bytes())?;
    // Without this, ext4 may write the rename before the data and leave an empty file.
    file.sync_all()
}

/// Whether the file, or a directory in its place, was there.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(path).map(|()| true),
        removed => removed.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use rustix::fs::{CWD, FileType, mknodat};
    use std::mem::MaybeUninit;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_replaced_and_removed_without_leftovers() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        assert_eq!(store.read("clock"), None);
        store.replace("clock", "1\n").unwrap();
        store.replace("clock", "2\n").unwrap();
        assert_eq!(store.read("clock").as_deref(), Some("2\n"));
        store.remove("clock").unwrap();
        store.remove("clock").unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_temporary_file_left_by_a_power_cut_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("clock.new"), "half").unwrap();
        let store = Store::new(dir.path());
        store.replace("clock", "2\n").unwrap();
        assert_eq!(store.read("clock").as_deref(), Some("2\n"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_no_store_has_written_is_not_read_and_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let place = |name: &str| dir.path().join(name);
        mknodat(CWD, place("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        fs::create_dir_all(place("directory/below")).unwrap();
        fs::create_dir_all(place("temporary.new/below")).unwrap();
        symlink("/proc/kmsg", place("symlink")).unwrap();
        symlink(".", place("loop")).unwrap();
        fs::write(place("long"), vec![b'a'; LONGEST as usize + 1]).unwrap();
        fs::write(place("binary"), [0xff; 16]).unwrap();
        for name in ["fifo", "directory", "symlink", "loop", "long", "binary", "temporary"] {
            assert_eq!(store.read(name), None, "{name}");
            store.replace(name, "1\n").unwrap();
            assert_eq!(store.read(name).as_deref(), Some("1\n"), "{name}");
        }
        fs::write(place("longest"), vec![b'a'; LONGEST as usize]).unwrap();
        assert!(store.read("longest").is_some());
    }

    #[test]
    fn what_lasts_is_for_root_alone_from_its_first_moment_on() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("sim.new"), "left by a power cut").unwrap();
        let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
        let seen = WatchFlags::CREATE | WatchFlags::ATTRIB;
        inotify::add_watch(&watch, dir.path(), seen).unwrap();
        Store::new(dir.path()).replace("sim", "pin=1\n").unwrap();
        let mode = fs::metadata(dir.path().join("sim")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = inotify::Reader::new(&watch, &mut buffer);
        assert_eq!(events.next().unwrap().events(), ReadFlags::CREATE);
        assert_eq!(events.next().err(), Some(rustix::io::Errno::AGAIN), "a mode was changed");
    }
}
