//! The image that all cards are made from, and where a site lies in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use dialbox::card::{
    fat::{self, Geometry},
    layout, provisioned, replica,
};
use mbrman::MBR;

use super::changes::Changes;
use crate::{
    error::{Error, Result},
    flash::{
        BLOCK,
        bmap::Bmap,
        source::{Source, bmap_of},
    },
    image::{
        boot_files::SITE,
        disk::{SECTOR, render_bmap, used},
    },
    input_file,
    task::digest,
};

/// A base image: what its `.bmap` maps of it, checked.
#[derive(Debug)]
pub struct Base {
    /// The image's content.
    pub source: Source,
    /// Tells this base from others: the SHA-256 of its `.bmap`, which has the hashes of everything else.
    pub id: String,
    /// What is not zero in it: first byte and length of each run.
    pub runs: Vec<(u64, u64)>,
    place: Place,
    /// The ranges of its map, cut where a site may change something, with their hashes.
    ranges: Vec<(Range<u64>, String)>,
}

/// Where the site of a base lies, in bytes of the image.
#[derive(Debug)]
struct Place {
    /// The entry of the directory.
    entry: u64,
    /// The first bytes of the file allocation tables.
    tables: Vec<u64>,
    /// The first cluster of the file.
    first: u16,
    /// How many clusters it has.
    clusters: u16,
    /// How many it may have.
    most: u16,
    /// The first byte of the first cluster; the others follow it.
    data: u64,
    /// Bytes of a cluster.
    cluster: u64,
    /// The two copies beside root A.
    copies: [u64; 2],
}

impl Base {
    /// Reads an image and its map.
    ///
    /// # Errors
    /// They do not fit together, or no site can be put into the image.
    pub fn load(image: &Path) -> Result<Self> {
        let named = image.display().to_string();
        input_file::open(image, &named)
            .map_err(|error| error.hint("cargo xtask build-image    makes image and map"))?;
        let map = bmap_of(image);
        let text = input_file::read(&map, &map.display().to_string());
        let text = text.map_err(|error| error.hint("cargo xtask build-image    makes image and map"))?;
        let text = String::from_utf8_lossy(&text);
        let bmap = Bmap::parse(&text).map_err(|why| {
            Error::new(format!("{}: {why}", map.display()))
                .hint("build the image again: cargo xtask build-image")
        })?;
        let source = Source::load(image)?;
        let place = Place::find(&source).map_err(|why| {
            Error::new(format!("no site can be put into {}", image.display()))
                .fact(why)
                .hint("build the image again: cargo xtask build-image")
        })?;
        let runs = source.parts.iter().flat_map(|part| {
            used(&part.bytes).into_iter().map(|run| (part.at + run.start as u64, run.len() as u64))
        });
        let runs = runs.collect();
        let mut base = Self { source, id: digest(text.as_bytes()), runs, place, ranges: Vec::new() };
        let mapped: Vec<Range<u64>> = bmap.ranges.into_iter().map(|range| range.bytes).collect();
        let cut = cut(&mapped, &base.place.variable());
        base.ranges = cut.into_iter().map(|range| (range.clone(), base.hash(&range, None))).collect();
        Ok(base)
    }

    /// The places of the two copies beside root A, in bytes.
    pub fn copies(&self) -> [u64; 2] {
        self.place.copies
    }

    /// The blocks in which the card of a site differs.
    ///
    /// # Errors
    /// The site is too long.
    pub fn with_site(&self, site: &str) -> Result<Changes> {
        let place = &self.place;
        let room = usize::from(place.most) * place.cluster as usize;
        let copy = provisioned::encode(site).filter(|_| site.len() <= room && !site.is_empty());
        let copy = copy.ok_or_else(|| {
            let longest = room.min(provisioned::LONGEST);
            Error::new(format!("the site has {} bytes, of {longest} at most", site.len()))
                .hint("take comments out of its template")
        })?;
        let mut edit = Edit { base: self, blocks: BTreeMap::new() };
        for at in place.copies {
            edit.write(at, &copy);
        }
        // At most `most`.
        let clusters = site.len().div_ceil(place.cluster as usize) as u16;
        let mut content = site.as_bytes().to_vec();
        content.resize(usize::from(clusters.max(place.clusters)) * place.cluster as usize, 0);
        edit.write(place.data, &content);
        for table in &place.tables {
            for index in 0..clusters.max(place.clusters) {
                let cluster = place.first + index;
                let next = match index + 1 {
                    next if next < clusters => cluster + 1,
                    last if last == clusters => END_OF_FILE,
                    _ => 0,
                };
                edit.write(table + u64::from(cluster) * 2, &next.to_le_bytes());
            }
        }
        // `provisioned::LONGEST` fits.
        edit.write(place.entry + fat::LENGTH as u64, &(site.len() as u32).to_le_bytes());
        Ok(edit.changes())
    }

    /// The `.bmap` of the image with these changes.
    pub fn bmap(&self, changes: &Changes) -> String {
        let runs = self.ranges.iter().map(|(range, hash)| {
            let is_changed = changes.blocks.range(range.clone()).next().is_some();
            let hash = if is_changed { self.hash(range, Some(changes)) } else { hash.clone() };
            (range.start as usize..range.end as usize, hash)
        });
        render_bmap(self.source.size as usize, runs)
    }

    fn hash(&self, range: &Range<u64>, changes: Option<&Changes>) -> String {
        // The ranges are those of the map, which the source has.
        let mut bytes = self.source.bytes(range).unwrap_or_default().to_vec();
        for (at, block) in changes.into_iter().flat_map(|changes| changes.blocks.range(range.clone())) {
            let start = (at - range.start) as usize;
            let end = bytes.len().min(start + BLOCK);
            bytes[start..end].copy_from_slice(&block[..end - start]);
        }
        digest(&bytes)
    }
}

/// Marks the last cluster of a file, as the crate `fatfs` writes it.
const END_OF_FILE: u16 = 0xffff;

impl Place {
    fn find(source: &Source) -> Result<Self, String> {
        let get = |range: Range<u64>| source.bytes(&range).ok_or("its map leaves out what a site needs");
        let mbr = MBR::read_from(&mut std::io::Cursor::new(get(0..SECTOR)?), SECTOR as u32);
        let mbr = mbr.map_err(|error| error.to_string())?;
        let [boot, root_a] = [1, 2]
            .map(|number| layout::Extent { start: mbr[number].starting_lba, length: mbr[number].sectors });
        let copies = provisioned::places(root_a).ok_or("its root partition is too short")?;
        let area = get(copies[0]..copies[0] + provisioned::AREA)?;
        if area.iter().any(|byte| *byte != 0) {
            return Err("it was provisioned already".to_owned());
        }
        let (at, length) = (u64::from(boot.start) * SECTOR, u64::from(boot.length) * SECTOR);
        let sector = get(at..at + SECTOR)?.first_chunk().ok_or("it has no boot partition")?;
        let geometry = Geometry::parse(sector, length).ok_or("its boot partition is no FAT16")?;
        let part = |extent: replica::Extent| get(at + extent.at..at + extent.at + extent.length);
        let (table, directory) = (part(geometry.table)?, part(geometry.directory)?);
        let file = fat::files(directory).into_iter().find(|file| file.is_named(SITE));
        let file = file.ok_or_else(|| format!("its boot partition has no {SITE}"))?;
        let extents = geometry.places(table, std::slice::from_ref(&file)).pop().flatten().unwrap_or_default();
        let [extent] = extents[..] else {
            return Err(format!("{SITE} on its boot partition is empty or in several parts"));
        };
        let clusters = (extent.length / geometry.cluster) as u16;
        let most = provisioned::LONGEST.div_ceil(geometry.cluster as usize) as u16;
        let entry = |cluster: u16| table.get(usize::from(cluster) * 2..)?.first_chunk().copied();
        let is_free = |index: u16| {
            let cluster = file.first.checked_add(index);
            cluster.is_some_and(|it| geometry.place(it).is_some() && entry(it) == Some([0, 0]))
        };
        if !(clusters..most).all(is_free) {
            return Err(format!("{SITE} on its boot partition has no room to grow"));
        }
        let tables = (0..geometry.tables).map(|index| at + geometry.table.at + index * geometry.table.length);
        Ok(Self {
            entry: at + geometry.directory.at + (file.entry * fat::ENTRY) as u64,
            tables: tables.collect(),
            first: file.first,
            clusters,
            most: most.max(clusters),
            data: at + extent.at,
            cluster: geometry.cluster,
            copies,
        })
    }

    /// The blocks that a site may change, in order and without overlap.
    fn variable(&self) -> Vec<Range<u64>> {
        let block = BLOCK as u64;
        let around = |at: u64, length: u64| at / block * block..(at + length).next_multiple_of(block);
        let entries = u64::from(self.first) * 2;
        let tables = self.tables.iter().map(|table| around(table + entries, u64::from(self.most) * 2));
        let data = around(self.data, u64::from(self.most) * self.cluster);
        let copies = around(self.copies[0], provisioned::AREA);
        let mut all: Vec<_> = tables.chain([around(self.entry, fat::ENTRY as u64), data, copies]).collect();
        all.sort_by_key(|range| range.start);
        all.dedup();
        all
    }
}

/// The ranges, cut at the ends of the others.
fn cut(ranges: &[Range<u64>], others: &[Range<u64>]) -> Vec<Range<u64>> {
    let cuts: BTreeSet<u64> = others.iter().flat_map(|it| [it.start, it.end]).collect();
    let mut pieces = Vec::new();
    for range in ranges {
        let mut start = range.start;
        for cut in cuts.iter().copied().filter(|cut| range.start < *cut && *cut < range.end) {
            pieces.push(start..cut);
            start = cut;
        }
        pieces.push(start..range.end);
    }
    pieces
}

/// Blocks of a base that are being changed.
struct Edit<'a> {
    base: &'a Base,
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Edit<'_> {
    fn write(&mut self, at: u64, bytes: &[u8]) {
        let block = BLOCK as u64;
        let mut at = at;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (start, within) = (at / block * block, (at % block) as usize);
            let (part, behind) = rest.split_at(rest.len().min(BLOCK - within));
            self.block(start)[within..within + part.len()].copy_from_slice(part);
            (at, rest) = (at + part.len() as u64, behind);
        }
    }

    fn block(&mut self, at: u64) -> &mut Vec<u8> {
        self.blocks.entry(at).or_insert_with(|| self.base.block(at))
    }

    fn changes(self) -> Changes {
        let differs = |(at, block): &(u64, Vec<u8>)| self.base.block(*at) != *block;
        Changes { blocks: self.blocks.into_iter().filter(differs).collect() }
    }
}

impl Base {
    /// A block of the image; `Place::find` has made sure that all that a site needs are mapped.
    fn block(&self, at: u64) -> Vec<u8> {
        let bytes = self.source.bytes(&(at..at + BLOCK as u64));
        bytes.map_or_else(|| vec![0; BLOCK], <[u8]>::to_vec)
    }
}

#[cfg(test)]
pub mod tests {
    use std::{fs, path::PathBuf, sync::Arc};

    use dialbox::card::provisioned::{Found, decode};

    use super::*;
    use crate::{
        image::{boot, disk},
        manifest::Disk,
    };

    const DISK: Disk = Disk { boot_mib: 9, root_mib: 4, state_mib: 4, signature: 1 };
    const ROOT: usize = 5 * BLOCK;

    fn fat(site: &str) -> Vec<u8> {
        let file = |bytes: &[u8]| Arc::from(bytes);
        let files = BTreeMap::from([
            ("kernel.img".to_owned(), file(&[7; 9000])),
            (SITE.to_owned(), file(site.as_bytes())),
            ("start_cd.elf".to_owned(), file(&[8; 70_000])),
        ]);
        boot::write(&files, DISK.boot_mib, 1_780_000_000, 1).unwrap()
    }

    /// The image that the builder makes of this site, but for the root.
    fn image(site: &str) -> Vec<u8> {
        disk::write(&DISK, &fat(site), &[3; ROOT], 0).unwrap()
    }

    /// A base image with its map in a directory.
    pub fn base_image(dir: &Path, site: &str) -> PathBuf {
        let image = image(site);
        let path = dir.join("base.img");
        fs::write(dir.join("base.img.bmap"), disk::bmap(&DISK, &image, ROOT)).unwrap();
        fs::write(&path, image).unwrap();
        path
    }

    fn with(image: &[u8], changes: &Changes) -> Vec<u8> {
        let mut changed = image.to_vec();
        for (at, block) in &changes.blocks {
            changed[*at as usize..][..BLOCK].copy_from_slice(block);
        }
        changed
    }

    #[test]
    fn but_for_the_second_copy_a_card_is_bit_for_bit_what_the_builder_makes_with_that_site() {
        let dir = tempfile::tempdir().unwrap();
        let old = "o".repeat(5000);
        let base = Base::load(&base_image(dir.path(), &old)).unwrap();
        for length in [1, 2047, 2048, 2049, 5000, 6000, 20_000, provisioned::LONGEST] {
            let site = "n".repeat(length);
            let mut card = with(&image(&old), &base.with_site(&site).unwrap());
            let root_a = layout::Extent { start: (20 << 20) / 512, length: (4 << 20) / 512 };
            let places = provisioned::places(root_a).unwrap();
            let copies = places.map(|at| card[at as usize..][..provisioned::COPY].to_vec());
            assert_eq!(decode(copies.each_ref().map(|copy| Some(&copy[..]))), Found::Site(site.clone()));
            card[places[0] as usize..][..provisioned::AREA as usize].fill(0);
            assert!(card == image(&site), "{length} bytes");
        }
    }

    #[test]
    fn a_card_is_a_few_blocks_and_its_map_has_their_hashes() {
        let dir = tempfile::tempdir().unwrap();
        let old = "o".repeat(2500);
        let base = Base::load(&base_image(dir.path(), &old)).unwrap();
        let changes = base.with_site(&"n".repeat(3000)).unwrap();
        // Two tables or one block with both, the directory, one or two blocks of the file, two beside root A.
        assert!(changes.blocks.len() <= 7, "{:?}", changes.blocks.keys());
        let card = with(&image(&old), &changes);
        let map = Bmap::parse(&base.bmap(&changes)).unwrap();
        assert_eq!(map.image_size, card.len() as u64);
        for range in &map.ranges {
            assert_eq!(
                digest(&card[range.bytes.start as usize..range.bytes.end as usize]),
                range.sha256,
                "{range:?}"
            );
        }
        let mapped = |map: &Bmap| map.ranges.iter().map(|it| it.bytes.end - it.bytes.start).sum::<u64>();
        assert_eq!(mapped(&map), base.source.mapped());
    }

    #[test]
    fn an_image_that_was_provisioned_or_changed_is_no_base_and_a_site_that_is_too_long_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = base_image(dir.path(), "o");
        let base = Base::load(&path).unwrap();
        let error = base.with_site(&"n".repeat(provisioned::LONGEST + 1)).unwrap_err().to_string();
        assert!(error.contains("of 32724 at most"), "{error}");
        let changes = base.with_site("new").unwrap();
        let card = with(&image("o"), &changes);
        fs::write(&path, &card).unwrap();
        assert!(Base::load(&path).unwrap_err().to_string().contains("do not fit together"));
        fs::write(dir.path().join("base.img.bmap"), base.bmap(&changes)).unwrap();
        assert!(Base::load(&path).unwrap_err().to_string().contains("was provisioned already"));
        fs::write(&path, &card[..card.len() - 1]).unwrap();
        assert!(Base::load(&path).unwrap_err().to_string().contains("ends after"));
    }
}
