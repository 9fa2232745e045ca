//! The provisioned site: the `site.toml` that a card was made for, where an edit does not reach it.
//!
//! Many cards are made from one image. The site that is baked into its root is then another one, so what a broken edit
//! falls back to lies beside the root: twice, in the last bytes of root A's partition. The box never writes there, and
//! no erase block of it holds anything that the box writes, so that no power cut can damage it.

use super::layout::Extent;
use super::{BLOCK, Hash};

/// Bytes at the end of root A's partition that are kept for it.
pub const AREA: u64 = 64 << 10;

/// Bytes of each of the two copies, at most.
pub const COPY: usize = AREA as usize / 2;

// The last figure of the magic is the format's version.
const MAGIC: [u8; 8] = *b"dialsit1";
const TEXT: usize = MAGIC.len() + size_of::<u32>();
const HASH: usize = size_of::<Hash>();

/// Bytes of the longest site that fits.
pub const LONGEST: usize = COPY - TEXT - HASH;

const SECTOR: u64 = 512;

/// The first bytes of the two copies on a card with this root A; `None` if the partition is too short.
pub fn places(root_a: Extent) -> Option<[u64; 2]> {
    let end = (u64::from(root_a.start) + u64::from(root_a.length)) * SECTOR;
    let first = end.checked_sub(AREA).filter(|first| *first >= u64::from(root_a.start) * SECTOR)?;
    Some([first, first + COPY as u64])
}

/// One copy, whole blocks: magic, length of the text in four bytes (little-endian), the text, and the SHA-256 of all
/// that, against rot. `None` if the text is longer than [`LONGEST`].
pub fn encode(site: &str) -> Option<Vec<u8>> {
    let length = u32::try_from(site.len()).ok().filter(|_| site.len() <= LONGEST)?;
    let mut copy = [&MAGIC[..], &length.to_le_bytes(), site.as_bytes()].concat();
    let hash = Hash::of(&[&copy]);
    copy.extend_from_slice(&hash.0);
    copy.resize(copy.len().next_multiple_of(BLOCK), 0);
    Some(copy)
}

/// What a card says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The card was not provisioned.
    Nothing,
    /// The site's text.
    Site(String),
    /// There was one, and both copies are damaged.
    Damaged,
}

/// Reads both copies; `None` for one that cannot be read.
pub fn decode(copies: [Option<&[u8]>; 2]) -> Found {
    if let Some(text) = copies.into_iter().flatten().find_map(text) {
        return Found::Site(text);
    }
    let is_empty = |copy: Option<&[u8]>| copy.is_some_and(|copy| copy.iter().all(|byte| *byte == 0));
    if copies.into_iter().all(is_empty) { Found::Nothing } else { Found::Damaged }
}

fn text(copy: &[u8]) -> Option<String> {
    let rest = copy.strip_prefix(&MAGIC)?;
    let (length, _) = rest.split_first_chunk()?;
    let end = TEXT.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let (content, rest) = copy.split_at_checked(end)?;
    (Hash(*rest.first_chunk()?) == Hash::of(&[content])).then_some(())?;
    String::from_utf8(content[TEXT..].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "role = 'dialer'\n";

    fn copies() -> [Vec<u8>; 2] {
        let copy = encode(SITE).unwrap();
        [copy.clone(), copy]
    }

    fn found(copies: &[Vec<u8>; 2]) -> Found {
        decode(copies.each_ref().map(|copy| Some(&copy[..])))
    }

    #[test]
    fn it_lies_in_the_last_bytes_of_root_a_and_each_copy_in_blocks_of_its_own() {
        let root_a = Extent { start: 40_960, length: 32_768 };
        assert_eq!(places(root_a), Some([(36 << 20) - (64 << 10), (36 << 20) - (32 << 10)]));
        assert_eq!(places(Extent { start: 40_960, length: 127 }), None);
    }

    #[test]
    fn one_good_copy_is_enough_whichever_byte_of_the_other_is_bad() {
        for at in 0..TEXT + SITE.len() + HASH {
            let mut one = copies();
            one[0][at] ^= 1;
            assert_eq!(found(&one), Found::Site(SITE.to_owned()), "byte {at}");
            one[1][at] ^= 1;
            assert_eq!(found(&one), Found::Damaged, "byte {at} of both");
        }
        let [_, good] = copies();
        assert_eq!(decode([None, Some(&good)]), Found::Site(SITE.to_owned()));
    }

    #[test]
    fn a_card_without_one_is_told_from_one_that_has_lost_it() {
        assert_eq!(found(&[vec![0; COPY], vec![0; COPY]]), Found::Nothing);
        assert_eq!(decode([None, None]), Found::Damaged);
        assert_eq!(found(&[vec![0xff; COPY], vec![0; COPY]]), Found::Damaged);
    }

    #[test]
    fn a_site_that_does_not_fit_is_refused() {
        assert_eq!(encode(&"x".repeat(LONGEST)).unwrap().len(), COPY);
        assert_eq!(encode(&"x".repeat(LONGEST + 1)), None);
    }
}
