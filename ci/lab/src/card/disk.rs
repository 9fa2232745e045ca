//! The partition table of a card.

use mbrman::{BOOT_INACTIVE, CHS, MBR, MBRPartitionEntry};
use std::fs::File;

/// Bytes in a sector.
const SECTOR: u32 = 512;

/// One entry of the table, in bytes of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// 0x0c FAT32, 0x83 Linux, 0 none.
    pub kind: u8,
    /// Its first byte.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
}

impl Partition {
    /// No partition.
    pub const NONE: Self = Self { kind: 0, start: 0, bytes: 0 };
}

/// The four entries. Fails without a table.
pub fn partitions(disk: &mut File) -> Result<[Partition; 4], mbrman::Error> {
    let table = MBR::read_from(disk, SECTOR)?;
    Ok([1, 2, 3, 4].map(|number| {
        let entry = &table[number];
        let bytes = |sectors: u32| u64::from(sectors) * u64::from(SECTOR);
        Partition { kind: entry.sys, start: bytes(entry.starting_lba), bytes: bytes(entry.sectors) }
    }))
}

/// Replaces the entry `number` (1 to 4).
pub fn set_partition(disk: &mut File, number: usize, partition: Partition) -> Result<(), mbrman::Error> {
    let mut table = MBR::read_from(disk, SECTOR)?;
    let sectors = |bytes: u64| u32::try_from(bytes / u64::from(SECTOR)).unwrap_or(u32::MAX);
    table[number] = MBRPartitionEntry {
        boot: BOOT_INACTIVE,
        first_chs: CHS::empty(),
        sys: partition.kind,
        last_chs: CHS::empty(),
        starting_lba: sectors(partition.start),
        sectors: sectors(partition.bytes),
    };
    table.write_into(disk)
}
