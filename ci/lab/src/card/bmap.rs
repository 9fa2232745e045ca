//! A card written by a block map (`.bmap`), as bmaptool does (bmap-tools, BmapCopy.py): only the mapped blocks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

/// The one block size that the builder uses.
const BLOCK: u64 = 4096;
/// What the card held before: neither zeros nor a file system.
const OLD: [u8; BLOCK as usize] = [0xa5; BLOCK as usize];

/// The mapped ranges in bytes; `None` if there is none, or one that is not understood.
pub fn mapped(map: &str) -> Option<Vec<Range<u64>>> {
    let ranges = map.lines().map(str::trim).filter(|line| line.starts_with("<Range "));
    let ranges: Option<Vec<_>> = ranges.map(range).collect();
    ranges.filter(|ranges| !ranges.is_empty())
}

/// `<Range chksum="…">FIRST-LAST</Range>`, or one block's number.
fn range(element: &str) -> Option<Range<u64>> {
    let blocks = element.split_once('>')?.1.strip_suffix("</Range>")?;
    let (first, last) = blocks.split_once('-').unwrap_or((blocks, blocks));
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    Some(first * BLOCK..(last + 1) * BLOCK)
}

/// Fills the card with old data and writes the mapped ranges of the image over it.
pub fn write(mapped: &[Range<u64>], image: &Path, card: &mut File) -> io::Result<()> {
    let length = card.metadata()?.len();
    card.seek(SeekFrom::Start(0))?;
    for _ in 0..length / BLOCK {
        card.write_all(&OLD)?;
    }
    let mut image = File::open(image)?;
    for range in mapped {
        image.seek(SeekFrom::Start(range.start))?;
        card.seek(SeekFrom::Start(range.start))?;
        io::copy(&mut (&mut image).take(range.end - range.start), card)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_single_blocks_are_read() {
        let map =
            "<bmap>\n    <Range chksum=\"00\">0-1</Range>\n    <Range chksum=\"01\"> 3 </Range>\n</bmap>\n";
        assert_eq!(mapped(map), None, "bmaptool strips blanks, the builder writes none");
        assert_eq!(mapped(&map.replace(" 3 ", "3")), Some(vec![0..8192, 12288..16384]));
        assert_eq!(mapped("<bmap></bmap>"), None);
    }

    #[test]
    fn what_is_not_mapped_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        std::fs::write(&image, [0; 3 * 4096]).unwrap();
        let mut card =
            File::options().read(true).write(true).create_new(true).open(dir.path().join("card")).unwrap();
        card.set_len(4 * 4096).unwrap();
        write(std::slice::from_ref(&(4096..8192)), &image, &mut card).unwrap();
        let written = std::fs::read(dir.path().join("card")).unwrap();
        let first_bytes: Vec<u8> = written.iter().copied().step_by(4096).collect();
        assert_eq!(first_bytes, [0xa5, 0, 0xa5, 0xa5]);
    }
}
