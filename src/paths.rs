//! Paths on the box. Tests use another root directory.

use std::io;
use std::path::{Path, PathBuf};

use crate::names::{CARD, RUN_DIR};
use crate::record::Record;

/// The file system as the services see it.
#[derive(Debug, Clone)]
pub struct Paths {
    root: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self::below("/")
    }
}

impl Paths {
    /// The box whose `/` is this directory.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// An absolute path of the box, below this root.
    pub fn path(&self, absolute: impl AsRef<Path>) -> PathBuf {
        let path = absolute.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether this is the real box, and not a directory of a test.
    pub fn is_the_box(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The site in force: the baked one, or the edited one once `dialctl site apply` has run.
    pub fn site(&self) -> PathBuf {
        self.path("/etc/dialbox/site.toml")
    }

    /// The site that is baked into the read-only root, which stays visible below the overlay.
    pub fn baked_site(&self) -> PathBuf {
        self.path("/run/root/etc/dialbox/site.toml")
    }

    /// The site that any PC can edit, on the FAT partition.
    pub fn edited_site(&self) -> PathBuf {
        self.path("/boot/site.toml")
    }

    /// The directory of the [store](crate::state::Store), on the state partition.
    pub fn state(&self) -> PathBuf {
        self.path("/state")
    }

    /// The whole card, with the [records](crate::state::CardRecord) beside the partitions: a symlink
    /// that `init` makes if the card has room for it.
    pub fn card(&self) -> PathBuf {
        self.path(CARD)
    }

    /// Reads a published record; `None` if the service has not published it.
    pub fn published(&self, name: &str) -> Option<Record> {
        let text = std::fs::read_to_string(self.run_file(name)).ok()?;
        Some(Record::parse(&text))
    }

    /// Publishes a record in `/run/dialbox`, replacing the former one atomically.
    pub fn publish(&self, name: &str, record: &Record) -> io::Result<()> {
        let target = self.run_file(name);
        if let Some(dir) = target.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let temporary = target.with_extension("new");
        std::fs::write(&temporary, record.to_string())?;
        std::fs::rename(temporary, target)
    }

    /// Removes a published record.
    pub fn withdraw(&self, name: &str) {
        // A missing record is already removed.
        let _ = std::fs::remove_file(self.run_file(name));
    }

    /// The path of such a record.
    pub fn run_file(&self, name: &str) -> PathBuf {
        self.path(RUN_DIR).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_record_is_replaced_atomically() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        assert_eq!(paths.published("modem"), None);
        for signal in ["-97", "-71"] {
            let record = Record::new().with("signal", signal);
            paths.publish("modem", &record).unwrap();
            assert_eq!(paths.published("modem"), Some(record));
        }
        let names: Vec<_> = std::fs::read_dir(dir.path().join("run/dialbox"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["modem"]);
        paths.withdraw("modem");
        assert_eq!(paths.published("modem"), None);
    }
}
