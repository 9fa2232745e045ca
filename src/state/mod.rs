//! What lasts on the state partition, written so that a power cut leaves the old or the new.

mod ledger;

pub use ledger::{Boot, Cause, Ledger};

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

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
        let mut file = File::create(&temporary)?;
        file.write_all(content.as_bytes())?;
        // Without this, ext4 may write the rename before the data and leave an empty file.
        file.sync_all()?;
        fs::rename(&temporary, self.dir.join(name))?;
        self.sync()
    }

    /// Removes a file for good; one that is not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync(),
        }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
