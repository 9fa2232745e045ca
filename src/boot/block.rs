//! Disks and partitions, from sysfs and devtmpfs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::ioctl::{NoArg, Opcode, ioctl, opcode};

use super::ext4;
use super::mbr::{self, Sector};
use crate::card::layout::Card;
use crate::clock;
use crate::state::slots::RESERVED;

/// The kernel finds the card 0.3 s after `/init` starts on a Pi 1; a worn card takes seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
/// Bytes of a sector.
const SECTOR: u64 = size_of::<Sector>() as u64;
/// How a squashfs begins (linux/magic.h, `SQUASHFS_MAGIC`).
const SQUASHFS: [u8; 4] = *b"hsqs";

/// Waits until the kernel has made a device node.
pub fn wait_for(device: &Path) -> io::Result<()> {
    let deadline = clock::since_boot() + TIMEOUT;
    while !device.exists() {
        if clock::since_boot() > deadline {
            let what = format!("did not appear within {} s", TIMEOUT.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        sleep(POLL);
    }
    Ok(())
}

/// Reads `N` bytes of a device.
pub fn read_at<const N: usize>(device: &Path, offset: u64) -> io::Result<[u8; N]> {
    let mut file = File::open(device)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Grows a partition to the end of its disk if that adds enough. Nothing on the disk may be mounted, since the kernel
/// reads the table again. Returns whether the partition has grown.
pub fn grow_to_the_end(partition: &Path) -> io::Result<bool> {
    let here = Partition::find(partition)?;
    let sector: Sector = read_at(&here.disk, 0)?;
    let Some(grown) = mbr::grow(&sector, here.number, here.disk_sectors) else {
        return Ok(false);
    };
    write_table(&here.disk, &grown)?;
    wait_for(partition)?;
    Ok(true)
}

/// Makes the symlink that leads to the disk of a partition, if its table leaves the bytes of the second copy free: the
/// services write there.
pub fn link_card(partition: &Path, symlink: &Path) -> io::Result<()> {
    let here = Partition::find(partition)?;
    has_room(&here.disk)?;
    std::os::unix::fs::symlink(&here.disk, symlink)
}

/// Makes the table of the card's disk as the builder has made it, if it is damaged. Nothing on the disk may be mounted,
/// since the kernel reads the table again. Returns whether it was damaged.
///
/// # Errors
/// Also if there is no root where the builder has put one: then this is another card.
pub fn mend_table(partition: &Path, built: &Card) -> io::Result<bool> {
    let disk = disk_of(partition).ok_or(io::ErrorKind::InvalidInput)?;
    wait_for(&disk)?;
    let [_, root_a, root_b, state] = built.partitions.map(|partition| u64::from(partition.start) * SECTOR);
    let name = disk.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let disk_sectors = read_number(&Path::new("/sys/class/block").join(name).join("size"))?;
    let superblock = read_at(&disk, state + ext4::OFFSET).ok();
    let state_sectors = superblock.as_ref().and_then(ext4::sectors);
    let Some(mended) = mbr::mend(&read_at(&disk, 0)?, built, state_sectors, disk_sectors) else {
        return Ok(false);
    };
    if ![root_a, root_b].iter().any(|root| read_at(&disk, *root).is_ok_and(|magic| magic == SQUASHFS)) {
        let what = "the partition table is not the builder's, and no root is where it would be";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    write_table(&disk, &mended)?;
    wait_for(partition)?;
    Ok(true)
}

fn write_table(disk: &Path, table: &Sector) -> io::Result<()> {
    let mut disk = OpenOptions::new().write(true).open(disk)?;
    disk.write_all(table)?;
    disk.sync_all()?;
    reread_partitions(&disk)
}

/// The disk that a partition's name belongs to: the kernel appends the number, after a `p` if the disk's name ends with
/// a digit (block/genhd.c, `disk_name`). For a disk whose table may be damaged, so that the partition does not exist.
pub fn disk_of(partition: &Path) -> Option<PathBuf> {
    let name = partition.file_name()?.to_str()?;
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let with_p = stem.strip_suffix('p').filter(|disk| disk.ends_with(|c: char| c.is_ascii_digit()));
    let disk = with_p.unwrap_or(stem);
    (stem != name && !disk.is_empty()).then(|| partition.with_file_name(disk))
}

/// The disk of a partition, if its table leaves the bytes beside the partitions free.
pub fn card_with_room(partition: &Path) -> io::Result<PathBuf> {
    let disk = disk_of(partition).ok_or(io::ErrorKind::InvalidInput)?;
    wait_for(&disk)?;
    has_room(&disk)?;
    Ok(disk)
}

fn has_room(disk: &Path) -> io::Result<()> {
    if mbr::leaves_free(&read_at(disk, 0)?, &RESERVED) {
        return Ok(());
    }
    let what = format!("{} has a partition where the second copy belongs", disk.display());
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// A partition and the disk it lies on.
struct Partition {
    number: usize,
    disk: PathBuf,
    disk_sectors: u64,
}

impl Partition {
    fn find(device: &Path) -> io::Result<Self> {
        let name = device.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        // /sys/class/block/mmcblk0p4 points to …/block/mmcblk0/mmcblk0p4
        let sysfs = fs::canonicalize(Path::new("/sys/class/block").join(name))?;
        let disk = sysfs.parent().ok_or(io::ErrorKind::NotFound)?;
        let disk_name = disk.file_name().ok_or(io::ErrorKind::NotFound)?;
        Ok(Self {
            number: read_number(&sysfs.join("partition"))?,
            disk: Path::new("/dev").join(disk_name),
            disk_sectors: read_number(&disk.join("size"))?,
        })
    }
}

fn read_number<T: std::str::FromStr>(path: &Path) -> io::Result<T> {
    let text = fs::read_to_string(path)?;
    let number = text.trim().parse();
    number.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a number"))
}

fn reread_partitions(disk: &File) -> io::Result<()> {
    const BLKRRPART: Opcode = opcode::none(0x12, 95);
    // SAFETY: BLKRRPART takes no argument (linux/fs.h).
    Ok(unsafe { ioctl(disk, NoArg::<BLKRRPART>::new()) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partitions_name_tells_its_disk() {
        for (partition, disk) in [
            ("/dev/mmcblk0p2", Some("/dev/mmcblk0")),
            ("/dev/mmcblk0p12", Some("/dev/mmcblk0")),
            ("/dev/sda2", Some("/dev/sda")),
            ("/dev/nvme0n1p1", Some("/dev/nvme0n1")),
            ("/dev/sdp1", Some("/dev/sdp")),
            ("/dev/sda", None),
            ("/dev/7", None),
            ("/", None),
        ] {
            assert_eq!(disk_of(Path::new(partition)).as_deref(), disk.map(Path::new), "{partition}");
        }
    }
}
