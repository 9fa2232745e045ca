//! A real block device: a loop device, which only root can make, and which a directory in the place of `/sys` describes
//! as a card in a USB reader.

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    process::Command,
};

use clap::Parser;
use rustix::fs::{major, minor};

use super::*;
use crate::flash::{disk::tests::Tree, own_hashes::tests::card as image};

struct Loop {
    _dir: tempfile::TempDir,
    /// What the device stores.
    backing: File,
    node: PathBuf,
    numbers: String,
}

impl Loop {
    /// Full of what an older use has left; `None` for a user who may not make one.
    fn new(bytes: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card");
        fs::write(&path, vec![0xa5; bytes]).unwrap();
        let output = Command::new("losetup").args(["--find", "--show"]).arg(&path).output().ok()?;
        let node = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        if !output.status.success()
            || Card::open_to_read(&node, "").is_err_and(|it| it.raw_os_error().is_some())
        {
            eprintln!("this user may not make or read loop devices: not tested");
            return None;
        }
        let device = fs::metadata(&node).unwrap().rdev();
        let numbers = format!("{}:{}", major(device), minor(device));
        let backing = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Some(Self { _dir: dir, backing, node, numbers })
    }

    fn name(&self) -> String {
        self.node.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The machine with this card in its reader.
    fn machine(&self, tree: &Tree) -> Machine {
        let sectors = (self.backing.metadata().unwrap().len() / 512).to_string();
        let files = [
            ("dev", self.numbers.as_str()),
            ("size", &sectors),
            ("ro", "0"),
            ("removable", "1"),
            ("diskseq", "3"),
            ("device/vendor", "Generic"),
        ];
        tree.disk(&self.name(), "pci0000:00/usb1/1-3/host7", &files, &[]);
        Machine { dev: "/dev".into(), ..tree.machine() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.backing.metadata().unwrap().len() as usize];
        self.backing.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // A device that stays is the test's problem, and no failure of what it tests.
        let _ = Command::new("losetup").arg("-d").arg(&self.node).status();
    }
}

fn write(card: &Loop, machine: &Machine, source: &Source) -> Result<()> {
    let line = ["xtask", "flash", "--yes", card.node.to_str().unwrap()];
    let cli::Verb::Flash(args) = cli::Cli::parse_from(line).verb else { panic!() };
    let ctx = BuildContext::new(&args.sources);
    let found = find_card(machine, &card.node, Purpose::Write(0))?;
    let name = Path::new("the image");
    let job = Job { ctx: &ctx, args: &args, name, source, ejects: true, as_root: String::new() };
    job.write(machine, &card.node, found.as_ref())
}

#[test]
fn a_card_is_written_whole_and_checked_and_is_nobody_elses_meanwhile() {
    let Some(card) = Loop::new(32 << 20) else { return };
    let tree = Tree::new();
    let machine = card.machine(&tree);
    let image = image();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.img"), &image).unwrap();
    let source = Source::load(&dir.path().join("a.img")).unwrap();
    write(&card, &machine, &source).unwrap();
    let written = card.bytes();
    assert!(written[..image.len()] == image[..]);

    let mut opened = Card::open(&card.node, &card.numbers).unwrap();
    let error = write(&card, &machine, &source).unwrap_err().to_string();
    assert!(error.contains("another program uses it"), "{error}");
    assert!(card.bytes() == written);
    // To check it is allowed all the same.
    let found = find_card(&machine, &card.node, Purpose::Check).unwrap();
    assert!(check::check(&mut *open_to_read(&card.node, found.as_ref(), "").unwrap(), &image).is_ok());

    // What the kernel remembers is not what the card holds.
    let mut block = vec![0; crate::flash::BLOCK];
    opened.write_at(&block, 8 << 20).unwrap();
    opened.sync().unwrap();
    card.backing.write_all_at(&[7; 4096], 8 << 20).unwrap();
    opened.read_at(&mut block, 8 << 20).unwrap();
    assert!(block == [7; 4096], "it was read from the page cache");
}

#[test]
fn a_device_with_other_numbers_is_not_opened() {
    let Some(card) = Loop::new(1 << 20) else { return };
    let error = Card::open(&card.node, "8:16").unwrap_err().to_string();
    assert!(error.contains("is another device now"), "{error}");
}

#[test]
fn another_card_in_the_reader_is_not_written() {
    let Some(card) = Loop::new(32 << 20) else { return };
    let tree = Tree::new();
    let machine = card.machine(&tree);
    let before = card.bytes();
    let found = find_card(&machine, &card.node, Purpose::Write(0)).unwrap().unwrap();
    tree.write(&format!("sys/block/{}/diskseq", card.name()), "4\n");
    let source = Source { size: 4096, parts: Vec::new() };
    let cli::Verb::Flash(args) = cli::Cli::parse_from(["xtask", "flash", "--yes", "/dev/x"]).verb else {
        panic!()
    };
    let ctx = BuildContext::new(&args.sources);
    let name = Path::new("the image");
    let job = Job { ctx: &ctx, args: &args, name, source: &source, ejects: true, as_root: String::new() };
    let error = job.write_card(&machine, &found).unwrap_err().to_string();
    assert!(error.contains("is not the card that it was a moment ago"), "{error}");
    assert!(card.bytes() == before);
}
