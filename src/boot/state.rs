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
/// A tool that works on a dying card may never come back; the boot goes on without it.
const TOOL_PATIENCE: Duration = Duration::from_secs(60);

/// How state was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The partition was in good order.
    Clean,
    /// The partition was repaired, or its journal replayed.
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
enum Remedy {
    Nothing,
    Check,
    Format,
}

/// The remedies for a partition, the mildest first.
fn remedies(health: Health) -> &'static [Remedy] {
    match health {
        Health::Clean => &[Remedy::Nothing, Remedy::Check, Remedy::Format],
        Health::NeedsRecovery | Health::Damaged | Health::Foreign => &[Remedy::Check, Remedy::Format],
        Health::Blank => &[Remedy::Format],
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
    match try_remedies(device, &mut trouble) {
        Some(Remedy::Nothing) => report(Outcome::Clean, trouble),
        Some(Remedy::Check) => report(Outcome::Repaired, trouble),
        Some(Remedy::Format) => report(Outcome::Formatted, trouble),
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

/// The remedy after which the partition could be mounted.
fn try_remedies(device: &Path, trouble: &mut Vec<String>) -> Option<Remedy> {
    let health = health(device).map_err(|error| trouble.push(error.to_string()));
    for remedy in remedies(health.ok()?) {
        if let Err(why) = apply(*remedy, device) {
            trouble.push(why);
        }
        // Also when the remedy failed: the kernel replays a journal where e2fsck is missing.
        match mount_partition(device) {
            Ok(()) => return Some(*remedy),
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

fn apply(remedy: Remedy, device: &Path) -> Result<(), String> {
    match remedy {
        Remedy::Nothing => Ok(()),
        // 1: errors were corrected; 2: and it would matter had it been mounted. e2fsck(8)
        Remedy::Check => run(Command::new("/sbin/e2fsck").arg("-p").arg(device), 0..=2),
        Remedy::Format => run(
            Command::new("/sbin/mke2fs")
                .args(["-q", "-F", "-t", "ext4", "-L", "state", "-m", "0"])
                // Some dozen files: few inodes, and their tables are written later.
                .args(["-N", "256", "-J", "size=4"])
                .args(["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"])
                .arg(device),
            0..=0,
        ),
    }
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
        use Health::*;
        for health in [Clean, NeedsRecovery, Damaged, Foreign, Blank] {
            let remedies = remedies(health);
            assert_eq!(remedies.last(), Some(&Remedy::Format));
            let formats = remedies.iter().filter(|r| **r == Remedy::Format);
            assert_eq!(formats.count(), 1);
        }
        assert_eq!(remedies(Clean)[0], Remedy::Nothing);
        assert_eq!(remedies(NeedsRecovery)[0], Remedy::Check);
    }
}
