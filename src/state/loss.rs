//! What the state partition cannot do at the moment: it may fill up, or turn read-only, while the box runs.

use std::fmt;
use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};

/// Bytes that the store needs: its longest file once more, and a block of the file system for each of the others.
const ROOM: u64 = 256 << 10;

/// Why what is new is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The state is in RAM: what is new is lost at the next boot.
    InRam,
    /// No room is left.
    Full,
    /// The kernel has found damage, or the card no longer takes writes.
    ReadOnly,
    /// It cannot even be asked.
    Unusable,
}

impl Loss {
    /// What is lost in the directory of the [store](super::Store), which `init` may have put into RAM; `None` if nothing is.
    pub fn of(dir: &Path, is_in_ram: bool) -> Option<Self> {
        if is_in_ram {
            Some(Self::InRam)
        } else {
            statvfs(dir).map_or(Some(Self::Unusable), Self::of_partition)
        }
    }

    fn of_partition(partition: StatVfs) -> Option<Self> {
        if partition.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Some(Self::ReadOnly);
        }
        let is_full = partition.f_bavail.saturating_mul(partition.f_frsize) < ROOM || partition.f_favail == 0;
        is_full.then_some(Self::Full)
    }
}

/// For a text message; `dialctl status` says more.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InRam => "state in RAM",
            Self::Full => "state full",
            Self::ReadOnly => "state read-only",
            Self::Unusable => "state unusable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_is_full_or_read_only_loses_what_is_new() {
        let partition = |f_flag, f_bavail, f_favail| StatVfs {
            f_bsize: 4096,
            f_frsize: 4096,
            f_blocks: 2048,
            f_bfree: f_bavail,
            f_bavail,
            f_files: 256,
            f_ffree: f_favail,
            f_favail,
            f_fsid: 0,
            f_flag,
            f_namemax: 255,
        };
        let (writable, read_only) = (StatVfsMountFlags::NOSUID, StatVfsMountFlags::RDONLY);
        for (flags, blocks, files, loss) in [
            (writable, 2000, 200, None),
            (writable, 64, 1, None),
            (writable, 63, 1, Some(Loss::Full)),
            (writable, 0, 200, Some(Loss::Full)),
            (writable, 2000, 0, Some(Loss::Full)),
            (read_only, 2000, 200, Some(Loss::ReadOnly)),
            (read_only | writable, 0, 0, Some(Loss::ReadOnly)),
        ] {
            assert_eq!(Loss::of_partition(partition(flags, blocks, files)), loss, "{blocks}, {files}");
        }
    }

    #[test]
    fn a_state_in_ram_is_lost_however_it_looks_and_one_that_is_not_there_is_unusable() {
        assert_eq!(Loss::of(Path::new("/"), true), Some(Loss::InRam));
        assert_eq!(Loss::of(Path::new("/nonexistent"), false), Some(Loss::Unusable));
    }
}
