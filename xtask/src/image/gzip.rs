//! The compressed image: a single gzip member (RFC 1952) whose parts are deflated on all processors.
//!
//! Each part begins without a dictionary and ends on a byte boundary, with an empty stored block (RFC 1951 §3.2.4): the
//! parts can be compressed in any order and concatenated, and the bytes do not depend on the number of processors.
//! (Several members would be simpler, but some card writers read the image's size from the end of the file.)

use std::{collections::BTreeSet, io, ops::Range};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::block_cache::BlockCache;
use crate::parallel;

/// Large enough that the lost dictionary costs little, small enough that another site changes little.
const PART: usize = 1 << 20;
/// Deflate, no flags, no time, no compression level, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// How parts are compressed. Part of each one's key.
const METHOD: &[u8] = include_bytes!("gzip.rs");

/// What is compressed on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub range: Range<usize>,
    /// How hard it is tried.
    pub level: Compression,
}

/// The parts of so many bytes; the range `stored` is already compressed and is stored as it is.
pub fn parts(length: usize, stored: &Range<usize>) -> Vec<Part> {
    let cuts = (0..=length).step_by(PART).chain([stored.start, stored.end, length]);
    let cuts: BTreeSet<usize> = cuts.filter(|cut| *cut <= length).collect();
    let ends = cuts.iter().copied().skip(1).chain((length == 0).then_some(0));
    let ranges = cuts.iter().copied().zip(ends).map(|(at, end)| at..end);
    let level = |part: &Range<usize>| match stored.start <= part.start && part.end <= stored.end {
        true => Compression::none(),
        false => Compression::default(),
    };
    ranges.map(|range| Part { level: level(&range), range }).collect()
}

/// Compresses `bytes`, of which `parts` are all, in order.
pub fn compress(bytes: &[u8], parts: &[Part], cache: &BlockCache) -> io::Result<Vec<u8>> {
    // Most of a card is empty: all but one of the parts of zeros are neither hashed nor compressed.
    const ZEROS: &[u8] = &[0; PART];
    let is_empty = |part: &Part| {
        part.level == Compression::default()
            && part.range.end < bytes.len()
            && bytes[part.range.clone()] == *ZEROS
    };
    let first_empty = parts.iter().position(is_empty);
    let numbered: Vec<(usize, &Part)> = parts.iter().enumerate().collect();
    let made = parallel::map(parallel::processors(), &numbered, |(number, part)| {
        if first_empty.is_some_and(|first| first < *number) && is_empty(part) {
            return Ok(None);
        }
        let Part { range, level } = part;
        let part = &bytes[range.clone()];
        let is_last = range.end == bytes.len();
        let mut crc = Crc::new();
        crc.update(part);
        let compress = || deflate(part, *level, is_last);
        let method = [METHOD, &[level.level() as u8, u8::from(is_last)]].concat();
        let deflated = match *level == Compression::none() {
            true => compress()?,
            false => cache.get(BlockCache::key(&method, part), compress)?,
        };
        Ok::<_, io::Error>(Some((deflated, crc)))
    })?;
    let empty = first_empty.and_then(|first| made[first].as_ref());
    let mut file = HEADER.to_vec();
    let mut whole = Crc::new();
    for (deflated, crc) in made.iter().filter_map(|it| it.as_ref().or(empty)) {
        file.extend_from_slice(deflated);
        whole.combine(crc);
    }
    file.extend_from_slice(&whole.sum().to_le_bytes());
    file.extend_from_slice(&whole.amount().to_le_bytes());
    Ok(file)
}

fn deflate(part: &[u8], level: Compression, is_last: bool) -> io::Result<Vec<u8>> {
    let mut deflate = Compress::new(level, false);
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut out = Vec::with_capacity(PART / 2);
    loop {
        // A part is far smaller than the address space.
        let rest = part.get(deflate.total_in() as usize..).unwrap_or_default();
        let status = deflate.compress_vec(rest, &mut out, flush).map_err(io::Error::other)?;
        // If output space is left, deflate has flushed everything (zlib.h, deflate).
        if status == Status::StreamEnd || !is_last && out.len() < out.capacity() {
            return Ok(out);
        }
        out.reserve(PART / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn parts_compressed_separately_form_one_member() {
        let mut state = 1_u32;
        let mut noise = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let random: Vec<u8> = (0..2 * PART).map(&mut noise).collect();
        let image = [vec![0; PART], random, vec![7; PART + 5]].concat();
        for length in [0, 1, PART - 1, PART, PART + 1, image.len()] {
            for stored in [0..0, PART..2 * PART + 9] {
                let parts = parts(length, &stored);
                let compressed = compress(&image[..length], &parts, &BlockCache::default()).unwrap();
                let mut back = Vec::new();
                // Reads the first member only, and checks its checksum and length.
                flate2::read::GzDecoder::new(compressed.as_slice()).read_to_end(&mut back).unwrap();
                assert!(back == image[..length], "{length} bytes, stored {stored:?}");
            }
        }
    }
}
