//! The mark of a complete second root, in the last block of its partition.
//!
//! Root B begins with a copy of all that root A has, the boot manifest included; the boot files follow it, each at the
//! beginning of a block, in the manifest's order. The mark is written when all that was read back, so that a cut before
//! leaves none.

use super::boot_manifest::BootManifest;
use super::{BLOCK, Block, Hash};

/// The last figure is the format's version.
const MAGIC: [u8; 8] = *b"dialtwn1";
const HASH: usize = size_of::<Hash>();
const ROOT: usize = MAGIC.len();
const COUNT: usize = ROOT + HASH;
const HASHES: usize = COUNT + size_of::<u32>();
const CHECKSUM: usize = BLOCK - HASH;
/// Blocks of the longest boot manifest, half a MiB.
const MOST: usize = (CHECKSUM - HASHES) / HASH;

/// What the mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The root that this is a twin of.
    pub root: Hash,
    /// The hash of each block of its boot manifest, which has one of its own only as a whole.
    pub manifest: Vec<Hash>,
}

impl Mark {
    /// The mark of a root and its boot manifest, whole blocks.
    pub fn new(root: Hash, manifest: &[u8]) -> Self {
        let blocks = manifest.as_chunks::<BLOCK>().0.iter();
        Self { root, manifest: blocks.map(|block| Hash::of(&[block])).collect() }
    }

    /// The block; `None` if the manifest is too long.
    pub fn encode(&self) -> Option<Block> {
        let count = u32::try_from(self.manifest.len()).ok().filter(|_| self.manifest.len() <= MOST)?;
        let mut block = [0; BLOCK];
        block[..ROOT].copy_from_slice(&MAGIC);
        block[ROOT..COUNT].copy_from_slice(&self.root.0);
        block[COUNT..HASHES].copy_from_slice(&count.to_le_bytes());
        for (place, hash) in block[HASHES..CHECKSUM].chunks_exact_mut(HASH).zip(&self.manifest) {
            place.copy_from_slice(&hash.0);
        }
        let checksum = Hash::of(&[&block[..CHECKSUM]]);
        block[CHECKSUM..].copy_from_slice(&checksum.0);
        Some(block)
    }

    /// Reads a block; `None` if it is no mark, or a damaged one.
    pub fn decode(block: &Block) -> Option<Self> {
        let (content, checksum) = block.split_at(CHECKSUM);
        if content[..ROOT] != MAGIC || Hash::of(&[content]).0 != *checksum {
            return None;
        }
        let count = u32::from_le_bytes(*content[COUNT..].first_chunk()?);
        let count = usize::try_from(count).ok().filter(|count| *count <= MOST)?;
        let hashes = content[HASHES..].as_chunks().0.iter().take(count);
        Some(Self {
            root: Hash(*content[ROOT..].first_chunk()?),
            manifest: hashes.copied().map(Hash).collect(),
        })
    }
}

/// Where the parts of root B lie, in blocks of its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The first block of the first boot file.
    pub boot_files: u64,
    /// The first block that they do not have.
    pub end: u64,
    /// The mark.
    pub mark: u64,
}

/// The places in a partition of so many blocks, whose root has so many; `None` if they do not fit.
pub fn places(partition: u64, root: u64, manifest: &BootManifest, manifest_blocks: u64) -> Option<Places> {
    let boot_files = root + manifest_blocks;
    let end = boot_files + manifest.files.iter().map(|file| file.blocks().len() as u64).sum::<u64>();
    let mark = partition.checked_sub(1)?;
    (end <= mark).then_some(Places { boot_files, end, mark })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::boot_manifest::BootFile;

    fn mark() -> Mark {
        Mark::new(Hash([3; 32]), &[vec![1; BLOCK], vec![2; BLOCK]].concat())
    }

    #[test]
    fn a_mark_is_read_back_and_a_changed_one_is_none() {
        let block = mark().encode().unwrap();
        assert_eq!(Mark::decode(&block), Some(mark()));
        for at in [0, 7, ROOT, COUNT, HASHES, HASHES + 60, 4000, CHECKSUM, 4095] {
            let mut changed = block;
            changed[at] ^= 1;
            assert_eq!(Mark::decode(&changed), None, "byte {at}");
        }
        assert_eq!(Mark::decode(&[0; BLOCK]), None);
    }

    #[test]
    fn a_mark_holds_the_hashes_of_half_a_mib() {
        let mark = |blocks| Mark::new(Hash([3; 32]), &vec![1; blocks * BLOCK]);
        let longest = mark(MOST);
        assert_eq!(Mark::decode(&longest.encode().unwrap()), Some(longest));
        assert_eq!(mark(MOST + 1).encode(), None);
        assert_eq!(MOST, 125);
    }

    #[test]
    fn the_boot_files_lie_between_manifest_and_mark_or_do_not_fit() {
        let files = [1, 0, BLOCK + 1].map(|length| BootFile::new("x", &vec![0; length]).unwrap());
        let manifest = BootManifest { files: files.into() };
        let places = |partition| places(partition, 10, &manifest, 2);
        assert_eq!(places(16), Some(Places { boot_files: 12, end: 15, mark: 15 }));
        assert_eq!(places(15), None);
        assert_eq!(places(0), None);
    }
}
