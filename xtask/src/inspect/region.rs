//! What a byte of an image belongs to.

use std::ops::Range;

/// What a range of an image is. The builder writes zeros to [`Unused`](Region::Unused).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    /// The signature and the four entries of the MBR.
    PartitionTable,
    /// What the box must not forget, beside the partitions (`dialbox::state::slots`).
    SecondCopy,
    /// The boot sector of the FAT.
    FatHeader,
    /// Its allocation tables.
    FatTable,
    /// Its root directory.
    FatDirectory,
    /// A file of the boot partition, without the rest of its last cluster.
    BootFile(String),
    /// The beginning of the squashfs.
    Superblock,
    /// A compressed block, with the files that it has a part of.
    RootFiles(Vec<String>),
    /// Inodes, directories and the other tables of the squashfs.
    RootTables,
    /// dm-verity's superblock and tree.
    HashTree,
    /// The hashes of the boot files.
    BootManifest,
    /// The copies of the site beside root A, which `provision` writes.
    ProvisionedSite,
    /// Root B, which the box writes.
    RootB,
    /// The state, which the box writes.
    State,
    /// Nothing.
    Unused,
}

impl Region {
    /// The kind of it, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PartitionTable => "partition table",
            Self::SecondCopy => "second copy of the codes, beside the partitions",
            Self::FatHeader => "header of the boot partition",
            Self::FatTable => "allocation tables of the boot partition",
            Self::FatDirectory => "directory of the boot partition",
            Self::BootFile(_) => "files of the boot partition",
            Self::Superblock => "superblock of the root's squashfs",
            Self::RootFiles(_) => "files of the root",
            Self::RootTables => "tables of the root's squashfs",
            Self::HashTree => "hash tree of the root (dm-verity)",
            Self::BootManifest => "hashes of the boot files",
            Self::ProvisionedSite => "provisioned site, beside root A",
            Self::RootB => "root B, which the box writes",
            Self::State => "state, which the box writes",
            Self::Unused => "unused space",
        }
    }
}

/// Ranges in order and without gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map(Vec<(Range<usize>, Region)>);

impl Map {
    /// The regions of `length` bytes; what none of them has is unused. Of two that overlap the first one counts.
    pub fn new(mut regions: Vec<(Range<usize>, Region)>, length: usize) -> Self {
        regions.sort_by_key(|(range, _)| range.start);
        let mut map: Vec<(Range<usize>, Region)> = Vec::new();
        let mut at = 0;
        for (range, region) in regions {
            let range = range.start.max(at)..range.end.min(length);
            if range.is_empty() {
                continue;
            }
            if range.start > at {
                map.push((at..range.start, Region::Unused));
            }
            at = range.end;
            map.push((range, region));
        }
        if at < length {
            map.push((at..length, Region::Unused));
        }
        Self(map)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Range<usize>, &Region)> {
        self.0.iter().map(|(range, region)| (range, region))
    }

    /// The region of a byte, and its range.
    pub fn at(&self, byte: usize) -> Option<(&Range<usize>, &Region)> {
        let index = self.0.partition_point(|(range, _)| range.end <= byte);
        self.0.get(index).map(|(range, region)| (range, region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_region() {
        let map = Map::new(vec![(4..8, Region::State), (0..2, Region::FatTable), (6..20, Region::RootB)], 10);
        let found: Vec<_> = (0..10).map(|byte| map.at(byte).unwrap().1.clone()).collect();
        use Region::{FatTable, RootB, State, Unused};
        assert_eq!(found, [FatTable, FatTable, Unused, Unused, State, State, State, State, RootB, RootB]);
        assert!(map.at(10).is_none());
        let ranges: Vec<_> = map.iter().map(|(range, _)| range.clone()).collect();
        assert_eq!(ranges, [0..2, 2..4, 4..8, 8..10]);
    }
}
