//! The partition table of an MBR disk: checks that a range is free, grows the last partition to the end of the card, and
//! makes a damaged table as the builder has made it.
//!
//! Written here, although the builder uses the crate mbrman: `init` needs one entry of one sector, changed in place.
//! mbrman brings serde, bincode and bitvec, and makes `init` 57 kB larger (of 484 kB, built for the host at
//! opt-level z), in the initramfs that every boot unpacks.

use std::ops::Range;

use crate::card::layout::{self, Card, TYPES};

/// The first sector of a disk.
pub type Sector = [u8; 512];

/// Partitions end on a multiple of 4 MiB, the erase block of common cards, in sectors.
const ALIGNMENT: u64 = 4 * 1024 * 1024 / 512;

const SIGNATURE: (usize, [u8; 2]) = (510, [0x55, 0xAA]);
const DISK_SIGNATURE: usize = 440;
const TABLE: usize = 446;
const ENTRY: usize = 16;

/// The state partition, the last one.
const STATE: usize = 4;

/// The sector with the table as the builder has made it, if this one is damaged; `None` if it is right.
///
/// The last partition has its former end if `state_sectors`, the length of the file system that begins there, is known,
/// and otherwise reaches as far as a card of `disk_sectors` sectors lets it [grow].
pub fn mend(sector: &Sector, built: &Card, state_sectors: Option<u64>, disk_sectors: u64) -> Option<Sector> {
    if is_right(sector, built, disk_sectors) {
        return None;
    }
    let mut mended = [0; 512];
    mended[DISK_SIGNATURE..][..4].copy_from_slice(&built.signature.to_le_bytes());
    mended[SIGNATURE.0..].copy_from_slice(&SIGNATURE.1);
    for (index, partition) in built.partitions.iter().enumerate() {
        write_entry(&mut mended, index, *partition);
    }
    let state = built.partitions[STATE - 1];
    let length = state_sectors.filter(|length| u64::from(state.start) + length <= disk_sectors);
    match length.and_then(|length| u32::try_from(length).ok()) {
        Some(length) => {
            write_entry(&mut mended, STATE - 1, layout::Extent { length: length.max(state.length), ..state });
        }
        None => mended = grow(&mended, STATE, disk_sectors).unwrap_or(mended),
    }
    Some(mended)
}

fn is_right(sector: &Sector, built: &Card, disk_sectors: u64) -> bool {
    let fits = |(index, built): (usize, &layout::Extent)| {
        let Some(extent) = Extent::read(sector, index + 1) else { return false };
        let (start, length) = (u64::from(built.start), u64::from(built.length));
        let is_long_enough = if index + 1 == STATE {
            extent.length == length || extent.start + extent.length <= disk_sectors
        } else {
            extent.length == length
        };
        extent.start == start && is_long_enough && sector[TABLE + ENTRY * index + 4] == TYPES[index]
    };
    sector[SIGNATURE.0..] == SIGNATURE.1 && built.partitions.iter().enumerate().all(fits)
}

fn write_entry(sector: &mut Sector, index: usize, extent: layout::Extent) {
    let entry = &mut sector[TABLE + ENTRY * index..][..ENTRY];
    // Not active, and first and last as cylinder, head and sector unused: as the builder writes them.
    entry.fill(0);
    entry[4] = TYPES[index];
    entry[8..12].copy_from_slice(&extent.start.to_le_bytes());
    entry[12..16].copy_from_slice(&extent.length.to_le_bytes());
}

/// The sector with the given partition (1 to 4) grown to the end of a disk with this many sectors.
///
/// `None` if there is nothing to do: no MBR, no such partition, another partition behind it, or less than [4
/// MiB](ALIGNMENT) to gain.
pub fn grow(sector: &Sector, partition: usize, disk_sectors: u64) -> Option<Sector> {
    if sector[SIGNATURE.0..] != SIGNATURE.1 || !(1..=4).contains(&partition) {
        return None;
    }
    let this = Extent::read(sector, partition)?;
    let others = (1..=4).filter(|number| *number != partition);
    if others.filter_map(|number| Extent::read(sector, number)).any(|other| other.start >= this.start) {
        return None;
    }
    let end = disk_sectors.min(u64::from(u32::MAX)) / ALIGNMENT * ALIGNMENT;
    if end < this.start + this.length + ALIGNMENT {
        return None;
    }
    let length = u32::try_from(end - this.start).ok()?;
    let mut grown = *sector;
    let at = TABLE + ENTRY * (partition - 1);
    // The end as cylinder, head and sector: "out of range", as every tool writes it.
    grown[at + 5..at + 8].copy_from_slice(&[0xFE, 0xFF, 0xFF]);
    grown[at + 12..at + 16].copy_from_slice(&length.to_le_bytes());
    Some(grown)
}

/// Whether none of a disk's partitions has any of these bytes. `false` without an MBR: what the disk is for is then
/// not known. (The protective MBR of a GPT has one partition of the whole disk: UEFI §5.2.3.)
pub fn leaves_free(sector: &Sector, bytes: &Range<u64>) -> bool {
    let overlaps = |extent: Extent| {
        let bytes_of = |sectors: u64| sectors * sector.len() as u64;
        bytes_of(extent.start) < bytes.end && bytes.start < bytes_of(extent.start + extent.length)
    };
    sector[SIGNATURE.0..] == SIGNATURE.1
        && !(1..=4).filter_map(|number| Extent::read(sector, number)).any(overlaps)
}

/// Start and length of a partition, in sectors.
struct Extent {
    start: u64,
    length: u64,
}

impl Extent {
    fn read(sector: &Sector, partition: usize) -> Option<Self> {
        let at = TABLE + ENTRY * (partition - 1);
        let word = |at: usize| {
            let bytes = [sector[at], sector[at + 1], sector[at + 2], sector[at + 3]];
            u64::from(u32::from_le_bytes(bytes))
        };
        let extent = Self { start: word(at + 8), length: word(at + 12) };
        (sector[at + 4] != 0 && extent.length != 0).then_some(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 2048;

    fn disk(partitions: &[(u64, u64)]) -> Sector {
        let mut sector = [0; 512];
        sector[510..].copy_from_slice(&[0x55, 0xAA]);
        for (index, (start, length)) in partitions.iter().enumerate() {
            let at = TABLE + ENTRY * index;
            sector[at + 4] = 0x83;
            let start = u32::try_from(start * MIB).unwrap();
            let length = u32::try_from(length * MIB).unwrap();
            sector[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
            sector[at + 12..at + 16].copy_from_slice(&length.to_le_bytes());
        }
        sector
    }

    fn grown_to(sector: &Sector, disk_mib: u64) -> Option<u64> {
        let grown = grow(sector, 4, disk_mib * MIB)?;
        Extent::read(&grown, 4).map(|extent| extent.length / MIB)
    }

    #[test]
    fn the_last_partition_grows_to_the_end_of_the_card() {
        let image = disk(&[(4, 24), (28, 12), (40, 12), (52, 4)]);
        let table = [
            (56, None),     // a card as small as the image
            (59, None),     // less than an erase block to gain
            (60, Some(8)),  // one erase block
            (63, Some(8)),  // the rest of an erase block is left
            (64, Some(12)), // the size that QEMU shows
            (7_600, Some(7_548)),
            (4_000_000, Some(2_097_148 - 52)), // an MBR ends at 2 TiB
        ];
        for (disk_mib, expected) in table {
            assert_eq!(grown_to(&image, disk_mib), expected, "{disk_mib} MiB");
        }
    }

    #[test]
    fn a_partition_with_another_one_behind_it_does_not_grow() {
        let image = disk(&[(4, 24), (28, 12), (60, 12), (52, 4)]);
        assert_eq!(grown_to(&image, 7_600), None);
    }

    #[test]
    fn only_the_length_of_one_entry_changes() {
        let image = disk(&[(4, 24), (28, 12), (40, 12), (52, 4)]);
        let grown = grow(&image, 4, 7_600 * MIB).unwrap();
        let changed: Vec<_> = (0..512).filter(|i| image[*i] != grown[*i]).collect();
        let entry = TABLE + ENTRY * 3;
        assert!(changed.iter().all(|i| (entry + 5..entry + 16).contains(i)));
    }

    #[test]
    fn a_disk_without_a_table_or_partition_is_unchanged() {
        assert_eq!(grow(&[0; 512], 4, 7_600 * MIB), None);
        assert_eq!(grown_to(&disk(&[(4, 24)]), 7_600), None);
        assert_eq!(grow(&disk(&[(4, 24)]), 5, 7_600 * MIB), None);
    }

    #[test]
    fn only_bytes_of_no_partition_are_free() {
        let free = |sector: &Sector| leaves_free(sector, &(4 * MIB * 512..8 * MIB * 512));
        for (partitions, is_free) in [
            (&[(8, 12), (20, 16)][..], true),
            (&[(1, 3), (8, 12)], true),
            (&[], true),
            (&[(4, 12), (16, 12)], false), // an older layout
            (&[(7, 12)], false),
            (&[(1, 4)], false),
            (&[(5, 1)], false),
            (&[(0, 1000)], false),
        ] {
            assert_eq!(free(&disk(partitions)), is_free, "{partitions:?}");
        }
        assert!(!free(&[0; 512]), "no table");
    }

    /// A card of the image's layout, with 8 MiB for the state.
    fn built() -> Card {
        let hash = "00".repeat(32);
        let record = crate::record::Record::new()
            .with("root-hash", &hash)
            .with("salt", &hash)
            .with("root-uuid", "00000000-0000-0000-0000-000000000000")
            .with("data-blocks", 1)
            .with("hash-offset", 4096)
            .with("disk-signature", "64696c62")
            .with("partition-1", "16384+24576")
            .with("partition-2", "40960+32768")
            .with("partition-3", "73728+32768")
            .with("partition-4", "106496+16384");
        Card::from_record(&record).unwrap()
    }

    const CARD: u64 = 7_600 * MIB;

    /// The table as the builder writes it onto the card.
    fn good() -> Sector {
        mend(&[0; 512], &built(), Some(16_384), CARD).unwrap()
    }

    #[test]
    fn a_damaged_table_is_made_as_the_builder_has_made_it() {
        let grown = grow(&good(), STATE, CARD).unwrap();
        let with = |at: usize, byte: u8| {
            let mut sector = grown;
            sector[at] = byte;
            sector
        };
        let start_of = |number: usize| TABLE + ENTRY * (number - 1) + 8;
        for (what, damaged) in [
            ("zeroed", [0; 512]),
            ("erased", [0xff; 512]),
            ("no signature", with(511, 0)),
            ("another start of p1", with(start_of(1), 1)),
            ("another start of p2", with(start_of(2) + 1, 1)),
            ("another start of p3", with(start_of(3) + 3, 1)),
            ("another start of p4", with(start_of(4), 7)),
            ("another length of p2", with(start_of(2) + 4, 7)),
            ("p4 ends behind the card", with(start_of(4) + 7, 0x7f)),
            ("p4 is gone", with(start_of(4) - 4, 0)),
            ("another type of p1", with(start_of(1) - 4, 0x83)),
        ] {
            assert_eq!(mend(&damaged, &built(), None, CARD), Some(grown), "{what}");
            let known = mend(&damaged, &built(), Some(100_000), CARD).unwrap();
            assert_eq!(Extent::read(&known, STATE).map(|state| state.length), Some(100_000), "{what}");
        }
    }

    #[test]
    fn a_table_that_is_right_is_left_whatever_else_is_in_its_sector() {
        let mut with_boot_code = good();
        with_boot_code[..DISK_SIGNATURE].fill(0x90);
        for sector in [good(), grow(&good(), STATE, CARD).unwrap(), with_boot_code] {
            assert_eq!(mend(&sector, &built(), Some(1), CARD), None);
        }
        // A card that is smaller than the image.
        assert_eq!(mend(&good(), &built(), None, 106_496), None);
    }

    #[test]
    fn a_length_of_the_state_that_cannot_be_is_not_believed() {
        let grown = grow(&good(), STATE, CARD).unwrap();
        for length in [CARD, u64::MAX / 2, CARD - 106_495] {
            assert_eq!(mend(&[0; 512], &built(), Some(length), CARD), Some(grown), "{length}");
        }
        assert_eq!(mend(&[0; 512], &built(), Some(8), CARD), Some(good()), "less than the image has");
    }

    proptest! {
        #[test]
        fn a_mended_table_is_right(
            bytes in prop::collection::vec(any::<u8>(), 512),
            state in prop::option::of(0..1u64 << 40),
            disk in 0..1u64 << 40,
        ) {
            let sector: Sector = bytes.try_into().unwrap();
            if let Some(mended) = mend(&sector, &built(), state, disk) {
                prop_assert_eq!(mend(&mended, &built(), state, disk), None);
            }
        }

        #[test]
        fn growing_twice_is_growing_once(disk_mib in 1u64..3_000_000) {
            let image = disk(&[(4, 24), (28, 12), (40, 12), (52, 4)]);
            if let Some(grown) = grow(&image, 4, disk_mib * MIB) {
                prop_assert_eq!(grow(&grown, 4, disk_mib * MIB), None);
            }
        }

        #[test]
        fn no_sector_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 512), n in 0usize..6) {
            let mut sector: Sector = bytes.try_into().unwrap();
            sector[510..].copy_from_slice(&[0x55, 0xAA]);
            let _ = grow(&sector, n, 1 << 40);
            let _ = leaves_free(&sector, &(1 << 22..1 << 23));
        }
    }
}
