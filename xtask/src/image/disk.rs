//! The whole card: MBR, second copy, boot, root A, space for root B, state.

use std::{fmt::Write as _, io::Cursor, ops::Range};

use dialbox::{
    card::{
        layout::{Card, Extent, TYPES},
        provisioned,
        verity::Verity,
    },
    state::{new_card, slots},
};
use mbrman::{BOOT_INACTIVE, CHS, MBR, MBRPartitionEntry};

use super::boot::MIB;
use crate::{
    error::{Context, Error, Result},
    manifest::Disk,
    task::digest,
};

/// Bytes of a sector.
pub const SECTOR: u64 = 512;
/// Partitions begin on this many bytes: the erase blocks of SD cards (4 MiB on the common ones).
const ALIGN: u64 = 4 * MIB;
/// Where the superblocks of squashfs (at 0) and ext4 (at 1024) are, and those of what else a card may have held.
const SUPERBLOCKS: usize = 64 << 10;

/// Where the parts lie, in bytes: boot, root A, root B, state.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    parts: [(u64, u64); 4],
}

impl Layout {
    /// The partitions in order, each aligned; the first one behind what is written beside them.
    pub fn from_disk(disk: &Disk) -> Self {
        let sizes = [disk.boot_mib, disk.root_mib, disk.root_mib, disk.state_mib];
        let mut at = slots::RESERVED.end.next_multiple_of(ALIGN);
        let parts = sizes.map(|mib| {
            let part = (at, u64::from(mib) * MIB);
            at = (at + part.1).next_multiple_of(ALIGN);
            part
        });
        Self { parts }
    }

    /// What the box must know of it: where the partitions are, and the root that belongs into two of them.
    pub fn card(&self, root: Verity, signature: u32) -> Card {
        // Disk's sizes are limited by u32 MiB; an MBR counts sectors in 32 bits.
        let sectors = |bytes: u64| (bytes / SECTOR) as u32;
        let extent = |(start, length)| Extent { start: sectors(start), length: sectors(length) };
        Card { root, partitions: self.parts.map(extent), signature }
    }

    /// The range of the image for a root of this many bytes.
    pub fn root(&self, length: usize) -> Range<usize> {
        let start = self.parts[1].0 as usize;
        start..start + length
    }

    /// What a card writer must write, in bytes: everything that belongs to something, zeros included, since the card may hold
    /// an older system or another box's provisioned site. Left out are the rest of root A's partition and, but for their beginnings, the partitions of root
    /// B and of state: there the box finds no file system, and uses one or makes it.
    fn mapped(&self, root: usize) -> Vec<Range<usize>> {
        let [boot, root_a, root_b, state] =
            self.parts.map(|(start, length)| (start as usize, length as usize));
        let beginning = |(start, length): (usize, usize)| start..start + length.min(SUPERBLOCKS);
        let slot = |at| at as usize..at as usize + slots::BLOCK;
        let ([first, second], [count, other_count]) = (slots::OFFSETS.map(slot), slots::ATTEMPTS.map(slot));
        let ranges = [
            // The MBR, and a GPT that the card may have had (UEFI specification §5.3.2: up to LBA 33).
            0..SUPERBLOCKS,
            first,
            count,
            second,
            other_count,
            // In a FAT, a block of zeros is as much a part of a file, a directory or the allocation table as any other.
            boot.0..boot.0 + boot.1,
            root_a.0..(root_a.0 + root).next_multiple_of(BLOCK),
            root_a.0 + root_a.1 - provisioned::AREA as usize..root_a.0 + root_a.1,
            beginning(root_b),
            beginning(state),
        ];
        merge(ranges)
    }

    /// Bytes up to the end of the last partition.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|(start, length)| start + length).max().unwrap_or(0)
    }
}

/// The image, byte for byte as it goes onto the card. The box will put `boot_copy` bytes behind the second root.
pub fn write(disk: &Disk, boot: &[u8], root: &[u8], boot_copy: u64) -> Result<Vec<u8>> {
    let layout = Layout::from_disk(disk);
    let [(boot_at, _), (root_at, _), ..] = layout.parts;
    refuse_too_much(disk, root.len() as u64, boot_copy)?;
    let mut image = vec![0; layout.size() as usize];
    image[boot_at as usize..][..boot.len()].copy_from_slice(boot);
    image[root_at as usize..][..root.len()].copy_from_slice(root);
    let second_copy = new_card::blocks().map_err(|slots::TooLong(length)| {
        Error::new(format!("the second copy of a new card has {length} bytes, of {}", slots::LONGEST))
    })?;
    for (at, block) in second_copy {
        image[at as usize..][..block.len()].copy_from_slice(&block);
    }
    write_mbr(&mut image, &layout, disk.signature).context(|| "cannot write the MBR".into())?;
    Ok(image)
}

/// Both root partitions have the same size, and both have to hold more than the root.
fn refuse_too_much(disk: &Disk, root: u64, boot_copy: u64) -> Result<()> {
    let size = u64::from(disk.root_mib) * MIB;
    let needed = root.next_multiple_of(BLOCK as u64) + boot_copy.max(provisioned::AREA);
    if needed <= size {
        return Ok(());
    }
    let mib = needed.div_ceil(MIB);
    Err(Error::new(format!("the root partitions are too small: root B needs {needed} bytes"))
        .fact(format!("{root} bytes for squashfs, hash tree and boot manifest"))
        .fact(format!("{boot_copy} bytes for the copy of the boot files, which the box puts behind them"))
        .fact(format!("`root-mib` is {}, which is {size} bytes", disk.root_mib))
        .hint(format!("set `root-mib = {mib}` or more under [disk] in image/image.toml")))
}

fn write_mbr(image: &mut [u8], layout: &Layout, signature: u32) -> Result<(), mbrman::Error> {
    let mut disk = Cursor::new(image);
    let mut table = MBR::new_from(&mut disk, SECTOR as u32, signature.to_le_bytes())?;
    for (index, ((start, length), sys)) in (1..).zip(layout.parts.into_iter().zip(TYPES)) {
        table[index] = MBRPartitionEntry {
            boot: BOOT_INACTIVE,
            first_chs: CHS::empty(),
            sys,
            last_chs: CHS::empty(),
            starting_lba: (start / SECTOR) as u32,
            sectors: (length / SECTOR) as u32,
        };
    }
    table.write_into(&mut disk)
}

/// The block size of `.bmap`: a page, and a block of most file systems.
const BLOCK: usize = 4096;

/// The runs of blocks that are not all zeros, in bytes: what a sparse file stores.
pub fn used(image: &[u8]) -> Vec<Range<usize>> {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let blocks = (0..).step_by(BLOCK).zip(image.chunks(BLOCK));
    let used = blocks.filter(|(_, block)| **block != ZEROS[..block.len()]);
    merge(used.map(|(start, block)| start..start + block.len()))
}

/// Ranges in order, those that touch as one.
fn merge(ranges: impl IntoIterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => merged.push(range),
        }
    }
    merged
}

/// The `.bmap` of an image (bmaptool's format 2.0) with a root of this many bytes: which blocks to write, with their
/// hashes. What is not mapped stays on the card as it was, and bmaptool reports success all the same.
pub fn bmap(disk: &Disk, image: &[u8], root: usize) -> String {
    let runs = Layout::from_disk(disk).mapped(root).into_iter().map(|run| (digest(&image[run.clone()]), run));
    render_bmap(image.len(), runs.map(|(hash, run)| (run, hash)))
}

/// A `.bmap` of these bytes of an image, each range with its SHA-256.
pub fn render_bmap(size: usize, runs: impl IntoIterator<Item = (Range<usize>, String)>) -> String {
    let mut ranges = String::new();
    let mut count = 0;
    for (run, hash) in runs {
        let (first, end) = (run.start / BLOCK, run.end.div_ceil(BLOCK));
        let range = if end - first == 1 { first.to_string() } else { format!("{first}-{}", end - 1) };
        // Writing into a String cannot fail.
        let _ = writeln!(ranges, "    <Range chksum=\"{hash}\">{range}</Range>");
        count += end - first;
    }
    let render = |checksum: &str| {
        format!(
            "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n  <ImageSize>{}</ImageSize>\n  \
             <BlockSize>{BLOCK}</BlockSize>\n  <BlocksCount>{}</BlocksCount>\n  \
             <MappedBlocksCount>{count}</MappedBlocksCount>\n  <ChecksumType>sha256</ChecksumType>\n  \
             <BmapFileChecksum>{checksum}</BmapFileChecksum>\n  <BlockMap>\n{ranges}  </BlockMap>\n</bmap>\n",
            size,
            size.div_ceil(BLOCK),
        )
    };
    // The file's own checksum is computed with zeros in its place (bmap-tools, BmapCopy.py).
    render(&digest(render(&"0".repeat(64)).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_aligned_and_in_order() {
        let disk = Disk { boot_mib: 9, root_mib: 12, state_mib: 8, signature: 1 };
        let mib = |it: u64| it * MIB;
        let parts = [(8, 9), (20, 12), (32, 12), (44, 8)].map(|(at, size)| (mib(at), mib(size)));
        assert_eq!(Layout::from_disk(&disk), Layout { parts });
        assert_eq!(Layout::from_disk(&disk).size(), mib(52));
    }

    /// A writer that goes by the map must not leave the slots that a card had before: they would be newer.
    #[test]
    fn a_card_begins_with_both_slots_of_a_second_copy_and_a_bmap_names_them() {
        let disk = Disk { boot_mib: 1, root_mib: 1, state_mib: 1, signature: 1 };
        let image = write(&disk, &[1], &[1], 0).unwrap();
        assert_eq!(image, write(&disk, &[1], &[1], 0).unwrap());
        let at = |number: usize| slots::OFFSETS[number] as usize;
        let sector = |number| image[at(number)..].first_chunk::<{ slots::SECTOR }>();
        for slots in [[sector(0), sector(1)], [sector(0), None], [None, sector(1)]] {
            let slots = slots::Slots::decode(slots);
            assert_eq!(slots.content().unwrap().get("codes"), Some("new"));
        }
        let mapped = Layout::from_disk(&disk).mapped(1);
        assert!([at(0), at(1)].iter().all(|at| mapped.iter().any(|run| run.contains(at))), "{mapped:?}");
    }

    #[test]
    fn roots_that_cannot_hold_the_twin_and_the_copy_of_the_boot_files_are_refused_with_the_size_they_need() {
        let disk = Disk { boot_mib: 1, root_mib: 2, state_mib: 1, signature: 1 };
        let root = vec![1; 1 << 20];
        assert!(write(&disk, &[1], &root, 1 << 20).is_ok());
        for (root, boot_copy) in [(&root[..], (1 << 20) + 1), (&vec![1; (2 << 20) + 1], 0)] {
            let error = write(&disk, &[1], root, boot_copy).unwrap_err().to_string();
            assert!(error.contains("`root-mib` is 2") && error.contains("set `root-mib = 3`"), "{error}");
        }
    }

    const DISK: Disk = Disk { boot_mib: 4, root_mib: 4, state_mib: 4, signature: 1 };
    const ROOT: usize = 2 * 4096 + 5;

    /// An image whose boot partition holds zeros between data, as a FAT does, and so does its root.
    fn image() -> Vec<u8> {
        let mut boot = vec![0; 4 << 20];
        boot[9 * 4096] = 1;
        let mut root = [0; ROOT];
        root[0] = 2;
        write(&DISK, &boot, &root, 0).unwrap()
    }

    /// What a card that held `before` holds after `bmaptool copy` (bmap-tools, BmapCopy.py): the mapped blocks.
    fn written(before: u8, image: &[u8], bmap: &str) -> Vec<u8> {
        let mut card = vec![before; image.len()];
        for range in bmap.lines().filter_map(|line| line.split_once("\">")?.1.strip_suffix("</Range>")) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let [first, last]: [usize; 2] = [first, last].map(|block| block.parse().unwrap());
            let bytes = first * 4096..(last + 1) * 4096;
            card[bytes.clone()].copy_from_slice(&image[bytes]);
        }
        card
    }

    #[test]
    fn a_card_that_was_used_before_holds_all_of_the_image_that_belongs_to_something() {
        let image = image();
        let card = written(0xa5, &image, &bmap(&DISK, &image, ROOT));
        let Layout { parts: [boot, root_a, root_b, state] } = Layout::from_disk(&DISK);
        let [boot, root_a, root_b, state] = [boot, root_a, root_b, state].map(|(start, _)| start as usize);
        assert_eq!(card[..SUPERBLOCKS], image[..SUPERBLOCKS]);
        assert!(card[boot..][..4 << 20] == image[boot..][..4 << 20], "the boot partition");
        assert_eq!(card[root_a..][..ROOT], image[root_a..][..ROOT]);
        for empty in [root_b, state] {
            assert!(
                card[empty..][..SUPERBLOCKS].iter().all(|byte| *byte == 0),
                "an old superblock at {empty}"
            );
        }
    }

    #[test]
    fn a_bmap_counts_its_blocks_and_leaves_out_empty_partitions() {
        let bmap = bmap(&DISK, &image(), ROOT);
        // The boot partition and three blocks of the root behind it; 16 blocks each of the MBR, a provisioned site,
        // root B and state; four slots.
        assert!(bmap.contains(">2048-3074</Range>") && bmap.contains(">4080-4111</Range>"), "{bmap}");
        assert!(bmap.contains("<MappedBlocksCount>1095</MappedBlocksCount>"), "{bmap}");
    }

    #[test]
    fn the_runs_of_a_sparse_file_are_what_is_not_zero() {
        let mut image = vec![0; 5 * 4096];
        for at in [4096, 2 * 4096, 4 * 4096] {
            image[at] = 1;
        }
        assert_eq!(used(&image), [4096..3 * 4096, 4 * 4096..5 * 4096]);
    }
}
