//! A small record on the card beside the partitions: it needs no file system.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::OFlags;

use super::slots::{Copies, LONGEST, SECTOR, Slots, TooLong};
use crate::record::Record;

/// A record on the card, in two slots.
#[derive(Debug)]
pub struct CardRecord {
    card: PathBuf,
    /// Where its slots are, in bytes.
    offsets: [u64; 2],
    slots: Slots,
}

impl CardRecord {
    /// Reads the record of a card. The error says why neither slot could be read; a slot that can be read
    /// and is damaged is none.
    pub fn open(card: PathBuf, offsets: [u64; 2]) -> (Self, Option<io::Error>) {
        let mut trouble = None;
        let sectors = match File::open(&card) {
            Ok(file) => offsets.map(|offset| {
                let mut sector = [0; SECTOR];
                let read = file.read_exact_at(&mut sector, offset);
                read.map_err(|error| trouble = Some(error)).ok().map(|()| sector)
            }),
            Err(error) => {
                trouble = Some(error);
                [None; 2]
            }
        };
        let is_unreadable = sectors.iter().all(Option::is_none);
        let slots = Slots::decode(sectors.each_ref().map(Option::as_ref));
        (Self { card, offsets, slots }, trouble.filter(|_| is_unreadable))
    }

    /// What it says; `None` if there is none.
    pub fn content(&self) -> Option<&Record> {
        self.slots.content()
    }

    /// Makes this the content: when this returns, it survives a power cut; when the power is cut
    /// before, this or the former content does. Writes one block for each copy that is not there yet, and one
    /// for a slot that is bad.
    ///
    /// # Errors
    /// It could not be written. The newest good slot before is still good, or there are newer ones.
    pub fn write(&mut self, content: &Record, copies: Copies) -> io::Result<()> {
        while let Some((at, block)) = self.slots.next(content, copies).map_err(too_long)? {
            // The write returns when the card has the data (open(2)).
            let flags = i32::from_ne_bytes(OFlags::DSYNC.bits().to_ne_bytes());
            let card = File::options().write(true).custom_flags(flags).open(&self.card);
            let written = card.and_then(|card| card.write_all_at(&block, self.offsets[at]));
            self.slots.set(at, written.is_ok().then_some(&block));
            written?;
        }
        Ok(())
    }
}

fn too_long(TooLong(length): TooLong) -> io::Error {
    let what = format!("{length} bytes do not fit into a slot of {LONGEST}");
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::slots::{OFFSETS, blocks};
    use std::fs;

    fn record(used: u64) -> Record {
        Record::new().with("used", used)
    }

    #[test]
    fn a_copy_is_there_after_the_next_start_and_nothing_else_on_the_card_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card");
        let card = File::create(&path).unwrap();
        card.set_len(9 << 20).unwrap();
        for (offset, block) in OFFSETS.into_iter().zip(blocks(&record(0)).unwrap()) {
            card.write_all_at(&block, offset).unwrap();
        }
        let before = fs::read(&path).unwrap();
        for used in 1..4 {
            let (mut copy, trouble) = CardRecord::open(path.clone(), OFFSETS);
            assert!(trouble.is_none(), "{trouble:?}");
            assert_eq!(copy.content(), Some(&record(used - 1)));
            copy.write(&record(used), Copies::Both).unwrap();
        }
        let after = fs::read(&path).unwrap();
        let changed = before.iter().zip(&after).enumerate().filter(|(_, (old, new))| old != new);
        let slots = OFFSETS.map(|at| at as usize..at as usize + SECTOR);
        assert!(changed.map(|(at, _)| at).all(|at| slots.iter().any(|slot| slot.contains(&at))));
        assert_eq!(before.len(), after.len());
    }

    #[test]
    fn a_card_that_is_not_there_is_told_and_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card");
        let (mut copy, trouble) = CardRecord::open(path.clone(), OFFSETS);
        assert_eq!(trouble.unwrap().kind(), io::ErrorKind::NotFound);
        assert_eq!(copy.content(), None);
        assert_eq!(copy.write(&record(1), Copies::One).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!path.exists());
    }

    #[test]
    fn a_card_that_can_only_be_read_keeps_what_it_has() {
        let (mut copy, trouble) = CardRecord::open("/dev/zero".into(), OFFSETS);
        assert!(trouble.is_none());
        assert_eq!(copy.content(), None);
        // Every write to /dev/full fails (drivers/char/mem.c).
        copy.card = "/dev/full".into();
        assert_eq!(copy.write(&record(1), Copies::One).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(copy.content(), None);
    }
}
