//! The compressed image: a single gzip member (RFC 1952) whose parts are deflated on all processors.
//!
//! Each part begins without a dictionary and ends on a byte boundary, with an empty stored block (RFC 1951 §3.2.4): the
//! parts can be compressed in any order and concatenated, and the bytes do not depend on the number of processors.
//! (Several members would be simpler, but some card writers read the image's size from the end of the file.)

use std::{collections::BTreeSet, io, ops::Range};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::parallel;

/// Large enough that the lost dictionary costs nothing.
const PART: usize = 4 << 20;
/// Deflate, no flags, no time, no compression level, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Compresses `bytes`; the range `stored` is already compressed and is stored as it is.
pub fn compress(bytes: &[u8], stored: &Range<usize>) -> io::Result<Vec<u8>> {
    let cuts = (0..=bytes.len()).step_by(PART).chain([stored.start, stored.end, bytes.len()]);
    let cuts: BTreeSet<usize> = cuts.filter(|cut| *cut <= bytes.len()).collect();
    let ends = cuts.iter().copied().skip(1).chain(bytes.is_empty().then_some(0));
    let parts: Vec<Range<usize>> = cuts.iter().copied().zip(ends).map(|(at, end)| at..end).collect();
    let made = parallel::map(parallel::processors(), &parts, |part| {
        let inside = stored.start <= part.start && part.end <= stored.end;
        let level = if inside { Compression::none() } else { Compression::default() };
        let is_last = part.end == bytes.len();
        let deflated = deflate(&bytes[part.clone()], level, is_last)?;
        let mut crc = Crc::new();
        crc.update(&bytes[part.clone()]);
        Ok::<_, io::Error>((deflated, crc))
    })?;
    let mut file = HEADER.to_vec();
    let mut whole = Crc::new();
    for (deflated, crc) in &made {
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
                let compressed = compress(&image[..length], &stored).unwrap();
                let mut back = Vec::new();
                // Reads the first member only, and checks its checksum and length.
                flate2::read::GzDecoder::new(compressed.as_slice()).read_to_end(&mut back).unwrap();
                assert!(back == image[..length], "{length} bytes, stored {stored:?}");
            }
        }
    }
}
