//! Compares a card that was in use with the image it was made from. What a box or its owner may change is no fault: the
//! second copy, the state, the length of the last partition, `site.toml` and what a PC adds to the boot partition.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Cursor},
};

use dialbox::{
    card::{layout::Card, provisioned::AREA, verity::Verity},
    record::Record,
};
use mbrman::{MBR, MBRPartitionEntry};

use super::{
    BLOCK,
    medium::Medium,
    owners::Owners,
    provisioned::{Copies, Wrong},
    twin::bad_copies,
};
use crate::{
    error::{Context, Error, Result},
    image::{
        boot,
        boot_files::{INITRAMFS, SITE},
        disk::SECTOR,
        initramfs,
    },
};

/// Names of files in a message.
const SHOWN: usize = 5;
pub(super) const NAMES: [&str; 4] = ["boot", "root A", "root B", "state"];

/// Something of the card that is not as the image has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no partition table.
    Table,
    /// The start or length of a partition.
    Partition(&'static str),
    /// The file system of the boot partition.
    Fat(String),
    /// A file of the boot partition.
    File(String),
    /// The copies of the provisioned site beside root A.
    Provisioned(Wrong),
    /// The manifest of the boot files, behind the hash tree of root A.
    Manifest,
    /// Blocks of a root: how many, and the first one of the card.
    Root {
        /// Which one.
        name: &'static str,
        /// How many differ or cannot be read.
        blocks: usize,
        /// The number of the first one, counted from the card's beginning.
        first: u64,
        /// The files that they belong to, as far as it is known.
        files: Vec<String>,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("there is no partition table"),
            Self::Partition(name) => write!(f, "the partition table has {name} at another place"),
            Self::Fat(why) => write!(f, "the boot partition cannot be read: {why}"),
            Self::File(name) => write!(f, "{name} on the boot partition is not the image's"),
            Self::Provisioned(wrong) => wrong.fmt(f),
            Self::Manifest => f.write_str("the manifest of the boot files is damaged"),
            Self::Root { name, blocks, first, files } => {
                write!(
                    f,
                    "{name}: {blocks} blocks of {BLOCK} bytes are bad, the first one is block {first}"
                )?;
                match files.split_at_checked(SHOWN) {
                    _ if files.is_empty() => f.write_str("; they belong to no file's content"),
                    Some((shown, rest)) if !rest.is_empty() => {
                        write!(f, "; they belong to {} and {} other files", shown.join(", "), rest.len())
                    }
                    _ => write!(f, "; they belong to {}", files.join(", ")),
                }
            }
        }
    }
}

/// Something that is not as the image has it, and may be.
#[derive(Debug, PartialEq, Eq)]
pub enum Remark {
    /// The image has no provisioned site, and the card has one, for this box.
    Provisioned(String),
    /// The text of `site.toml` is neither the image's nor the provisioned one. The box checks it when it starts.
    Edited,
    /// The box makes root B in its first hours.
    NoSecondRoot,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provisioned(name) => write!(f, "the card was provisioned for {name}"),
            Self::Edited => f.write_str("site.toml was edited"),
            Self::NoSecondRoot => f.write_str("root B is empty: the box has not made its second root yet"),
        }
    }
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is different and may be.
    pub remarks: Vec<Remark>,
}

/// Compares a card with the bytes of an image.
///
/// # Errors
/// The image is none of ours.
pub fn check(card: &mut dyn Medium, image: &[u8]) -> Result<Findings> {
    let parts = partitions(image).context(|| "the image has no partition table".into())?;
    let inside = |part: &MBRPartitionEntry| bytes(part).end <= image.len() as u64;
    if !parts.iter().all(inside) {
        return Err(Error::new("the image is shorter than its partitions").hint("cargo xtask build-image"));
    }
    let mut found = Findings::default();
    match partitions(&read(card, 0..BLOCK as u64)) {
        Err(_) => found.faults.push(Fault::Table),
        Ok(here) => {
            let moved = |(index, name): &(usize, &'static str)| !is_same(&parts[*index], &here[*index], name);
            let moved = NAMES.into_iter().enumerate().filter(moved);
            found.faults.extend(moved.map(|(_, name)| Fault::Partition(name)));
        }
    }
    let [boot, root_a, root_b, _] = parts.each_ref().map(bytes);
    let copies = Copies::read(&read(card, root_a.clone()));
    let of_image = Copies::read(slice(image, &root_a));
    found.remarks.extend(copies.name().filter(|_| of_image.site.is_none()).map(Remark::Provisioned));
    let site = copies.site.as_deref();
    check_boot(&read(card, boot.clone()), slice(image, &boot), site, &mut found)?;
    let wrong = copies.compared_with(&of_image);
    if matches!(wrong, Some(Wrong::Missing(_))) {
        // Of another card, one that was not edited.
        found.remarks.retain(|it| *it != Remark::Edited);
    }
    let end = root_a.end.saturating_sub(AREA).max(root_a.start);
    let root = used(slice(image, &(root_a.start..end)));
    let owners = Owners::read(root);
    let bad = differing(card, root_a.start, root);
    found.faults.extend(bad_blocks("root A", root_a.start, &bad, &owners));
    found.faults.extend(wrong.map(Fault::Provisioned));
    found.faults.extend(copies.damage.map(Fault::Provisioned));
    if read(card, root_b.start..root_b.start + BLOCK as u64).iter().all(|byte| *byte == 0) {
        found.remarks.push(Remark::NoSecondRoot);
    } else {
        let mut owners = owners;
        let mut bad = differing(card, root_b.start, root);
        if let Some(verity) = verity(slice(image, &boot)) {
            let manifest = root.get(verity.blocks() as usize * BLOCK..).unwrap_or_default();
            bad.extend(bad_copies(&read(card, root_b.clone()), &verity, manifest, &mut owners));
        }
        found.faults.extend(bad_blocks("root B", root_b.start, &bad, &owners));
    }
    Ok(found)
}

/// The box grows the last partition to the card's end.
fn is_same(image: &MBRPartitionEntry, card: &MBRPartitionEntry, name: &str) -> bool {
    let grown = name == "state" && image.sectors < card.sectors;
    image.starting_lba == card.starting_lba && (image.sectors == card.sectors || grown)
}

pub(super) fn partitions(disk: &[u8]) -> Result<[MBRPartitionEntry; 4], mbrman::Error> {
    let mbr = MBR::read_from(&mut Cursor::new(disk), SECTOR as u32)?;
    Ok([1, 2, 3, 4].map(|number| mbr[number].clone()))
}

pub(super) fn bytes(part: &MBRPartitionEntry) -> std::ops::Range<u64> {
    let start = u64::from(part.starting_lba) * SECTOR;
    start..start + u64::from(part.sectors) * SECTOR
}

fn slice<'a>(image: &'a [u8], range: &std::ops::Range<u64>) -> &'a [u8] {
    &image[range.start as usize..range.end as usize]
}

/// What a block that cannot be read counts as: no block of an image is so, not even one of zeros.
const UNREADABLE: &[u8] = b"a block of the card that cannot be read";

/// What a card holds.
pub(super) fn read(card: &mut dyn Medium, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    for (at, chunk) in (range.start..).step_by(1 << 20).zip(bytes.chunks_mut(1 << 20)) {
        if card.read_at(chunk, at).is_err() {
            for (at, block) in (at..).step_by(BLOCK).zip(chunk.chunks_mut(BLOCK)) {
                if card.read_at(block, at).is_err() {
                    block.fill(0);
                    let length = UNREADABLE.len().min(block.len());
                    block[..length].copy_from_slice(&UNREADABLE[..length]);
                }
            }
        }
    }
    bytes
}

/// Without the zeros behind it.
fn used(partition: &[u8]) -> &[u8] {
    let end = partition.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    &partition[..end.next_multiple_of(BLOCK).min(partition.len())]
}

/// The numbers of the blocks behind this byte of the card that are not as expected.
fn differing(card: &mut dyn Medium, start: u64, expected: &[u8]) -> Vec<u64> {
    let found = read(card, start..start + expected.len() as u64);
    let blocks = (0..).zip(found.chunks(BLOCK).zip(expected.chunks(BLOCK)));
    blocks.filter(|(_, (found, expected))| found != expected).map(|(at, _)| at).collect()
}

/// How the roots are verified, by the record in the initramfs of a boot partition.
pub(super) fn verity(boot: &[u8]) -> Option<Verity> {
    let files = files(boot).ok()?;
    let (_, archive) = files.iter().find(|(name, _)| name == INITRAMFS)?;
    let record = initramfs::card_record(archive).ok()?;
    Some(Card::from_record(&Record::parse(&String::from_utf8_lossy(&record)))?.root)
}

/// The fault of these blocks of a root that begins at this byte of the card.
pub(super) fn bad_blocks(name: &'static str, start: u64, bad: &[u64], owners: &Owners) -> Option<Fault> {
    let first = start / BLOCK as u64 + bad.first()?;
    let bytes = bad.iter().map(|number| number * BLOCK as u64..(number + 1) * BLOCK as u64);
    let files: BTreeSet<String> =
        bytes.flat_map(|bytes| owners.of(&bytes).map(str::to_owned).collect::<Vec<_>>()).collect();
    Some(Fault::Root { name, blocks: bad.len(), first, files: files.into_iter().collect() })
}

/// `site`: what `site.toml` is if it was not edited and is not the image's.
fn check_boot(card: &[u8], image: &[u8], site: Option<&str>, found: &mut Findings) -> Result<()> {
    let expected = files(image).context(|| "the image's boot partition cannot be read".into())?;
    let here = match files(card) {
        Ok(files) => files,
        Err(error) => {
            found.faults.push(Fault::Fat(error.to_string()));
            return Ok(());
        }
    };
    for (name, content) in expected {
        let content = site.filter(|_| name == SITE).map_or(&content[..], str::as_bytes);
        let same = here.iter().any(|(other, bytes)| *other == name && *bytes == content);
        match (same, name.as_str()) {
            (true, _) => {}
            (false, SITE) => found.remarks.push(Remark::Edited),
            (false, _) => found.faults.push(Fault::File(name)),
        }
    }
    Ok(())
}

/// The files of a FAT's root directory; one that cannot be read is empty.
pub(super) fn files(partition: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let files = boot::read(partition)?.into_iter();
    Ok(files.map(|(name, content)| (name, content.unwrap_or_default())).collect())
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
