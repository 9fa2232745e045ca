//! One copy of a file or a root: where its bytes lie on a device.

use std::io;
use std::ops::Range;

use super::device::{CHUNK, Chunk, RawDevice};
use super::{BLOCK, Block};

/// Consecutive bytes of a device, whole sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first one.
    pub at: u64,
    /// How many.
    pub length: u64,
}

/// A copy, cut into blocks. The last block ends with zeros if the content does not fill it.
#[derive(Debug)]
pub struct Replica<'a> {
    device: &'a RawDevice,
    extents: Vec<Extent>,
    length: u64,
}

impl<'a> Replica<'a> {
    /// The copy of `length` bytes in these extents, which may be longer.
    pub fn new(device: &'a RawDevice, extents: Vec<Extent>, length: u64) -> Self {
        Self { device, extents, length }
    }

    /// A copy that begins at this byte of the device.
    pub fn at(device: &'a RawDevice, at: u64, length: u64) -> Self {
        let extent = Extent { at, length: length.next_multiple_of(BLOCK as u64) };
        Self::new(device, vec![extent], length)
    }

    /// Reads `count` blocks, [`CHUNK`] at most, and notes which could be read.
    pub fn read(&self, first: u64, count: usize, chunk: &mut Chunk) {
        let count = count.min(CHUNK);
        let whole = self.read_bytes(first, &mut chunk.bytes_mut()[..count * BLOCK]).is_ok();
        for index in 0..CHUNK {
            // One bad sector fails the whole read.
            chunk.readable[index] = index < count
                && (whole || {
                    let bytes = &mut chunk.bytes_mut()[index * BLOCK..][..BLOCK];
                    self.read_bytes(first + index as u64, bytes).is_ok()
                });
        }
    }

    /// Writes a block, which is aligned for direct I/O.
    ///
    /// # Errors
    /// The card does not take it.
    pub fn write(&self, block: u64, bytes: &Block) -> io::Result<()> {
        let from = block * BLOCK as u64;
        pieces(&self.extents, from, BLOCK).try_for_each(|(range, at)| self.device.write(&bytes[range], at))
    }

    fn read_bytes(&self, first: u64, bytes: &mut [u8]) -> io::Result<()> {
        let from = first * BLOCK as u64;
        bytes.fill(0);
        for (range, at) in pieces(&self.extents, from, bytes.len()) {
            self.device.read(&mut bytes[range], at)?;
        }
        // What a cluster holds behind the end of a file is not the file's.
        let rest = usize::try_from(self.length.saturating_sub(from)).unwrap_or(usize::MAX);
        if let Some(behind) = bytes.get_mut(rest..) {
            behind.fill(0);
        }
        Ok(())
    }
}

/// Which bytes of a buffer belong where on the device, for the content's bytes `from..from + length`. What the extents
/// do not have is left out.
fn pieces(extents: &[Extent], from: u64, length: usize) -> impl Iterator<Item = (Range<usize>, u64)> {
    let end = from + length as u64;
    let begins = extents.iter().scan(0, |at, extent| {
        let begin = *at;
        *at += extent.length;
        Some((begin, extent))
    });
    begins.filter_map(move |(begin, extent)| {
        let (first, last) = (from.max(begin), end.min(begin + extent.length));
        let index = |at: u64| usize::try_from(at - from).unwrap_or(usize::MAX);
        (first < last).then(|| (index(first)..index(last), extent.at + (first - begin)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_put_together_from_the_clusters_of_its_file() {
        let extents = [
            Extent { at: 10_000, length: 2048 },
            Extent { at: 50_000, length: 6144 },
            Extent { at: 20_000, length: 2048 },
        ];
        let of = |from, length| pieces(&extents, from, length).collect::<Vec<_>>();
        assert_eq!(of(0, 4096), [(0..2048, 10_000), (2048..4096, 50_000)]);
        assert_eq!(of(4096, 4096), [(0..4096, 52_048)]);
        assert_eq!(of(8192, 4096), [(0..2048, 20_000)]);
        assert_eq!(of(0, 12_288), [(0..2048, 10_000), (2048..8192, 50_000), (8192..10_240, 20_000)]);
        assert_eq!(of(12_288, 4096), []);
    }
}
