//! What is written to: a card or a file. The interface is small, so that tests can be a card that fails.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt},
    path::Path,
};

use rustix::fs::{Advice, Mode, OFlags, fadvise, major, minor, open};

use super::BLOCK;

/// A medium that is written in whole [`BLOCK`]s.
pub trait Medium {
    /// Bytes that it says it has.
    fn size(&self) -> u64;
    /// Writes blocks.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Returns when the medium itself has all that was written.
    fn sync(&mut self) -> io::Result<()>;
    /// Reads whole blocks from the medium itself, not from the kernel's cache.
    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()>;
}

/// A block device.
#[derive(Debug)]
pub struct Card {
    file: File,
    /// The same device past the page cache.
    direct: File,
    size: u64,
    aligned: Aligned,
}

impl Card {
    /// Opens a whole device that nothing uses: the kernel refuses `O_EXCL` while a partition of it is mounted, and
    /// refuses mounts while it is open so (block/bdev.c, `bd_may_claim`). Fails if it is not the device with these
    /// numbers, `MAJOR:MINOR`.
    pub fn open(node: &Path, numbers: &str) -> io::Result<Self> {
        Self::open_with(node, numbers, OFlags::RDWR | OFlags::EXCL)
    }

    /// Opens it to be read, whoever else uses it.
    pub fn open_to_read(node: &Path, numbers: &str) -> io::Result<Self> {
        Self::open_with(node, numbers, OFlags::RDONLY)
    }

    fn open_with(node: &Path, numbers: &str, flags: OFlags) -> io::Result<Self> {
        let file = File::from(open(node, flags | OFlags::CLOEXEC, Mode::empty())?);
        let about = file.metadata()?;
        let opened = format!("{}:{}", major(about.rdev()), minor(about.rdev()));
        if !about.file_type().is_block_device() || opened != numbers {
            return Err(io::Error::other(format!("{} is another device now", node.display())));
        }
        let direct = open(node, OFlags::RDONLY | OFlags::DIRECT | OFlags::CLOEXEC, Mode::empty())?;
        let size = io::Seek::seek(&mut &file, io::SeekFrom::End(0))?;
        Ok(Self { file, direct: direct.into(), size, aligned: Aligned::default() })
    }
}

impl Medium for Card {
    fn size(&self) -> u64 {
        self.size
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let aligned = self.aligned.of(bytes.len());
        self.direct.read_exact_at(aligned, at)?;
        bytes.copy_from_slice(aligned);
        Ok(())
    }
}

/// A regular file in the place of a card. On a file system in RAM there is nothing but the cache to read from.
#[derive(Debug)]
pub struct ImageFile {
    file: File,
    size: u64,
}

impl ImageFile {
    /// Takes a file, and makes it as long as the image if it is shorter.
    pub fn new(file: File, image: u64) -> io::Result<Self> {
        let size = file.metadata()?.len().max(image.next_multiple_of(BLOCK as u64));
        file.set_len(size)?;
        Ok(Self { file, size })
    }
}

impl ImageFile {
    /// A file that is only read, of this length.
    pub fn of(file: File, size: u64) -> Self {
        Self { file, size }
    }
}

impl Medium for ImageFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        Ok(fadvise(&self.file, 0, None, Advice::DontNeed)?)
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }
}

/// Memory at an address that `O_DIRECT` accepts.
#[derive(Debug, Default)]
struct Aligned(Vec<u8>);

impl Aligned {
    fn of(&mut self, length: usize) -> &mut [u8] {
        self.0.resize(length + BLOCK, 0);
        let start = self.0.as_ptr().align_offset(BLOCK);
        &mut self.0[start..start + length]
    }
}
