//! Cards as they fail.

use std::collections::BTreeMap;

use super::*;
use crate::flash::probe;

const IMAGE: usize = 5 * CHUNK + 3 * BLOCK + 100;

/// A card in memory.
#[derive(Default)]
struct Fake {
    bytes: Vec<u8>,
    /// What it says it has.
    claims: u64,
    /// Bytes it really has: what lies behind is over its beginning, or nowhere.
    real: Option<(u64, Beyond)>,
    /// Blocks that change what is written: how many more times.
    weak: BTreeMap<u64, usize>,
    /// Blocks that fail to be written.
    failing: BTreeMap<u64, usize>,
    /// Blocks that cannot be read.
    unreadable: Vec<u64>,
    /// Every access after so many writes fails: the card was pulled.
    pulled_after: Option<usize>,
    /// Writes after so many succeed and change nothing.
    drops_after: Option<usize>,
    writes: usize,
    /// The first block after each write.
    tables: Vec<bool>,
}

#[derive(Clone, Copy)]
enum Beyond {
    Wraps,
    Nowhere,
}

impl Fake {
    fn new() -> Self {
        Self { bytes: vec![0xa5; 8 * CHUNK], claims: 8 * CHUNK as u64, ..Self::default() }
    }

    fn place(&self, at: u64) -> Option<usize> {
        match self.real {
            Some((real, Beyond::Wraps)) => Some((at % real) as usize),
            Some((real, Beyond::Nowhere)) if at >= real => None,
            _ => Some(at as usize),
        }
    }

    fn pulled(&self) -> io::Result<()> {
        match self.pulled_after.is_some_and(|after| self.writes > after) {
            true => Err(io::Error::other("No such device")),
            false => Ok(()),
        }
    }
}

impl Medium for Fake {
    fn size(&self) -> u64 {
        self.claims
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        assert!(bytes.len().is_multiple_of(BLOCK) && at.is_multiple_of(BLOCK as u64));
        self.writes += 1;
        self.pulled()?;
        if self.drops_after.is_some_and(|after| self.writes > after) {
            return Ok(());
        }
        for (at, block) in (at..).step_by(BLOCK).zip(bytes.chunks(BLOCK)) {
            if let Some(times) = self.failing.get_mut(&(at / BLOCK as u64)).filter(|it| **it > 0) {
                *times -= 1;
                return Err(io::Error::other("I/O error"));
            }
            let Some(place) = self.place(at) else { continue };
            self.bytes[place..][..BLOCK].copy_from_slice(block);
            if let Some(times) = self.weak.get_mut(&(at / BLOCK as u64)).filter(|it| **it > 0) {
                *times -= 1;
                self.bytes[place] ^= 1;
            }
        }
        self.tables.push(self.bytes[..BLOCK].iter().any(|byte| *byte != 0));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.pulled()
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.pulled()?;
        for (at, block) in (at..).step_by(BLOCK).zip(bytes.chunks_mut(BLOCK)) {
            if self.unreadable.contains(&(at / BLOCK as u64)) {
                return Err(io::Error::other("I/O error"));
            }
            match self.place(at) {
                Some(place) => block.copy_from_slice(&self.bytes[place..][..BLOCK]),
                None => block.fill(0),
            }
        }
        Ok(())
    }
}

/// Two parts with a hole between them.
fn source() -> Source {
    let image: Vec<u8> = (0..IMAGE).map(|at| (at / BLOCK + at % 249) as u8).collect();
    let part = |bytes: Range<usize>| Part { at: bytes.start as u64, bytes: image[bytes].to_vec() };
    let parts = vec![part(0..2 * CHUNK + BLOCK), part(3 * CHUNK..IMAGE)];
    Source { size: IMAGE as u64, parts }
}

fn flash(card: &mut Fake) -> Result<Written> {
    write(card, &source(), &Progress::new())
}

fn is_whole(card: &Fake) -> bool {
    source().parts.iter().all(|part| card.bytes[part.at as usize..][..part.bytes.len()] == part.bytes)
}

fn has_a_table(card: &Fake) -> bool {
    card.bytes[..BLOCK].iter().any(|byte| *byte != 0)
}

#[test]
fn a_good_card_holds_the_parts_and_what_lies_between_is_not_touched() {
    let mut card = Fake::new();
    let written = flash(&mut card).unwrap();
    assert_eq!(written, Written { bytes: source().mapped(), rewritten: 0 });
    assert!(is_whole(&card));
    assert!(card.bytes[2 * CHUNK + BLOCK..3 * CHUNK].iter().all(|byte| *byte == 0xa5));
}

#[test]
fn the_partition_table_is_the_last_thing_written() {
    let mut card = Fake::new();
    flash(&mut card).unwrap();
    let (last, before) = card.tables.split_last().unwrap();
    assert!(*last && before.iter().all(|has_table| !has_table));
}

#[test]
fn a_card_that_is_pulled_is_an_error_at_every_moment_and_never_has_a_table() {
    let writes = {
        let mut card = Fake::new();
        flash(&mut card).unwrap();
        card.writes
    };
    for after in 0..writes {
        let mut card = Fake { pulled_after: Some(after), ..Fake::new() };
        let error = flash(&mut card).unwrap_err().to_string();
        assert!(error.contains("not finished"), "{error}");
        assert!(after == 0 || !has_a_table(&card), "after {after} writes");
    }
}

#[test]
fn a_weak_block_is_written_again_and_a_bad_one_is_named() {
    for block in [0, 7, 800, 1283] {
        let mut card = Fake { weak: [(block, 2)].into(), ..Fake::new() };
        assert_eq!(flash(&mut card).unwrap().rewritten, 1, "block {block}");
        assert!(is_whole(&card));
        let mut card = Fake { failing: [(block, 2)].into(), ..Fake::new() };
        match block {
            // The table is zeroed before anything else; a card on which that fails is not tried further.
            0 => assert!(flash(&mut card).is_err()),
            _ => assert!(flash(&mut card).is_ok() && is_whole(&card)),
        }
        let bad = [
            Fake { weak: [(block, usize::MAX)].into(), ..Fake::new() },
            Fake { unreadable: vec![block], ..Fake::new() },
        ];
        for mut card in bad {
            let error = flash(&mut card).unwrap_err().to_string();
            assert!(error.contains(&format!("block {block} of the card")), "{error}");
        }
    }
    let mut card = Fake { failing: [(800, usize::MAX)].into(), ..Fake::new() };
    let error = flash(&mut card).unwrap_err().to_string();
    assert!(
        error.contains("block 800 of the card cannot be written") && error.contains("I/O error"),
        "{error}"
    );
}

#[test]
fn a_file_on_a_full_disk_is_no_broken_card() {
    let next = |kind: io::ErrorKind| bad_block("cannot be written", 0, Some(kind.into())).to_string();
    for full in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge] {
        let error = next(full);
        assert!(error.contains("next: make room") && error.contains("is not finished"), "{error}");
    }
    assert!(next(io::ErrorKind::Other).contains("next: check the reader"));
}

#[test]
fn a_card_that_drops_writes_is_no_success() {
    for after in 0..5 {
        let mut card = Fake { drops_after: Some(after), ..Fake::new() };
        assert!(flash(&mut card).is_err(), "after {after}");
    }
}

#[test]
fn a_card_that_turns_read_only_is_an_error() {
    let failing = (0..2000).map(|block| (block, usize::MAX));
    let mut card = Fake { failing: failing.skip(700).collect(), ..Fake::new() };
    let error = flash(&mut card).unwrap_err().to_string();
    assert!(error.contains("cannot be written") && !has_a_table(&card), "{error}");
}

#[test]
fn a_card_with_less_than_it_claims_is_noticed_before_the_image_is_written() {
    let image = IMAGE as u64;
    let probe = |card: &mut Fake| probe::first_false_byte(card, image, 7).unwrap();
    assert_eq!(probe(&mut Fake::new()), None);
    let claims = 1 << 35;
    for beyond in [Beyond::Wraps, Beyond::Nowhere] {
        let mut card = Fake { claims, real: Some((8 * CHUNK as u64, beyond)), ..Fake::new() };
        assert!(probe(&mut card).is_some());
    }
}
