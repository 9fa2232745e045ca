//! What a card holds after the power was cut: which of the recorded writes it has. Pure.
//!
//! A request that has completed before the cut is on the card: Linux sends no flush to a card that announces no cache
//! (drivers/mmc/core/block.c), so completion is all that it waits for. The request in flight may be torn. A card that
//! loses what it has acknowledged breaks that promise; [`Damage::Lost`] is such a card.

use crate::random::Random;
use crate::writes::log::{SECTOR, SectorWrite};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// A cut during one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The request in flight, counted from 0; after the last one, none is.
    pub request: usize,
    /// What became of it, and of those before it.
    pub damage: Damage,
}

/// What the cut has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The request has written its first sectors, and no other.
    Prefix(usize),
    /// Each of its sectors is written or not: a card programs them in any order.
    Torn(Random),
    /// Each of its sectors is old, new or garbage.
    Garbled(Random),
    /// Each page of so many requests before it, and of it itself, is written or lost: a card that has acknowledged what
    /// it still held in a cache of its own.
    Lost(usize, Random),
}

/// Content of a sector after a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Of the write with this number.
    Written(usize),
    /// Of no write; the number makes it.
    Garbage(u64),
}

/// The most requests that a card loses together.
const LOST_AT_MOST: usize = 32;
/// Sectors that a card programs together at least: a page of 4 KiB.
const PAGE: u64 = 8;

impl Cut {
    /// The cut with this number, of those that a seed makes of a story with these requests (each the range of its
    /// sector writes).
    pub fn numbered(index: u64, seed: u64, requests: &[Range<usize>]) -> Self {
        let mut random = Random::new(seed ^ index.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let kind = random.number() % 4;
        let request = random.below(requests.len() + 1);
        let sectors = requests.get(request).map_or(0, Range::len);
        let damage = match kind {
            0 => Damage::Prefix(random.below(sectors + 1)),
            1 => Damage::Torn(random),
            2 => Damage::Garbled(random),
            _ => Damage::Lost(1 + random.below(LOST_AT_MOST), random),
        };
        Self { request, damage }
    }

    /// How many sector writes are on the card for sure: what was acknowledged after no more than these must be kept.
    pub fn durable(&self, requests: &[Range<usize>]) -> usize {
        let first = match self.damage {
            Damage::Lost(lost, _) => self.request.saturating_sub(lost),
            Damage::Prefix(_) | Damage::Torn(_) | Damage::Garbled(_) => self.request,
        };
        requests.get(first).map_or_else(|| requests.last().map_or(0, |it| it.end), |it| it.start)
    }

    /// The sectors that differ from the card before the first write.
    pub fn sectors(&self, writes: &[SectorWrite], requests: &[Range<usize>]) -> HashMap<u64, Content> {
        let mut card = HashMap::new();
        let mut put = |write: usize| {
            card.insert(writes[write].sector, Content::Written(write));
        };
        let durable = self.durable(requests);
        (0..durable).for_each(&mut put);
        let in_flight = requests.get(self.request).cloned().unwrap_or(durable..durable);
        match self.damage {
            Damage::Prefix(sectors) => in_flight.take(sectors).for_each(put),
            Damage::Torn(mut random) => in_flight.filter(|_| random.below(2) == 0).for_each(put),
            Damage::Lost(lost, mut random) => {
                let first = self.request.saturating_sub(lost);
                for request in requests[first..].iter().take(self.request + 1 - first) {
                    let page = |write: &usize| writes[*write].sector / PAGE;
                    for page in Vec::from_iter(request.clone()).chunk_by(|one, next| page(one) == page(next))
                    {
                        if random.below(2) == 0 {
                            page.iter().copied().for_each(&mut put);
                        }
                    }
                }
            }
            Damage::Garbled(mut random) => {
                for write in in_flight {
                    let sector = writes[write].sector;
                    match random.below(3) {
                        0 => {}
                        // No Raspberry Pi boots from a card whose first sector is garbage.
                        1 if sector != 0 => {
                            card.insert(sector, Content::Garbage(random.number()));
                        }
                        _ => {
                            card.insert(sector, Content::Written(write));
                        }
                    }
                }
            }
        }
        card
    }
}

/// The bytes of a sector with garbage.
pub fn garbage(number: u64) -> [u8; SECTOR] {
    let mut random = Random::new(number);
    let mut sector = [0; SECTOR];
    for bytes in sector.as_chunks_mut::<8>().0 {
        *bytes = random.number().to_le_bytes();
    }
    sector
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.request;
        match self.damage {
            Damage::Prefix(sectors) => write!(f, "in request {request} after {sectors} sectors"),
            Damage::Torn(_) => write!(f, "in request {request}, which is torn"),
            Damage::Garbled(_) => write!(f, "in request {request}, which leaves garbage"),
            Damage::Lost(lost, _) => write!(f, "in request {request}; some of the {lost} before it are lost"),
        }
    }
}

impl Damage {
    /// Its name in the tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Prefix(_) => "prefix",
            Self::Torn(_) => "torn",
            Self::Garbled(_) => "garbled",
            Self::Lost(..) => "lost",
        }
    }

    /// All names.
    pub const NAMES: [&'static str; 4] = ["prefix", "torn", "garbled", "lost"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Three requests of 2, 3 and 1 sectors; the last rewrites a sector of the second.
    fn story() -> (Vec<SectorWrite>, Vec<Range<usize>>) {
        let sectors = [10, 11, 20, 21, 22, 21];
        let write = |sector| SectorWrite { sector, data: Box::new([0; SECTOR]) };
        (sectors.map(write).into(), vec![0..2, 2..5, 5..6])
    }

    fn written(cut: Cut) -> Vec<usize> {
        let (writes, requests) = story();
        let mut found: Vec<_> = cut
            .sectors(&writes, &requests)
            .into_values()
            .filter_map(|content| match content {
                Content::Written(write) => Some(write),
                Content::Garbage(_) => None,
            })
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn a_prefix_has_all_requests_before_and_the_first_sectors_of_the_one_in_flight() {
        let prefix = |request, sectors| written(Cut { request, damage: Damage::Prefix(sectors) });
        assert!(prefix(0, 0).is_empty());
        assert_eq!(prefix(1, 2), [0, 1, 2, 3]);
        // The last request has replaced write 3.
        assert_eq!(prefix(3, 0), [0, 1, 2, 4, 5]);
    }

    #[test]
    fn garbage_differs_from_sector_to_sector_and_never_hits_the_partition_table() {
        assert_ne!(garbage(1), garbage(2));
        let writes = vec![SectorWrite { sector: 0, data: Box::new([0; SECTOR]) }];
        for seed in 0..100 {
            let cut = Cut { request: 0, damage: Damage::Garbled(Random::new(seed)) };
            let card = cut.sectors(&writes, std::slice::from_ref(&(0..1)));
            assert!(!matches!(card.get(&0), Some(Content::Garbage(_))));
        }
    }

    proptest! {
        #[test]
        fn what_is_durable_is_on_the_card_after_every_cut(index: u64, seed: u64) {
            let (writes, requests) = story();
            let cut = Cut::numbered(index, seed, &requests);
            prop_assert_eq!(cut, Cut::numbered(index, seed, &requests));
            let durable = cut.durable(&requests);
            let card = cut.sectors(&writes, &requests);
            for (number, write) in writes.iter().enumerate().take(durable) {
                let later = |content: &Content| match content {
                    Content::Written(it) => *it >= number,
                    Content::Garbage(_) => true,
                };
                prop_assert!(card.get(&write.sector).is_some_and(later));
            }
        }
    }
}
