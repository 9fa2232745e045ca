//! Takes a card away from the system before it is written, and lets it go afterwards.

use std::path::Path;

use rustix::{
    io::Errno,
    mount::{UnmountFlags, unmount},
};
use xshell::{Shell, cmd};

use super::disk::{Bus, Disk};
use crate::error::{Context, Error, Result};

/// Unmounts everything of the disk: by itself, or, for a user who may not, through udisks2.
pub fn unmount_all(disk: &Disk) -> Result<()> {
    for (node, at) in &disk.mounted {
        match unmount(at.as_str(), UnmountFlags::NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::PERM) => udisks("unmount", node).map_err(|error| {
                error.hint(format!("sudo umount {}    then run the same command again", node.display()))
            })?,
            Err(error) => {
                return Err(Error::new(format!("cannot unmount {at}"))
                    .fact(error)
                    .hint("close the programs that have files of it open, then run the same command again"));
            }
        }
    }
    Ok(())
}

/// Switches a USB reader off, so that the card can be pulled. Returns what to tell the user.
pub fn eject(disk: &Disk) -> &'static str {
    match disk.bus {
        Bus::Usb if udisks("power-off", &disk.node).is_ok() => "the reader is off: the card can be taken out",
        _ => "the card can be taken out",
    }
}

fn udisks(verb: &str, node: &Path) -> Result<()> {
    let run = Shell::new().and_then(|sh| {
        cmd!(sh, "udisksctl {verb} --no-user-interaction -b {node}")
            .quiet()
            .ignore_stdout()
            .ignore_stderr()
            .run()
    });
    run.context(|| format!("udisks2 could not {verb} {}", node.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::mount::{MountFlags, mount};

    use super::*;
    use crate::flash::{disk::tests::card, mounts};

    #[test]
    fn what_is_mounted_is_unmounted_unless_somebody_uses_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().to_str().unwrap();
        if mount("none", at, "tmpfs", MountFlags::empty(), None).is_err() {
            eprintln!("this user may not mount anything: not tested");
            return;
        }
        let disk = Disk { mounted: vec![("/dev/sdb1".into(), at.to_owned())], ..card() };
        let is_mounted = || {
            let all = mounts::mounts(&fs::read_to_string("/proc/self/mountinfo").unwrap());
            all.iter().any(|mount| mount.at == at)
        };
        let open = fs::File::create(dir.path().join("file")).unwrap();
        let error = unmount_all(&disk).unwrap_err().to_string();
        assert!(
            error.contains(&format!("cannot unmount {at}")) && error.contains("close the programs"),
            "{error}"
        );
        assert!(is_mounted());
        drop(open);
        unmount_all(&disk).unwrap();
        assert!(!is_mounted());
    }
}
