//! The hash tree of a verified root: made from data, or collected from blocks that were read, each of them checked.

use super::verity::{Expected, SLOTS, Salt, Superblock, Uuid, Verity, salted};
use super::{BLOCK, Block, Hash};

/// What a block of a root is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It is what the builder has written.
    Good,
    /// It is not.
    Bad,
    /// The block with its hash is [missing](Tree::add), or the root has no such block.
    Unknown,
}

/// The checked blocks of a tree. For a root of 16 MiB they take 132 kB.
#[derive(Debug, Clone)]
pub struct Tree {
    verity: Verity,
    /// From the first block of the tree; `None` for one that is missing.
    blocks: Vec<Option<Box<Block>>>,
}

impl Tree {
    /// A tree of which no block is known yet.
    pub fn new(verity: Verity) -> Self {
        let blocks = verity.hash_blocks().map(|_| None).collect();
        Self { verity, blocks }
    }

    /// The tree of this data, whole blocks. `None` if it is empty, not of whole blocks, or too large.
    pub fn build(data: &[u8], salt: Salt, uuid: Uuid) -> Option<Self> {
        let (data_blocks, rest) = data.as_chunks::<BLOCK>();
        if !rest.is_empty() {
            return None;
        }
        let mut hashes: Vec<Hash> = data_blocks.iter().map(|block| salted(&salt, block)).collect();
        let mut levels = Vec::new();
        while hashes.len() > 1 {
            let level: Vec<Box<Block>> = hashes.chunks(SLOTS as usize).map(hash_block).collect();
            hashes = level.iter().map(|block| salted(&salt, block.as_slice())).collect();
            levels.push(level);
        }
        let superblock = Superblock { uuid, salt, data_blocks: data_blocks.len() as u64 };
        let verity = Verity::new(*hashes.first()?, superblock)?;
        Some(Self { verity, blocks: levels.into_iter().rev().flatten().map(Some).collect() })
    }

    /// The root that it belongs to.
    pub fn verity(&self) -> &Verity {
        &self.verity
    }

    /// Superblock and tree, as they lie behind the data; zeros for missing blocks.
    pub fn hash_area(&self) -> Vec<u8> {
        let mut area = self.verity.superblock().encode().to_vec();
        for block in &self.blocks {
            area.extend_from_slice(block.as_deref().unwrap_or(&[0; BLOCK]));
        }
        area
    }

    /// Checks a block with its number: data, superblock or tree.
    pub fn check(&self, number: u64, block: &Block) -> Check {
        let expected = match self.verity.expected(number) {
            Expected::RootHash => Some(self.verity.root_hash()),
            Expected::Slot { block, slot } => self.block(block).and_then(|block| hash_at(block, slot)),
            Expected::Superblock => {
                let is_good = *block == self.verity.superblock().encode();
                return if is_good { Check::Good } else { Check::Bad };
            }
            Expected::Nothing => None,
        };
        match expected {
            Some(expected) if expected == self.verity.hash(block) => Check::Good,
            Some(_) => Check::Bad,
            None => Check::Unknown,
        }
    }

    /// Checks a block of the tree and keeps it if it is good: from then on the blocks below it can be checked.
    /// [In order](Verity::hash_blocks), each is checked before the blocks below it.
    pub fn add(&mut self, number: u64, block: &Block) -> Check {
        let check = self.check(number, block);
        if check == Check::Good
            && let Some(place) = self.index(number).and_then(|index| self.blocks.get_mut(index))
        {
            *place = Some(Box::new(*block));
        }
        check
    }

    /// A block of the tree, if it is known.
    pub fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(self.index(number)?)?.as_deref()
    }

    fn index(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.verity.hash_blocks().start)?.try_into().ok()
    }
}

fn hash_block(hashes: &[Hash]) -> Box<Block> {
    let mut block = Box::new([0; BLOCK]);
    for (place, hash) in block.chunks_exact_mut(size_of::<Hash>()).zip(hashes) {
        place.copy_from_slice(&hash.0);
    }
    block
}

fn hash_at(block: &Block, slot: usize) -> Option<Hash> {
    block.as_chunks().0.get(slot).copied().map(Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

    /// Each block has its number in its first eight bytes.
    fn data(blocks: u64) -> Vec<u8> {
        let mut data = vec![0; blocks as usize * BLOCK];
        for (number, block) in (0u64..).zip(data.chunks_mut(BLOCK)) {
            block[..8].copy_from_slice(&number.to_le_bytes());
        }
        data
    }

    fn tree(blocks: u64) -> Tree {
        let salt = std::array::from_fn(|index| index as u8);
        Tree::build(&data(blocks), salt, UUID.parse().unwrap()).unwrap()
    }

    /// A whole root: data, superblock, tree.
    fn root(blocks: u64) -> Vec<Block> {
        let bytes = [data(blocks), tree(blocks).hash_area()].concat();
        bytes.as_chunks().0.to_vec()
    }

    /// Made with veritysetup 2.6.1 (Debian 12) over the same data: `veritysetup format --salt=000102…1f --uuid=…
    /// --hash-offset=BYTES FILE FILE`; the root hash that it prints, and the SHA-256 of what it writes behind the data.
    #[test]
    fn superblock_and_tree_are_those_of_veritysetup() {
        let table = [
            (
                1,
                "4ce3ecf32c133bf6321901b6092219474b6ac91a19d0304621d629e6bb9987dc",
                "443bf1651a8d49eabfbc0108c61dec7d2f0043ed3596a11d058a4e38a48b46e4",
            ),
            (
                2,
                "7c8420191d9250f8d75e13e56b300292afce0d0bf1c2515baf5a6326cc9ad89f",
                "c2f30e38150880b276677a12150c9e79112284254c5e8c5a7df1532ab912122e",
            ),
            (
                128,
                "4f1c23580fa1b601d08525c47b320f18c4029317a0d4b94f8776a9b7381be987",
                "ee78a0308d7fb44c4f2ea953317ac8d1126fe5b3bbfc89badcfb5f95e253f6e6",
            ),
            (
                129,
                "8378b1c4c95bcbcb32a532e3f8a4a1e4bc5e97e04d700521feea295c6a330a5a",
                "23cd8d18c81e355f67408633cd98d6d91d116e83c925880d1fbf328a728d8d42",
            ),
            (
                16_385,
                "1ec0686634ff3b58444834dbb0b0509d3a9dc7ec03ad93b9a61d1394c1a6e616",
                "60e1af0ab73a6bac571ae87b18186f25a96b9949da1aef0f17f17652903755f1",
            ),
        ];
        for (blocks, root_hash, hash_area) in table {
            let tree = tree(blocks);
            assert_eq!(tree.verity().root_hash().to_string(), root_hash, "{blocks} blocks");
            assert_eq!(Hash::of(&[&tree.hash_area()]).to_string(), hash_area, "{blocks} blocks");
        }
    }

    #[test]
    fn a_tree_is_only_of_whole_blocks() {
        for length in [0, 1, BLOCK - 1, BLOCK + 1] {
            assert!(Tree::build(&vec![0; length], [0; 32], Uuid([0; 16])).is_none(), "{length}");
        }
    }

    #[test]
    fn a_tree_that_is_read_in_order_checks_every_block_of_the_root() {
        let root = root(300);
        let mut read = Tree::new(tree(300).verity().clone());
        for number in read.verity().hash_blocks() {
            assert_eq!(read.add(number, &root[number as usize]), Check::Good, "block {number}");
        }
        for (number, block) in (0..).zip(&root) {
            assert_eq!(read.check(number, block), Check::Good, "block {number}");
            for at in [0, 119, 4095] {
                let mut changed = *block;
                changed[at] ^= 1;
                assert_eq!(read.check(number, &changed), Check::Bad, "block {number}, byte {at}");
            }
        }
        assert_eq!(read.check(root.len() as u64, &root[0]), Check::Unknown);
        assert_eq!(read.check(1, &root[0]), Check::Bad, "the right block at another place");
    }

    #[test]
    fn what_hangs_below_a_bad_block_of_the_tree_cannot_be_checked() {
        let root = root(300);
        let mut read = Tree::new(tree(300).verity().clone());
        // 301 is the top; 302, 303 and 304 have the hashes of 128 data blocks each.
        for number in read.verity().hash_blocks() {
            let mut block = root[number as usize];
            block[7] ^= u8::from(number == 303);
            let expected = if number == 303 { Check::Bad } else { Check::Good };
            assert_eq!(read.add(number, &block), expected);
        }
        for (number, expected) in [
            (0, Check::Good),
            (127, Check::Good),
            (128, Check::Unknown),
            (255, Check::Unknown),
            (256, Check::Good),
        ] {
            assert_eq!(read.check(number, &root[number as usize]), expected, "block {number}");
        }
        assert_eq!(read.add(303, &root[303]), Check::Good, "the same block from another copy");
        assert_eq!(read.check(128, &root[128]), Check::Good);
        assert_eq!(read.hash_area(), tree(300).hash_area());
    }
}
