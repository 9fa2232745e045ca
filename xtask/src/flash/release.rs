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
