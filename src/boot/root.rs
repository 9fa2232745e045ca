//! The root: a tmpfs over the [sealed](super::sealed) one, and the switch into both.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::statfs;
use rustix::mount::{MountFlags, mount, mount_move};
use rustix::process::{chdir, chroot};

use super::{Fatal, OrFatal, block};
use crate::log::Log;

/// The read-only root stays visible here, below the overlay: the baked site is read from it.
pub(super) const SEALED: &str = "/run/root";
/// The tmpfs with the writes to the root.
const OVERLAY: &str = "/run/overlay";
const NEW_ROOT: &str = "/newroot";

/// Mounts the kernel's file systems, and `/run`.
pub fn mount_kernel_file_systems() -> Result<(), Fatal> {
    let none = MountFlags::NOSUID | MountFlags::NOEXEC;
    let quiet = none | MountFlags::NODEV;
    mount_at("proc", "/proc", "proc", quiet, c"")?;
    mount_at("sysfs", "/sys", "sysfs", quiet, c"")?;
    mount_at("devtmpfs", "/dev", "devtmpfs", none, c"mode=0755")?;
    let tmpfs = MountFlags::NOSUID | MountFlags::NODEV;
    mount_at("run", "/run", "tmpfs", tmpfs, c"mode=0755")
}

/// Mounts a tmpfs over the read-only root: writes succeed, and are lost at the next boot.
pub fn lay_overlay() -> Result<(), Fatal> {
    let tmpfs = MountFlags::NOSUID | MountFlags::NODEV;
    mount_at("overlay", OVERLAY, "tmpfs", tmpfs, c"mode=0700,size=25%")?;
    let (upper, work) = (format!("{OVERLAY}/upper"), format!("{OVERLAY}/work"));
    for dir in [&upper, &work] {
        fs::create_dir(dir).or_fatal(dir)?;
    }
    let options = format!("lowerdir={SEALED},upperdir={upper},workdir={work}");
    let options = CString::new(options).or_fatal("overlay options")?;
    mount_at("root", NEW_ROOT, "overlay", MountFlags::NOATIME, &options)
}

/// Frees the initramfs and makes the overlay the root directory.
pub fn switch(log: &Log) -> Result<(), Fatal> {
    for mounted in ["/dev", "/proc", "/sys", "/run"] {
        let target = format!("{NEW_ROOT}{mounted}");
        fs::create_dir_all(&target).or_fatal(&target)?;
        mount_move(mounted, &target).or_fatal(&target)?;
    }
    empty_initramfs(log)?;
    chdir(NEW_ROOT).or_fatal(NEW_ROOT)?;
    mount_move(".", "/").or_fatal("moving the new root")?;
    chroot(".").or_fatal("entering the new root")?;
    chdir("/").or_fatal("/")
}

/// Mounts the FAT partition read-only: it holds the site that a PC may have edited.
pub fn mount_boot(device: &Path) -> Result<(), Fatal> {
    let name = device.display().to_string();
    block::wait_for(device).or_fatal(&name)?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // site.toml may contain the operator's password.
    mount_at(&name, "/boot", "vfat", flags, c"umask=077")
}

/// Deletes the initramfs, which occupies RAM.
fn empty_initramfs(log: &Log) -> Result<(), Fatal> {
    const RAMFS_MAGIC: u32 = 0x8584_58f6;
    const TMPFS_MAGIC: u32 = 0x0102_1994;
    let kind = statfs("/").or_fatal("/")?.f_type as u32;
    if ![RAMFS_MAGIC, TMPFS_MAGIC].contains(&kind) {
        return Err(Fatal::new("/ is not an initramfs: refusing to delete it"));
    }
    let here = fs::metadata("/").or_fatal("/")?.dev();
    let entries = fs::read_dir("/").or_fatal("/")?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let kept = match fs::symlink_metadata(&path) {
            Ok(file) if file.dev() != here => continue, // the new root
            Ok(file) if file.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            let path = path.display();
            log.warning(&format!("{path} stays in RAM: {error}"));
        }
    }
    Ok(())
}

pub(super) fn mount_at(
    source: &str,
    target: &str,
    kind: &str,
    flags: MountFlags,
    options: &std::ffi::CStr,
) -> Result<(), Fatal> {
    fs::create_dir_all(target).or_fatal(target)?;
    mount(source, target, kind, flags, Some(options))
        .or_fatal(&format!("mounting {kind} {source} at {target}"))
}
