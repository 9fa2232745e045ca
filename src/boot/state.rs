//! Mounts the state partition, whatever its content. It never prevents the boot.

use std::fmt;
use std::fs::{self, DirEntry};
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, MountFlags, UnmountFlags, fsopen, mount, unmount};

use super::block;
use super::ext4::{self, Health};
use crate::clock;
use crate::log::Log;
use crate::published::BootStatus;
use crate::state::Loss;

mod rescue;

const MOUNT_POINT: &str = "/state";
/// Where a partition is mounted whose files are copied into RAM; `init` is alone with it.
const RESCUED: &str = "/run/state";
const FLAGS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);
const E2FSCK: &str = "/sbin/e2fsck";
const MKE2FS: &str = "/sbin/mke2fs";
/// A tool may hang on a dying card; the boot continues without it.
const TOOL_TIMEOUT: Duration = Duration::from_secs(60);

/// How the state partition was mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountOutcome {
    /// It was clean.
    Clean,
    /// After a power cut the kernel has replayed the journal.
    Recovered,
    /// It was damaged, and e2fsck has repaired it.
    Repaired,
    /// It was formatted: any former content is lost.
    Formatted,
    /// It cannot be used: the state is in RAM and is lost at the next boot.
    Memory,
}

impl fmt::Display for MountOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "clean",
            Self::Recovered => "recovered",
            Self::Repaired => "repaired",
            Self::Formatted => "formatted",
            Self::Memory => BootStatus::IN_RAM,
        })
    }
}

/// How the state partition was mounted, and what failed before.
#[derive(Debug)]
pub struct Report {
    /// What is mounted at `/state`.
    pub outcome: MountOutcome,
    /// The errors on the way, as text; empty if there were none.
    pub trouble: String,
}

/// A repair of a partition before it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    Nothing,
    /// The kernel replays it while mounting, as `e2fsck` would but 0.3 s faster: most of these boxes stop by a power
    /// cut.
    ReplayJournal,
    /// All repairs of `e2fsck`: files may lose their names. Not those of `-p` first: where the group descriptors are damaged,
    /// it finds no journal and deletes it; without `-p` it takes the backup descriptors, and replays the journal, which
    /// has the damaged ones (e2fsck/unix.c, `main`, "Group descriptors look bad").
    Check,
    Format,
}

/// The repairs for a partition, the mildest first.
fn repairs(health: Health) -> &'static [Repair] {
    use Repair::{Check, Format, Nothing, ReplayJournal};
    match health {
        Health::Clean => &[Nothing, Check, Format],
        Health::NeedsRecovery => &[ReplayJournal, Check, Format],
        Health::Damaged | Health::Foreign => &[Check, Format],
        Health::Blank => &[Format],
    }
}

/// Before anything is mounted, a partition without a file system is grown to the end of the card.
pub fn claim_the_card(device: &Path, log: &Log) {
    let grown = block::wait_for(device).and_then(|()| health(device)).and_then(|health| match health {
        Health::Blank | Health::Foreign => block::grow_to_the_end(device),
        Health::Clean | Health::NeedsRecovery | Health::Damaged => Ok(false),
    });
    let device = device.display();
    match grown {
        Ok(true) => log.info(&format!("{device} now fills the card")),
        Ok(false) => {}
        Err(error) => log.warning(&format!("{device} not grown: {error}")),
    }
}

/// Mounts the partition at `/state`, repairs or formats it if necessary, and uses RAM if nothing else works. While a
/// tool runs, `progress` is called again and again.
pub fn mount_state(device: &Path, progress: &mut dyn FnMut()) -> Report {
    let mut trouble = Vec::new();
    let health = health(device).map_err(|error| trouble.push(error.to_string()));
    let mut card = Card { device, progress, is_in_use: false };
    let mounted_after = health.ok().and_then(|health| try_repairs(health, &mut card, &mut trouble));
    let mounted_after = mounted_after.filter(|_| has_room(&mut trouble));
    match mounted_after {
        Some(Repair::Nothing) => report(MountOutcome::Clean, trouble),
        Some(Repair::ReplayJournal) => report(MountOutcome::Recovered, trouble),
        Some(Repair::Check) => report(MountOutcome::Repaired, trouble),
        Some(Repair::Format) => report(MountOutcome::Formatted, trouble),
        None if card.is_in_use => in_memory(trouble),
        None => in_memory_from(device, trouble),
    }
}

/// Whether the mounted partition takes what the box has to store; one that does not is unmounted.
fn has_room(trouble: &mut Vec<String>) -> bool {
    let loss = Loss::of_mounted(Path::new(MOUNT_POINT));
    let Some(loss) = loss else { return true };
    trouble.push(loss.to_string());
    // If it stays, the tmpfs is mounted over it.
    let _ = unmount(MOUNT_POINT, UnmountFlags::DETACH);
    false
}

/// In RAM, with what can be read on the partition.
fn in_memory_from(device: &Path, trouble: Vec<String>) -> Report {
    let mut report = in_memory(trouble);
    // A journal cannot be replayed without writing; without that, mounting fails (fs/jbd2/recovery.c).
    let _ = fs::create_dir(RESCUED); // mount(2) reports the error
    let copied = mount(device, RESCUED, "ext4", FLAGS | MountFlags::RDONLY, Some(c"noload"))
        .map_err(io::Error::from)
        .and_then(|()| rescue::copy(Path::new(RESCUED), Path::new(MOUNT_POINT)));
    let _ = unmount(RESCUED, UnmountFlags::DETACH);
    let _ = fs::remove_dir(RESCUED);
    report.trouble += &match copied {
        Ok(count) => format!("; {count} files of it were copied into RAM"),
        Err(error) => format!("; reading it: {error}"),
    };
    report
}

/// Leaves the partition alone, and uses RAM.
pub fn leave_the_partition(why: &str) -> Report {
    in_memory(vec![why.to_owned()])
}

fn in_memory(mut trouble: Vec<String>) -> Report {
    let memory = mount_memory();
    trouble.extend(memory.err().map(|error| format!("tmpfs: {error}")));
    report(MountOutcome::Memory, trouble)
}

fn report(outcome: MountOutcome, trouble: Vec<String>) -> Report {
    let trouble = trouble.join("; ");
    Report { outcome, trouble }
}

/// A partition, as the repairs use it.
trait Partition {
    /// Whether the kernel has a driver for ext4.
    fn has_driver(&mut self) -> bool;
    fn repair(&mut self, repair: Repair) -> Result<(), RepairError>;
    /// Mounts it, if its root directory can be read.
    fn mount(&mut self) -> Result<(), Errno>;
}

/// Why a repair has not helped.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RepairError {
    /// The tool reports failure: the next repair may work.
    Failed(String),
    /// The tool did not finish: the content of the partition is unknown.
    Unfinished(String),
}

/// The repair after which the partition could be mounted. Formatting destroys the content, so it is only tried when the
/// kernel has ext4, every milder repair has reported failure itself, and every mount was refused because of the
/// content.
fn try_repairs(health: Health, partition: &mut impl Partition, trouble: &mut Vec<String>) -> Option<Repair> {
    if !partition.has_driver() {
        trouble.push("this kernel has no ext4".to_owned());
        return None;
    }
    for repair in repairs(health) {
        match partition.repair(*repair) {
            Ok(()) => {}
            Err(RepairError::Failed(why)) => {
                trouble.push(why);
                continue;
            }
            Err(RepairError::Unfinished(why)) => {
                trouble.push(why);
                return None;
            }
        }
        match partition.mount() {
            Ok(()) => return Some(*repair),
            Err(error) => {
                trouble.push(format!("mount: {error}"));
                if !is_about_the_content(error) {
                    return None;
                }
            }
        }
    }
    None
}

/// Whether ext4 refused the content of the partition, and did not, for example, lack memory. It returns EINVAL for a
/// superblock that is not ext4's, EIO for one that cannot be read (fs/ext4/super.c), and EUCLEAN or EBADMSG for
/// corruption (fs/ext4/ext4.h, `EFSCORRUPTED`, `EFSBADCRC`).
fn is_about_the_content(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::IO | Errno::UCLEAN | Errno::BADMSG)
}

/// The partition on the card.
struct Card<'a> {
    device: &'a Path,
    progress: &'a mut dyn FnMut(),
    /// Whether a tool that could not be ended still works on it.
    is_in_use: bool,
}

impl Partition for Card<'_> {
    fn has_driver(&mut self) -> bool {
        // This also loads the driver's module, and accesses no device (fs/fsopen.c).
        fsopen("ext4", FsOpenFlags::FSOPEN_CLOEXEC).err() != Some(Errno::NODEV)
    }

    fn repair(&mut self, repair: Repair) -> Result<(), RepairError> {
        let applied = apply(repair, self.device, self.progress);
        self.is_in_use |= matches!(applied, Err(RepairError::Unfinished(_)));
        applied
    }

    fn mount(&mut self) -> Result<(), Errno> {
        mount_partition(self.device)?;
        list(Path::new(MOUNT_POINT)).inspect_err(|_| {
            // A partition that stays mounted is refused by e2fsck and mke2fs.
            let _ = unmount(MOUNT_POINT, UnmountFlags::DETACH);
        })
    }
}

/// Reads a directory and those in it to their ends. Mounting reads the root's inode only (fs/ext4/super.c,
/// `ext4_fill_super`). A power cut may have left the superblock of a new file system and not its root directory; and a card
/// that loses what it has acknowledged, the entry of a new directory and not its block: ext4 would find that when a service
/// stores something there, and the state would be read-only until the next boot.
fn list(dir: &Path) -> Result<(), Errno> {
    let read = || {
        let entries: Vec<DirEntry> = fs::read_dir(dir)?.collect::<io::Result<_>>()?;
        entries.iter().try_for_each(|entry| {
            if entry.file_type()?.is_dir() {
                fs::read_dir(entry.path())?.try_for_each(|entry| entry.map(drop))?;
            }
            Ok(())
        })
    };
    read().map_err(|error: io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn health(device: &Path) -> io::Result<Health> {
    Ok(ext4::health(&block::read_at(device, ext4::OFFSET)?))
}

fn apply(repair: Repair, device: &Path, progress: &mut dyn FnMut()) -> Result<(), RepairError> {
    // 1: errors were corrected; 2: a reboot is needed if it was mounted. e2fsck(8)
    let corrected = 0..=2;
    match repair {
        Repair::Nothing | Repair::ReplayJournal => Ok(()),
        Repair::Check => run(Command::new(E2FSCK).arg("-fy").arg(device), corrected, progress),
        Repair::Format => format(device, progress),
    }
}

fn format(device: &Path, progress: &mut dyn FnMut()) -> Result<(), RepairError> {
    // mke2fs would wait seconds for the kernel's entropy on a box without a keyboard; the kernel returns a UUID at
    // once, and this one need not be secret.
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid");
    let uuid = uuid.map_err(|error| RepairError::Unfinished(error.to_string()))?;
    let uuid = uuid.trim();
    let lazy = format!("lazy_itable_init=1,lazy_journal_init=1,nodiscard,hash_seed={uuid}");
    let mut mke2fs = Command::new(MKE2FS);
    mke2fs.args(["-q", "-F", "-t", "ext4", "-L", "state", "-m", "0", "-U", uuid, "-E", &lazy]);
    // Some dozen small files, mostly of less than 1 KiB. Of itself mke2fs makes blocks of 4 KiB from 512 MiB on
    // (mke2fs.conf), and each change of a file or of its inode would write four times as much.
    mke2fs.args(["-N", "256", "-b", "1024"]).arg(device);
    run(&mut mke2fs, 0..=0, progress)
}

fn run(
    command: &mut Command,
    good: RangeInclusive<i32>,
    progress: &mut dyn FnMut(),
) -> Result<(), RepairError> {
    run_for(TOOL_TIMEOUT, command, good, progress)
}

/// That a tool runs counts as progress, for as long as it may: what it does on the card cannot be seen from here.
fn run_for(
    timeout: Duration,
    command: &mut Command,
    good: RangeInclusive<i32>,
    progress: &mut dyn FnMut(),
) -> Result<(), RepairError> {
    const POLL: Duration = Duration::from_millis(10);
    let name = command.get_program().to_string_lossy().into_owned();
    let unfinished = |error: io::Error| RepairError::Unfinished(format!("{name}: {error}"));
    let deadline = clock::since_boot() + timeout;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut child = child.map_err(unfinished)?;
    loop {
        match child.try_wait().map_err(unfinished)? {
            Some(status) => {
                let why = format!("{name}: {status}");
                return match status.code() {
                    Some(code) if good.contains(&code) => Ok(()),
                    Some(_) => Err(RepairError::Failed(why)),
                    None => Err(RepairError::Unfinished(why)),
                };
            }
            None if clock::since_boot() > deadline => {
                // A process that waits for a dead card cannot be killed; it is left running.
                let _ = child.kill();
                return Err(RepairError::Unfinished(format!("{name}: no end in {} s", timeout.as_secs())));
            }
            None => {
                progress();
                sleep(POLL);
            }
        }
    }
}

fn mount_partition(device: &Path) -> Result<(), Errno> {
    let _ = fs::create_dir_all(MOUNT_POINT); // mount(2) reports the error
    let options = c"errors=remount-ro";
    // LAZYTIME: the time of a file that is overwritten in place is no reason for a transaction (state/file_slots.rs).
    let flags = FLAGS | MountFlags::NOATIME | MountFlags::LAZYTIME;
    mount(device, MOUNT_POINT, "ext4", flags, Some(options))
}

fn mount_memory() -> Result<(), Errno> {
    mount("state", MOUNT_POINT, "tmpfs", FLAGS, Some(c"mode=0755,size=4m"))
}

#[cfg(test)]
mod tests;
