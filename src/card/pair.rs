//! Both copies of a root or a file, compared with their hashes and healed block by block.

use super::device::{BLOCK, Block, CHUNK, Chunk};
use super::heal::{Remedy, Side, Tally, decide};
use super::replica::Replica;

/// The hash of a block.
pub type Digest = [u8; 32];

/// Two copies of the same content.
#[derive(Debug)]
pub struct Pair<'a> {
    a: Replica<'a>,
    b: Replica<'a>,
    hash: fn(salt: &[u8], block: &Block) -> Digest,
    salt: &'a [u8],
    /// What was found so far.
    pub tally: Tally,
}

/// The buffers of a pass: the copies of a chunk, and what a rewritten block reads back as.
#[derive(Debug, Default)]
pub struct Buffers {
    a: Chunk,
    b: Chunk,
    back: Chunk,
}

/// What a chunk's blocks are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The number of the first block.
    pub first: u64,
    /// The hash of each block; [`CHUNK`] at most.
    pub hashes: &'a [Digest],
}

impl<'a> Pair<'a> {
    /// The copies, and how their blocks are hashed.
    pub fn new(a: Replica<'a>, b: Replica<'a>, hash: fn(&[u8], &Block) -> Digest, salt: &'a [u8]) -> Self {
        Self { a, b, hash, salt, tally: Tally::default() }
    }

    /// Reads the blocks from both copies, and rewrites what is bad in one of them. `keep_b` names a block whose second
    /// copy is not written. Returns the content of the first block, unless it is lost.
    pub fn scrub(&mut self, buffers: &mut Buffers, expected: Expected, keep_b: Option<u64>) -> Option<Block> {
        let count = expected.hashes.len().min(CHUNK);
        self.a.read(expected.first, count, &mut buffers.a);
        self.b.read(expected.first, count, &mut buffers.b);
        let mut content = None;
        for (index, wanted) in expected.hashes.iter().enumerate().take(count) {
            let is_good = |chunk: &Chunk| chunk.block(index).is_some_and(|it| self.hash(it) == *wanted);
            let number = expected.first + index as u64;
            let (a_is_good, b_is_good) = (is_good(&buffers.a), is_good(&buffers.b));
            self.tally.checked += 1;
            match decide(a_is_good, b_is_good) {
                Remedy::Nothing => {}
                Remedy::Rewrite(Side::B) if keep_b == Some(number) => {}
                Remedy::Rewrite(side) => {
                    let from = if side == Side::A { &buffers.b } else { &buffers.a };
                    if let Some(block) = from.block(index) {
                        let reads_back = self.rewrite(side, number, block, wanted, &mut buffers.back);
                        self.tally.rewritten(side, reads_back);
                    }
                }
                Remedy::Lost => self.tally.lost += 1,
            }
            if index == 0 {
                let good = if a_is_good { Some(&buffers.a) } else { b_is_good.then_some(&buffers.b) };
                content = good.and_then(|chunk| chunk.block(0)).copied();
            }
        }
        content
    }

    /// Writes a block into one copy; whether the card then has it.
    fn rewrite(&self, side: Side, number: u64, block: &Block, wanted: &Digest, back: &mut Chunk) -> bool {
        let replica = if side == Side::A { &self.a } else { &self.b };
        if replica.write(number, block).is_err() {
            return false;
        }
        replica.read(number, 1, back);
        back.block(0).is_some_and(|it| self.hash(it) == *wanted)
    }

    fn hash(&self, block: &Block) -> Digest {
        (self.hash)(self.salt, block)
    }
}

/// How many blocks so many bytes fill.
pub const fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::device::RawDevice;
    use crate::card::replica::Extent;
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};
    use std::fs;

    const BLOCKS: usize = 40;

    fn sha256(salt: &[u8], block: &Block) -> Digest {
        Sha256::new().chain_update(salt).chain_update(block).finalize().into()
    }

    fn content() -> Vec<u8> {
        (0..BLOCKS * BLOCK).map(|at| (at / 100) as u8).collect()
    }

    fn hashes(content: &[u8]) -> Vec<Digest> {
        content.as_chunks::<BLOCK>().0.iter().map(|block| sha256(b"salt", block)).collect()
    }

    /// Scrubs two files with this damage, and returns both and the tally.
    fn scrubbed(damage: [&[usize]; 2]) -> ([Vec<u8>; 2], Tally) {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| dir.path().join(name));
        for (path, bad) in paths.iter().zip(damage) {
            let mut bytes = content();
            bad.iter().for_each(|block| bytes[block * BLOCK + 17] ^= 1);
            fs::write(path, bytes).unwrap();
        }
        let [a, b] = paths.each_ref().map(|path| RawDevice::open(path).unwrap());
        let length = (BLOCKS * BLOCK) as u64;
        // The second copy lies in two parts, in the other order.
        let half = length / 2;
        let halves = vec![Extent { at: 0, length: half }, Extent { at: half, length: half }];
        let (a, b) = (Replica::at(&a, 0, length), Replica::new(&b, halves, length));
        let mut pair = Pair::new(a, b, sha256, b"salt");
        let mut buffers = Buffers::default();
        for (index, hashes) in hashes(&content()).chunks(CHUNK).enumerate() {
            let first = (index * CHUNK) as u64;
            pair.scrub(&mut buffers, Expected { first, hashes }, None);
        }
        (paths.map(|path| fs::read(path).unwrap()), pair.tally)
    }

    #[test]
    fn healthy_copies_are_not_written() {
        let (_, tally) = scrubbed([&[], &[]]);
        assert_eq!(tally, Tally { checked: BLOCKS as u64, ..Tally::default() });
    }

    #[test]
    fn a_block_that_is_bad_in_both_copies_is_left_as_it_is_and_counted() {
        let ([a, b], tally) = scrubbed([&[3, 5], &[3, 39]]);
        assert_eq!((tally.healed_a, tally.healed_b, tally.lost, tally.bad()), (1, 1, 1, 1));
        let mut lost = content();
        lost[3 * BLOCK + 17] ^= 1;
        assert!(a == lost && b == lost);
    }

    #[test]
    fn a_copy_that_ends_early_is_bad_where_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (long, short) = (dir.path().join("long"), dir.path().join("short"));
        fs::write(&long, content()).unwrap();
        fs::write(&short, &content()[..3 * BLOCK]).unwrap();
        let (a, b) = (RawDevice::open(&long).unwrap(), RawDevice::open(&short).unwrap());
        let length = (BLOCKS * BLOCK) as u64;
        let mut pair = Pair::new(Replica::at(&a, 0, length), Replica::at(&b, 0, length), sha256, b"salt");
        let hashes = hashes(&content());
        let expected = Expected { first: 0, hashes: &hashes[..CHUNK] };
        let first = pair.scrub(&mut Buffers::default(), expected, None).unwrap();
        assert!(first[..] == content()[..BLOCK]);
        assert_eq!(pair.tally.healed_b, (CHUNK - 3) as u64);
        assert!(fs::read(&short).unwrap() == content()[..CHUNK * BLOCK]);
    }

    #[test]
    fn a_second_copy_that_is_kept_back_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let (full, empty) = (dir.path().join("full"), dir.path().join("empty"));
        fs::write(&full, content()).unwrap();
        fs::write(&empty, vec![0; BLOCKS * BLOCK]).unwrap();
        let (a, b) = (RawDevice::open(&full).unwrap(), RawDevice::open(&empty).unwrap());
        let length = (BLOCKS * BLOCK) as u64;
        let mut pair = Pair::new(Replica::at(&a, 0, length), Replica::at(&b, 0, length), sha256, b"salt");
        let hashes = hashes(&content());
        let mut scrub = |keep_b| {
            let expected = Expected { first: 0, hashes: &hashes[..2] };
            pair.scrub(&mut Buffers::default(), expected, keep_b);
            fs::read(&empty).unwrap()
        };
        assert!(scrub(Some(0))[..BLOCK] == [0; BLOCK]);
        assert!(scrub(None)[..2 * BLOCK] == content()[..2 * BLOCK]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rot_in_one_copy_of_each_block_is_healed_whatever_its_pattern(
            rot in prop::collection::vec(0u8..4, BLOCKS),
        ) {
            let bad = |which| (0..BLOCKS).filter(|block| rot[*block] == which).collect::<Vec<_>>();
            let (a_bad, b_bad) = (bad(1), bad(2));
            let (copies, tally) = scrubbed([&a_bad, &b_bad]);
            prop_assert!(copies.iter().all(|copy| *copy == content()));
            prop_assert_eq!(tally.healed_a, a_bad.len() as u64);
            prop_assert_eq!(tally.healed_b, b_bad.len() as u64);
            prop_assert_eq!(tally.bad(), 0);
        }
    }
}
