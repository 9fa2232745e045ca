//! The image to write, read whole and checked before the card is touched.

use std::{
    collections::BTreeMap,
    io::{self, BufReader, Read},
    ops::Range,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{
    BLOCK,
    bmap::{Bmap, Mapped},
    check,
};
use crate::{
    error::{Context, Error, Result},
    image::disk::SECTOR,
    input_file,
    task::digest,
};

/// What goes onto the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Bytes that the card must have.
    pub size: u64,
    /// The parts to write, in order.
    pub parts: Vec<Part>,
}

/// Bytes of the image that lie together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where they begin, a multiple of [`BLOCK`].
    pub at: u64,
    /// What they are; whole blocks but perhaps at the image's end.
    pub bytes: Vec<u8>,
}

impl Source {
    /// Reads an image, compressed (`.gz`) or not. With a block map beside it, only what that maps is kept, and every
    /// range must have its hash.
    pub fn load(image: &Path) -> Result<Self> {
        let cannot = || format!("cannot read {}", image.display());
        let mut reader = open(image)?;
        let path = bmap_of(image);
        let read = match path.try_exists().context(|| format!("cannot read {}", path.display()))? {
            true => {
                let text = input_file::read(&path, &path.display().to_string())?;
                let bmap = Bmap::parse(&String::from_utf8_lossy(&text));
                let bmap = bmap.map_err(|why| {
                    does_not_fit(&path).fact(why).hint("build the image again: cargo xtask build-image")
                })?;
                mapped(&mut reader, &bmap).map_err(|why| does_not_fit(&path).fact(why))
            }
            false => whole(&mut reader).context(cannot),
        };
        let source = read.map_err(|it| it.hint("build the image again: cargo xtask build-image"))?;
        match source.parts.is_empty() {
            true => Err(Error::new(format!("{} is empty", image.display()))
                .hint("build the image again: cargo xtask build-image")),
            false => Ok(source),
        }
    }

    /// These bytes of the image, if one part has them all.
    pub fn bytes(&self, range: &Range<u64>) -> Option<&[u8]> {
        let has = |part: &&Part| part.at <= range.start && range.end <= part.at + part.bytes.len() as u64;
        let part = self.parts.iter().find(has)?;
        part.bytes.get((range.start - part.at) as usize..(range.end - part.at) as usize)
    }

    /// Whether it begins with a partition table: the signature in its first sector (UEFI 2.10 §5.2.1).
    pub fn is_disk(&self) -> bool {
        self.bytes(&(510..512)) == Some(&[0x55, 0xaa])
    }

    /// Where its last partition ends. An image that is shorter was cut short.
    pub fn partitions_end(&self) -> u64 {
        // The one of a GPT spans the disk that it is for (UEFI 2.10 §5.2.3).
        const GPT: u8 = 0xee;
        let table = self.bytes(&(0..SECTOR)).and_then(|it| check::partitions(it).ok());
        let parts = table.into_iter().flatten().filter(|it| it.sys != GPT);
        parts.map(|it| check::bytes(&it).end).max().unwrap_or(0)
    }

    /// The same image with other blocks, by their places; `None` if it does not map one of them.
    pub fn with_blocks(&self, blocks: &BTreeMap<u64, Vec<u8>>) -> Option<Self> {
        let mut changed = self.clone();
        for (at, block) in blocks {
            let end = at + block.len() as u64;
            let has = |part: &&mut Part| part.at <= *at && end <= part.at + part.bytes.len() as u64;
            let part = changed.parts.iter_mut().find(has)?;
            part.bytes[(at - part.at) as usize..][..block.len()].copy_from_slice(block);
        }
        Some(changed)
    }

    /// Bytes that are written.
    pub fn mapped(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes.len() as u64).sum()
    }
}

/// All bytes of an image, unpacked.
pub fn whole_image(image: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(image)?.read_to_end(&mut bytes);
    read.context(|| format!("cannot read {}", image.display()))?;
    Ok(bytes)
}

fn open(image: &Path) -> Result<Box<dyn Read>> {
    let file = input_file::open(image, &image.display().to_string())
        .map_err(|it| it.hint("cargo xtask build-image"));
    let reader = BufReader::with_capacity(1 << 20, file?);
    Ok(if is_compressed(image) { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) })
}

fn is_compressed(image: &Path) -> bool {
    image.extension().is_some_and(|ending| ending == "gz")
}

/// Where the map of an image lies: beside it.
pub fn bmap_of(image: &Path) -> PathBuf {
    let plain = if is_compressed(image) { image.with_extension("") } else { image.to_owned() };
    let mut name = plain.into_os_string();
    name.push(".bmap");
    name.into()
}

fn does_not_fit(bmap: &Path) -> Error {
    Error::new(format!("the image and {} do not fit together", bmap.display()))
}

fn whole(reader: &mut dyn Read) -> io::Result<Source> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let size = bytes.len() as u64;
    let parts = if bytes.is_empty() { vec![] } else { vec![Part { at: 0, bytes }] };
    Ok(Source { size, parts })
}

fn mapped(reader: &mut dyn Read, bmap: &Bmap) -> Result<Source, String> {
    let mut at = 0;
    let mut parts = Vec::new();
    for Mapped { bytes: range, sha256 } in &bmap.ranges {
        skip(reader, range.start - at, at)?;
        let mut bytes = Vec::new();
        let length = range.end - range.start;
        reader.take(length).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        at = range.start + bytes.len() as u64;
        if at < range.end {
            return Err(format!("the image ends after {at} bytes, of {}", bmap.image_size));
        }
        let found = digest(&bytes);
        if found != *sha256 {
            let (first, last) = (range.start / BLOCK as u64, (range.end - 1) / BLOCK as u64);
            return Err(format!("blocks {first}-{last} have SHA-256 {found}\nthe map says {sha256}"));
        }
        parts.push(Part { at: range.start, bytes });
    }
    skip(reader, bmap.image_size - at, at)?;
    match reader.read(&mut [0]).map_err(|error| error.to_string())? {
        0 => Ok(Source { size: bmap.image_size, parts }),
        _ => Err(format!("the image has more than {} bytes", bmap.image_size)),
    }
}

fn skip(reader: &mut dyn Read, bytes: u64, from: u64) -> Result<(), String> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink()).map_err(|error| error.to_string())?;
    match skipped == bytes {
        true => Ok(()),
        false => Err(format!("the image ends after {} bytes", from + skipped)),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    /// Two mapped ranges around one that is not.
    fn image() -> (Vec<u8>, Bmap) {
        let image: Vec<u8> = (0..5 * BLOCK + 7).map(|at| (at % 251) as u8).collect();
        let range = |bytes: std::ops::Range<usize>| Mapped {
            sha256: digest(&image[bytes.clone()]),
            bytes: bytes.start as u64..bytes.end as u64,
        };
        let ranges = vec![range(0..2 * BLOCK), range(4 * BLOCK..5 * BLOCK + 7)];
        let size = image.len() as u64;
        (image, Bmap { image_size: size, ranges })
    }

    #[test]
    fn only_what_is_mapped_is_kept() {
        let (image, bmap) = image();
        let source = mapped(&mut image.as_slice(), &bmap).unwrap();
        assert_eq!(source.size, image.len() as u64);
        assert_eq!(source.mapped(), (3 * BLOCK + 7) as u64);
        for Part { at, bytes } in &source.parts {
            assert_eq!(bytes[..], image[*at as usize..][..bytes.len()]);
        }
    }

    #[test]
    fn an_image_that_is_not_the_one_of_its_map_is_refused() {
        let (image, bmap) = image();
        let refused = |image: &[u8]| mapped(&mut &image[..], &bmap).unwrap_err();
        assert!(refused(&image[..BLOCK]).contains("ends after 4096 bytes"));
        assert!(refused(&image[..3 * BLOCK]).contains("ends after 12288 bytes"));
        assert!(refused(&image[..image.len() - 1]).contains("ends after"));
        assert!(refused(&[&image[..], b"x"].concat()).contains("more than"));
        let mut flipped = image.clone();
        flipped[4 * BLOCK] ^= 1;
        assert!(refused(&flipped).contains("blocks 4-5"));
    }

    #[test]
    fn a_compressed_image_is_the_same_and_one_that_was_cut_short_is_refused() {
        let (image, _) = image();
        let dir = tempfile::tempdir().unwrap();
        let (plain, packed) = (dir.path().join("a.img"), dir.path().join("a.img.gz"));
        fs::write(&plain, &image).unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&image).unwrap();
        let bytes = encoder.finish().unwrap();
        fs::write(&packed, &bytes).unwrap();
        assert_eq!(Source::load(&plain).unwrap(), Source::load(&packed).unwrap());
        fs::write(&packed, &bytes[..bytes.len() - 20]).unwrap();
        assert!(Source::load(&packed).unwrap_err().to_string().contains("a.img.gz"));
        fs::write(dir.path().join("a.img.bmap"), "<bmap/>").unwrap();
        let error = Source::load(&plain).unwrap_err().to_string();
        assert!(error.contains("do not fit together") && error.contains("a.img.bmap"), "{error}");
        fs::write(&plain, "").unwrap();
        fs::remove_file(dir.path().join("a.img.bmap")).unwrap();
        assert!(Source::load(&plain).unwrap_err().to_string().contains("is empty"));
    }
}
