//! What lasts on the state partition, written so that a power cut leaves the old or the new.

mod ledger;
mod second_copy;
pub mod slots;

pub use ledger::{Boot, Cause, Ledger};
pub use second_copy::SecondCopy;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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

    /// A file's text; `None` if there is no such file or it is not text.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.dir.join(name)).ok()
    }

    /// Replaces a file: when this returns, the new content survives a power cut; when the power
    /// is cut before, the old one does.
    pub fn replace(&self, name: &str, content: &str) -> io::Result<()> {
        let temporary = self.dir.join(format!("{name}.new"));
        // One that a power cut has left may have another mode.
        remove(&temporary)?;
        // Created with its mode: `sim` holds a hash of the PIN, and a PIN has few digits to try.
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(content.as_bytes())?;
        // Without this, ext4 may write the rename before the data and leave an empty file.
        file.sync_all()?;
        fs::rename(&temporary, self.dir.join(name))?;
        self.sync()
    }

    /// Removes a file for good; one that is not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        if remove(&self.dir.join(name))? { self.sync() } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

/// Whether the file was there.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use std::mem::MaybeUninit;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_and_removed_and_nothing_else_is_left() {
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
