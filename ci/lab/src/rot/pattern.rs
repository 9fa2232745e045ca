//! Which blocks rot, and how. Pure.

use crate::random::Random;
use std::collections::HashSet;

/// The bytes that rot together.
pub const SECTOR: usize = 512;
/// The largest share of a copy's blocks that rot, in percent.
const SHARE: usize = 25;
/// How many neighbours rot at a time: single cells, what a card programs at a time, what it erases at a time (256 KiB).
const RUNS: [usize; 3] = [1, 4, 64];

/// What has become of a sector of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// One bit has the other value; the number chooses it.
    Bit(usize),
    /// All its bytes are zero.
    Zeroed,
    /// All its bytes are others; the number makes them.
    Garbage(u64),
}

/// A rotten block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rot {
    /// Which block, of those that the card has twice.
    pub block: usize,
    /// Which of its two copies, 0 or 1.
    pub copy: usize,
    /// A number that chooses the sector.
    pub sector: usize,
    /// What has become of that.
    pub damage: Damage,
}

/// The pattern with this number, of those that a seed makes of a card with so many blocks: up to a quarter of either copy
/// is rotten, scattered or in runs, and never both copies of a block.
pub fn numbered(index: u64, seed: u64, blocks: usize) -> Vec<Rot> {
    let mut random = Random::new(seed ^ index.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let longest = RUNS[random.below(RUNS.len())];
    let mut free: HashSet<usize> = (0..blocks).collect();
    let mut rotten = Vec::new();
    for copy in 0..2 {
        let wanted = rotten.len() + blocks * random.below(SHARE + 1) / 100;
        while rotten.len() < wanted {
            let first = random.below(blocks);
            let last = blocks.min(first + 1 + random.below(longest)).min(first + wanted - rotten.len());
            for block in first..last {
                if free.remove(&block) {
                    rotten.push(Rot {
                        block,
                        copy,
                        sector: random.below(usize::MAX),
                        damage: damage(&mut random),
                    });
                }
            }
        }
    }
    rotten
}

fn damage(random: &mut Random) -> Damage {
    match random.below(3) {
        0 => Damage::Bit(random.below(SECTOR * 8)),
        1 => Damage::Zeroed,
        _ => Damage::Garbage(random.number()),
    }
}

impl Damage {
    /// Does it to a sector. Zeros remain zeros.
    pub fn apply(self, sector: &mut [u8]) {
        match self {
            Self::Bit(bit) => sector[bit / 8] ^= 1 << (bit % 8),
            Self::Zeroed => sector.fill(0),
            Self::Garbage(seed) => {
                let mut random = Random::new(seed);
                sector.iter_mut().for_each(|byte| *byte ^= 1 + random.below(255) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_damage_changes_a_sector_but_for_zeros_that_remain_zeros() {
        let changed = |damage: Damage, byte| {
            let mut sector = [byte; SECTOR];
            damage.apply(&mut sector);
            sector.iter().filter(|it| **it != byte).count()
        };
        assert_eq!(changed(Damage::Bit(SECTOR * 8 - 1), 0), 1);
        assert_eq!(changed(Damage::Garbage(7), 0), SECTOR);
        assert_eq!((changed(Damage::Zeroed, 9), changed(Damage::Zeroed, 0)), (SECTOR, 0));
    }

    #[test]
    fn some_patterns_are_scattered_and_some_come_in_runs_and_they_reach_a_quarter() {
        let mut most = 0;
        let mut runs = [false; 2];
        for index in 0..100 {
            let rotten = numbered(index, 1, 2000);
            let of_first = rotten.iter().filter(|rot| rot.copy == 0).count();
            most = most.max(of_first);
            let neighbours = rotten.windows(2).filter(|pair| pair[0].block + 1 == pair[1].block).count();
            runs[usize::from(neighbours > rotten.len() / 2)] = true;
        }
        assert!((480..=500).contains(&most), "{most}");
        assert_eq!(runs, [true; 2]);
    }

    proptest! {
        #[test]
        fn no_block_rots_twice_and_no_copy_beyond_a_quarter(index: u64, seed: u64, blocks in 4..3000usize) {
            let rotten = numbered(index, seed, blocks);
            prop_assert_eq!(&rotten, &numbered(index, seed, blocks));
            let mut hit: Vec<_> = rotten.iter().map(|rot| rot.block).collect();
            hit.sort_unstable();
            hit.dedup();
            prop_assert_eq!(hit.len(), rotten.len());
            prop_assert!(hit.last().is_none_or(|last| *last < blocks));
            for copy in 0..2 {
                prop_assert!(rotten.iter().filter(|rot| rot.copy == copy).count() <= blocks / 4);
            }
        }
    }
}
