//! The SD card of a box: a copy of the finished image, read and changed as the Pi's firmware and a user would.

mod bmap;
mod config_txt;
mod disk;
mod window;

use crate::error::{Error, Result};
use config_txt::Config;
use dialbox::card::layout::Extent;
use dialbox::card::provisioned::{self, Found};
pub use disk::Partition;
use fatfs::{FileSystem, FsOptions};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use window::Window;

/// The site's file on the FAT partition.
pub const SITE: &str = "site.toml";

/// What the firmware would load and pass to the kernel.
#[derive(Debug, Clone)]
pub struct BootFiles {
    /// The kernel.
    pub kernel: Vec<u8>,
    /// The initial RAM file system.
    pub initramfs: Vec<u8>,
    /// The device tree of the board.
    pub device_tree: Vec<u8>,
    /// The kernel's command line, one line.
    pub command_line: String,
}

/// A private, writable copy of an image; the image itself is not changed.
#[derive(Debug)]
pub struct Card {
    path: PathBuf,
}

impl Card {
    /// Copies `image` to `path` and [enlarges](Self::enlarge) it.
    pub fn copy_of(image: &Path, path: PathBuf, bytes: u64) -> Result<Self> {
        copy(image, &path).map_err(|e| Error::io("copy the image", image, e))?;
        let card = Self { path };
        card.enlarge(bytes)?;
        Ok(card)
    }

    /// Makes it as large as a card of `bytes`, or the next power of two that holds it: QEMU accepts no other sizes for an
    /// SD card (hw/sd/sd.c, `sd_realize`). What it holds stays.
    pub fn enlarge(&self, bytes: u64) -> Result<()> {
        let size = self.bytes()?.max(bytes).next_power_of_two();
        self.open()?.set_len(size).map_err(|e| Error::io("enlarge", &self.path, e))
    }

    /// The card or image at this path; it is only read.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Copies it to `path`; nothing may write to it meanwhile.
    pub fn copy_to(&self, path: &Path) -> Result<()> {
        copy(&self.path, path).map_err(|e| Error::io("copy the card", &self.path, e))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size.
    pub fn bytes(&self) -> Result<u64> {
        let metadata = std::fs::metadata(&self.path).map_err(|e| Error::io("measure", &self.path, e))?;
        Ok(metadata.len())
    }

    /// Kernel, initramfs, device tree and command line, found as `config.txt` says.
    ///
    /// `board` is the stem of the device tree's name, which on a Pi the firmware chooses.
    pub fn boot_files(&self, board: &str) -> Result<BootFiles> {
        let config = Config::parse(&self.read_text("config.txt")?);
        let device_tree = config.device_tree.unwrap_or_else(|| format!("{board}.dtb"));
        let initramfs =
            config.initramfs.ok_or_else(|| Error::Image("config.txt names no initramfs".to_owned()))?;
        Ok(BootFiles {
            kernel: self.read(&config.kernel)?,
            initramfs: self.read(&initramfs)?,
            device_tree: self.read(&device_tree)?,
            command_line: self.read_text(&config.cmdline)?.trim().to_owned(),
        })
    }

    /// A file of the boot partition.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let read =
            |fat: &FileSystem<Window>| fat.root_dir().open_file(name)?.read_to_end(&mut content).map(drop);
        self.with_boot_partition(name, read)?;
        Ok(content)
    }

    /// A file of the boot partition that is text.
    pub fn read_text(&self, name: &str) -> Result<String> {
        String::from_utf8(self.read(name)?).map_err(|_| Error::Image(format!("{name} is not UTF-8")))
    }

    /// The names in the boot partition's root directory, sorted.
    pub fn boot_directory(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        self.with_boot_partition("the directory", |fat| {
            names =
                fat.root_dir().iter().map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
            Ok(())
        })?;
        names.sort_unstable();
        Ok(names)
    }

    /// Replaces a file of the boot partition, as a user with a PC would.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        self.with_boot_partition(name, |fat| {
            let mut file = fat.root_dir().create_file(name)?;
            file.truncate()?;
            file.write_all(content)?;
            file.flush()
        })
    }

    /// The four entries of the partition table.
    pub fn partitions(&self) -> Result<[Partition; 4]> {
        disk::partitions(&mut self.open()?).map_err(|e| Error::Image(format!("its partition table: {e}")))
    }

    /// The places of the two copies of a provisioned site, in bytes of the card.
    fn places_of_site(&self) -> Result<[u64; 2]> {
        let root_a = self.partitions()?[1];
        let sectors = |bytes: u64| u32::try_from(bytes / 512).unwrap_or(u32::MAX);
        let extent = Extent { start: sectors(root_a.start), length: sectors(root_a.bytes) };
        provisioned::places(extent)
            .ok_or_else(|| Error::Image("its second partition is too short".to_owned()))
    }

    /// The site that the card was provisioned with.
    pub fn provisioned(&self) -> Result<Option<String>> {
        let mut copies = Vec::new();
        for at in self.places_of_site()? {
            let mut copy = vec![0; provisioned::COPY];
            let mut file = self.open()?;
            let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut copy));
            read.map_err(|e| Error::io("read the provisioned site of", &self.path, e))?;
            copies.push(copy);
        }
        match provisioned::decode([copies.first().map(Vec::as_slice), copies.last().map(Vec::as_slice)]) {
            Found::Nothing => Ok(None),
            Found::Site(text) => Ok(Some(text)),
            Found::Damaged => Err(Error::Image("its provisioned site is damaged".to_owned())),
        }
    }

    /// Provisions it with a site: the copies beside the root, and the file on the boot partition.
    pub fn provision(&self, site: &str) -> Result<()> {
        let copy =
            provisioned::encode(site).ok_or_else(|| Error::Image("the site is too long".to_owned()))?;
        self.places_of_site()?.into_iter().try_for_each(|at| self.overwrite_at(at, &copy))?;
        self.write(SITE, site.as_bytes())
    }

    /// The content of partition `number` (1 to 4).
    pub fn read_partition(&self, number: usize) -> Result<Vec<u8>> {
        let partition = self.partitions()?[number - 1];
        let mut content = Vec::new();
        let read = Window::new(self.open()?, partition.start, partition.bytes).read_to_end(&mut content);
        read.map_err(|e| Error::io("read a partition of", &self.path, e))?;
        Ok(content)
    }

    /// Overwrites the partition `number` (1 to 4), as far as it is on the card, with `byte`.
    pub fn fill_partition(&self, number: usize, byte: u8) -> Result<()> {
        let partition = self.partitions()?[number - 1];
        self.overwrite(partition, &vec![byte; usize::try_from(partition.bytes).unwrap_or(usize::MAX)])
    }

    /// Overwrites the beginning of the partition `number` (1 to 4), which has to hold all of `content`.
    pub fn write_partition(&self, number: usize, content: &[u8]) -> Result<()> {
        let partition = self.partitions()?[number - 1];
        let length = content.len() as u64;
        if length > partition.bytes {
            let room = partition.bytes;
            return Err(Error::Image(format!(
                "partition {number} has {room} bytes of {length} to be written"
            )));
        }
        self.overwrite(partition, content)
    }

    /// Makes it a card of the same size that held other data, onto which `image` was then written as its block map says
    /// (`IMAGE.bmap`, written by the builder).
    pub fn write_by_map(&self, image: &Path) -> Result<()> {
        let map = image.with_added_extension("bmap");
        let map = std::fs::read_to_string(&map).map_err(|e| Error::io("read", &map, e))?;
        let blocks = bmap::mapped(&map).ok_or_else(|| Error::Image("its .bmap maps no blocks".to_owned()))?;
        bmap::write(&blocks, image, &mut self.open()?).map_err(|e| Error::io("write by its map", image, e))
    }

    fn overwrite(&self, partition: Partition, content: &[u8]) -> Result<()> {
        self.overwrite_at(partition.start, content)
    }

    /// Overwrites these bytes of the card, whatever they belong to.
    pub fn overwrite_at(&self, at: u64, content: &[u8]) -> Result<()> {
        let mut file = self.open()?;
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(content));
        written.map_err(|e| Error::io("overwrite a part of", &self.path, e))
    }

    /// Rewrites the partition `number` (1 to 4) in the table.
    pub fn set_partition(&self, number: usize, partition: Partition) -> Result<()> {
        let changed = disk::set_partition(&mut self.open()?, number, partition);
        changed.map_err(|e| Error::Image(format!("its partition table: {e}")))
    }

    fn with_boot_partition(
        &self,
        name: &str,
        work: impl FnOnce(&FileSystem<Window>) -> std::io::Result<()>,
    ) -> Result<()> {
        let partition = self.partitions()?[0];
        let fault = |e: std::io::Error| Error::Image(format!("{name} on its boot partition: {e}"));
        let window = Window::new(self.open()?, partition.start, partition.bytes);
        let fat = FileSystem::new(window, FsOptions::new()).map_err(fault)?;
        work(&fat).map_err(fault)?;
        fat.unmount().map_err(fault)
    }

    fn open(&self) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(|e| Error::io("open", &self.path, e))
    }
}

/// Copies a file; its holes stay holes.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut at = 0;
    while at < length {
        let data = match rustix::fs::seek(&from, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data,
            // After the last data.
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        at = rustix::fs::seek(&from, rustix::fs::SeekFrom::Hole(data))?;
        from.seek(SeekFrom::Start(data))?;
        to.seek(SeekFrom::Start(data))?;
        std::io::copy(&mut (&from).take(at - data), &mut to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
