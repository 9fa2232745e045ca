//! What a card knows, read without booting it: the files of its state partition, and the second copy.
//!
//! The crate `ext4-view` reads the partition and replays its journal in memory. It is no judge of a damaged one: where
//! the journal is damaged it stops, the kernel may refuse the partition, and e2fsck decides. Cards that it cannot read
//! have to be booted.

use super::facts::{self, Memory};
use super::replay::CutCard;
use dialbox::boot::ext4::{self, Health};
use dialbox::state::slots::{OFFSETS, SECTOR, Slots};
use ext4_view::{Ext4, Ext4Error, Ext4Read, PathBuf};
use std::collections::BTreeMap;
use std::error::Error as StdError;

/// Bytes of a file that are read at most.
const LONGEST: u64 = 1 << 20;
/// The entry of the state partition in the partition table.
const STATE_ENTRY: u64 = 446 + 3 * 16;
/// Of an ext4 superblock: whether the journal must be replayed, and the checksum over all bytes before it.
const FEATURE_INCOMPAT: usize = 0x60;
const INCOMPAT_RECOVER: u8 = 0x4;
const CHECKSUM: usize = 0x3FC;

/// What can be said of a card without booting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// What the next boot will find.
    Read(Memory),
    /// The state partition cannot be read: a boot has to show what the repairs make of it.
    Unreadable(String),
}

/// Reads a card.
pub fn read(card: &CutCard) -> Reading {
    let files = match state_partition(card) {
        Ok(Some(partition)) => files(&partition),
        // The next boot formats it.
        Ok(None) => Ok(BTreeMap::new()),
        Err(error) => Err(error.to_string()),
    };
    match files {
        Ok(files) => Reading::Read(Memory { files, copy: second_copy(card) }),
        Err(why) => Reading::Unreadable(why),
    }
}

fn second_copy(card: &CutCard) -> Option<dialbox::record::Record> {
    let sectors = OFFSETS.map(|offset| {
        let mut sector = [0; SECTOR];
        card.read_at(offset, &mut sector).ok().map(|()| sector)
    });
    Slots::decode(sectors.each_ref().map(Option::as_ref)).content().cloned()
}

/// The state partition of a card.
#[derive(Clone)]
struct Partition {
    card: CutCard,
    start: u64,
    superblock: [u8; ext4::LENGTH],
}

/// `None` for one that the next boot formats without a further look.
fn state_partition(card: &CutCard) -> std::io::Result<Option<Partition>> {
    let mut start = [0; 4];
    card.read_at(STATE_ENTRY + 8, &mut start)?;
    let start = u64::from(u32::from_le_bytes(start)) * 512;
    let mut superblock = [0; ext4::LENGTH];
    card.read_at(start + ext4::OFFSET, &mut superblock)?;
    let is_blank = ext4::health(&superblock) == Health::Blank;
    Ok((!is_blank).then(|| Partition { card: card.clone(), start, superblock }))
}

impl Partition {
    /// The same without a journal to replay. ext4-view takes an empty journal, as it is between mounting and the first
    /// write, for an unknown one (its `JournalBlockType`): the first block after its superblock is the superblock itself.
    fn without_replay(mut self) -> Self {
        self.superblock[FEATURE_INCOMPAT] &= !INCOMPAT_RECOVER;
        let checksum = crc32c(&self.superblock[..CHECKSUM]);
        self.superblock[CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        self
    }
}

impl Ext4Read for Partition {
    fn read(&mut self, at: u64, bytes: &mut [u8]) -> Result<(), Box<dyn StdError + Send + Sync>> {
        self.card.read_at(self.start + at, bytes)?;
        for (offset, byte) in (ext4::OFFSET..).zip(self.superblock) {
            if let Some(place) =
                offset.checked_sub(at).and_then(|it| bytes.get_mut(usize::try_from(it).ok()?))
            {
                *place = byte;
            }
        }
        Ok(())
    }
}

/// CRC-32C without the final inversion, as ext4 uses it (fs/ext4/super.c, `ext4_superblock_csum`).
fn crc32c(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg()))
    })
}

fn files(partition: &Partition) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let system = match Ext4::load(Box::new(partition.clone())) {
        Err(Ext4Error::Incompatible(_)) => Ext4::load(Box::new(partition.clone().without_replay())),
        loaded => loaded,
    };
    let mut files = BTreeMap::new();
    system
        .and_then(|system| collect(&system, &PathBuf::new("/"), &mut files))
        .map_err(|error| error.to_string())?;
    Ok(files)
}

fn collect(system: &Ext4, dir: &PathBuf, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Ext4Error> {
    for entry in system.read_dir(dir)? {
        let entry = entry?;
        if [&b"."[..], b"..", b"lost+found"].contains(&entry.file_name().as_ref()) {
            continue;
        }
        let path = entry.path();
        // The box cannot read a damaged file either, and goes on without it.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            collect(system, &path, files)?;
        } else if metadata.len() <= LONGEST
            && let Ok(content) = system.read(&path)
        {
            let name = String::from_utf8_lossy(path.as_ref()).trim_start_matches('/').to_owned();
            files.insert(name, facts::content(content));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc_32c() {
        // RFC 3720 §B.4, whose values are inverted: 32 bytes of zeros, and of ones.
        assert_eq!(!crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(!crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
