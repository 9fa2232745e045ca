//! The state of an ext4 file system, from its superblock.
//!
//! Reading 1024 bytes ourselves saves a clean boot the start of `e2fsck`.
//! Layout: <https://docs.kernel.org/filesystems/ext4/globals.html#super-block>.

/// Offset of the superblock in the partition, in bytes.
pub const OFFSET: u64 = 1024;
/// Its length, in bytes.
pub const LENGTH: usize = 1024;

const BLOCKS: usize = 0x4;
const LOG_BLOCK_SIZE: usize = 0x18;
const BLOCKS_HIGH: usize = 0x150;
const INCOMPAT_64BIT: u16 = 0x80;
const MAGIC: (usize, u16) = (0x38, 0xEF53);
const STATE: usize = 0x3A;
const STATE_CLEAN: u16 = 0x1;
const STATE_ERRORS: u16 = 0x2;
const FEATURE_INCOMPAT: usize = 0x60;
const INCOMPAT_RECOVER: u16 = 0x4;

/// The state of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Cleanly unmounted: mount it.
    Clean,
    /// The power was cut while it was mounted: the journal must be replayed.
    NeedsRecovery,
    /// The kernel has found damage, or the file system was not unmounted and has no journal.
    Damaged,
    /// All zeros: a freshly written card.
    Blank,
    /// Not ext4.
    Foreign,
}

/// Classifies a superblock.
pub fn health(superblock: &[u8; LENGTH]) -> Health {
    let word = |at: usize| u16::from_le_bytes([superblock[at], superblock[at + 1]]);
    if word(MAGIC.0) != MAGIC.1 {
        let blank = superblock.iter().all(|byte| *byte == 0);
        return if blank { Health::Blank } else { Health::Foreign };
    }
    if word(STATE) & STATE_ERRORS != 0 || word(STATE) & STATE_CLEAN == 0 {
        Health::Damaged
    } else if word(FEATURE_INCOMPAT) & INCOMPAT_RECOVER != 0 {
        Health::NeedsRecovery
    } else {
        Health::Clean
    }
}

/// The length of the file system in sectors of 512 bytes; `None` if this is not ext4's superblock.
pub fn sectors(superblock: &[u8; LENGTH]) -> Option<u64> {
    let word = |at: usize| u16::from_le_bytes([superblock[at], superblock[at + 1]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 2)) << 16;
    let high = if word(FEATURE_INCOMPAT) & INCOMPAT_64BIT == 0 { 0 } else { long(BLOCKS_HIGH) };
    let blocks = long(BLOCKS) | high << 32;
    // 1024 bytes, shifted; at most 64 KiB (fs/ext4/ext4.h, EXT4_MAX_BLOCK_LOG_SIZE).
    let shift = u32::try_from(long(LOG_BLOCK_SIZE)).ok().filter(|shift| *shift <= 6)?;
    (word(MAGIC.0) == MAGIC.1).then(|| blocks.checked_mul(2 << shift)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A superblock with the two relevant fields; values as `dumpe2fs -h` names them.
    fn superblock(state: u16, incompat: u16) -> [u8; LENGTH] {
        let mut block = [0; LENGTH];
        block[0x38..0x3A].copy_from_slice(&0xEF53_u16.to_le_bytes());
        block[0x3A..0x3C].copy_from_slice(&state.to_le_bytes());
        block[0x60..0x62].copy_from_slice(&incompat.to_le_bytes());
        block
    }

    #[test]
    fn only_a_clean_superblock_skips_the_check() {
        // the defaults of mke2fs: filetype, extents, 64bit, flex_bg
        const USUAL: u16 = 0x02C2;
        let table = [
            (superblock(1, USUAL), Health::Clean),
            (superblock(1, USUAL | 0x4), Health::NeedsRecovery),
            (superblock(0, USUAL), Health::Damaged),
            (superblock(3, USUAL), Health::Damaged),
            (superblock(3, USUAL | 0x4), Health::Damaged),
            ([0; LENGTH], Health::Blank),
            ([0xFF; LENGTH], Health::Foreign),
        ];
        for (block, expected) in table {
            assert_eq!(health(&block), expected);
        }
    }

    #[test]
    fn the_length_is_counted_in_blocks_of_the_file_systems_own_size() {
        let with = |blocks: u64, log: u32, incompat| {
            let mut block = superblock(1, incompat);
            block[0x4..0x8].copy_from_slice(&(blocks as u32).to_le_bytes());
            block[0x18..0x1C].copy_from_slice(&log.to_le_bytes());
            block[0x150..0x154].copy_from_slice(&((blocks >> 32) as u32).to_le_bytes());
            block
        };
        for (block, expected) in [
            (with(8192, 0, 0x02C2), Some(16_384)), // mke2fs on 8 MiB
            (with(8192, 2, 0x02C2), Some(65_536)),
            (with(1 << 33, 2, 0x02C2), Some(1 << 36)),
            (with(1 << 33, 2, 0x0242), Some(0)), // without 64bit the upper half is something else
            (with(8192, 7, 0x02C2), None),
            (with(u64::MAX, 6, 0x02C2), None),
            ([0; LENGTH], None),
        ] {
            assert_eq!(sectors(&block), expected);
        }
    }
}
