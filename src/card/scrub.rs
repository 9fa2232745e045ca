//! One pass over the card: both roots, the boot manifest, the boot files and their copies.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::boot_manifest::{BootFile, BootManifest, hash_of_block};
use super::device::{CHUNK, Chunk, RawDevice};
use super::fat::{Geometry, files};
use super::layout::Card;
use super::outcome::Outcome;
use super::pair::{Buffers, Judge, Pair};
use super::replica::{Extent, Replica};
use super::tree::{Check, Tree};
use super::twin::{Mark, Places, places};
use super::{BLOCK, Block, Hash};

const BLOCK_BYTES: u64 = BLOCK as u64;

/// The partitions with copies.
#[derive(Debug)]
pub struct Devices {
    boot: RawDevice,
    a: RawDevice,
    b: RawDevice,
}

impl Devices {
    /// Opens the boot partition and the roots, of which the first two are A and B.
    ///
    /// # Errors
    /// One of them cannot be read, as text.
    pub fn open(boot: &Path, roots: &[PathBuf]) -> Result<Self, String> {
        let open =
            |path: &Path| RawDevice::open(path).map_err(|error| format!("{}: {error}", path.display()));
        let [a, b, ..] = roots else {
            return Err("the kernel's command line does not name two roots".to_owned());
        };
        Ok(Self { boot: open(boot)?, a: open(a)?, b: open(b)? })
    }

    /// Whether the second root has everything, as far as its mark says.
    pub fn twin_is_whole(&self, card: &Card) -> bool {
        self.mark(card).is_some()
    }

    /// The mark of this image's twin. The builder leaves the first block of root B empty, and the mark of an older use of
    /// the card may still be there.
    fn mark(&self, card: &Card) -> Option<Mark> {
        let first = self.b.read_block(0);
        if first.is_ok_and(|block| block == [0; BLOCK]) {
            return None;
        }
        let block = self.b.read_block(last_block(card)? * BLOCK_BYTES).ok()?;
        Mark::decode(&block).filter(|mark| mark.root == card.root.root_hash())
    }
}

fn partition_blocks(card: &Card) -> u64 {
    u64::from(card.partitions[2].length) * 512 / BLOCK_BYTES
}

fn last_block(card: &Card) -> Option<u64> {
    partition_blocks(card).checked_sub(1)
}

/// What a pass covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The roots, for programs that wait.
    Roots,
    /// Everything.
    All,
}

/// Reads both copies of everything in scope, and heals what is bad in one of them. A twin that is not whole is made: its
/// first block, without which it is no file system, last, and then its mark. `pause` is called after each chunk, with the
/// blocks that are done, and all blocks.
pub fn run(card: &Card, devices: &Devices, scope: Scope, pause: &mut dyn FnMut(u64, u64)) -> Outcome {
    let mark = devices.mark(card);
    let outcome = Outcome { twin_was_whole: mark.is_some(), ..Outcome::default() };
    let all = card.root.blocks();
    let mut pass = Pass { card, devices, pause, outcome, buffers: Buffers::default(), done: 0, all };
    pass.run(scope, mark.as_ref());
    pass.outcome
}

struct Pass<'a> {
    card: &'a Card,
    devices: &'a Devices,
    pause: &'a mut dyn FnMut(u64, u64),
    outcome: Outcome,
    buffers: Buffers,
    done: u64,
    all: u64,
}

/// A boot manifest, and its bytes, whole blocks.
struct Listed {
    manifest: BootManifest,
    bytes: Vec<u8>,
}

impl<'a> Pass<'a> {
    fn run(&mut self, scope: Scope, mark: Option<&Mark>) {
        let keep_b = mark.is_none().then_some(0);
        self.outcome.twin_is_whole = mark.is_some();
        if scope == Scope::Roots {
            self.roots(keep_b);
            return;
        }
        let listed = self.listed(mark);
        // Boot files of another build with the same root need another mark.
        let is_marked = |it: &Listed| mark.is_some_and(|mark| mark.manifest == self.mark(&it.bytes).manifest);
        let whole = mark.is_some() && listed.as_ref().is_none_or(is_marked);
        self.outcome.twin_is_whole = whole;
        let files =
            listed.as_ref().map_or(0, |it| it.manifest.files.iter().map(|file| file.blocks().len()).sum());
        self.all += files as u64;
        let tree = self.roots(keep_b);
        let Some(Listed { manifest, bytes }) = listed else { return };
        let blocks = bytes.len() as u64 / BLOCK_BYTES;
        match places(partition_blocks(self.card), self.card.root.blocks(), &manifest, blocks) {
            Some(places) => {
                self.boot_files(&manifest, places);
                if !whole {
                    self.finish_twin(&tree, &bytes, places);
                }
            }
            None => self.trouble("root B has no room for the copies of the boot files"),
        }
    }

    /// Both roots, from the top of the tree down, so that each block is checked by one that is good.
    fn roots(&mut self, keep_b: Option<u64>) -> Tree {
        let card = self.card;
        let verity = &card.root;
        let superblock = verity.data_blocks();
        let mut tree = Tree::new(verity.clone());
        let mut pair = self.root_pair(0, verity.blocks());
        self.scrub(&mut pair, superblock..superblock + 1, &tree_judge(&tree), keep_b);
        for number in verity.hash_blocks() {
            let block = self.chunk(&mut pair, number..number + 1, &tree_judge(&tree), keep_b);
            block.map(|block| tree.add(number, &block));
        }
        self.scrub(&mut pair, 0..superblock, &tree_judge(&tree), keep_b);
        self.outcome.roots.add(pair.tally);
        tree
    }

    /// So many blocks of both root partitions, from this one on.
    fn root_pair(&self, first: u64, blocks: u64) -> Pair<'a> {
        let (at, length) = (first * BLOCK_BYTES, blocks * BLOCK_BYTES);
        let devices = self.devices;
        Pair::new(Replica::at(&devices.a, at, length), Replica::at(&devices.b, at, length))
    }

    fn mark(&self, manifest: &[u8]) -> Mark {
        Mark::new(self.card.root.root_hash(), manifest)
    }

    /// The boot manifest, behind the roots. Its own hash says whether a copy is good as a whole; if neither is, the mark
    /// has the hash of each block.
    ///
    /// A manifest does not name its root. That of another build would make boot files of what is none of this build's, so
    /// root A has to have this root's superblock, or root B its mark.
    fn listed(&mut self, mark: Option<&Mark>) -> Option<Listed> {
        let (card, devices) = (self.card, self.devices);
        let first = card.root.blocks();
        let superblock = devices.a.read_block(card.root.hash_offset());
        let a_is_ours = superblock.is_ok_and(|block| block == card.root.superblock().encode());
        if !a_is_ours && mark.is_none() {
            self.trouble("root A is not the one of this kernel: write the whole image onto the card again");
            return None;
        }
        let read = || {
            let a = Some(&devices.a).filter(|_| a_is_ours).and_then(|a| read_manifest(a, first));
            a.or_else(|| mark.and_then(|_| read_manifest(&devices.b, first)))
        };
        let good = read();
        let hashes = match (&good, mark) {
            (Some(good), _) => self.mark(&good.bytes).manifest,
            (None, Some(mark)) => mark.manifest.clone(),
            (None, None) => Vec::new(),
        };
        let mut pair = self.root_pair(first, hashes.len() as u64);
        let judge = |number: u64, block: &Block| judge_by(&hashes, number, Hash::of(&[block]));
        self.all += hashes.len() as u64;
        self.scrub(&mut pair, 0..hashes.len() as u64, &judge, None);
        self.outcome.roots.add(pair.tally);
        let good = good.or_else(read);
        if good.is_none() {
            self.trouble("the list of the boot files is damaged in both roots: they are not checked");
            self.outcome.roots.lost += u64::from(hashes.is_empty());
        }
        good
    }

    /// The boot files, and their copies behind the twin's manifest.
    fn boot_files(&mut self, manifest: &BootManifest, places: Places) {
        let devices = self.devices;
        let found = self.find(manifest);
        let mut at = places.boot_files;
        for (file, extents) in manifest.files.iter().zip(found) {
            let count = file.blocks().len() as u64;
            match extents {
                Ok(extents) => {
                    let length = u64::from(file.length());
                    let on_fat = Replica::new(&devices.boot, extents, length);
                    let copy = Replica::at(&devices.b, at * BLOCK_BYTES, length);
                    let mut pair = Pair::new(on_fat, copy);
                    self.scrub(&mut pair, 0..count, &file_judge(file), None);
                    self.outcome.boot.add(pair.tally);
                }
                Err(why) => self.trouble(format!("{}: {why}", file.name())),
            }
            at += count;
        }
    }

    /// The place of each boot file, or why it is not known.
    fn find(&mut self, manifest: &BootManifest) -> Vec<Result<Vec<Extent>, &'static str>> {
        let devices = self.devices;
        let boot = &devices.boot;
        let partition = u64::from(self.card.partitions[0].length) * 512;
        let read = |extent: Extent| read_all(&Replica::new(boot, vec![extent], extent.length), extent.length);
        let geometry = boot.read_block(0).ok();
        let geometry = geometry.and_then(|block| Geometry::parse(block.first_chunk()?, partition));
        let Some((geometry, directory)) = geometry.and_then(|it| Some((it, files(&read(it.directory)?))))
        else {
            return vec![Err("the boot partition's file system cannot be read"); manifest.files.len()];
        };
        let by_table = |number: u64| {
            let table = Extent { at: geometry.table.at + number * geometry.table.length, ..geometry.table };
            let places = geometry.places(&read(table).unwrap_or_default(), &directory);
            let place = |file: &BootFile| {
                let named = |(it, _): &(&_, _)| super::fat::File::is_named(it, file.name());
                let found = directory.iter().zip(&places).find(named);
                match found {
                    None => Err("it is not on the boot partition"),
                    Some((it, _)) if it.length != file.length() => Err("it is not the image's"),
                    Some((_, None)) => Err("its clusters cannot be found: the allocation table is damaged"),
                    Some((_, Some(extents))) => Ok(extents.clone()),
                }
            };
            manifest.files.iter().map(place).collect::<Vec<_>>()
        };
        let found = |places: &[Result<_, _>]| places.iter().filter(|place| place.is_ok()).count();
        let first = by_table(0);
        if geometry.tables < 2 || found(&first) == manifest.files.len() {
            return first;
        }
        let second = by_table(1);
        if found(&second) <= found(&first) {
            return first;
        }
        self.trouble("the boot partition's first allocation table is damaged, the second one is used");
        second
    }

    /// If everything is there: the first block, which was kept back, and then the mark.
    fn finish_twin(&mut self, tree: &Tree, manifest: &[u8], places: Places) {
        let (roots, boot) = (&self.outcome.roots, &self.outcome.boot);
        if roots.lost + roots.stuck_b + boot.stuck_b > 0 {
            return self.trouble("the second root is not complete");
        }
        let mut pair = self.root_pair(0, self.card.root.blocks());
        self.scrub(&mut pair, 0..1, &tree_judge(tree), None);
        let mark = self.mark(manifest).encode();
        let written = mark.map(|mark| self.devices.b.write_block(&mark, places.mark * BLOCK_BYTES));
        match written {
            Some(Ok(())) if pair.tally.bad() == 0 => self.outcome.twin_is_whole = true,
            Some(Err(error)) => self.trouble(format!("the second root cannot be marked: {error}")),
            Some(Ok(())) | None => self.trouble("the second root is not complete"),
        }
    }

    fn scrub(&mut self, pair: &mut Pair, blocks: Range<u64>, judge: &impl Judge, keep_b: Option<u64>) {
        for first in blocks.clone().step_by(CHUNK) {
            self.chunk(pair, first..blocks.end.min(first + CHUNK as u64), judge, keep_b);
        }
    }

    fn chunk(
        &mut self,
        pair: &mut Pair,
        blocks: Range<u64>,
        judge: &impl Judge,
        keep_b: Option<u64>,
    ) -> Option<Block> {
        self.done += blocks.end - blocks.start;
        let first = pair.scrub(&mut self.buffers, blocks, judge, keep_b);
        (self.pause)(self.done.min(self.all), self.all);
        first
    }

    fn trouble(&mut self, what: impl Into<String>) {
        self.outcome.troubles.push(what.into());
    }
}

fn tree_judge(tree: &Tree) -> impl Judge {
    move |number: u64, block: &Block| tree.check(number, block)
}

fn file_judge(file: &BootFile) -> impl Judge {
    move |number: u64, block: &Block| judge_by(file.blocks(), number, hash_of_block(block))
}

fn judge_by(hashes: &[Hash], number: u64, hash: Hash) -> Check {
    let expected = usize::try_from(number).ok().and_then(|number| hashes.get(number));
    match expected {
        Some(expected) if *expected == hash => Check::Good,
        Some(_) => Check::Bad,
        None => Check::Unknown,
    }
}

/// A manifest that begins with this block of a partition, if its own hash says that it is whole.
fn read_manifest(device: &RawDevice, first: u64) -> Option<Listed> {
    let at = first * BLOCK_BYTES;
    let beginning = device.read_block(at).ok()?;
    let length = BootManifest::length(&beginning).ok()?;
    let blocks = length.next_multiple_of(BLOCK) as u64;
    let mut bytes = read_all(&Replica::at(device, at, blocks), blocks)?;
    // The builder leaves zeros behind it, which its own hash does not cover.
    bytes.get_mut(length..)?.fill(0);
    Some(Listed { manifest: BootManifest::decode(&bytes).ok()?, bytes })
}

/// All bytes of a copy; `None` if one of its blocks cannot be read.
fn read_all(replica: &Replica, length: u64) -> Option<Vec<u8>> {
    let mut chunk = Chunk::new();
    let mut bytes = Vec::new();
    for first in (0..length.div_ceil(BLOCK_BYTES)).step_by(CHUNK) {
        replica.read(first, CHUNK, &mut chunk);
        let left = usize::try_from(length - first * BLOCK_BYTES).ok()?.min(CHUNK * BLOCK);
        let is_readable = chunk.readable.iter().take(left.div_ceil(BLOCK)).all(|readable| *readable);
        bytes.extend_from_slice(chunk.bytes().get(..left).filter(|_| is_readable)?);
    }
    Some(bytes)
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
