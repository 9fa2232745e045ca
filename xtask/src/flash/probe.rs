//! Whether a card has the bytes that it says it has. One that lies repeats its beginning or drops what is written behind
//! its true end: the box would lose its state months later, when that partition has filled.

use std::io;

use sha2::{Digest, Sha256};

use super::{BLOCK, medium::Medium};

/// Writes a different block at each power of two from the image's end on, at the beginning and at the end, and reads
/// them back; returns the first byte at which the card does not hold what was written. The image is written after this:
/// the first block is overwritten, the others are where the box makes its state partition.
pub fn first_false_byte(medium: &mut dyn Medium, image: u64, nonce: u64) -> io::Result<Option<u64>> {
    let points = points(medium.size(), image);
    for at in &points {
        medium.write_at(&block(nonce, *at), *at)?;
    }
    medium.sync()?;
    let mut read = vec![0; BLOCK];
    for at in points {
        if medium.read_at(&mut read, at).is_err() || read != block(nonce, at) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Powers of two: a card of 2^n bytes that claims more puts all of them from its end on over its first block.
fn points(size: u64, image: u64) -> Vec<u64> {
    let powers = (0..64).map(|n| 1 << n).filter(|at| *at >= image);
    let last = size.saturating_sub(BLOCK as u64) / BLOCK as u64 * BLOCK as u64;
    let behind = powers.chain([last]).filter(|at| *at >= image && *at <= last);
    let mut points: Vec<u64> = [0].into_iter().chain(behind).collect();
    points.sort_unstable();
    points.dedup();
    points
}

/// Bytes that no card holds already.
fn block(nonce: u64, at: u64) -> Vec<u8> {
    let mut text = Vec::with_capacity(BLOCK);
    while text.len() < BLOCK {
        let mut hash = Sha256::new();
        hash.update(nonce.to_le_bytes());
        hash.update(at.to_le_bytes());
        hash.update((text.len() as u64).to_le_bytes());
        text.extend_from_slice(&hash.finalize());
    }
    text
}
