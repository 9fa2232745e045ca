//! The card's second copy, and rot.

use super::{DIALER_UP, check, shows};
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::stage::{Stage, stick};
use dialbox::card::BLOCK;
use dialbox::card::layout::Card;
use dialbox::record::Record;

/// A boot file that no board of the lab needs.
const DEVICE_TREE: &str = "bcm2835-rpi-zero.dtb";
const SECTOR: usize = 512;
/// The partitions, with the names of their devices.
const BOOT: (usize, &str) = (1, "/dev/mmcblk0p1");
const ROOT_A: (usize, &str) = (2, "/dev/mmcblk0p2");
const ROOT_B: (usize, &str) = (3, "/dev/mmcblk0p3");
/// Blocks of root A that rot under the running box: more than a compressed block of its squashfs has.
const HOLE: usize = 64;
/// Reads programs and libraries until one cannot be read.
const READ_ALL: &str = "echo 3 >/proc/sys/vm/drop_caches; find /run/root/usr /run/root/lib -type f | \
     while read -r file; do cat \"$file\" >/dev/null 2>&1 || { echo \"unreadable: $file\"; break; }; done";

/// The first scrub makes the twin; from then on rot in either copy is healed, also under a running program, and rot in
/// both copies of a block is told.
pub fn heals(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    let before = [BOOT, ROOT_A].map(|part| machine.card().read_partition(part.0));
    let [boot, root] = before;
    let (boot, root) = (boot?, root?);
    let data = data_blocks(&mut booted)?;
    let content = machine.card().read(DEVICE_TREE)?;
    let tree = device_tree(&boot, &content)?;

    let made = booted.must("dialctl scrub")?;
    shows("the first scrub", &made, &["all blocks are good"])?;
    shows("dialctl ledger", &booted.must("dialctl ledger")?, &["twin made"])?;
    small_and_without_privileges(&mut booted)?;

    rot(&mut booted, ROOT_A, 7, 1)?;
    rot(&mut booted, ROOT_B, data, 3)?;
    overwrite(&mut booted, BOOT, tree, 1)?;
    let healed = booted.must("dialctl scrub --json")?;
    shows("the second scrub", &healed, &["\"twin\":\"whole\"", "\"healed\":5", "\"bad\":0"])?;
    let ledger = booted.must("dialctl ledger")?;
    shows("dialctl ledger", &ledger, &["healed: root A 1, root B 3, boot files 1"])?;

    rot(&mut booted, ROOT_A, data / 2, HOLE)?;
    shows("reading the root", &booted.must(READ_ALL)?, &["unreadable: "])?;
    booted.until("dialctl ledger", &[&format!("could not be read; healed: root A {HOLE}")])?;
    booted.until("dialctl status", DIALER_UP)?;

    // Without its first block and its mark, the second root is as after somebody wrote an image over it.
    rot(&mut booted, ROOT_B, 0, 1)?;
    rot(&mut booted, ROOT_B, last_block(&root), 1)?;
    shows("the scrub after that", &booted.must("dialctl scrub")?, &["all blocks are good"])?;
    let [boot_now, a, b] = [BOOT, ROOT_A, ROOT_B].map(|part| machine.card().read_partition(part.0));
    let (boot_now, a, b) = (boot_now?, a?, b?);
    check(boot_now == boot && a == root, || "boot files or root A are not what they were".to_owned())?;
    let used = root.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    check(used > data * BLOCK && a[..used] == b[..used], || "the twin is not root A".to_owned())?;

    overwrite(&mut booted, BOOT, tree, 1)?;
    overwrite(&mut booted, ROOT_B, device_tree(&b, &content)?, 1)?;
    let told = booted.must("dialctl scrub")?;
    shows("the scrub of a lost block", &told, &["1 BLOCK CANNOT BE HEALED"])?;
    let status = booted.until("dialctl status", DIALER_UP)?;
    shows("dialctl status", &status, &["1 BLOCK CANNOT BE HEALED"])
}

/// Overwrites blocks of a partition.
fn rot(booted: &mut Booted, part: (usize, &str), first: usize, count: usize) -> Result<()> {
    overwrite(booted, part, first * BLOCK / SECTOR, count * BLOCK / SECTOR)
}

fn overwrite(booted: &mut Booted, (_, device): (usize, &str), first: usize, sectors: usize) -> Result<()> {
    let dd = format!("dd if=/dev/zero of={device} bs={SECTOR} seek={first} count={sectors} conv=notrunc");
    booted.must(&format!("{dd} && sync")).map(drop)
}

fn data_blocks(booted: &mut Booted) -> Result<usize> {
    let record = Record::parse(&booted.must("cat /run/dialbox/card-layout")?);
    let card = Card::from_record(&record).and_then(|card| usize::try_from(card.root.data_blocks()).ok());
    card.ok_or_else(|| Error::Unexpected(format!("/run/dialbox/card-layout holds\n{record}")))
}

/// The sector of a partition with which the device tree begins.
fn device_tree(partition: &[u8], content: &[u8]) -> Result<usize> {
    let at = partition.windows(2 * BLOCK).step_by(SECTOR).position(|bytes| content.starts_with(bytes));
    at.ok_or_else(|| Error::Image(format!("its {DEVICE_TREE} is not there")))
}

fn last_block(partition: &[u8]) -> usize {
    partition.len() / BLOCK - 1
}

fn small_and_without_privileges(booted: &mut Booted) -> Result<()> {
    let status = booted.must("cat /proc/$(pidof scrubd)/status")?;
    shows("scrubd's status", &status, &["CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000"])?;
    let kilobytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok())
    };
    let (resident, locked) = (kilobytes("VmRSS:"), kilobytes("VmLck:"));
    check(
        resident.is_some_and(|resident| resident <= 2048) && locked.is_some_and(|locked| locked > 0),
        || format!("scrubd has {resident:?} kB in memory, {locked:?} of them locked"),
    )
}
