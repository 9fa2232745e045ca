//! The boot partition: a FAT file system that the Pi's boot ROM and any PC can read.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
    sync::Arc,
};

use fatfs::{DateTime, FatType, FileSystem, FormatVolumeOptions, FsOptions, TimeProvider};

use super::boot_files::{INITRAMFS, SITE};
use crate::{
    calendar::civil,
    error::{Context, Error, Result},
};

/// Bytes of a MiB.
pub const MIB: u64 = 1 << 20;

/// The files in the root directory of a FAT, each with its content or why that cannot be read.
pub fn read(partition: &[u8]) -> io::Result<Vec<(String, io::Result<Vec<u8>>)>> {
    let fat = FileSystem::new(Cursor::new(partition.to_vec()), FsOptions::new())?;
    let mut files = Vec::new();
    for entry in fat.root_dir().iter() {
        let entry = entry?;
        if entry.is_file() {
            let mut content = Vec::new();
            let read = entry.to_file().read_to_end(&mut content);
            files.push((entry.file_name(), read.map(|_| content)));
        }
    }
    Ok(files)
}

/// A FAT16 file system of `mib` MiB with these files in its root directory.
pub fn write(files: &BTreeMap<String, Arc<[u8]>>, mib: u32, epoch: u64, serial: u32) -> Result<Vec<u8>> {
    let size = u64::from(mib) * MIB;
    let cluster = cluster(mib)?;
    refuse_too_much(files, size, cluster)?;
    let mut disk = vec![0; usize::try_from(size).context(|| "boot partition too large".into())?];
    let made: std::io::Result<()> = (|| {
        let options = FormatVolumeOptions::new()
            .fat_type(FatType::Fat16)
            .bytes_per_cluster(cluster)
            .volume_label(*b"DIALBOX    ")
            .volume_id(serial);
        fatfs::format_volume(Cursor::new(disk.as_mut_slice()), options)?;
        // fatfs requires a clock with a static lifetime.
        let clock: &'static Stopped = Box::leak(Box::new(Stopped(epoch)));
        let options = FsOptions::new().time_provider(clock);
        let fs = FileSystem::new(Cursor::new(disk.as_mut_slice()), options)?;
        // The site is the last file of the directory and of the clusters: another one can replace it (`provision`)
        // without moving anything else. The initramfs, which differs with the site that is baked, comes before it.
        let mut files: Vec<_> = files.iter().collect();
        files.sort_by_key(|(name, _)| (*name == SITE, *name == INITRAMFS));
        for (name, content) in files {
            let mut file = fs.root_dir().create_file(name)?;
            file.write_all(content)?;
            file.flush()?;
        }
        fs.unmount()
    })();
    made.context(|| "cannot write the boot partition".into())?;
    Ok(disk)
}

/// Bytes of a cluster. Their number alone decides about the kind of a FAT: 4085 to 65524 are a FAT16 (Microsoft's FAT
/// specification, "FAT type determination"). The partition's type byte says FAT16, too.
fn cluster(mib: u32) -> Result<u32> {
    match mib {
        3..=8 => Ok(512),
        9..=127 => Ok(2048),
        128..=1023 => Ok(16 << 10),
        1024..=2000 => Ok(32 << 10),
        _ => Err(Error::new(format!("a boot partition of {mib} MiB cannot be a FAT16"))
            .hint("set `boot-mib` under [disk] in image/image.toml to something between 3 and 2000")),
    }
}

/// The FAT tables and the last cluster of each file take some space; 2 % is ample.
fn refuse_too_much(files: &BTreeMap<String, Arc<[u8]>>, size: u64, cluster: u32) -> Result<()> {
    let needed: u64 = files.values().map(|it| (it.len() as u64).next_multiple_of(cluster.into())).sum();
    if needed <= size - size / 50 {
        return Ok(());
    }
    let mut largest: Vec<_> = files.iter().map(|(name, content)| (content.len(), name)).collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let too_small =
        Error::new(format!("the boot partition is too small: its files need {needed} bytes, it has {size}"));
    let told =
        largest.iter().take(3).fold(too_small, |it, (size, name)| it.fact(format!("{name}: {size} bytes")));
    let mib = (needed + needed / 40).div_ceil(MIB);
    Err(told.hint(format!("set `boot-mib = {mib}` or more under [disk] in image/image.toml")))
}

/// A clock that always shows the image's time.
#[derive(Debug)]
struct Stopped(u64);

impl TimeProvider for Stopped {
    fn get_current_date(&self) -> fatfs::Date {
        self.get_current_date_time().date
    }

    fn get_current_date_time(&self) -> DateTime {
        let (days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil(days);
        DateTime {
            date: fatfs::Date { year, month, day },
            time: fatfs::Time {
                hour: (seconds / 3600) as u16,
                min: (seconds / 60 % 60) as u16,
                sec: (seconds % 60) as u16,
                millis: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_that_is_accepted_makes_a_fat16() {
        for mib in [3, 8, 9, 12, 127, 128, 1023, 1024, 2000] {
            let disk = write(&BTreeMap::new(), mib, 0, 1).unwrap();
            let fs = FileSystem::new(Cursor::new(disk), FsOptions::new()).unwrap();
            assert_eq!(fs.fat_type(), FatType::Fat16, "{mib} MiB");
        }
        for mib in [0, 2, 2001] {
            let error = write(&BTreeMap::new(), mib, 0, 1).unwrap_err().to_string();
            assert!(error.contains("between 3 and 2000"), "{error}");
        }
    }

    #[test]
    fn a_boot_partition_too_small_for_its_files_is_refused_with_the_size_it_needs() {
        let files = BTreeMap::from([("kernel.img".to_owned(), Arc::from(vec![1; 5 << 20]))]);
        let error = write(&files, 4, 0, 1).unwrap_err().to_string();
        assert!(error.contains("kernel.img: 5242880 bytes") && error.contains("boot-mib = 6"), "{error}");
    }
}
