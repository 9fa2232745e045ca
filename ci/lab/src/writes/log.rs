//! The log of all writes to a card, as QEMU's block driver `blklogwrites` makes it.
//!
//! The format is that of the kernel's dm-log-writes (drivers/md/dm-log-writes.c, `struct log_write_super` and
//! `log_write_entry`): a superblock, then for each write one sector with its header, followed by its data. Read here: no
//! crate reads it, and it is one header of four numbers.
//!
//! QEMU writes the number of entries into the superblock only when the guest flushes (block/blklogwrites.c), which a
//! guest with this card never does, so the entries are read up to the first that is not complete.

/// Bytes of a sector, of the card and of the log (`log-sector-size`).
pub const SECTOR: usize = 512;

const HEADER: usize = 4 * size_of::<u64>();
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
/// A comment in the log, which QEMU never writes.
const MARK: u64 = 8;

/// One sector that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorWrite {
    /// Its number on the card.
    pub sector: u64,
    /// Its new content.
    pub data: Box<[u8; SECTOR]>,
}

/// What a log holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The written sectors, in order.
    pub writes: Vec<SectorWrite>,
    /// How often the guest has asked the card for a flush, or for a write that must not be cached.
    pub flushes: usize,
}

/// An entry that cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownEntry {
    /// Its flags.
    pub flags: u64,
    /// The byte of the log where it begins.
    pub at: usize,
}

impl Log {
    /// Reads a log; what an emulator that was killed has written of its last entry is left out.
    ///
    /// # Errors
    /// An entry is neither a write nor a flush.
    pub fn parse(log: &[u8]) -> Result<Self, UnknownEntry> {
        let mut parsed = Self::default();
        let mut at = SECTOR;
        while let Some(header) = log.get(at..at + HEADER) {
            let [sector, sectors, flags, _] = numbers(header);
            if flags & (DISCARD | MARK) != 0 || flags > (FLUSH | FUA) {
                return Err(UnknownEntry { flags, at });
            }
            let length = usize::try_from(sectors).unwrap_or(usize::MAX).saturating_mul(SECTOR);
            let data = at + SECTOR..(at + SECTOR).saturating_add(length);
            let Some(data) = log.get(data) else { break };
            // A header that is not written yet; nothing else says so little.
            if flags == 0 && sectors == 0 {
                break;
            }
            parsed.flushes += usize::from(flags != 0);
            for (number, data) in (sector..).zip(data.as_chunks::<SECTOR>().0) {
                parsed.writes.push(SectorWrite { sector: number, data: Box::new(*data) });
            }
            at += SECTOR + length;
        }
        Ok(parsed)
    }
}

fn numbers(header: &[u8]) -> [u64; 4] {
    let mut numbers = [0; 4];
    for (number, bytes) in numbers.iter_mut().zip(header.as_chunks().0) {
        *number = u64::from_le_bytes(*bytes);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sector: u64, sectors: u64, flags: u64, fill: u8) -> Vec<u8> {
        let mut entry: Vec<u8> = [sector, sectors, flags, 0].into_iter().flat_map(u64::to_le_bytes).collect();
        entry.resize(SECTOR, 0);
        entry.resize(SECTOR * (1 + usize::try_from(sectors).unwrap()), fill);
        entry
    }

    fn log(entries: &[Vec<u8>]) -> Vec<u8> {
        // QEMU leaves the superblock empty until the first flush.
        std::iter::once(vec![0; SECTOR]).chain(entries.iter().cloned()).flatten().collect()
    }

    #[test]
    fn every_sector_is_read_in_the_order_of_the_writes() {
        let log = Log::parse(&log(&[entry(8, 1, 0, 1), entry(2, 2, FUA, 2), entry(0, 0, FLUSH, 0)])).unwrap();
        let found: Vec<_> = log.writes.iter().map(|write| (write.sector, write.data[0])).collect();
        assert_eq!(found, [(8, 1), (2, 2), (3, 2)]);
        assert_eq!(log.flushes, 2);
    }

    #[test]
    fn an_incomplete_last_entry_is_left_out() {
        let whole = log(&[entry(8, 1, 0, 1), entry(9, 1, 0, 2)]);
        for length in whole.len() - 2 * SECTOR..whole.len() {
            assert_eq!(Log::parse(&whole[..length]).unwrap().writes.len(), 1, "{length}");
        }
        let zeros = [whole.clone(), vec![0; 4 * SECTOR]].concat();
        assert_eq!(Log::parse(&zeros).unwrap().writes.len(), 2);
        assert_eq!(Log::parse(&[]).unwrap(), Log::default());
    }

    #[test]
    fn what_cannot_be_replayed_is_an_error() {
        for flags in [DISCARD, MARK, 16] {
            let at = 2 * SECTOR + SECTOR;
            let found = Log::parse(&log(&[entry(8, 1, 0, 1), entry(9, 1, flags, 2)]));
            assert_eq!(found, Err(UnknownEntry { flags, at }));
        }
    }
}
