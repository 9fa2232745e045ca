//! Both copies of a root or a file, compared with their hashes and healed block by block.

use std::ops::Range;

use super::Block;
use super::device::{CHUNK, Chunk};
use super::heal::{Remedy, Side, Tally, decide};
use super::replica::Replica;
use super::tree::Check;

/// Two copies of the same content.
#[derive(Debug)]
pub struct Pair<'a> {
    a: Replica<'a>,
    b: Replica<'a>,
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

/// How blocks are checked.
pub trait Judge {
    /// What the block with this number is worth.
    fn judge(&self, number: u64, block: &Block) -> Check;
}

impl<F: Fn(u64, &Block) -> Check> Judge for F {
    fn judge(&self, number: u64, block: &Block) -> Check {
        self(number, block)
    }
}

impl<'a> Pair<'a> {
    /// The copies.
    pub fn new(a: Replica<'a>, b: Replica<'a>) -> Self {
        Self { a, b, tally: Tally::default() }
    }

    /// Reads blocks, [`CHUNK`] at most, from both copies, and rewrites what is bad in one of them. `keep_b` is a block
    /// whose second copy is not written. Returns the content of the first block, unless it is lost.
    pub fn scrub(
        &mut self,
        buffers: &mut Buffers,
        blocks: Range<u64>,
        judge: &impl Judge,
        keep_b: Option<u64>,
    ) -> Option<Block> {
        let count = usize::try_from(blocks.end - blocks.start).unwrap_or(CHUNK).min(CHUNK);
        self.a.read(blocks.start, count, &mut buffers.a);
        self.b.read(blocks.start, count, &mut buffers.b);
        let mut content = None;
        for (index, number) in (0..count).zip(blocks) {
            let (a, b) = (buffers.a.block(index), buffers.b.block(index));
            let check = |block: Option<&Block>| block.map_or(Check::Bad, |block| judge.judge(number, block));
            let a_check = check(a);
            // Copies that are equal, as nearly all are, are hashed once.
            let b_check = if a == b { a_check } else { check(b) };
            if index == 0 {
                let good = if a_check == Check::Good { a } else { b.filter(|_| b_check == Check::Good) };
                content = good.copied();
            }
            if a_check == Check::Unknown || b_check == Check::Unknown {
                continue;
            }
            self.tally.checked += 1;
            match (decide(a_check == Check::Good, b_check == Check::Good), a, b) {
                (Remedy::Nothing, ..) => {}
                (Remedy::Rewrite(Side::B), ..) if keep_b == Some(number) => {}
                (Remedy::Rewrite(Side::A), _, Some(good)) => {
                    let reads_back = rewrite(&self.a, number, good, &mut buffers.back);
                    self.tally.rewritten(Side::A, reads_back);
                }
                (Remedy::Rewrite(Side::B), Some(good), _) => {
                    let reads_back = rewrite(&self.b, number, good, &mut buffers.back);
                    self.tally.rewritten(Side::B, reads_back);
                }
                // A good block is one that was read.
                (Remedy::Lost | Remedy::Rewrite(_), ..) => self.tally.lost += 1,
            }
        }
        content
    }
}

/// Writes a block into a copy; whether the card then has it.
fn rewrite(replica: &Replica, number: u64, block: &Block, back: &mut Chunk) -> bool {
    if replica.write(number, block).is_err() {
        return false;
    }
    replica.read(number, 1, back);
    back.block(0) == Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::BLOCK;
    use crate::card::device::RawDevice;
    use crate::card::replica::Extent;
    use proptest::prelude::*;
    use std::fs;

    const BLOCKS: u64 = 40;
    const LENGTH: u64 = BLOCKS * BLOCK as u64;

    fn content() -> Vec<u8> {
        (0..LENGTH).map(|at| (at / 100) as u8).collect()
    }

    fn judge(number: u64, block: &Block) -> Check {
        let good = &content()[number as usize * BLOCK..][..BLOCK];
        if block == good { Check::Good } else { Check::Bad }
    }

    /// Two files in a directory of their own.
    struct Files {
        _dir: tempfile::TempDir,
        paths: [std::path::PathBuf; 2],
    }

    impl Files {
        fn new(a: &[u8], b: &[u8]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let paths = ["a", "b"].map(|name| dir.path().join(name));
            fs::write(&paths[0], a).unwrap();
            fs::write(&paths[1], b).unwrap();
            Self { _dir: dir, paths }
        }

        /// Scrubs these blocks and returns the tally.
        fn scrub(&self, blocks: Range<u64>, keep_b: Option<u64>) -> Tally {
            let [a, b] = self.paths.each_ref().map(|path| RawDevice::open(path).unwrap());
            // The second copy lies in two parts.
            let half = LENGTH / 2;
            let halves = vec![Extent { at: 0, length: half }, Extent { at: half, length: half }];
            let mut pair = Pair::new(Replica::at(&a, 0, LENGTH), Replica::new(&b, halves, LENGTH));
            let mut buffers = Buffers::default();
            for first in blocks.clone().step_by(CHUNK) {
                let chunk = first..(first + CHUNK as u64).min(blocks.end);
                pair.scrub(&mut buffers, chunk, &judge, keep_b);
            }
            pair.tally
        }

        fn read(&self) -> [Vec<u8>; 2] {
            self.paths.each_ref().map(|path| fs::read(path).unwrap())
        }
    }

    fn rotten(blocks: &[u64]) -> Vec<u8> {
        let mut bytes = content();
        blocks.iter().for_each(|block| bytes[*block as usize * BLOCK + 17] ^= 1);
        bytes
    }

    #[test]
    fn healthy_copies_are_not_written() {
        let tally = Files::new(&content(), &content()).scrub(0..BLOCKS, None);
        assert_eq!(tally, Tally { checked: BLOCKS, ..Tally::default() });
    }

    #[test]
    fn a_block_that_is_bad_in_both_copies_is_left_as_it_is_and_counted() {
        let files = Files::new(&rotten(&[3, 5]), &rotten(&[3, 39]));
        let tally = files.scrub(0..BLOCKS, None);
        assert_eq!((tally.healed_a, tally.healed_b, tally.lost, tally.bad()), (1, 1, 1, 1));
        assert!(files.read().iter().all(|copy| *copy == rotten(&[3])));
    }

    #[test]
    fn a_copy_that_ends_early_is_bad_where_it_ends() {
        let files = Files::new(&content(), &content()[..3 * BLOCK]);
        assert_eq!(files.scrub(0..CHUNK as u64, None).healed_b, CHUNK as u64 - 3);
        assert!(files.read()[1] == content()[..CHUNK * BLOCK]);
    }

    #[test]
    fn a_second_copy_that_is_kept_back_is_not_written() {
        let files = Files::new(&content(), &[0; LENGTH as usize]);
        files.scrub(0..2, Some(0));
        assert!(files.read()[1][..BLOCK] == [0; BLOCK]);
        files.scrub(0..2, None);
        assert!(files.read()[1][..2 * BLOCK] == content()[..2 * BLOCK]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rot_in_one_copy_of_each_block_is_healed_whatever_its_pattern(
            rot in prop::collection::vec(0u8..4, BLOCKS as usize),
        ) {
            let bad = |which| (0..BLOCKS).filter(|block| rot[*block as usize] == which).collect::<Vec<_>>();
            let files = Files::new(&rotten(&bad(1)), &rotten(&bad(2)));
            let tally = files.scrub(0..BLOCKS, None);
            prop_assert!(files.read().iter().all(|copy| *copy == content()));
            prop_assert_eq!(tally.healed_a, bad(1).len() as u64);
            prop_assert_eq!(tally.healed_b, bad(2).len() as u64);
            prop_assert_eq!(tally.bad(), 0);
        }
    }
}
