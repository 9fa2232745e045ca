//! The partition table in the first sector: four entries of 16 bytes at 446, little-endian.

/// Bytes in a sector.
pub const SECTOR: usize = 512;
const TABLE: usize = 446;
const ENTRY: usize = 16;

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

/// Reads the table; `None` without its signature.
pub fn partitions(sector: &[u8; SECTOR]) -> Option<[Partition; 4]> {
    let at = |entry: &[u8], offset: usize| -> u64 {
        let bytes = [entry[offset], entry[offset + 1], entry[offset + 2], entry[offset + 3]];
        u64::from(u32::from_le_bytes(bytes)) * SECTOR as u64
    };
    let mut table = [Partition::NONE; 4];
    for (partition, entry) in table.iter_mut().zip(sector[TABLE..].chunks_exact(ENTRY)) {
        *partition = Partition { kind: entry[4], start: at(entry, 8), bytes: at(entry, 12) };
    }
    (sector[SECTOR - 2..] == [0x55, 0xaa]).then_some(table)
}

/// The position on the disk of the entry of partition `number` (1 to 4).
pub fn entry_offset(number: usize) -> u64 {
    (TABLE + (number - 1) * ENTRY) as u64
}

/// One entry as bytes; cylinders and heads, which are obsolete, are left empty.
pub fn entry(partition: Partition) -> [u8; ENTRY] {
    let sectors = |bytes: u64| u32::try_from(bytes / SECTOR as u64).unwrap_or(u32::MAX).to_le_bytes();
    let mut entry = [0; ENTRY];
    entry[4] = partition.kind;
    entry[8..12].copy_from_slice(&sectors(partition.start));
    entry[12..].copy_from_slice(&sectors(partition.bytes));
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let boot = Partition { kind: 0x0c, start: 1 << 20, bytes: 48 << 20 };
        let state = Partition { kind: 0x83, start: 128 << 20, bytes: 7 << 30 };
        let mut sector = [0; SECTOR];
        for (number, partition) in [(1, boot), (4, state)] {
            let offset = usize::try_from(entry_offset(number)).unwrap();
            sector[offset..offset + ENTRY].copy_from_slice(&entry(partition));
        }
        assert_eq!(partitions(&sector), None);
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        assert_eq!(partitions(&sector), Some([boot, Partition::NONE, Partition::NONE, state]));
    }
}
