//! A card as a cut has left it: read in place, or written to a file.

use super::cut::{Content, Cut, garbage};
use super::recording::Recording;
use crate::error::{Error, Result};
use crate::writes::log::{SECTOR, SectorWrite};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

/// A card; copies of it share everything.
#[derive(Debug, Clone)]
pub struct CutCard {
    before: Rc<File>,
    writes: Rc<Vec<SectorWrite>>,
    changed: Rc<HashMap<u64, Content>>,
}

impl CutCard {
    /// The card after this cut. `before` is the recording's card.
    pub fn new(recording: &Recording, before: &Rc<File>, cut: &Cut) -> Self {
        let changed = Rc::new(cut.sectors(&recording.writes, &recording.requests));
        Self { before: before.clone(), writes: recording.writes.clone(), changed }
    }

    /// A card as it is.
    pub fn of(file: File) -> Self {
        Self { before: Rc::new(file), writes: Rc::default(), changed: Rc::default() }
    }

    /// Reads bytes.
    pub fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.before.read_exact_at(bytes, at)?;
        let end = at + bytes.len() as u64;
        for sector in at / SECTOR as u64..end.div_ceil(SECTOR as u64) {
            let Some(content) = self.changed.get(&sector) else { continue };
            let begin = sector * SECTOR as u64;
            let (from, to) = (at.max(begin), end.min(begin + SECTOR as u64));
            // Both lie within the sector, and within `bytes`.
            let part = (from - begin) as usize..(to - begin) as usize;
            bytes[(from - at) as usize..(to - at) as usize].copy_from_slice(&self.content(*content)[part]);
        }
        Ok(())
    }

    /// Writes the changed sectors onto a copy of the card before.
    pub fn write_onto(&self, copy: &Path) -> Result<()> {
        let written = File::options().write(true).open(copy).and_then(|file| {
            self.changed.iter().try_for_each(|(sector, content)| {
                file.write_all_at(&self.content(*content), sector * SECTOR as u64)
            })
        });
        written.map_err(|e| Error::io("replay writes onto", copy, e))
    }

    fn content(&self, content: Content) -> [u8; SECTOR] {
        match content {
            Content::Written(write) => *self.writes[write].data,
            Content::Garbage(number) => garbage(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cut::Damage;
    use super::*;

    #[test]
    fn a_card_reads_as_its_file_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card");
        std::fs::write(&path, vec![9; 8 * SECTOR]).unwrap();
        let write = |sector, fill| SectorWrite { sector, data: Box::new([fill; SECTOR]) };
        let recording = Recording {
            card: path.clone(),
            writes: Rc::new(vec![write(1, 1), write(2, 2), write(5, 5)]),
            requests: vec![0..2, 2..3],
            flushes: 0,
            facts: Vec::new(),
            role: dialbox::site::Site::parse(include_str!("../../../../image/sites/dialer.toml"))
                .unwrap()
                .role,
        };
        let cut = Cut { request: 1, damage: Damage::Prefix(0) };
        let card = CutCard::new(&recording, &Rc::new(File::open(&path).unwrap()), &cut);
        let mut bytes = vec![0; 3 * SECTOR];
        card.read_at(SECTOR as u64 / 2, &mut bytes).unwrap();
        card.write_onto(&path).unwrap();
        let file = std::fs::read(&path).unwrap();
        assert_eq!(bytes, file[SECTOR / 2..7 * SECTOR / 2]);
        let firsts: Vec<_> = file.chunks(SECTOR).map(|sector| sector[0]).collect();
        assert_eq!(firsts, [9, 1, 2, 9, 9, 9, 9, 9]);
    }
}
