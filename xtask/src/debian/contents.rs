//! The files of an unpacked package: its plain `data.tar`, listed once, when it is unpacked, and read on demand.

use std::{collections::BTreeMap, fs::File, os::unix::fs::FileExt, sync::Arc};

use super::deb;
use crate::{
    bail,
    error::{Context, Error, Result},
    task::{self, Output, WorkDir},
    usr_merge,
};

/// The package's files as Debian packed them, uncompressed.
pub const TAR: &str = "data.tar";
/// Where each of them lies in it, and its hash.
const LIST: &str = "list";

/// A package's entry at some path.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Content and permission bits.
    File(Content, u16),
    /// Target.
    Symlink(String),
}

/// The content of a packaged file, read and checked on demand: of 290 MB hardly a tenth is needed.
#[derive(Debug, Clone)]
pub struct Content {
    tar: Arc<Tar>,
    part: Part,
}

#[derive(Debug)]
struct Tar {
    output: Output,
    file: File,
}

/// A part of the archive.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    at: u64,
    length: usize,
    sha256: String,
}

impl Content {
    /// The bytes. Fails if they have changed since the package was unpacked.
    pub fn read(&self) -> Result<Arc<[u8]>> {
        let bytes = self.part.bytes(&self.tar.file)?;
        let found = task::digest(&bytes);
        if found != self.part.sha256 {
            return Err(self.tar.output.refuse(&self.part.sha256, &found));
        }
        Ok(bytes.into())
    }
}

impl Part {
    fn bytes(&self, tar: &File) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.length];
        tar.read_exact_at(&mut bytes, self.at).context(|| "cannot read an unpacked package".into())?;
        Ok(bytes)
    }
}

/// A line of the list.
#[derive(Debug, Clone)]
enum Listed {
    File(Part, u16),
    Symlink(String),
    /// Its path ends in `/`.
    Directory(u16),
}

/// The mode of nearly all directories, which are not in the list.
const USUAL: u16 = 0o755;

/// Lists the archive that was unpacked into `out`, beside it. Only what a package's files can be on the box is in the
/// list: files, symlinks, and hard links, which become files of their own; and directories with an unusual mode.
pub fn list(out: &WorkDir) -> Result<()> {
    let tar = File::open(out.join(TAR)).context(|| "cannot read an unpacked package".into())?;
    out.write(LIST, lines(&tar)?.as_bytes()).map(drop)
}

/// The list of an archive, a line for each entry, with tabs between path, mode in octal, first byte, length and SHA-256,
/// or between path and target, or between a directory's path and mode.
pub fn lines(tar: &File) -> Result<String> {
    Ok(entries(tar)?.iter().map(|(path, entry)| entry.to_line(path)).collect())
}

fn entries(tar: &File) -> Result<BTreeMap<String, Listed>> {
    let broken = || "it is not a whole tar archive".to_owned();
    let size = tar.metadata().context(broken)?.len();
    let mut archive = tar::Archive::new(tar);
    let mut entries = BTreeMap::new();
    for entry in archive.entries_with_seek().context(broken)? {
        let entry = entry.context(broken)?;
        let path = deb::absolute(&entry)?;
        let kind = entry.header().entry_type();
        let link = entry.link_name().context(broken)?;
        let listed = match link {
            Some(target) if kind.is_symlink() => match target.to_str() {
                Some(target) if !target.contains(char::is_control) => Listed::Symlink(target.to_owned()),
                _ => bail!("the target of the link {path} is not printable UTF-8: {target:?}"),
            },
            Some(target) if kind.is_hard_link() => {
                let file = entries.get(&deb::from_root(&target)?).cloned();
                file.ok_or_else(|| Error::new(format!("{path} is a hard link to nothing")))?
            }
            _ if kind.is_file() => {
                // Without set-user-id bits: everything on the box runs as root.
                let mode = entry.header().mode().context(broken)? & 0o777;
                let (at, length) = (entry.raw_file_position(), entry.size());
                if at.checked_add(length).is_none_or(|end| end > size) {
                    bail!("{path} ends behind the archive's end");
                }
                let length = usize::try_from(length).context(broken)?;
                let mut part = Part { at, length, sha256: String::new() };
                part.sha256 = task::digest(&part.bytes(tar)?);
                Listed::File(part, u16::try_from(mode).unwrap_or(0o644))
            }
            _ if kind.is_dir() => {
                // Without a set-group-id bit: the group is root's.
                let mode = entry.header().mode().context(broken)? & 0o1777;
                match u16::try_from(mode).unwrap_or(USUAL) {
                    USUAL => continue,
                    mode => {
                        entries.insert(format!("{}/", path.trim_end_matches('/')), Listed::Directory(mode));
                        continue;
                    }
                }
            }
            _ => continue,
        };
        entries.insert(path, listed);
    }
    Ok(entries)
}

impl Listed {
    fn to_line(&self, path: &str) -> String {
        match self {
            Self::File(Part { at, length, sha256 }, mode) => {
                format!("{path}\t{mode:o}\t{at}\t{length}\t{sha256}\n")
            }
            Self::Symlink(target) => format!("{path}\t{target}\n"),
            Self::Directory(mode) => format!("{path}\t{mode:o}\n"),
        }
    }

    fn from_line(line: &str) -> Option<(&str, Self)> {
        let mut fields = line.split('\t');
        let (path, first) = (fields.next()?, fields.next()?);
        let mode = u16::from_str_radix(first, 8).ok();
        if path.ends_with('/') {
            return Some((path, Self::Directory(mode?)));
        }
        let Some(at) = fields.next() else { return Some((path, Self::Symlink(first.to_owned()))) };
        let mode = mode?;
        let (at, length) = (at.parse().ok()?, fields.next()?.parse().ok()?);
        Some((path, Self::File(Part { at, length, sha256: fields.next()?.to_owned() }, mode)))
    }
}

/// The files of one package, by absolute path.
#[derive(Debug)]
pub struct Contents {
    entries: BTreeMap<String, Entry>,
    /// The modes of directories that are not 0755, by absolute path.
    directories: BTreeMap<String, u16>,
}

impl Contents {
    /// Reads the list of an unpacked package. The archive is not read: the list has the hash of each of its files.
    pub fn open(output: &Output) -> Result<Self> {
        let broken = || format!("cannot read {}", output.path(LIST).display());
        let list = String::from_utf8(output.read(LIST)?).context(broken)?;
        let file =
            File::open(output.path(TAR)).context(|| format!("cannot read {}", output.path(TAR).display()))?;
        let tar = Arc::new(Tar { output: output.clone(), file });
        let mut contents = Self { entries: BTreeMap::new(), directories: BTreeMap::new() };
        for line in list.lines() {
            let listed = Listed::from_line(line);
            let (path, listed) = listed.ok_or_else(|| Error::new(broken()).fact("it has a broken line"))?;
            let entry = match listed {
                Listed::File(part, mode) => Entry::File(Content { tar: Arc::clone(&tar), part }, mode),
                Listed::Symlink(target) => Entry::Symlink(target),
                Listed::Directory(mode) => {
                    contents.directories.insert(path.trim_end_matches('/').to_owned(), mode);
                    continue;
                }
            };
            contents.entries.insert(path.to_owned(), entry);
        }
        Ok(contents)
    }

    /// The mode of a directory, in either layout, unless it is 0755.
    pub fn unusual_mode(&self, directory: &str) -> Option<u16> {
        let known = |path: &str| self.directories.get(path).copied();
        known(directory).or_else(|| known(&usr_merge::other(directory)?))
    }

    /// The entry at this path, in either layout.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path).or_else(|| self.entries.get(&usr_merge::other(path)?))
    }

    /// Every path, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries.keys().map(String::as_str)
    }

    /// Every entry below `prefix`, which ends in `/`, in either layout; the paths begin with `prefix`.
    pub fn below(&self, prefix: &str) -> Vec<(String, &Entry)> {
        let below = |start: &str| -> Vec<(String, &Entry)> {
            let from = self.entries.range(start.to_owned()..).take_while(|(path, _)| path.starts_with(start));
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
    use std::{fs, path::Path};

    use super::*;
    use crate::{cli, context::BuildContext, task::Inputs};

    /// A `data.tar` with one file, of which the header says that it has so many bytes.
    fn archive(path: &str, size: u64, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_path(path).unwrap();
        header.set_size(size);
        header.set_mode(0o4755);
        header.set_cksum();
        [header.as_bytes(), content].concat()
    }

    /// The output of a task in `dir` that has unpacked it.
    fn unpacked(dir: &Path, archive: &[u8]) -> Result<Output> {
        let mut ctx = BuildContext::new(&cli::Sources::default());
        ctx.cache = dir.to_owned();
        task::run_silently(&ctx, "unpack", Inputs::default(), |out| {
            fs::write(out.join(TAR), archive).unwrap();
            list(out)
        })
    }

    #[test]
    fn a_file_comes_with_its_bytes_and_its_mode_without_set_user_id() {
        let dir = tempfile::tempdir().unwrap();
        let output = unpacked(dir.path(), &archive("./usr/bin/a", 3, b"abc")).unwrap();
        let contents = Contents::open(&output).unwrap();
        let Some(Entry::File(content, mode)) = contents.get("/usr/bin/a") else { panic!() };
        assert_eq!((&content.read().unwrap()[..], *mode), (&b"abc"[..], 0o755));
    }

    #[test]
    fn a_file_that_was_changed_in_the_cache_is_refused_and_so_is_a_changed_list() {
        for name in [TAR, LIST] {
            let dir = tempfile::tempdir().unwrap();
            let output = unpacked(dir.path(), &archive("./usr/bin/a", 3, b"abc")).unwrap();
            let mut bytes = fs::read(output.path(name)).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(output.path(name), bytes).unwrap();
            let read = Contents::open(&output).and_then(|contents| match contents.get("/usr/bin/a") {
                Some(Entry::File(content, _)) => content.read(),
                _ => panic!("{name}"),
            });
            let error = read.unwrap_err();
            assert!(error.is_passing(), "{name}: {error}");
            assert!(error.to_string().starts_with("error: the output of unpack was changed"), "{error}");
        }
    }

    #[test]
    fn lists_have_links_too() {
        let mut links = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        links.append_data(&mut header, "./a", &b"x"[..]).unwrap();
        for (kind, path, target) in
            [(tar::EntryType::Symlink, "./b", "a b"), (tar::EntryType::Link, "./c", "./a")]
        {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            links.append_link(&mut header, path, target).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let output = unpacked(dir.path(), &links.into_inner().unwrap()).unwrap();
        let contents = Contents::open(&output).unwrap();
        assert!(matches!(contents.get("/b"), Some(Entry::Symlink(target)) if target == "a b"));
        let Some(Entry::File(content, 0o644)) = contents.get("/c") else { panic!("{contents:?}") };
        assert_eq!(&content.read().unwrap()[..], b"x");
    }

    #[test]
    fn directories_have_the_modes_of_the_package_in_either_layout() {
        let mut directories = tar::Builder::new(Vec::new());
        for (path, mode) in [("./etc/keys/", 0o700), ("./lib/x/", 0o3770), ("./var/", 0o755)] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            header.set_mode(mode);
            directories.append_data(&mut header, path, &b""[..]).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let output = unpacked(dir.path(), &directories.into_inner().unwrap()).unwrap();
        let contents = Contents::open(&output).unwrap();
        for (path, mode) in [
            ("/etc/keys", Some(0o700)),
            ("/lib/x", Some(0o1770)),
            ("/usr/lib/x", Some(0o1770)),
            ("/var", None),
        ] {
            assert_eq!(contents.unusual_mode(path), mode, "{path}");
        }
        assert_eq!(contents.paths().count(), 0, "a directory is no file");
    }

    #[test]
    fn files_are_found_in_either_layout() {
        for (path, names) in [
            ("./usr/lib/modules/6.12/x.ko", ["/lib/modules/6.12/x.ko", "/usr/lib/modules/6.12/x.ko"]),
            ("./sbin/e2fsck", ["/sbin/e2fsck", "/usr/sbin/e2fsck"]),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let contents = Contents::open(&unpacked(dir.path(), &archive(path, 3, b"abc")).unwrap()).unwrap();
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
            let dir = tempfile::tempdir().unwrap();
            let error = unpacked(dir.path(), &archive("./usr/bin/a", size, b"abc")).unwrap_err().to_string();
            assert!(error.starts_with("error: /usr/bin/a ends behind the archive's end"), "{size}: {error}");
        }
    }
}
