//! dm-verity's parameters of a root, and where its hashes lie: veritysetup's on-disk format, version 1 with hash type
//! 1, SHA-256, blocks of 4096 bytes for data and hashes (cryptsetup, lib/verity/verity.c and verity_hash.c).
//!
//! Behind the data are the superblock, and then the levels of the hash tree from the top down. Blocks are numbered from
//! the beginning of the data, so that a number is also a place in the partition.

use std::fmt;
use std::ops::Range;

use super::{BLOCK, Block, Hash};

/// Hashes in a block of the tree.
pub const SLOTS: u64 = (BLOCK / size_of::<Hash>()) as u64;

/// Data blocks of the largest root, 64 GiB: with fewer, no calculation with block numbers overflows.
const MOST_DATA_BLOCKS: u64 = 1 << 24;

/// The salt of a tree: it precedes each block that is hashed.
pub type Salt = [u8; 32];

/// A UUID, which only tells two trees apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uuid(pub [u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if [4, 6, 8, 10].contains(&index) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Uuid {
    type Err = super::Malformed;

    fn from_str(text: &str) -> Result<Self, super::Malformed> {
        super::read_hex(&text.replace('-', "")).map(Self).ok_or(super::Malformed)
    }
}

/// What the superblock says. It is never trusted: the [`Verity`] of the initramfs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Superblock {
    /// Tells two trees apart.
    pub uuid: Uuid,
    /// Precedes each block that is hashed.
    pub salt: Salt,
    /// The blocks below the tree.
    pub data_blocks: u64,
}

// lib/verity/verity.c, `struct verity_sb`; numbers are little-endian.
const MAGIC: [u8; 8] = *b"verity\0\0";
const VERSION: Range<usize> = 8..12;
const HASH_TYPE: Range<usize> = 12..16;
const UUID: Range<usize> = 16..32;
const ALGORITHM: Range<usize> = 32..64;
const DATA_BLOCK_SIZE: Range<usize> = 64..68;
const HASH_BLOCK_SIZE: Range<usize> = 68..72;
const DATA_BLOCKS: Range<usize> = 72..80;
const SALT_SIZE: Range<usize> = 80..82;
const SALT: Range<usize> = 88..120;

impl Superblock {
    /// The block, zeros behind the 512 bytes included.
    pub fn encode(&self) -> Block {
        let mut block = [0; BLOCK];
        block[..MAGIC.len()].copy_from_slice(&MAGIC);
        block[VERSION].copy_from_slice(&1u32.to_le_bytes());
        block[HASH_TYPE].copy_from_slice(&1u32.to_le_bytes());
        block[UUID].copy_from_slice(&self.uuid.0);
        block[ALGORITHM.start..][..6].copy_from_slice(b"sha256");
        block[DATA_BLOCK_SIZE].copy_from_slice(&(BLOCK as u32).to_le_bytes());
        block[HASH_BLOCK_SIZE].copy_from_slice(&(BLOCK as u32).to_le_bytes());
        block[DATA_BLOCKS].copy_from_slice(&self.data_blocks.to_le_bytes());
        block[SALT_SIZE].copy_from_slice(&(self.salt.len() as u16).to_le_bytes());
        block[SALT].copy_from_slice(&self.salt);
        block
    }

    /// Reads a block; `None` if it is no superblock, or has anything that [`encode`](Self::encode) does not write.
    pub fn decode(block: &Block) -> Option<Self> {
        let read = Self {
            uuid: Uuid(block[UUID].try_into().ok()?),
            salt: block[SALT].try_into().ok()?,
            data_blocks: u64::from_le_bytes(block[DATA_BLOCKS].try_into().ok()?),
        };
        (read.encode() == *block).then_some(read)
    }
}

/// A verified root: its trusted parameters, and the places of its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verity {
    root_hash: Hash,
    superblock: Superblock,
    /// The blocks of each level, the lowest one first.
    levels: Vec<Range<u64>>,
}

/// By what a block is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The root hash.
    RootHash,
    /// A hash in a block of the tree, which is to be checked first.
    Slot {
        /// The number of that block.
        block: u64,
        /// Which of its hashes, from 0.
        slot: usize,
    },
    /// It is the superblock, whose content is known.
    Superblock,
    /// The root has no such block.
    Nothing,
}

impl Verity {
    /// `None` without data blocks, and with more than any card has.
    pub fn new(root_hash: Hash, superblock: Superblock) -> Option<Self> {
        let levels = levels(superblock.data_blocks)?;
        Some(Self { root_hash, superblock, levels })
    }

    /// The hash that verifies everything.
    pub fn root_hash(&self) -> Hash {
        self.root_hash
    }

    /// The content of the superblock.
    pub fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    /// The number of data blocks, which is the number of the superblock.
    pub fn data_blocks(&self) -> u64 {
        self.superblock.data_blocks
    }

    /// The first byte behind the data: what veritysetup calls the hash offset.
    pub fn hash_offset(&self) -> u64 {
        self.data_blocks() * BLOCK as u64
    }

    /// The blocks of the tree. In this order each comes behind the one that has its hash.
    pub fn hash_blocks(&self) -> Range<u64> {
        let first = self.data_blocks() + 1;
        first..self.levels.first().map_or(first, |lowest| lowest.end)
    }

    /// The number of blocks: data, superblock, tree.
    pub fn blocks(&self) -> u64 {
        self.hash_blocks().end
    }

    /// By what the block with this number is checked.
    pub fn expected(&self, number: u64) -> Expected {
        let data = 0..self.data_blocks();
        let mut below = &data;
        for level in &self.levels {
            if below.contains(&number) {
                let index = number - below.start;
                // Less than SLOTS.
                return Expected::Slot { block: level.start + index / SLOTS, slot: (index % SLOTS) as usize };
            }
            below = level;
        }
        match number {
            number if below.contains(&number) => Expected::RootHash,
            number if number == self.data_blocks() => Expected::Superblock,
            _ => Expected::Nothing,
        }
    }

    /// The salted hash of a block of data or of the tree.
    pub fn hash(&self, block: &Block) -> Hash {
        salted(&self.superblock.salt, block)
    }

    /// The arguments of the kernel's target `verity` for data and tree on one device, a path or MAJOR:MINOR
    /// (Documentation/admin-guide/device-mapper/verity.rst), without optional ones.
    pub fn target_arguments(&self, device: &str) -> String {
        let (data, root_hash, salt) = (self.data_blocks(), self.root_hash, Hash(self.superblock.salt));
        let first = self.hash_blocks().start;
        format!("1 {device} {device} {BLOCK} {BLOCK} {data} {first} sha256 {root_hash} {salt}")
    }
}

/// Format 1 puts the salt before the block.
pub(super) fn salted(salt: &Salt, block: &[u8]) -> Hash {
    Hash::of(&[salt, block])
}

/// The levels above this number of data blocks, the lowest one first. On the disk the highest one is first.
fn levels(data_blocks: u64) -> Option<Vec<Range<u64>>> {
    if !(1..=MOST_DATA_BLOCKS).contains(&data_blocks) {
        return None;
    }
    let mut lengths = Vec::new();
    let mut below = data_blocks;
    while below > 1 {
        below = below.div_ceil(SLOTS);
        lengths.push(below);
    }
    let mut first = data_blocks + 1;
    let mut levels: Vec<_> = lengths
        .into_iter()
        .rev()
        .map(|length| {
            let level = first..first + length;
            first = level.end;
            level
        })
        .collect();
    levels.reverse();
    Some(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verity(data_blocks: u64) -> Verity {
        let superblock = Superblock { uuid: Uuid([1; 16]), salt: [2; 32], data_blocks };
        Verity::new(Hash([3; 32]), superblock).unwrap()
    }

    #[test]
    fn every_block_is_checked_by_one_of_the_level_above() {
        let slot = |block, slot| Expected::Slot { block, slot };
        // 129 data blocks, the superblock, the top block and two blocks below it.
        let table = [
            (0, slot(131, 0)),
            (127, slot(131, 127)),
            (128, slot(132, 0)),
            (129, Expected::Superblock),
            (130, Expected::RootHash),
            (131, slot(130, 0)),
            (132, slot(130, 1)),
            (133, Expected::Nothing),
        ];
        for (number, expected) in table {
            assert_eq!(verity(129).expected(number), expected, "block {number}");
        }
        assert_eq!(verity(1).expected(0), Expected::RootHash, "a single block has no tree");
        assert_eq!(verity(1).hash_blocks(), 2..2);
    }

    #[test]
    fn in_the_order_of_the_disk_a_hash_block_comes_behind_the_one_that_checks_it() {
        for data_blocks in [1, 2, 128, 129, 16_384, 16_385, MOST_DATA_BLOCKS] {
            let verity = verity(data_blocks);
            for number in verity.hash_blocks() {
                if let Expected::Slot { block, .. } = verity.expected(number) {
                    assert!(
                        verity.hash_blocks().contains(&block) && block < number,
                        "{data_blocks}: {number}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_root_without_blocks_or_larger_than_a_card_is_refused() {
        for data_blocks in [0, MOST_DATA_BLOCKS + 1, u64::MAX] {
            let superblock = Superblock { uuid: Uuid([1; 16]), salt: [2; 32], data_blocks };
            assert_eq!(Verity::new(Hash([3; 32]), superblock), None);
        }
    }

    #[test]
    fn a_superblock_is_read_back_and_a_changed_one_is_none() {
        let verity = verity(300);
        let block = verity.superblock().encode();
        assert_eq!(Superblock::decode(&block), Some(*verity.superblock()));
        for at in [0, 8, 12, 32, 64, 68, 80, 500, 4095] {
            let mut changed = block;
            changed[at] ^= 1;
            assert_eq!(Superblock::decode(&changed), None, "byte {at}");
        }
    }

    /// The order of the arguments: dm-verity-target.c, `verity_ctr`.
    #[test]
    fn the_kernel_gets_the_first_block_of_the_tree_and_not_that_of_the_superblock() {
        let (hash, salt) = ("03".repeat(32), "02".repeat(32));
        assert_eq!(
            verity(300).target_arguments("/dev/mmcblk0p2"),
            format!("1 /dev/mmcblk0p2 /dev/mmcblk0p2 4096 4096 300 301 sha256 {hash} {salt}")
        );
    }

    #[test]
    fn a_uuid_is_read_as_it_is_written() {
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(text.parse::<Uuid>().unwrap().to_string(), text);
        assert!("0123".parse::<Uuid>().is_err());
    }
}
