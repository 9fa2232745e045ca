//! What a state in RAM begins with: the files of a partition that can be read, and not be written.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Bytes that are copied in all: half of what the RAM for the state has.
pub(super) const MOST: u64 = 2 << 20;
/// Bytes of a file that are copied, as of one that the store reads.
const LONGEST: u64 = 256 << 10;
/// Files that are looked at: the box has some twenty.
const MANY: usize = 1000;
/// `ssh/` is the only directory of the box's own.
const DEPTH: usize = 2;

/// Copies regular files, the shortest first, as far as there is [room](MOST), and returns how many. What cannot be read
/// is left out.
///
/// # Errors
/// A directory cannot be read, or nothing more can be written.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<usize> {
    let mut files = Vec::new();
    find(from, Path::new(""), DEPTH, &mut files)?;
    files.sort();
    let (mut count, mut left) = (0, MOST);
    for (length, path) in files {
        let Some(rest) = left.checked_sub(length) else { break };
        if let Ok(content) = read(&from.join(&path)) {
            write(&to.join(&path), &content)?;
            (count, left) = (count + 1, rest);
        }
    }
    Ok(count)
}

/// Adds the files below `top/path` with their lengths.
fn find(top: &Path, path: &Path, depth: usize, files: &mut Vec<(u64, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(top.join(path))?.flatten() {
        let Ok(file) = entry.metadata() else { continue };
        let path = path.join(entry.file_name());
        if file.is_dir() && depth > 1 {
            find(top, &path, depth - 1, files)?;
        } else if file.is_file() && file.size() <= LONGEST && files.len() < MANY {
            files.push((file.size(), path));
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::from_ne_bytes((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().to_ne_bytes());
    let mut content = Vec::new();
    File::options().read(true).custom_flags(flags).open(path)?.take(LONGEST).read_to_end(&mut content)?;
    Ok(content)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn the_boxs_files_are_copied_and_nothing_that_could_fill_the_ram_or_hang() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |path: &str| from.path().join(path);
        fs::create_dir_all(at("ssh/deeper")).unwrap();
        for (path, length) in [
            ("ledger", 20_000),
            ("sms", 90),
            ("ssh/key", 83),
            ("ssh/deeper/x", 1),
            ("fill", LONGEST as usize + 1),
        ] {
            fs::write(at(path), vec![b'a'; length]).unwrap();
        }
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        symlink("/etc/passwd", at("link")).unwrap();
        assert_eq!(copy(from.path(), to.path()).unwrap(), 3);
        for path in ["ledger", "sms", "ssh/key"] {
            assert_eq!(fs::read(to.path().join(path)).unwrap(), fs::read(at(path)).unwrap(), "{path}");
            let mode = fs::metadata(to.path().join(path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{path}");
        }
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 3);
    }

    #[test]
    fn the_shortest_files_are_copied_as_far_as_there_is_room() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for number in 0..12 {
            fs::write(from.path().join(format!("long{number}")), vec![0; LONGEST as usize]).unwrap();
        }
        fs::write(from.path().join("sms"), "used=1").unwrap();
        assert_eq!(copy(from.path(), to.path()).unwrap(), 8);
        assert!(to.path().join("sms").exists());
    }
}
