//! The two slots of the second copy: what a block holds, and which one is written next.
//!
//! They are written in turn, so that a power cut in the middle of one leaves the other. A slot whose
//! checksum is wrong counts as empty; of two good ones the newer counts.

use sha1::{Digest, Sha1};

use crate::record::Record;

/// Bytes that are written at a time: a block of the kernel's cache for the whole disk (block/bdev.c,
/// `set_init_blocksize`). A shorter write would first have to read the rest of it, which may be damaged.
pub const BLOCK: usize = 4096;

/// The slots' bytes on the card. They have the erase block of 4 MiB for themselves that lies between
/// those of the partition table and of the first partition: what a cut damages while that one is
/// erased is needed for no boot.
pub const OFFSETS: [u64; 2] = [4 << 20, 6 << 20];

/// The slots of the count of [failed boots](crate::boot::attempts), likewise.
pub const ATTEMPTS: [u64; 2] = [5 << 20, 7 << 20];

/// The bytes of the card that no partition may have.
pub const RESERVED: std::ops::Range<u64> = OFFSETS[0]..8 << 20;

/// All that a slot says is in its first sector, which a card writes as a whole or not at all.
pub const SECTOR: usize = 512;
/// The last figure is the format's version.
const MAGIC: [u8; 8] = *b"dialbox1";
const SEQUENCE: usize = MAGIC.len();
const LENGTH: usize = SEQUENCE + size_of::<u64>();
const TEXT: usize = LENGTH + size_of::<u16>();
/// SHA-1 of all bytes before it: against damage, not against an attacker, who could compute it, too.
const CHECKSUM: usize = SECTOR - 20;
/// Bytes of a record that fits.
pub const LONGEST: usize = CHECKSUM - TEXT;

/// How often a content is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// Into the older slot: if the newer one goes bad later, the content before this one counts.
    One,
    /// Into both slots, one after the other.
    Both,
}

/// What is in the slots, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots([Option<Slot>; 2]);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    sequence: u64,
    content: Record,
}

/// A record that does not fit into a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub usize);

impl Slots {
    /// Reads the first sector of each slot; `None` for one that cannot be read.
    pub fn decode(sectors: [Option<&[u8; SECTOR]>; 2]) -> Self {
        Self(sectors.map(|sector| sector.and_then(Slot::decode)))
    }

    /// What they say; `None` if neither is good.
    pub fn content(&self) -> Option<&Record> {
        self.newest().map(|(_, slot)| &slot.content)
    }

    /// Which slot has to be written next, and its block, so that this is the newest content, in so many
    /// copies, and both slots are good; `None` if all that is so.
    ///
    /// # Errors
    /// The content does not fit.
    pub fn next(&self, content: &Record, copies: Copies) -> Result<Option<(usize, [u8; BLOCK])>, TooLong> {
        let is_done = |slot: &Slot| slot.content == *content;
        let (at, sequence) = match self.newest() {
            Some((at, slot)) => {
                let other = self.0[1 - at].as_ref();
                let other_is_done = other.is_some_and(|other| copies == Copies::One || is_done(other));
                if is_done(slot) && other_is_done {
                    return Ok(None);
                }
                (1 - at, slot.sequence.saturating_add(1))
            }
            None => (0, 0),
        };
        Ok(Some((at, Slot { sequence, content: content.clone() }.encode()?)))
    }

    /// What has become of the slot that [`next`](Self::next) named: its block was written, or may be torn.
    pub fn set(&mut self, at: usize, block: Option<&[u8; BLOCK]>) {
        self.0[at] = block.and_then(|block| block.first_chunk()).and_then(Slot::decode);
    }

    fn newest(&self) -> Option<(usize, &Slot)> {
        let good = self.0.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.as_ref()?)));
        good.max_by_key(|(_, slot)| slot.sequence)
    }
}

impl Slot {
    fn encode(&self) -> Result<[u8; BLOCK], TooLong> {
        let text = self.content.to_string();
        let length = u16::try_from(text.len()).ok().filter(|length| usize::from(*length) <= LONGEST);
        let length = length.ok_or(TooLong(text.len()))?;
        let mut block = [0; BLOCK];
        block[..SEQUENCE].copy_from_slice(&MAGIC);
        block[SEQUENCE..LENGTH].copy_from_slice(&self.sequence.to_le_bytes());
        block[LENGTH..TEXT].copy_from_slice(&length.to_le_bytes());
        block[TEXT..][..text.len()].copy_from_slice(text.as_bytes());
        let checksum = Sha1::digest(&block[..CHECKSUM]);
        block[CHECKSUM..SECTOR].copy_from_slice(&checksum);
        Ok(block)
    }

    fn decode(sector: &[u8; SECTOR]) -> Option<Self> {
        let (said, checksum) = sector.split_at(CHECKSUM);
        if said[..SEQUENCE] != MAGIC || Sha1::digest(said)[..] != *checksum {
            return None;
        }
        let sequence = u64::from_le_bytes(*said[SEQUENCE..].first_chunk()?);
        let length = u16::from_le_bytes(*said[LENGTH..].first_chunk()?);
        let text = str::from_utf8(said[TEXT..].get(..usize::from(length))?).ok()?;
        Some(Self { sequence, content: Record::parse(text) })
    }
}

/// The blocks of a card that nobody has used yet, for the builder: both slots are good, so that one
/// that goes bad is noticed.
///
/// # Errors
/// The content does not fit.
pub fn blocks(content: &Record) -> Result<[[u8; BLOCK]; 2], TooLong> {
    let block = |sequence| Slot { sequence, content: content.clone() }.encode();
    Ok([block(0)?, block(1)?])
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
