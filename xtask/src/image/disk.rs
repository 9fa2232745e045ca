//! The whole card: MBR, second copy, boot, root A, room for root B, state.

use std::{fmt::Write as _, io::Cursor, ops::Range};

use dialbox::{dialer::persistence, state::slots};
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
const FAT16_LBA: u8 = 0x0e;
const LINUX: u8 = 0x83;

/// Where the parts lie, in bytes: boot, root A, root B, state.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    parts: [(u64, u64); 4],
}

impl Layout {
    /// Each partition after the one before, aligned; the first after what is written beside them.
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

    /// The range of the image that a root of this many bytes takes.
    pub fn root(&self, length: usize) -> Range<usize> {
        let start = self.parts[1].0 as usize;
        start..start + length
    }

    /// Bytes up to the end of the last partition.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|(start, length)| start + length).max().unwrap_or(0)
    }
}

/// The image, byte for byte as it goes onto the card.
pub fn write(disk: &Disk, boot: &[u8], root: &[u8]) -> Result<Vec<u8>> {
    let layout = Layout::from_disk(disk);
    let [(boot_at, _), (root_at, root_size), ..] = layout.parts;
    if root.len() as u64 > root_size {
        let mib = (root.len() as u64).div_ceil(MIB);
        return Err(Error::new(format!(
            "the root partition is too small: its squashfs has {} bytes",
            root.len()
        ))
        .fact(format!("`root-mib` is {}, which is {root_size} bytes", disk.root_mib))
        .hint(format!("set `root-mib = {mib}` or more under [disk] in image/image.toml")));
    }
    let mut image = vec![0; layout.size() as usize];
    image[boot_at as usize..][..boot.len()].copy_from_slice(boot);
    image[root_at as usize..][..root.len()].copy_from_slice(root);
    let second_copy = persistence::new_card().map_err(|slots::TooLong(length)| {
        Error::new(format!("the second copy of a new card has {length} bytes, of {}", slots::LONGEST))
    })?;
    for (at, block) in second_copy {
        image[at as usize..][..block.len()].copy_from_slice(&block);
    }
    write_mbr(&mut image, &layout, disk.signature).context(|| "cannot write the MBR".into())?;
    Ok(image)
}

fn write_mbr(image: &mut [u8], layout: &Layout, signature: u32) -> Result<(), mbrman::Error> {
    let mut disk = Cursor::new(image);
    let mut mbr = MBR::new_from(&mut disk, SECTOR as u32, signature.to_le_bytes())?;
    for (index, (start, length)) in (1..).zip(layout.parts) {
        mbr[index] = MBRPartitionEntry {
            boot: BOOT_INACTIVE,
            first_chs: CHS::empty(),
            sys: if index == 1 { FAT16_LBA } else { LINUX },
            last_chs: CHS::empty(),
            starting_lba: (start / SECTOR) as u32,
            sectors: (length / SECTOR) as u32,
        };
    }
    mbr.write_into(&mut disk)
}

/// The block size of `.bmap`: a page, and a block of most file systems.
const BLOCK: usize = 4096;

/// The runs of blocks that are not all zeros, in bytes.
pub fn used(image: &[u8]) -> Vec<Range<usize>> {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (index, block) in image.chunks(BLOCK).enumerate() {
        if *block == ZEROS[..block.len()] {
            continue;
        }
        let (start, end) = (index * BLOCK, index * BLOCK + block.len());
        match runs.last_mut() {
            Some(run) if run.end == start => run.end = end,
            _ => runs.push(start..end),
        }
    }
    runs
}

/// The `.bmap` of an image (bmaptool's format 2.0): which blocks hold data, with their hashes,
/// so that a card writer skips the empty ones and checks the others.
pub fn bmap(image: &[u8], used: &[Range<usize>]) -> String {
    let mut ranges = String::new();
    let mut count = 0;
    for run in used {
        let (first, end) = (run.start / BLOCK, run.end.div_ceil(BLOCK));
        let range = if end - first == 1 { first.to_string() } else { format!("{first}-{}", end - 1) };
        // Writing into a String cannot fail.
        let _ = writeln!(ranges, "    <Range chksum=\"{}\">{range}</Range>", digest(&image[run.clone()]));
        count += end - first;
    }
    let render = |checksum: &str| {
        format!(
            "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n  <ImageSize>{}</ImageSize>\n  \
             <BlockSize>{BLOCK}</BlockSize>\n  <BlocksCount>{}</BlocksCount>\n  \
             <MappedBlocksCount>{count}</MappedBlocksCount>\n  <ChecksumType>sha256</ChecksumType>\n  \
             <BmapFileChecksum>{checksum}</BmapFileChecksum>\n  <BlockMap>\n{ranges}  </BlockMap>\n</bmap>\n",
            image.len(),
            image.len().div_ceil(BLOCK),
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
        let image = write(&disk, &[1], &[1]).unwrap();
        assert_eq!(image, write(&disk, &[1], &[1]).unwrap());
        let at = |number: usize| slots::OFFSETS[number] as usize;
        let sector = |number| image[at(number)..].first_chunk::<{ slots::SECTOR }>();
        for slots in [[sector(0), sector(1)], [sector(0), None], [None, sector(1)]] {
            let slots = slots::Slots::decode(slots);
            assert_eq!(slots.content().unwrap().get("codes"), Some("new"));
        }
        let used = used(&image);
        assert!([at(0), at(1)].iter().all(|at| used.iter().any(|run| run.contains(at))), "{used:?}");
    }

    #[test]
    fn a_bmap_names_the_blocks_that_hold_something() {
        let mut image = vec![0; 5 * 4096];
        image[4096] = 1;
        image[2 * 4096] = 1;
        image[4 * 4096] = 1;
        let bmap = bmap(&image, &used(&image));
        assert!(bmap.contains(">1-2</Range>") && bmap.contains(">4</Range>"), "{bmap}");
        assert!(bmap.contains("<MappedBlocksCount>3</MappedBlocksCount>"), "{bmap}");
    }
}
