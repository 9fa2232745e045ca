//! The block map of an image (`.bmap`, format 2.0 of bmap-tools): which blocks must be written, and their hashes.

use std::ops::Range;

use roxmltree::{Document, Node};

use super::BLOCK;
use crate::task::digest;

/// A block map whose own checksum was right.
#[derive(Debug, PartialEq, Eq)]
pub struct Bmap {
    /// Bytes of the whole image.
    pub image_size: u64,
    /// What must be written, in order and without overlap.
    pub ranges: Vec<Mapped>,
}

/// Blocks that must be written.
#[derive(Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The bytes; they begin on a block and end on one, or with the image.
    pub bytes: Range<u64>,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}

impl Bmap {
    /// Reads a map. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = Document::parse(text).map_err(|error| error.to_string())?;
        let root = document.root_element();
        let version = root.attribute("version").unwrap_or("none");
        if !root.has_tag_name("bmap") || version != "2.0" {
            return Err(format!("not a block map of version 2.0 (version: {version})"));
        }
        let kind = said(root, "ChecksumType")?;
        if kind != "sha256" {
            return Err(format!("its hashes are {kind}, not sha256"));
        }
        // The file's own checksum is computed with zeros in its place (bmap-tools, BmapCopy.py).
        let own = said(root, "BmapFileChecksum")?;
        if digest(text.replace(own, &"0".repeat(own.len())).as_bytes()) != own {
            return Err("its own checksum is wrong".to_owned());
        }
        let image_size = number(said(root, "ImageSize")?)?;
        let block = number(said(root, "BlockSize")?)?;
        if block != BLOCK as u64 {
            return Err(format!("its blocks have {block} bytes, not {BLOCK}"));
        }
        let map = child(root, "BlockMap")?;
        let mut ranges: Vec<Mapped> = Vec::new();
        for range in map.children().filter(|it| it.has_tag_name("Range")) {
            let mapped = mapped(range, image_size)?;
            if ranges.last().is_some_and(|last| mapped.bytes.start < last.bytes.end) {
                return Err(format!("the ranges are not in order at {:?}", mapped.bytes));
            }
            ranges.push(mapped);
        }
        Ok(Self { image_size, ranges })
    }
}

fn mapped(range: Node<'_, '_>, image_size: u64) -> Result<Mapped, String> {
    let text = range.text().unwrap_or_default().trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    let block = BLOCK as u64;
    let end = last.checked_add(1).and_then(|blocks| blocks.checked_mul(block));
    let end = end.filter(|end| first <= last && *end < image_size + block);
    let Some(end) = end else {
        return Err(format!("range {text} is not in the image"));
    };
    let sha256 = range.attribute("chksum").ok_or_else(|| format!("range {text} has no chksum"))?;
    Ok(Mapped { bytes: first * block..end.min(image_size), sha256: sha256.to_owned() })
}

fn child<'a, 'i>(root: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, String> {
    let found = root.children().find(|it| it.has_tag_name(name));
    found.ok_or_else(|| format!("it has no <{name}>"))
}

fn said<'a>(root: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    Ok(child(root, name)?.text().unwrap_or_default().trim())
}

fn number(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bmap(image_size: u64, ranges: &[(&str, &str)]) -> String {
        let ranges: String = ranges
            .iter()
            .map(|(range, hash)| format!("<Range chksum=\"{hash}\">{range}</Range>\n"))
            .collect();
        let with = |own: &str| {
            format!(
                "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n<ImageSize> {image_size} </ImageSize>\n\
                 <BlockSize>4096</BlockSize>\n<ChecksumType>sha256</ChecksumType>\n\
                 <BmapFileChecksum> {own} </BmapFileChecksum>\n<BlockMap>\n{ranges}</BlockMap>\n</bmap>\n"
            )
        };
        with(&digest(with(&"0".repeat(64)).as_bytes()))
    }

    #[test]
    fn a_range_is_in_bytes_and_the_last_block_ends_with_the_image() {
        let map = Bmap::parse(&bmap(3 * 4096 + 5, &[("0", "aa"), ("2-3", "bb")])).unwrap();
        let mapped = |bytes, hash: &str| Mapped { bytes, sha256: hash.to_owned() };
        assert_eq!(map.image_size, 3 * 4096 + 5);
        assert_eq!(map.ranges, [mapped(0..4096, "aa"), mapped(8192..12293, "bb")]);
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused_with_the_reason() {
        let good = bmap(8192, &[("0-1", "aa")]);
        for (text, why) in [
            (String::new(), "root"),
            ("<html></html>".to_owned(), "not a block map"),
            (good.replace("8192", "4096"), "its own checksum is wrong"),
            (good.replace("sha256", "md5"), "md5"),
            (bmap(8192, &[("0-2", "aa")]), "range 0-2 is not in the image"),
            (bmap(8192, &[("1-0", "aa")]), "range 1-0 is not in the image"),
            (bmap(8192, &[("1", "aa"), ("0", "aa")]), "not in order"),
            (bmap(8192, &[("0-18446744073709551615", "aa")]), "not in the image"),
            (bmap(8192, &[("x", "aa")]), "`x` is not a number"),
        ] {
            let error = Bmap::parse(&text).unwrap_err();
            assert!(error.contains(why), "{error} lacks {why}");
        }
    }
}
