use std::os::unix::fs::symlink;

use super::*;

/// A card in a USB reader.
pub fn card() -> Disk {
    Disk {
        name: "sdb".to_owned(),
        node: "/dev/sdb".into(),
        numbers: "8:16".to_owned(),
        size: 15_931_539_456,
        model: "Generic MassStorageClass".to_owned(),
        serial: None,
        sequence: Some("9".to_owned()),
        bus: Bus::Usb,
        is_removable: true,
        is_read_only: false,
        mounted: vec![],
        held: vec![],
    }
}

/// A directory with the files of sysfs and procfs that are read.
pub struct Tree(tempfile::TempDir);

impl Tree {
    pub fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(tree.0.path().join("sys/block")).unwrap();
        fs::create_dir_all(tree.0.path().join("dev")).unwrap();
        tree.write(
            "proc/self/mountinfo",
            "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
                    40 22 179:1 / /media/u/DIALBOX rw - vfat /dev/mmcblk0p1 rw\n",
        );
        tree.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n");
        tree
    }

    /// What is mounted from now on, as in `/proc/self/mountinfo`.
    pub fn mount(&self, mountinfo: &str) {
        self.write("proc/self/mountinfo", mountinfo);
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A disk as sysfs shows it: a directory in the tree of devices, with a symlink in `block/`.
    pub fn disk(&self, name: &str, device: &str, files: &[(&str, &str)], partitions: &[(&str, &str)]) {
        let dir = format!("sys/devices/{device}/block/{name}");
        for (file, text) in files {
            let (dir, file) = match file.strip_prefix("device/") {
                Some(file) => (format!("sys/devices/{device}"), file),
                None => (dir.clone(), *file),
            };
            self.write(&format!("{dir}/{file}"), &format!("{text}\n"));
        }
        for (partition, numbers) in partitions {
            self.write(&format!("{dir}/{partition}/partition"), "1\n");
            self.write(&format!("{dir}/{partition}/dev"), &format!("{numbers}\n"));
            self.node(partition);
        }
        self.node(name);
        let root = self.0.path();
        symlink(root.join(format!("sys/devices/{device}")), root.join(&dir).join("device")).unwrap();
        symlink(root.join(&dir), root.join("sys/block").join(name)).unwrap();
    }

    /// Something that is no regular file.
    pub fn node(&self, name: &str) {
        fs::create_dir(self.0.path().join("dev").join(name)).unwrap();
    }

    pub fn machine(&self) -> Machine {
        let at = |name: &str| self.0.path().join(name);
        Machine { sys: at("sys"), proc: at("proc"), dev: at("dev") }
    }
}

pub fn laptop() -> Tree {
    let tree = Tree::new();
    let ata = [
        ("dev", "8:0"),
        ("size", "1000215216"),
        ("ro", "0"),
        ("removable", "0"),
        ("device/model", "SSD 860 "),
    ];
    tree.disk("sda", "pci0000:00/ata1/host0/target0:0:0/0:0:0:0", &ata, &[("sda1", "8:1"), ("sda2", "8:2")]);
    let sd = [
        ("dev", "179:0"),
        ("size", "31116288"),
        ("ro", "0"),
        ("removable", "0"),
        ("diskseq", "12"),
        ("device/type", "SD"),
        ("device/name", "SC16G"),
        ("device/cid", "03534453433136478012345678012a00"),
    ];
    tree.disk("mmcblk0", "pci0000:00/rtsx/mmc_host/mmc0/mmc0:aaaa", &sd, &[("mmcblk0p1", "179:1")]);
    let usb = [("dev", "8:16"), ("size", "0"), ("ro", "0"), ("removable", "1"), ("device/vendor", "Generic")];
    tree.disk("sdb", "pci0000:00/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0", &usb, &[]);
    tree.node("console");
    tree
}

#[test]
fn a_disk_is_described_by_what_the_kernel_says() {
    let tree = laptop();
    let disks = tree.machine().disks().unwrap();
    let names: Vec<_> =
        disks.iter().map(|disk| (disk.name.as_str(), disk.bus, disk.model.as_str())).collect();
    let expected =
        [("mmcblk0", Bus::Sd, "SC16G"), ("sda", Bus::Internal, "SSD 860"), ("sdb", Bus::Usb, "Generic")];
    assert_eq!(names, expected);
    let sd = &disks[0];
    assert_eq!(sd.size, 15_931_539_456);
    assert_eq!(sd.sequence.as_deref(), Some("12"));
    assert_eq!(sd.mounted, [(tree.machine().dev.join("mmcblk0p1"), "/media/u/DIALBOX".to_owned())]);
    assert_eq!(disks[1].mounted[0].1, "/");
}

#[test]
fn a_partition_is_told_from_its_disk_and_from_other_files() {
    let tree = laptop();
    let machine = tree.machine();
    symlink("../mmcblk0", machine.dev.join("card")).ok();
    let found = |name: &str| machine.find(&machine.dev.join(name)).unwrap();
    assert!(matches!(found("mmcblk0"), Found::Disk(disk) if disk.name == "mmcblk0"));
    assert_eq!(found("mmcblk0p1"), Found::Partition { disk: machine.dev.join("mmcblk0") });
    assert_eq!(found("console"), Found::Other);
    assert_eq!(machine.find(&machine.dev.join("sdz")).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn another_card_in_the_same_reader_is_another_disk() {
    let before = card();
    for change in [
        (|it| it.sequence = Some("10".to_owned())) as fn(&mut Disk),
        |it| it.size -= 512,
        |it| it.serial = Some("1".to_owned()),
        |it| it.mounted.push(("/dev/sdb1".into(), "/media/u/X".to_owned())),
    ] {
        let mut now = before.clone();
        change(&mut now);
        assert_ne!(before, now);
    }
}
