//! A partition as it is on the card: reads and writes pass the page cache by.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use super::{BLOCK, Block};

/// Blocks that are read at a time. A card reads 64 KiB in a few milliseconds, which a session does not notice.
pub const CHUNK: usize = 16;

/// A partition that may be mounted at the same time.
#[derive(Debug)]
pub struct RawDevice(File);

impl RawDevice {
    /// Opens it; if it can only be read, every write to it fails later.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A write returns when the card has the data (open(2), O_DSYNC).
        let flags = OFlags::DIRECT | OFlags::DSYNC | OFlags::CLOEXEC;
        let opened = |access: OFlags| match open(path, access | flags, Mode::empty()) {
            // A file system in RAM may know no direct I/O: only a test's file is on one.
            Err(Errno::INVAL) => open(path, access | OFlags::DSYNC | OFlags::CLOEXEC, Mode::empty()),
            opened => opened,
        };
        let device = match opened(OFlags::RDWR) {
            Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => opened(OFlags::RDONLY),
            device => device,
        };
        Ok(Self(File::from(device?)))
    }

    /// Fills `bytes`, an [aligned](Chunk) buffer of whole sectors.
    ///
    /// # Errors
    /// The card cannot read it, or it is not there.
    pub fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(bytes, at)
    }

    /// Writes whole sectors of an [aligned](Chunk) buffer.
    ///
    /// # Errors
    /// The card does not take them.
    pub fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    /// Reads a block that lies at this byte.
    ///
    /// # Errors
    /// The card cannot read it.
    pub fn read_block(&self, at: u64) -> io::Result<Block> {
        let mut chunk = Chunk::new();
        self.read(&mut chunk.bytes_mut()[..BLOCK], at)?;
        let mut block = [0; BLOCK];
        block.copy_from_slice(&chunk.bytes()[..BLOCK]);
        Ok(block)
    }

    /// Writes a block to this byte and reads it back.
    ///
    /// # Errors
    /// The card does not take it, or reads another content afterwards.
    pub fn write_block(&self, block: &Block, at: u64) -> io::Result<()> {
        let mut chunk = Chunk::new();
        chunk.bytes_mut()[..BLOCK].copy_from_slice(block);
        self.write(&chunk.bytes()[..BLOCK], at)?;
        if self.read_block(at)? == *block {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("the block at {at} reads back wrong")))
    }
}

/// A buffer for [`CHUNK`] blocks whose beginning is aligned as direct I/O requires (open(2), O_DIRECT), and which of
/// them could not be read.
#[derive(Debug)]
pub struct Chunk {
    bytes: Vec<u8>,
    start: usize,
    /// One flag for each block.
    pub readable: [bool; CHUNK],
}

impl Chunk {
    /// An empty buffer.
    pub fn new() -> Self {
        let bytes = vec![0; (CHUNK + 1) * BLOCK];
        // At most one block less a byte: the slice of CHUNK blocks behind it is always inside.
        let start = bytes.as_ptr().align_offset(BLOCK).min(BLOCK);
        Self { bytes, start, readable: [false; CHUNK] }
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..][..CHUNK * BLOCK]
    }

    /// Likewise, to be filled.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..][..CHUNK * BLOCK]
    }

    /// A block that was read; `None` if it is unreadable.
    pub fn block(&self, index: usize) -> Option<&Block> {
        let readable = *self.readable.get(index)?;
        self.bytes().get(index * BLOCK..)?.first_chunk().filter(|_| readable)
    }
}

impl Default for Chunk {
    fn default() -> Self {
        Self::new()
    }
}
