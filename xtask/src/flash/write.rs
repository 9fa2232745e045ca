//! Writes an image and compares what the medium then holds.

use std::{io, ops::Range};

use super::{
    BLOCK,
    medium::Medium,
    source::{Part, Source},
};
use crate::{
    error::{Error, Result},
    progress::{Phase, Progress},
};

/// Bytes of a write or read: a multiple of the erase blocks' pages, and often enough for the progress bar.
const CHUNK: usize = 1 << 20;
/// How often a block is written before it counts as bad.
const TRIES: usize = 3;

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes that were written and read back.
    pub bytes: u64,
    /// Blocks that had to be written again.
    pub rewritten: u64,
}

/// Writes a source onto a medium and reads it back. The first block, with the partition table, is zeros from the first
/// moment to the last: a medium that was not finished is no half-right one.
///
/// # Errors
/// A write or read failed, or a block did not hold what was written, after [`TRIES`] attempts.
pub fn write(medium: &mut dyn Medium, source: &Source, progress: &Progress) -> Result<Written> {
    let failed = |error: io::Error| unfinished("cannot write to the card", Some(error));
    medium.write_at(&[0; BLOCK], 0).and_then(|()| medium.sync()).map_err(failed)?;
    let phase = progress.transfer("write", source.mapped());
    for chunk in chunks(source).filter(|chunk| chunk.at != 0) {
        write_chunk(medium, chunk)?;
        phase.advance(chunk.bytes.len() as u64);
    }
    medium.sync().map_err(failed)?;
    phase.done(format!("{} bytes", source.mapped()));

    let phase = progress.transfer("read back", source.mapped());
    let mut rewritten = 0;
    for chunk in chunks(source).filter(|chunk| chunk.at != 0) {
        rewritten += compare_and_mend(medium, chunk, &phase)?;
    }
    for first in chunks(source).filter(|chunk| chunk.at == 0) {
        write_chunk(medium, first)?;
        medium.sync().map_err(failed)?;
        rewritten += compare_and_mend(medium, first, &phase)?;
    }
    phase.done("the card holds what was written");
    Ok(Written { bytes: source.mapped(), rewritten })
}

#[derive(Debug, Clone, Copy)]
struct Chunk<'a> {
    at: u64,
    bytes: &'a [u8],
}

/// The parts in pieces; the first block of the medium is a piece of its own.
fn chunks(source: &Source) -> impl Iterator<Item = Chunk<'_>> {
    source.parts.iter().flat_map(|Part { at, bytes }| {
        let (first, rest) = bytes.split_at(if *at == 0 { BLOCK.min(bytes.len()) } else { 0 });
        let behind = *at + first.len() as u64;
        let rest = (behind..).step_by(CHUNK).zip(rest.chunks(CHUNK));
        let first = (!first.is_empty()).then_some((*at, first));
        first.into_iter().chain(rest).map(|(at, bytes)| Chunk { at, bytes })
    })
}

/// Writes a chunk, whole blocks with zeros behind the image's end; a failed one block by block.
fn write_chunk(medium: &mut dyn Medium, chunk: Chunk<'_>) -> Result<()> {
    let whole = padded(chunk.bytes);
    if medium.write_at(&whole, chunk.at).is_ok() {
        return Ok(());
    }
    for (at, block) in (chunk.at..).step_by(BLOCK).zip(whole.chunks(BLOCK)) {
        let mut tries = (0..TRIES).map(|_| medium.write_at(block, at));
        if !tries.by_ref().any(|written| written.is_ok()) {
            let error = medium.write_at(block, at).err();
            return Err(bad_block("cannot be written", at, error));
        }
    }
    Ok(())
}

/// Reads a chunk back, and writes its blocks that differ again. Returns how many these were.
fn compare_and_mend(medium: &mut dyn Medium, chunk: Chunk<'_>, phase: &Phase<'_>) -> Result<u64> {
    let mut rewritten = 0;
    for block in differing(medium, chunk) {
        let at = block * BLOCK as u64;
        let Range { start, end } = range_in(chunk, at);
        let expected = Chunk { at, bytes: &chunk.bytes[start..end] };
        let mended = (0..TRIES).any(|_| {
            let written = write_chunk(medium, expected).is_ok() && medium.sync().is_ok();
            written && differing(medium, expected).is_empty()
        });
        if !mended {
            return Err(bad_block("does not hold what was written", at, None));
        }
        rewritten += 1;
    }
    phase.advance(chunk.bytes.len() as u64);
    Ok(rewritten)
}

fn range_in(chunk: Chunk<'_>, at: u64) -> Range<usize> {
    let start = (at - chunk.at) as usize;
    start..(start + BLOCK).min(chunk.bytes.len())
}

/// The numbers of the blocks that are not as expected or cannot be read.
fn differing(medium: &mut dyn Medium, chunk: Chunk<'_>) -> Vec<u64> {
    let mut read = vec![0; chunk.bytes.len().next_multiple_of(BLOCK)];
    if medium.read_at(&mut read, chunk.at).is_ok() && read[..chunk.bytes.len()] == *chunk.bytes {
        return Vec::new();
    }
    let mut block = vec![0; BLOCK];
    let blocks = (chunk.at..).step_by(BLOCK).zip(chunk.bytes.chunks(BLOCK));
    let differs = |(at, expected): (u64, &[u8])| {
        let read = medium.read_at(&mut block, at);
        let is_same = read.is_ok() && block[..expected.len()] == *expected;
        (!is_same).then_some(at / BLOCK as u64)
    };
    blocks.filter_map(differs).collect()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    whole.resize(bytes.len().next_multiple_of(BLOCK), 0);
    whole
}

fn bad_block(what: &str, at: u64, error: Option<io::Error>) -> Error {
    let block = at / BLOCK as u64;
    unfinished(&format!("block {block} of the card {what} (byte {at}, {TRIES} attempts)"), error)
}

fn unfinished(what: &str, error: Option<io::Error>) -> Error {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let unfinished =
        Error::new(what).fact("the card is not finished: it has no partition table and boots nowhere");
    let next = match error.as_ref().map(io::Error::kind) {
        // Of a file in the place of a card: no card is broken.
        Some(StorageFull | QuotaExceeded | FileTooLarge) => {
            "make room on the disk that has the file, then run the same command again"
        }
        _ => "check the reader, then try once more; if it fails again, use another card",
    };
    error.into_iter().fold(unfinished, Error::fact).hint(next)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
