//! Which disks may be written: a decision from facts alone.

use std::fmt;

use super::disk::{Bus, Disk};

/// Where desktops and people mount a card; a disk with anything mounted elsewhere belongs to the system.
const MOUNT_POINTS_OF_CARDS: [&str; 3] = ["/media/", "/run/media/", "/mnt/"];

/// Why a disk is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The system runs from it, or uses it as swap or below a RAID.
    System(String),
    /// It is built in.
    BuiltIn,
    /// A reader without a card.
    NoMedium,
    /// The card's write protection, or one that has worn out and only reads.
    ReadOnly,
    /// Bytes that it has.
    TooSmall(u64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(use_of) => write!(f, "this system uses it ({use_of})"),
            Self::BuiltIn => f.write_str("built in: neither a card nor on USB"),
            Self::NoMedium => f.write_str("no card in it"),
            Self::ReadOnly => f.write_str("read-only: move the lock on the card's side, or it is worn out"),
            Self::TooSmall(size) => write!(f, "too small: {size} bytes"),
        }
    }
}

/// `Ok` if an image of this many bytes may go onto the disk.
pub fn judge(disk: &Disk, image: u64) -> Result<(), Refusal> {
    let elsewhere =
        |at: &&(_, String)| !MOUNT_POINTS_OF_CARDS.iter().any(|of| at.1.starts_with(of)) && at.1 != "/mnt";
    if let Some((_, at)) = disk.mounted.iter().find(elsewhere) {
        return Err(Refusal::System(format!("mounted at {at}")));
    }
    if let Some(held) = disk.held.first() {
        return Err(Refusal::System(format!("used by {held}")));
    }
    if disk.bus == Bus::Emmc || disk.bus == Bus::Internal && !disk.is_removable {
        return Err(Refusal::BuiltIn);
    }
    match disk.size {
        0 => Err(Refusal::NoMedium),
        _ if disk.is_read_only => Err(Refusal::ReadOnly),
        size if size < image => Err(Refusal::TooSmall(size)),
        _ => Ok(()),
    }
}

/// A size as it is printed on cards: decimal units.
pub fn size_of_card(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000_000 => (1e6, "MB"),
        1_000_000_000..1_000_000_000_000 => (1e9, "GB"),
        _ => (1e12, "TB"),
    };
    format!("{:.1} {name}", bytes as f64 / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::disk::tests::card;

    const IMAGE: u64 = 62_914_560;

    #[test]
    fn only_media_that_the_system_does_not_use_are_written() {
        type Change = fn(&mut Disk);
        fn mounted(disk: &mut Disk, at: &str) {
            disk.mounted.push(("/dev/sdb1".into(), at.to_owned()));
        }
        let table: [(&str, Change, &str); 14] = [
            ("a card", |_| {}, ""),
            ("a card that a desktop has mounted", |it| mounted(it, "/media/u/DIALBOX"), ""),
            ("a card at /mnt", |it| mounted(it, "/mnt"), ""),
            ("the root", |it| mounted(it, "/"), "this system uses it (mounted at /)"),
            ("home on a stick", |it| mounted(it, "/home"), "mounted at /home"),
            ("a name that only begins so", |it| mounted(it, "/mnt2"), "mounted at /mnt2"),
            ("swap", |it| it.held.push("/dev/sdb2".into()), "used by /dev/sdb2"),
            ("a RAID", |it| it.held.push("md0".into()), "used by md0"),
            ("a soldered chip", |it| it.bus = Bus::Emmc, "built in"),
            ("an NVMe disk", |it| (it.bus, it.is_removable) = (Bus::Internal, false), "built in"),
            ("a reader of a laptop on PCI", |it| (it.bus, it.is_removable) = (Bus::Internal, true), ""),
            ("an empty reader", |it| it.size = 0, "no card"),
            ("a locked card", |it| it.is_read_only = true, "read-only"),
            ("a card of 32 MB", |it| it.size = 32_000_000, "too small: 32000000 bytes"),
        ];
        for (name, change, expected) in table {
            let mut disk = card();
            change(&mut disk);
            let why = judge(&disk, IMAGE).err().map(|it| it.to_string()).unwrap_or_default();
            assert!(why.contains(expected) && why.is_empty() == expected.is_empty(), "{name}: {why}");
        }
    }

    #[test]
    fn sizes_are_those_on_the_card() {
        for (bytes, text) in [(62_914_560, "62.9 MB"), (15_931_539_456, "15.9 GB"), (1 << 41, "2.2 TB")] {
            assert_eq!(size_of_card(bytes), text);
        }
    }
}
