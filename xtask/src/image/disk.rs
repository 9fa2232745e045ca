//! The whole card: MBR, boot, root A, room for root B, state.

use std::{fmt::Write as _, io::Cursor};

use mbrman::{BOOT_INACTIVE, CHS, MBR, MBRPartitionEntry};

use super::boot::MIB;
use crate::{
    error::{Attempt, Error, Result},
    manifest::Disk,
    task::digest,
};

const SECTOR: u64 = 512;
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
    /// Each partition after the one before, aligned.
    pub fn of(disk: &Disk) -> Self {
        let sizes = [disk.boot_mib, disk.root_mib, disk.root_mib, disk.state_mib];
        let mut at = ALIGN;
        let parts = sizes.map(|mib| {
            let part = (at, u64::from(mib) * MIB);
            at = (at + part.1).next_multiple_of(ALIGN);
            part
        });
        Self { parts }
    }

    /// Bytes up to the end of the last partition.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|(start, length)| start + length).max().unwrap_or(0)
    }
}

/// The image, byte for byte as it goes onto the card.
pub fn write(disk: &Disk, boot: &[u8], root: &[u8]) -> Result<Vec<u8>> {
    let layout = Layout::of(disk);
    let [(boot_at, _), (root_at, root_size), ..] = layout.parts;
    if root.len() as u64 > root_size {
        let mib = (root.len() as u64).div_ceil(MIB);
        return Err(Error::new(format!(
            "the root partition is too small: its squashfs has {} bytes",
            root.len()
        ))
        .fact(format!("`root-mib` is {}, which is {root_size} bytes", disk.root_mib))
        .next(format!("set `root-mib = {mib}` or more under [disk] in image/image.toml")));
    }
    let mut image = vec![0; layout.size() as usize];
    image[boot_at as usize..][..boot.len()].copy_from_slice(boot);
    image[root_at as usize..][..root.len()].copy_from_slice(root);
    let table = partition_table(&layout, disk.signature, image.len() as u64)
        .attempt(|| "cannot make the MBR".into())?;
    image[..table.len()].copy_from_slice(&table);
    Ok(image)
}

fn partition_table(layout: &Layout, signature: u32, size: u64) -> Result<Vec<u8>, mbrman::Error> {
    let mut sector = vec![0; SECTOR as usize];
    let mut disk = Cursor::new(vec![0; size as usize]);
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
    mbr.write_into(&mut disk)?;
    sector.copy_from_slice(&disk.get_ref()[..SECTOR as usize]);
    Ok(sector)
}

/// The `.bmap` of an image (bmaptool's format 2.0): which blocks hold anything, with their hashes,
/// so that a card writer skips the empty ones and checks the others.
pub fn bmap(image: &[u8]) -> String {
    const BLOCK: usize = 4096;
    let blocks: Vec<&[u8]> = image.chunks(BLOCK).collect();
    let mapped = |at: &usize| blocks[*at].iter().any(|byte| *byte != 0);
    let count = (0..blocks.len()).filter(mapped).count();
    let mut ranges = String::new();
    let mut at = 0;
    while let Some(first) = (at..blocks.len()).find(mapped) {
        let end = (first..blocks.len()).find(|it| !mapped(it)).unwrap_or(blocks.len());
        let bytes = &image[first * BLOCK..(end * BLOCK).min(image.len())];
        let range = if end - first == 1 { first.to_string() } else { format!("{first}-{}", end - 1) };
        // Writing into a String cannot fail.
        let _ = writeln!(ranges, "    <Range chksum=\"{}\">{range}</Range>", digest(bytes));
        at = end;
    }
    let render = |checksum: &str| {
        format!(
            "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n  <ImageSize>{}</ImageSize>\n  \
             <BlockSize>{BLOCK}</BlockSize>\n  <BlocksCount>{}</BlocksCount>\n  \
             <MappedBlocksCount>{count}</MappedBlocksCount>\n  <ChecksumType>sha256</ChecksumType>\n  \
             <BmapFileChecksum>{checksum}</BmapFileChecksum>\n  <BlockMap>\n{ranges}  </BlockMap>\n</bmap>\n",
            image.len(),
            blocks.len(),
        )
    };
    // The file's own checksum is taken with zeros in its place (bmap-tools, BmapCopy.py).
    render(&digest(render(&"0".repeat(64)).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_aligned_and_in_order() {
        let disk = Disk { boot_mib: 9, root_mib: 12, state_mib: 8, signature: 1 };
        let mib = |it: u64| it * MIB;
        let parts = [(4, 9), (16, 12), (28, 12), (40, 8)].map(|(at, size)| (mib(at), mib(size)));
        assert_eq!(Layout::of(&disk), Layout { parts });
        assert_eq!(Layout::of(&disk).size(), mib(48));
    }

    #[test]
    fn a_bmap_names_the_blocks_that_hold_something() {
        let mut image = vec![0; 5 * 4096];
        image[4096] = 1;
        image[2 * 4096] = 1;
        image[4 * 4096] = 1;
        let bmap = bmap(&image);
        assert!(bmap.contains(">1-2</Range>") && bmap.contains(">4</Range>"), "{bmap}");
        assert!(bmap.contains("<MappedBlocksCount>3</MappedBlocksCount>"), "{bmap}");
    }
}
