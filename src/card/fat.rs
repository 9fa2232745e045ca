//! Where the files of a FAT16 file system lie on their partition.
//!
//! The scrub reads boot files from the card and not through the mounted file system, whose page cache would hide rot. The
//! ioctl FIBMAP knows the clusters, too, but by the allocation table as it was at the boot, and it needs a mounted file
//! system. The crate `fatfs`, with which the builder writes, gives no cluster numbers.
//!
//! Source: Microsoft Extensible Firmware Initiative FAT32 File System Specification, version 1.03.

use super::replica::Extent;

const SECTOR: u64 = 512;
/// The number of a data cluster counts from 2.
const FIRST_CLUSTER: u16 = 2;
/// From here on, a table's entry is no cluster: bad, or the end of a file.
const NO_CLUSTER: u16 = 0xfff7;
/// The attributes of an entry that holds a part of a long name.
const LONG_NAME: u8 = 0x0f;
/// A directory, or the volume's label.
const NO_FILE: u8 = 0x18;

/// The parts of the file system, in bytes of the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// The first allocation table.
    pub table: Extent,
    /// How many tables there are, one behind the other.
    pub tables: u64,
    /// The root directory.
    pub directory: Extent,
    data: u64,
    /// Bytes of a cluster.
    pub cluster: u64,
    clusters: u64,
}

impl Geometry {
    /// Reads the boot sector of a partition of so many bytes; `None` if it is not a FAT16's.
    pub fn parse(sector: &[u8; 512], partition: u64) -> Option<Self> {
        let word = |at: usize| u64::from(u16::from_le_bytes([sector[at], sector[at + 1]]));
        let (reserved, tables, entries, table) = (word(14), u64::from(sector[16]), word(17), word(22));
        let cluster = u64::from(sector[13]) * SECTOR;
        let is_fat16 = sector[510..] == [0x55, 0xaa] && word(11) == SECTOR && sector[13].is_power_of_two();
        if !is_fat16 || reserved == 0 || tables == 0 || entries == 0 || table == 0 {
            return None;
        }
        let directory = (reserved + tables * table) * SECTOR;
        let directory = Extent { at: directory, length: (entries * ENTRY as u64).next_multiple_of(SECTOR) };
        let data = directory.at + directory.length;
        let clusters = partition.checked_sub(data)? / cluster;
        // The table has an entry for each of them, and two that count no cluster.
        let clusters = clusters.min(table * SECTOR / 2 - 2);
        let table = Extent { at: reserved * SECTOR, length: table * SECTOR };
        Some(Self { table, tables, directory, data, cluster, clusters })
    }

    /// Where a cluster of the data lies; `None` if the file system has none of this number.
    pub fn place(&self, cluster: u16) -> Option<Extent> {
        let index = u64::from(cluster.checked_sub(FIRST_CLUSTER)?);
        let exists = index < self.clusters && cluster < NO_CLUSTER;
        exists.then_some(Extent { at: self.data + index * self.cluster, length: self.cluster })
    }

    /// The extents of each of these files, all of the directory's, by an allocation table. `None` for one whose chain of
    /// clusters is broken or is partly another file's, too: what is wrong there may be the table, and not the content.
    pub fn places(&self, table: &[u8], files: &[File]) -> Vec<Option<Vec<Extent>>> {
        let mut places: Vec<_> = files.iter().map(|file| self.extents(table, file)).collect();
        let extents = places.iter().enumerate().flat_map(|(index, place)| {
            place.iter().flatten().map(move |extent| (extent.at, extent.at + extent.length, index))
        });
        let mut extents: Vec<_> = extents.collect();
        extents.sort_unstable();
        let mut shared = Vec::new();
        let mut reaches = (0, 0);
        for (at, end, index) in extents {
            if at < reaches.0 {
                shared.extend([index, reaches.1]);
            }
            reaches = reaches.max((end, index));
        }
        shared.into_iter().for_each(|index| places[index] = None);
        places
    }

    /// The extents of a file, by an allocation table; `None` if its chain of clusters is broken.
    fn extents(&self, table: &[u8], file: &File) -> Option<Vec<Extent>> {
        let wanted = u64::from(file.length).div_ceil(self.cluster);
        let mut extents: Vec<Extent> = Vec::new();
        let mut cluster = file.first;
        for _ in 0..wanted {
            let place = self.place(cluster)?;
            match extents.last_mut() {
                Some(last) if last.at + last.length == place.at => last.length += place.length,
                _ => extents.push(place),
            }
            let next = table.get(usize::from(cluster) * 2..)?.first_chunk()?;
            cluster = u16::from_le_bytes(*next);
        }
        // A chain that goes on is another file's, or damaged.
        (wanted == 0 || cluster > NO_CLUSTER).then_some(extents)
    }
}

/// A file of the root directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its long name, or the short one if it has no other.
    name: String,
    /// Its first cluster.
    pub first: u16,
    /// Its bytes.
    pub length: u32,
    /// Which entry of the directory has these two, from 0.
    pub entry: usize,
}

/// Bytes of an entry of a directory.
pub const ENTRY: usize = 32;
/// Where an entry has the length of its file, in four bytes.
pub const LENGTH: usize = 28;

impl File {
    /// Whether it has this name: FAT keeps the case of letters and does not distinguish it.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The files of a root directory.
pub fn files(directory: &[u8]) -> Vec<File> {
    let (entries, _) = directory.as_chunks::<ENTRY>();
    let mut long = Vec::new();
    let mut files = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match (entry[0], entry[11]) {
            (0, _) => break,
            (0xe5, _) => long.clear(),
            (_, LONG_NAME) => long.push(part_of_name(entry)),
            (_, attributes) => {
                // The parts of a long name come last to first, before their short name.
                let name: Vec<u16> = std::mem::take(&mut long).into_iter().rev().flatten().collect();
                if attributes & NO_FILE == 0 {
                    files.push(file(index, entry, &name));
                }
            }
        }
    }
    files
}

fn file(index: usize, entry: &[u8; ENTRY], long: &[u16]) -> File {
    let name = if long.is_empty() { short_name(entry) } else { String::from_utf16_lossy(long) };
    let first = u16::from_le_bytes([entry[26], entry[27]]);
    let length = u32::from_le_bytes([entry[28], entry[29], entry[30], entry[31]]);
    File { name, first, length, entry: index }
}

fn short_name(entry: &[u8; ENTRY]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (stem, extension) = (text(&entry[..8]), text(&entry[8..11]));
    if extension.is_empty() { stem } else { format!("{stem}.{extension}") }
}

/// 13 characters of UTF-16, in three places; the name ends with a zero if it does not fill them.
fn part_of_name(entry: &[u8; ENTRY]) -> Vec<u16> {
    let places = [1..11, 14..26, 28..32];
    let units = places.into_iter().flat_map(|place| entry[place].as_chunks::<2>().0.iter());
    units.map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
    use proptest::prelude::*;
    use std::io::{Cursor, Write};

    const SIZE: usize = 12 << 20;

    /// A file system as the builder and a PC leave it: names of both kinds, a deleted file, a file in two parts.
    fn image() -> (Vec<u8>, Vec<(&'static str, Vec<u8>)>) {
        let mut disk = vec![0; SIZE];
        let options = FormatVolumeOptions::new().fat_type(FatType::Fat16).bytes_per_cluster(2048);
        fatfs::format_volume(Cursor::new(disk.as_mut_slice()), options.volume_label(*b"DIALBOX    "))
            .unwrap();
        let content = |seed: u8, length: usize| (0..length).map(|i| (i / 7) as u8 ^ seed).collect::<Vec<_>>();
        let kernel = content(1, 100_001);
        let files = vec![
            ("kernel.img", kernel.clone()),
            ("bcm2835-rpi-b-plus.dtb", content(2, 4096)),
            ("CONFIG.TXT", content(3, 1)),
            ("empty", Vec::new()),
        ];
        {
            let fs = FileSystem::new(Cursor::new(disk.as_mut_slice()), FsOptions::new()).unwrap();
            let root = fs.root_dir();
            root.create_dir("overlays").unwrap();
            root.create_file("gone").unwrap().write_all(&[9; 5000]).unwrap();
            let mut kernel_file = root.create_file(files[0].0).unwrap();
            kernel_file.write_all(&kernel[..50_000]).unwrap();
            for (name, content) in &files[1..] {
                root.create_file(name).unwrap().write_all(content).unwrap();
            }
            kernel_file.write_all(&kernel[50_000..]).unwrap();
            kernel_file.flush().unwrap();
            root.remove("gone").unwrap();
        }
        (disk, files)
    }

    fn slice(disk: &[u8], extent: Extent) -> &[u8] {
        &disk[extent.at as usize..][..extent.length as usize]
    }

    #[test]
    fn what_a_pc_has_written_is_found_whole() {
        let (disk, files) = image();
        let geometry = Geometry::parse(disk.first_chunk().unwrap(), SIZE as u64).unwrap();
        let found = super::files(slice(&disk, geometry.directory));
        assert_eq!(found.len(), files.len(), "{found:?}");
        for (name, content) in files {
            let file = found.iter().find(|file| file.is_named(name)).unwrap();
            let extents = geometry.extents(slice(&disk, geometry.table), file).unwrap();
            let mut read: Vec<u8> =
                extents.iter().flat_map(|extent| slice(&disk, *extent).to_vec()).collect();
            read.truncate(file.length as usize);
            assert!(read == content, "{name}");
        }
    }

    #[test]
    fn a_broken_chain_of_clusters_is_no_file() {
        let (mut disk, _) = image();
        let geometry = Geometry::parse(disk.first_chunk().unwrap(), SIZE as u64).unwrap();
        let kernel = super::files(slice(&disk, geometry.directory)).swap_remove(0);
        let second = geometry.table.at as usize + usize::from(kernel.first + 1) * 2;
        for bad in [0, 1, 0xfff6, NO_CLUSTER, 0xffff, kernel.first] {
            disk[second..second + 2].copy_from_slice(&u16::to_le_bytes(bad));
            let extents = geometry.extents(slice(&disk, geometry.table), &kernel);
            assert_eq!(extents, None, "{bad:#x}");
        }
    }

    #[test]
    fn clusters_of_two_files_are_nobodys() {
        let (disk, _) = image();
        let geometry = Geometry::parse(disk.first_chunk().unwrap(), SIZE as u64).unwrap();
        let mut files = super::files(slice(&disk, geometry.directory));
        let table = slice(&disk, geometry.table);
        assert!(geometry.places(table, &files).iter().all(Option::is_some));
        // As after rot in a directory entry: this file now begins where the other one of its length does.
        let mut wrong = files[1].clone();
        wrong.name = "wrong.dtb".to_owned();
        files.push(wrong);
        let found: Vec<bool> = geometry.places(table, &files).iter().map(Option::is_some).collect();
        assert_eq!(found, [true, false, true, true, false]);
    }

    #[test]
    fn what_is_no_fat16_is_refused() {
        assert_eq!(Geometry::parse(&[0; 512], SIZE as u64), None);
        let (disk, _) = image();
        let sector: &[u8; 512] = disk.first_chunk().unwrap();
        assert_eq!(Geometry::parse(sector, 512), None, "a partition of one sector");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_lead_out_of_the_partition(
            damage in prop::collection::vec((0usize..40_000, any::<u8>()), 0..200),
        ) {
            let (mut disk, _) = image();
            for (at, byte) in damage {
                disk[at] = byte;
            }
            let Some(geometry) = Geometry::parse(disk.first_chunk().unwrap(), SIZE as u64) else { return Ok(()) };
            let part = |extent: Extent| {
                disk.get(extent.at as usize..).and_then(|disk| disk.get(..extent.length as usize)).unwrap_or(&[])
            };
            for file in super::files(part(geometry.directory)) {
                for extent in geometry.extents(part(geometry.table), &file).into_iter().flatten() {
                    prop_assert!(extent.at + extent.length <= SIZE as u64);
                }
            }
        }
    }
}
