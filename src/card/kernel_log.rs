//! Errors of the running root, as the kernel's log tells them.
//!
//! Every failed read of the root ends in squashfs, which says so each time (fs/squashfs/block.c, `squashfs_read_data`):
//! whether dm-verity refused a block or the card did not give it. dm-verity's own status knows only the first kind, and
//! its messages are limited to a hundred (drivers/md/dm-verity-target.c, DM_VERITY_MAX_CORRUPTED_ERRS).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};

/// The longest record of `/dev/kmsg` (kernel/printk/internal.h, PRINTK_MESSAGE_MAX).
const LONGEST: usize = 2048;
/// So many records are read at a time; the rest comes with the next look.
const AT_ONCE: usize = 1000;

/// The kernel's log, from a record on.
#[derive(Debug)]
pub struct KernelLog {
    file: File,
    /// The sequence number of the last record that was read.
    pub last: u64,
}

impl KernelLog {
    /// Opens `/dev/kmsg`; records up to this number count as read.
    ///
    /// # Errors
    /// It cannot be opened: that takes the capability SYSLOG.
    pub fn open(path: &Path, last: u64) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(Self { file: File::from(open(path, flags, Mode::empty())?), last })
    }

    /// The first error of the root since the last look.
    pub fn read_error(&mut self) -> Option<String> {
        let mut first = None;
        let mut record = [0; LONGEST];
        for _ in 0..AT_ONCE {
            match self.file.read(&mut record) {
                Ok(0) => break,
                Ok(length) => {
                    let text = String::from_utf8_lossy(&record[..length]);
                    let Some((number, message)) = parse(&text).filter(|(number, _)| *number > self.last)
                    else {
                        continue;
                    };
                    self.last = number;
                    if first.is_none() && is_read_error(message) {
                        first = Some(message.to_owned());
                    }
                }
                // Records that were overwritten before they were read.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                // There are no more.
                Err(_) => break,
            }
        }
        first
    }
}

/// Number and message of a record: `PRIORITY,NUMBER,MICROSECONDS,FLAGS[,…];MESSAGE`
/// (Documentation/ABI/testing/dev-kmsg).
fn parse(record: &str) -> Option<(u64, &str)> {
    let (prefix, message) = record.split_once(';')?;
    let number = prefix.split(',').nth(1)?.parse().ok()?;
    Some((number, message.lines().next().unwrap_or_default()))
}

fn is_read_error(message: &str) -> bool {
    message.starts_with("SQUASHFS error:")
        || (message.starts_with("device-mapper: verity:") && message.contains("corrupted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_cut_into_number_and_message() {
        let record = "3,812,5140900,-;SQUASHFS error: Failed to read block 0x5f1: -5\n SUBSYSTEM=x\n";
        assert_eq!(parse(record), Some((812, "SQUASHFS error: Failed to read block 0x5f1: -5")));
        assert_eq!(parse("no record"), None);
    }

    #[test]
    fn what_squashfs_and_verity_say_of_a_bad_block_is_an_error_of_the_root() {
        let table = [
            ("SQUASHFS error: Failed to read block 0x5f1: -5", true),
            ("device-mapper: verity: 179:2: data block 17 is corrupted", true),
            ("device-mapper: verity: 179:2: metadata block 1301 is corrupted", true),
            ("device-mapper: verity: sha256 using implementation \"sha256-generic\"", false),
            ("EXT4-fs error (device mmcblk0p4): ext4_find_entry:1455: inode #2: comm init", false),
            ("I/O error, dev mmcblk0, sector 40960 op 0x0:(READ)", false),
            ("squashfs: version 4.0 (2009/01/31) Phillip Lougher", false),
        ];
        for (message, is_error) in table {
            assert_eq!(is_read_error(message), is_error, "{message}");
        }
    }
}
