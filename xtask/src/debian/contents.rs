//! The files of an unpacked package: its plain `data.tar`, listed once and read on demand.

use std::{collections::BTreeMap, fs::File, os::unix::fs::FileExt, sync::Arc};

use super::deb;
use crate::{
    bail,
    error::{Context, Error, Result},
    usr_merge,
};

/// A package's entry at some path.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Content and permission bits.
    File(Content, u16),
    /// Target.
    Symlink(String),
}

/// The content of a packaged file, read on demand: of 150 MB hardly a tenth is needed.
#[derive(Debug, Clone)]
pub struct Content {
    tar: Arc<File>,
    at: u64,
    length: u64,
}

impl Content {
    /// The bytes.
    pub fn read(&self) -> Result<Arc<[u8]>> {
        let mut bytes = vec![0; usize::try_from(self.length).unwrap_or(usize::MAX)];
        let read = self.tar.read_exact_at(&mut bytes, self.at);
        read.context(|| "cannot read an unpacked package".into())?;
        Ok(bytes.into())
    }
}

/// The files of one package, by absolute path.
#[derive(Debug)]
pub struct Contents(BTreeMap<String, Entry>);

impl Contents {
    /// Lists a `data.tar`. Only what a package's files can be on the box is in it: files, symlinks, and hard links,
    /// which become files of their own.
    pub fn read(tar: File) -> Result<Self> {
        let broken = || "it is not a whole tar archive".to_owned();
        let size = tar.metadata().context(broken)?.len();
        let tar = Arc::new(tar);
        let mut archive = tar::Archive::new(&*tar);
        let mut entries = BTreeMap::new();
        for entry in archive.entries_with_seek().context(broken)? {
            let entry = entry.context(broken)?;
            let path = deb::absolute(&entry)?;
            let kind = entry.header().entry_type();
            let link = entry.link_name().context(broken)?;
            let entry = match link {
                Some(target) if kind.is_symlink() => Entry::Symlink(target.to_string_lossy().into_owned()),
                Some(target) if kind.is_hard_link() => {
                    let target = deb::from_root(&target)?;
                    let file = entries.get(&target).cloned();
                    file.ok_or_else(|| Error::new(format!("{path} is a hard link to nothing")))?
                }
                _ if kind.is_file() => {
                    // Without set-user-id bits: everything on the box runs as root.
                    let mode = entry.header().mode().context(broken)? & 0o777;
                    let (at, length) = (entry.raw_file_position(), entry.size());
                    if at.checked_add(length).is_none_or(|end| end > size) {
                        bail!("{path} ends behind the archive's end");
                    }
                    let content = Content { tar: Arc::clone(&tar), at, length };
                    Entry::File(content, u16::try_from(mode).unwrap_or(0o644))
                }
                _ => continue,
            };
            entries.insert(path, entry);
        }
        Ok(Self(entries))
    }

    /// The entry at this path, in either layout.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path).or_else(|| self.0.get(&usr_merge::other(path)?))
    }

    /// Every path, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    /// Every entry below `prefix`, which ends in `/`, in either layout; the paths begin with `prefix`.
    pub fn below(&self, prefix: &str) -> Vec<(String, &Entry)> {
        let below = |start: &str| -> Vec<(String, &Entry)> {
            let from = self.0.range(start.to_owned()..).take_while(|(path, _)| path.starts_with(start));
            from.map(|(path, entry)| (format!("{prefix}{}", &path[start.len()..]), entry)).collect()
        };
        match (below(prefix), usr_merge::other(prefix)) {
            (none, Some(other)) if none.is_empty() => below(&other),
            (found, _) => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    /// A `data.tar` with one file, of which the header says that it has so many bytes.
    fn listed(path: &str, size: u64, content: &[u8]) -> Result<Contents> {
        let mut header = tar::Header::new_gnu();
        header.set_path(path).unwrap();
        header.set_size(size);
        header.set_mode(0o4755);
        header.set_cksum();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        Contents::read(file)
    }

    #[test]
    fn a_file_comes_with_its_bytes_and_its_mode_without_set_user_id() {
        let contents = listed("./usr/bin/a", 3, b"abc").unwrap();
        let Some(Entry::File(content, mode)) = contents.get("/usr/bin/a") else { panic!() };
        assert_eq!((&content.read().unwrap()[..], *mode), (&b"abc"[..], 0o755));
    }

    #[test]
    fn files_are_found_in_either_layout() {
        for (path, names) in [
            ("./usr/lib/modules/6.12/x.ko", ["/lib/modules/6.12/x.ko", "/usr/lib/modules/6.12/x.ko"]),
            ("./sbin/e2fsck", ["/sbin/e2fsck", "/usr/sbin/e2fsck"]),
        ] {
            let contents = listed(path, 3, b"abc").unwrap();
            for name in names {
                assert!(contents.get(name).is_some(), "{name}");
                let directory = &name[..=name.rfind('/').unwrap()];
                let below: Vec<_> = contents.below(directory).into_iter().map(|(path, _)| path).collect();
                assert_eq!(below, [name]);
            }
            assert!(contents.get("/usr/share/x.ko").is_none() && contents.below("/etc/").is_empty());
        }
    }

    #[test]
    fn a_file_that_says_it_is_longer_than_the_archive_takes_no_memory() {
        for size in [4, 1 << 40, u64::MAX >> 1] {
            let error = listed("./usr/bin/a", size, b"abc").unwrap_err().to_string();
            assert!(error.starts_with("error: /usr/bin/a ends behind the archive's end"), "{size}: {error}");
        }
    }
}
