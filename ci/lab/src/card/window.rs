//! One partition of a disk file, as a file.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};

/// A part of a file; nothing outside can be read or written through it.
#[derive(Debug)]
pub struct Window {
    file: File,
    start: u64,
    length: u64,
    position: u64,
}

impl Window {
    /// The `length` bytes of `file` from `start`.
    pub fn new(file: File, start: u64, length: u64) -> Self {
        Self { file, start, length, position: 0 }
    }

    fn clip(&mut self, wanted: usize) -> Result<usize> {
        self.file.seek(SeekFrom::Start(self.start + self.position))?;
        let left = self.length.saturating_sub(self.position);
        Ok(usize::try_from(left).unwrap_or(usize::MAX).min(wanted))
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.clip(buffer.len())?;
        let read = self.file.read(&mut buffer[..count])?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Write for Window {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = self.clip(bytes.len())?;
        let written = self.file.write(&bytes[..count])?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
