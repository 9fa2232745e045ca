//! `/card` of the initramfs: what the builder has put where on the card. The box trusts it as it trusts its kernel.

use super::Hash;
use super::verity::{Superblock, Verity};
use crate::record::Record;

/// The types of the card's partitions: FAT16 with LBA, and three of Linux.
pub const TYPES: [u8; 4] = [0x0e, 0x83, 0x83, 0x83];

/// Where the record is in the initramfs.
pub const PATH: &str = "/card";

const ROOT_HASH: &str = "root-hash";
const SALT: &str = "salt";
const UUID: &str = "root-uuid";
const DATA_BLOCKS: &str = "data-blocks";
const HASH_OFFSET: &str = "hash-offset";
const SIGNATURE: &str = "disk-signature";
const PARTITIONS: [&str; 4] = ["partition-1", "partition-2", "partition-3", "partition-4"];

/// Start and length of a partition, in sectors of 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its first sector.
    pub start: u32,
    /// How many it has.
    pub length: u32,
}

/// The card as the builder has made it. On the box the last partition may be longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The root, which lies at the beginning of the second partition, and as a copy of the third.
    pub root: Verity,
    /// Boot, root A, root B, state.
    pub partitions: [Extent; 4],
    /// The disk signature of the MBR.
    pub signature: u32,
}

impl Card {
    /// The record as the builder writes it.
    pub fn to_record(&self) -> Record {
        let Superblock { uuid, salt, data_blocks } = self.root.superblock();
        let record = Record::new()
            .with(ROOT_HASH, self.root.root_hash())
            .with(SALT, Hash(*salt))
            .with(UUID, uuid)
            .with(DATA_BLOCKS, data_blocks)
            .with(HASH_OFFSET, self.root.hash_offset())
            .with(SIGNATURE, format!("{:08x}", self.signature));
        PARTITIONS.into_iter().zip(self.partitions).fold(record, |record, (key, extent)| {
            record.with(key, format!("{}+{}", extent.start, extent.length))
        })
    }

    /// Reads the record; `None` if anything is missing or is not as [`to_record`](Self::to_record) writes it.
    pub fn from_record(record: &Record) -> Option<Self> {
        let superblock = Superblock {
            uuid: record.get(UUID)?.parse().ok()?,
            salt: record.get(SALT)?.parse::<Hash>().ok()?.0,
            data_blocks: record.number(DATA_BLOCKS)?,
        };
        let root = Verity::new(record.get(ROOT_HASH)?.parse().ok()?, superblock)?;
        let partition = |key| {
            let (start, length) = record.get(key)?.split_once('+')?;
            Some(Extent { start: start.parse().ok()?, length: length.parse().ok()? })
        };
        let [boot, root_a, root_b, state] = PARTITIONS.map(partition);
        let card = Self {
            root,
            partitions: [boot?, root_a?, root_b?, state?],
            signature: u32::from_str_radix(record.get(SIGNATURE)?, 16).ok()?,
        };
        (card.to_record() == *record).then_some(card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::verity::Uuid;

    fn card() -> Card {
        let superblock = Superblock { uuid: Uuid([0xab; 16]), salt: [2; 32], data_blocks: 1300 };
        Card {
            root: Verity::new(Hash([3; 32]), superblock).unwrap(),
            partitions: [(16_384, 24_576), (40_960, 32_768), (73_728, 32_768), (106_496, 16_384)]
                .map(|(start, length)| Extent { start, length }),
            signature: 0x6469_6c62,
        }
    }

    #[test]
    fn the_record_is_read_back() {
        let record = card().to_record();
        assert_eq!(Card::from_record(&Record::parse(&record.to_string())), Some(card()));
        assert_eq!(record.get("hash-offset"), Some("5324800"));
        assert_eq!(record.get("partition-4"), Some("106496+16384"));
        assert_eq!(record.get("disk-signature"), Some("64696c62"));
    }

    #[test]
    fn a_record_of_which_anything_is_missing_or_changed_is_not_believed() {
        let record = card().to_record();
        for (key, value) in record.iter() {
            let without = record.iter().filter(|(other, _)| *other != key);
            let without = without.fold(Record::new(), |record, (key, value)| record.with(key, value));
            assert_eq!(Card::from_record(&without), None, "without {key}");
            let changed = record.clone().with(key, format!("{value}x"));
            assert_eq!(Card::from_record(&changed), None, "{key} changed");
        }
        assert_eq!(Card::from_record(&record.clone().with("data-blocks", u64::MAX)), None);
        assert_eq!(Card::from_record(&record.with("hash-offset", 4096)), None, "it follows from data-blocks");
    }
}
