//! The card of an image, with the second copies that the box makes, as three files: boot partition, root A, root B.

use super::pattern::{Rot, SECTOR};
use crate::card::Card;
use crate::error::{Error, Result};
use crate::initramfs;
use crate::leftovers;
use dialbox::card::BLOCK;
use dialbox::card::boot_manifest::BootManifest;
use dialbox::card::fat::{Geometry, files};
use dialbox::card::layout;
use dialbox::card::outcome::Outcome;
use dialbox::card::replica::Extent;
use dialbox::card::scrub::{Devices, Scope, run};
use dialbox::card::twin::places;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use tempfile::TempDir;

const BOOT: usize = 0;
const ROOT_A: usize = 1;
const ROOT_B: usize = 2;
/// A board of whose boot files the initramfs is read.
const BOARD: &str = "bcm2835-rpi-b-plus";

/// Where one copy of a block lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    partition: usize,
    at: usize,
}

/// A block that the card has twice, and how many of its sectors are checked, from the first one on.
#[derive(Debug, Clone, Copy)]
struct Twice {
    places: [Place; 2],
    sectors: usize,
}

/// The card.
#[derive(Debug)]
pub struct WholeCard {
    built: layout::Card,
    paths: [PathBuf; 3],
    content: [Vec<u8>; 3],
    blocks: Vec<Twice>,
    _dir: TempDir,
}

impl WholeCard {
    /// Takes the partitions from the image and makes the second copies, as the box does.
    ///
    /// # Errors
    /// The image is none of this version's, or the copies cannot be made.
    pub fn of(image: PathBuf) -> Result<Self> {
        let card = Card::at(image);
        let built = initramfs::card(&card.boot_files(BOARD)?.initramfs)?;
        let dir = leftovers::private_dir()?;
        let paths = ["boot", "a", "b"].map(|name| dir.path().join(name));
        for (number, path) in (1..).zip(&paths) {
            fs::write(path, card.read_partition(number)?).map_err(|e| Error::io("write", path, e))?;
        }
        let mut whole = Self { built, paths, content: Default::default(), blocks: Vec::new(), _dir: dir };
        let made = whole.scrub()?;
        if !made.twin_is_whole || made.bad() > 0 || !made.troubles.is_empty() {
            return Err(Error::Image(format!(
                "its second copies were not made: {made}, {:?}",
                made.troubles
            )));
        }
        whole.content = whole.read()?;
        whole.blocks =
            whole.find_blocks().ok_or_else(|| Error::Image("its boot files are not found".to_owned()))?;
        Ok(whole)
    }

    /// How many blocks it has twice.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// How many of these are the root's, which come first.
    pub fn root_blocks(&self) -> usize {
        usize::try_from(self.built.root.blocks()).unwrap_or(usize::MAX)
    }

    /// What the builder has recorded of it.
    pub fn built(&self) -> &layout::Card {
        &self.built
    }

    /// One pass of the box's own scrub.
    ///
    /// # Errors
    /// The files cannot be opened.
    pub fn scrub(&self) -> Result<Outcome> {
        let devices = Devices::open(&self.paths[BOOT], &self.paths[ROOT_A..]).map_err(Error::Unexpected)?;
        Ok(run(&self.built, &devices, Scope::All, &mut |_, _| {}))
    }

    /// Boot partition, root A and root B with this rot.
    pub fn rotten(&self, rotten: &[Rot]) -> [Vec<u8>; 3] {
        let mut content = self.content.clone();
        for rot in rotten {
            let Twice { places, sectors } = self.blocks[rot.block];
            let place = places[rot.copy];
            let at = place.at + rot.sector % sectors * SECTOR;
            rot.damage.apply(&mut content[place.partition][at..at + SECTOR]);
        }
        content
    }

    /// Makes this what the files hold.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, content: &[Vec<u8>; 3]) -> Result<()> {
        self.paths.iter().zip(content).try_for_each(|(path, content)| {
            let file = File::options().write(true).open(path);
            file.and_then(|file| file.write_all_at(content, 0)).map_err(|e| Error::io("write", path, e))
        })
    }

    /// Whether the files hold what they did before any rot.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn is_whole(&self) -> Result<bool> {
        Ok(self.read()? == self.content)
    }

    fn read(&self) -> Result<[Vec<u8>; 3]> {
        let [boot, a, b] =
            self.paths.each_ref().map(|path| fs::read(path).map_err(|e| Error::io("read", path, e)));
        Ok([boot?, a?, b?])
    }

    /// Root, tree and boot manifest, then the boot files.
    fn find_blocks(&self) -> Option<Vec<Twice>> {
        let [boot, a, b] = &self.content;
        let root = self.root_blocks();
        let manifest = a.get(root * BLOCK..)?;
        let length = BootManifest::length(manifest.first_chunk::<BLOCK>()?).ok()?.next_multiple_of(BLOCK);
        let both = |at| [Place { partition: ROOT_A, at }, Place { partition: ROOT_B, at }];
        let in_roots = root + length / BLOCK;
        let mut blocks: Vec<_> = (0..in_roots)
            .map(|number| Twice { places: both(number * BLOCK), sectors: BLOCK / SECTOR })
            .collect();

        let manifest = BootManifest::decode(manifest.get(..length)?).ok()?;
        let copies = places((b.len() / BLOCK) as u64, root as u64, &manifest, (length / BLOCK) as u64)?;
        let mut copy = usize::try_from(copies.boot_files).ok()? * BLOCK;
        let geometry = Geometry::parse(boot.first_chunk()?, boot.len() as u64)?;
        let listed = files(part(boot, geometry.directory)?);
        let extents = geometry.places(part(boot, geometry.table)?, &listed);
        for file in &manifest.files {
            let index = listed.iter().position(|it| it.is_named(file.name()))?;
            let (extents, length) = (extents[index].as_ref()?, usize::try_from(file.length()).ok()?);
            for start in (0..length).step_by(BLOCK) {
                // A sector that the file does not fill has bytes that nobody checks.
                let (at, room) = place(extents, start as u64)?;
                let sectors = room.min(BLOCK).min(length - start) / SECTOR;
                let places = [Place { partition: BOOT, at }, Place { partition: ROOT_B, at: copy + start }];
                blocks.extend((sectors > 0).then_some(Twice { places, sectors }));
            }
            copy += file.blocks().len() * BLOCK;
        }
        Some(blocks)
    }
}

fn part(partition: &[u8], extent: Extent) -> Option<&[u8]> {
    let at = usize::try_from(extent.at).ok()?;
    partition.get(at..at + usize::try_from(extent.length).ok()?)
}

/// Where a byte of a file lies, and how many follow there.
fn place(extents: &[Extent], mut byte: u64) -> Option<(usize, usize)> {
    for extent in extents {
        if byte < extent.length {
            return Some((
                usize::try_from(extent.at + byte).ok()?,
                usize::try_from(extent.length - byte).ok()?,
            ));
        }
        byte -= extent.length;
    }
    None
}
