//! The disks of this machine, from sysfs.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::mounts::{self, Mount};

/// Where facts about disks are read.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `/sys`
    pub sys: PathBuf,
    /// `/proc`
    pub proc: PathBuf,
    /// `/dev`
    pub dev: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self { sys: "/sys".into(), proc: "/proc".into(), dev: "/dev".into() }
    }
}

/// A disk and what uses it. Two values are equal only if it is the same medium in the same use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name, such as `sdb`.
    pub name: String,
    /// Its node.
    pub node: PathBuf,
    /// `MAJOR:MINOR`.
    pub numbers: String,
    /// Bytes; 0 without a medium.
    pub size: u64,
    /// Maker and model, as the device says.
    pub model: String,
    /// The serial number of a card (its CID) or disk, if it has one.
    pub serial: Option<String>,
    /// Counts the media that the kernel has seen: another card in the same reader has another one (kernel 5.15,
    /// `Documentation/ABI/stable/sysfs-block`, diskseq).
    pub sequence: Option<String>,
    /// How it is attached.
    pub bus: Bus,
    /// Whether the device says that its medium can be taken out.
    pub is_removable: bool,
    /// Whether it can only be read.
    pub is_read_only: bool,
    /// What of it is mounted, by node.
    pub mounted: Vec<(PathBuf, String)>,
    /// Nodes with swap, and devices on top of it (RAID, LVM, encryption).
    pub held: Vec<String>,
}

/// How a disk is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// A card in a slot of the machine.
    Sd,
    /// A chip that is soldered in.
    Emmc,
    /// A card reader or a stick.
    Usb,
    /// SATA, NVMe, virtio and others.
    Internal,
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sd => "SD",
            Self::Emmc => "eMMC",
            Self::Usb => "USB",
            Self::Internal => "internal",
        })
    }
}

impl Machine {
    /// All disks with a device behind them, by name. Loop devices, RAM disks, RAID and the like have none.
    pub fn disks(&self) -> io::Result<Vec<Disk>> {
        let mounts = mounts::mounts(&fs::read_to_string(self.proc.join("self/mountinfo"))?);
        let swaps = mounts::swaps(&fs::read_to_string(self.proc.join("swaps")).unwrap_or_default());
        let mut disks = Vec::new();
        for entry in fs::read_dir(self.sys.join("block"))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.contains("boot") && !name.contains("rpmb") {
                disks.extend(self.disk(&name, &mounts, &swaps));
            }
        }
        disks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(disks)
    }

    /// The disk of a node, which may be a symlink such as those in `/dev/disk/by-id`; the disk that a partition is
    /// on, with the partition's name, if the node is one.
    pub fn find(&self, node: &Path) -> io::Result<Found> {
        let node = node.canonicalize()?;
        let name = node.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let disks = self.disks()?;
        if let Some(disk) = disks.iter().find(|disk| disk.name == name) {
            return Ok(Found::Disk(disk.clone()));
        }
        let of = disks.into_iter().find(|disk| self.sys.join("block").join(&disk.name).join(&name).is_dir());
        Ok(match of {
            Some(disk) => Found::Partition { disk: disk.node },
            None => Found::Other,
        })
    }

    fn disk(&self, name: &str, mounts: &[Mount], swaps: &[String]) -> Option<Disk> {
        let dir = self.sys.join("block").join(name);
        let device = dir.join("device").canonicalize().ok()?;
        let read = |file: PathBuf| fs::read_to_string(file).ok().map(|text| text.trim().to_owned());
        let here = |file: &str| read(dir.join(file));
        let of_device = |file: &str| read(device.join(file)).filter(|text| !text.is_empty());
        let mut disk = Disk {
            name: name.to_owned(),
            node: self.dev.join(name),
            numbers: here("dev")?,
            // In sectors of 512 bytes, whatever the device's own are (Documentation/ABI/stable/sysfs-block).
            size: here("size")?.parse::<u64>().ok()?.checked_mul(512)?,
            model: [of_device("vendor"), of_device("model").or_else(|| of_device("name"))]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
            serial: of_device("cid").or_else(|| of_device("serial")),
            sequence: here("diskseq"),
            bus: bus(&device, of_device("type").as_deref()),
            is_removable: here("removable").as_deref() == Some("1"),
            is_read_only: here("ro").as_deref() != Some("0"),
            mounted: Vec::new(),
            held: Vec::new(),
        };
        let partitions =
            children(&dir).into_iter().filter(|child| dir.join(child).join("partition").exists());
        for part in partitions.chain([String::new()]) {
            let dir = dir.join(&part);
            let node = self.dev.join(if part.is_empty() { name } else { &part });
            let numbers = read(dir.join("dev"));
            let on = mounts.iter().filter(|mount| Some(&mount.device) == numbers.as_ref());
            disk.mounted.extend(on.map(|mount| (node.clone(), mount.at.clone())));
            disk.held.extend(children(&dir.join("holders")));
            disk.held.extend(swaps.iter().filter(|swap| **swap == node.to_string_lossy()).cloned());
        }
        Some(disk)
    }
}

/// What a node is.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A whole disk.
    Disk(Disk),
    /// A part of this disk.
    Partition {
        /// The node of the whole.
        disk: PathBuf,
    },
    /// Neither.
    Other,
}

fn children(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// By where the device is in sysfs' tree; `type` tells a card from a soldered chip (drivers/mmc/core/bus.c).
fn bus(device: &Path, kind: Option<&str>) -> Bus {
    let path = device.to_string_lossy();
    match kind {
        _ if path.contains("/usb") => Bus::Usb,
        Some("SD") if path.contains("/mmc") => Bus::Sd,
        _ if path.contains("/mmc") => Bus::Emmc,
        _ => Bus::Internal,
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
pub mod tests;
