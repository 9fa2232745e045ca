//! Bringing up the state partition, whatever it holds. It never blocks the boot.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};

use super::block;
use super::ext4::{self, Health};
use crate::clock;
use crate::log::Log;

const MOUNT_POINT: &str = "/state";
const E2FSCK: &str = "/sbin/e2fsck";
const MKE2FS: &str = "/sbin/mke2fs";
/// A tool that works on a dying card may never come back; the boot goes on without it.
const TOOL_PATIENCE: Duration = Duration::from_secs(60);

/// How state was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The partition was in good order.
    Clean,
    /// The power had gone away, and the kernel has replayed the journal.
    Recovered,
    /// The partition was damaged, and e2fsck has repaired it.
    Repaired,
    /// The partition was made anew: what it held, if anything, is lost.
    Formatted,
    /// The partition cannot be used: state is in RAM and ends with this boot.
    Memory,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "clean",
            Self::Recovered => "recovered",
            Self::Repaired => "repaired",
            Self::Formatted => "formatted",
            Self::Memory => "memory",
        })
    }
}

/// How state was obtained, and what went wrong before.
#[derive(Debug)]
pub struct Report {
    /// What is mounted at `/state`.
    pub outcome: Outcome,
    /// What failed on the way, in words; empty when all is well.
    pub trouble: String,
}

/// What can be done to a partition before it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    Nothing,
    /// The kernel does it as it mounts, as `e2fsck` would and 0.3 s sooner: a power cut is how
    /// most of these boxes stop.
    ReplayJournal,
    /// What `e2fsck` repairs without asking.
    Check,
    /// What it repairs at all: files may lose their names.
    ForcedCheck,
    Format,
}

/// The repairs for a partition, the mildest first.
fn repairs(health: Health) -> &'static [Repair] {
    use Repair::{Check, ForcedCheck, Format, Nothing, ReplayJournal};
    match health {
        Health::Clean => &[Nothing, Check, ForcedCheck, Format],
        Health::NeedsRecovery => &[ReplayJournal, Check, ForcedCheck, Format],
        Health::Damaged | Health::Foreign => &[Check, ForcedCheck, Format],
        Health::Blank => &[Format],
    }
}

/// Before anything is mounted: a partition that holds no file system yet gets the whole card.
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

/// Mounts the partition at `/state`, repairs or formats it when it must, and takes RAM when
/// nothing helps.
pub fn mount_state(device: &Path) -> Report {
    let mut trouble = Vec::new();
    match try_repairs(device, &mut trouble) {
        Some(Repair::Nothing) => report(Outcome::Clean, trouble),
        Some(Repair::ReplayJournal) => report(Outcome::Recovered, trouble),
        Some(Repair::Check | Repair::ForcedCheck) => report(Outcome::Repaired, trouble),
        Some(Repair::Format) => report(Outcome::Formatted, trouble),
        None => {
            let memory = mount_memory();
            trouble.extend(memory.err().map(|error| format!("tmpfs: {error}")));
            report(Outcome::Memory, trouble)
        }
    }
}

fn report(outcome: Outcome, trouble: Vec<String>) -> Report {
    let trouble = trouble.join("; ");
    Report { outcome, trouble }
}

/// The repair after which the partition could be mounted.
fn try_repairs(device: &Path, trouble: &mut Vec<String>) -> Option<Repair> {
    let health = health(device).map_err(|error| trouble.push(error.to_string()));
    for repair in repairs(health.ok()?) {
        if let Err(why) = apply(*repair, device) {
            trouble.push(why);
            continue;
        }
        match mount_partition(device) {
            Ok(()) => return Some(*repair),
            // The kernel knows no ext4: formatting would destroy state and mend nothing.
            Err(Errno::NODEV) => {
                trouble.push("this kernel has no ext4".to_owned());
                return None;
            }
            Err(error) => trouble.push(format!("mount: {}", io::Error::from(error))),
        }
    }
    None
}

fn health(device: &Path) -> io::Result<Health> {
    Ok(ext4::health(&block::read_at(device, ext4::OFFSET)?))
}

fn apply(repair: Repair, device: &Path) -> Result<(), String> {
    // 1: errors were corrected; 2: and it would matter had it been mounted. e2fsck(8)
    let corrected = 0..=2;
    match repair {
        Repair::Nothing | Repair::ReplayJournal => Ok(()),
        Repair::Check => run(Command::new(E2FSCK).arg("-p").arg(device), corrected),
        Repair::ForcedCheck => run(Command::new(E2FSCK).arg("-fy").arg(device), corrected),
        Repair::Format => format(device),
    }
}

fn format(device: &Path) -> Result<(), String> {
    // mke2fs would wait for the kernel's entropy, which a box without keyboard gathers for
    // seconds; the kernel gives a UUID at once, and this one need not be secret.
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").map_err(|error| error.to_string())?;
    let uuid = uuid.trim();
    let lazy = format!("lazy_itable_init=1,lazy_journal_init=1,nodiscard,hash_seed={uuid}");
    let mut mke2fs = Command::new(MKE2FS);
    mke2fs.args(["-q", "-F", "-t", "ext4", "-L", "state", "-m", "0", "-U", uuid, "-E", &lazy]);
    // Some dozen small files.
    mke2fs.args(["-N", "256"]).arg(device);
    run(&mut mke2fs, 0..=0)
}

fn run(command: &mut Command, good: std::ops::RangeInclusive<i32>) -> Result<(), String> {
    const POLL: Duration = Duration::from_millis(10);
    let name = command.get_program().to_string_lossy().into_owned();
    let fail = |error: io::Error| format!("{name}: {error}");
    let deadline = clock::since_boot() + TOOL_PATIENCE;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut child = child.map_err(fail)?;
    loop {
        match child.try_wait().map_err(fail)? {
            Some(status) if status.code().is_some_and(|code| good.contains(&code)) => return Ok(()),
            Some(status) => return Err(format!("{name}: {status}")),
            None if clock::since_boot() > deadline => {
                // A process that waits for a dead card cannot be killed; it is left behind.
                let _ = child.kill();
                return Err(format!("{name}: no end in {} s", TOOL_PATIENCE.as_secs()));
            }
            None => sleep(POLL),
        }
    }
}

fn mount_partition(device: &Path) -> Result<(), Errno> {
    let flags = MountFlags::NOATIME | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let _ = fs::create_dir_all(MOUNT_POINT); // the mount says what is wrong with it
    let options = c"errors=remount-ro";
    mount(device, MOUNT_POINT, "ext4", flags, Some(options))
}

fn mount_memory() -> Result<(), Errno> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("state", MOUNT_POINT, "tmpfs", flags, Some(c"mode=0755,size=4m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mildest_remedy_comes_first_and_formatting_last() {
        use Health::{Blank, Clean, Damaged, Foreign, NeedsRecovery};
        for health in [Clean, NeedsRecovery, Damaged, Foreign, Blank] {
            let repairs = repairs(health);
            assert_eq!(repairs.last(), Some(&Repair::Format));
            let formats = repairs.iter().filter(|repair| **repair == Repair::Format);
            assert_eq!(formats.count(), 1);
        }
        assert_eq!(repairs(Clean)[0], Repair::Nothing);
        assert_eq!(repairs(NeedsRecovery)[0], Repair::ReplayJournal);
        assert_eq!(repairs(Damaged)[0], Repair::Check);
    }
}
