//! Files on the state partition, written so that a power cut leaves the old or the new content.

mod card_record;
pub mod file_slots;
mod ledger;
mod loss;
pub mod new_card;
pub mod slots;

pub use card_record::CardRecord;
pub use ledger::{Boot, Cause, Ledger};
pub use loss::Loss;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use file_slots::Change;
use rustix::fs::{Mode, OFlags, open};
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

/// Bytes of a content that are read at most; the ledgers, the longest ones, have some ten thousand.
const LONGEST: usize = 256 << 10;
/// Bytes of a file that are read at most: two slots.
const LONGEST_FILE: u64 = 2 * (LONGEST as u64 + 4096);

/// A directory of small files, each replaced as a whole. A file that another program has written is read as it is, and
/// gets the store's format when it is replaced.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// The store in a directory, which must exist.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// A file's text; `None` if it has none, or if there is no file that this store can have written: not a regular file,
    /// too long, or not text. `init` reads before any service runs, so nothing here may block.
    pub fn read(&self, name: &str) -> Option<String> {
        let bytes = read(&self.open(name, OFlags::RDONLY).ok()?).ok()?;
        let text = file_slots::content(&bytes);
        text.filter(|text| (1..=LONGEST).contains(&text.len())).map(str::to_owned)
    }

    /// Replaces a file's content, or whatever else has its name: when this returns, the new content survives a power
    /// cut; a power cut before that leaves the old content.
    pub fn replace(&self, name: &str, content: &str) -> io::Result<()> {
        match self.overwrite(name, content) {
            Ok(true) => Ok(()),
            // Perhaps other blocks take it.
            Ok(false) | Err(_) => self.create(name, content),
        }
    }

    /// Overwrites a [slot](file_slots) of a file; `false` if it has no room for this content, or has no slots.
    fn overwrite(&self, name: &str, content: &str) -> io::Result<bool> {
        let file = self.open(name, OFlags::RDWR)?;
        let writes = match file_slots::change(&read(&file)?, content) {
            Change::NewFile => return Ok(false),
            Change::None => Vec::new(),
            Change::InPlace(writes) => writes,
        };
        let written = writes.iter().try_for_each(|(at, bytes)| file.write_all_at(bytes, *at));
        let written = written.and_then(|()| file.sync_data());
        if written.is_err() {
            // What the card may not have must not be read from the kernel's cache.
            for (at, bytes) in writes {
                let _ = file.write_all_at(&vec![0; bytes.len()], at);
            }
        }
        written.map(|()| true)
    }

    fn create(&self, name: &str, content: &str) -> io::Result<()> {
        let temporary = self.dir.join(format!("{name}.new"));
        // A file left by a power cut may have another mode.
        remove(&temporary)?;
        // The file is created with its mode: `sim` holds a hash of the PIN, and a PIN has few digits to try.
        let file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
        if let Err(error) = write_and_sync(file, &file_slots::new_file(content)) {
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

    /// Removes a file's content permanently, and the file if it has no slots; a missing file is not an error.
    pub fn clear(&self, name: &str) -> io::Result<()> {
        match self.overwrite(name, "") {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => {
                if remove(&self.dir.join(name))? {
                    self.sync()
                } else {
                    Ok(())
                }
            }
        }
    }

    fn open(&self, name: &str, access: OFlags) -> io::Result<File> {
        // Without NONBLOCK, opening a FIFO waits for a writer (open(2)).
        let flags = access | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(open(self.dir.join(name), flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(file)
    }

    /// Makes new and removed names permanent, and moves them out of ext4's journal to their places as far as this process
    /// may do that: see [`file_slots`].
    fn sync(&self) -> io::Result<()> {
        // include/uapi/linux/ext4.h of Linux 6.1. It takes flags, of which none is needed.
        const EXT4_IOC_CHECKPOINT: Opcode = opcode::write::<u32>(b'f', 43);
        let dir = File::open(&self.dir)?;
        dir.sync_all()?;
        // SAFETY: EXT4_IOC_CHECKPOINT reads one u32, by its address.
        let _ = unsafe { ioctl(&dir, Setter::<EXT4_IOC_CHECKPOINT, u32>::new(0)) };
        Ok(())
    }
}

/// All of a file of the store, at most a byte more than such a file has.
fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write_and_sync(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
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
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn a_file_is_replaced_and_cleared_without_leftovers() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        assert_eq!(store.read("clock"), None);
        store.clear("clock").unwrap();
        for content in ["1\n", "2\n", "2\n", &"long\n".repeat(2000), "3\n"] {
            store.replace("clock", content).unwrap();
            assert_eq!(store.read("clock").as_deref(), Some(content));
        }
        store.clear("clock").unwrap();
        store.clear("clock").unwrap();
        assert_eq!(store.read("clock"), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_content_is_replaced_in_the_same_blocks_of_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        store.replace("clock", "1\n").unwrap();
        let before = fs::metadata(dir.path().join("clock")).unwrap();
        for content in ["2\n", "3\n", ""] {
            store.replace("clock", content).unwrap();
        }
        let after = fs::metadata(dir.path().join("clock")).unwrap();
        assert_eq!((before.ino(), before.len(), before.blocks()), (after.ino(), after.len(), after.blocks()));
    }

    #[test]
    fn another_programs_file_is_read_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        for (name, text) in [("clock", "1784000000\n"), ("ledger", "1 5 daily\n")] {
            fs::write(dir.path().join(name), text).unwrap();
            assert_eq!(store.read(name).as_deref(), Some(text));
        }
        store.replace("clock", "2\n").unwrap();
        assert_eq!(store.read("clock").as_deref(), Some("2\n"));
        store.clear("ledger").unwrap();
        assert_eq!(store.read("ledger"), None);
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
        fs::write(place("long"), vec![b'a'; LONGEST + 1]).unwrap();
        fs::write(place("binary"), [0xff; 16]).unwrap();
        for name in ["fifo", "directory", "symlink", "loop", "long", "binary", "temporary"] {
            assert_eq!(store.read(name), None, "{name}");
            store.replace(name, "1\n").unwrap();
            assert_eq!(store.read(name).as_deref(), Some("1\n"), "{name}");
        }
        fs::write(place("longest"), vec![b'a'; LONGEST]).unwrap();
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
