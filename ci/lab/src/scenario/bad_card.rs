//! Cards that are damaged, full, or no longer take writes.

use super::{DIALER_UP, REBOOT, SERVICES_LOG, SITE, check, shows};
use crate::card::Partition;
use crate::emulator::Fault;
use crate::error::Result;
use crate::own::own_box;
use crate::owner::{Owner, sms_table};
use crate::stage::{Stage, stick};
use dialbox::record::Record;
use dialbox::state::CardRecord;
use dialbox::state::slots::{ATTEMPTS, Copies};
use std::time::Duration;

const SITE_HEAD: &str =
    "role = \"dialer\"\nhostname = \"dialer\"\n[operator]\nname = \"free\"\napn = \"free\"\n";
/// What `init` lets pass without progress, and the time to get there.
const HUNG: Duration = Duration::from_secs(90);

/// Wrong starts of the roots, and no state partition: the table becomes the builder's, and the state is there again.
pub fn table(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let mut booted = machine.boot()?;
    booted.must("echo kept >/state/kept && sync")?;
    booted.cut_power();
    let before = machine.card().partitions()?;
    for (number, start) in [(2, 12 << 20), (3, 512)] {
        machine.card().set_partition(number, Partition { start, ..before[number - 1] })?;
    }
    machine.card().set_partition(4, Partition::NONE)?;

    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status; cat /state/kept", &own.up())?;
    let mended = ["the partition table was damaged, and is mended", "root      A ", "kept"];
    shows("dialctl status", &status, &mended)?;
    shows("dialctl ledger", &booted.must("dialctl ledger")?, &["; the partition table was damaged"])?;
    booted.cut_power();
    let after = machine.card().partitions()?;
    check(after == before, || format!("the partitions are {after:?}, and were {before:?}"))
}

/// A hang before anything is mounted ends in a reset. After six failed boots the state is in RAM, and the second copy still
/// works; after an orderly stop the next boot is an ordinary one.
pub fn failed_boots(stage: &Stage) -> Result<()> {
    let (own, mut machine) = own_box(stage)?;
    machine.set_fault(Some(Fault::HangsInInit));
    machine.boot_in_vain(HUNG)?;
    machine.set_fault(None);
    let (mut attempts, _) = CardRecord::open(machine.card().path().to_owned(), ATTEMPTS);
    let six = Record::new().with("failed", 6).with("root", "A");
    attempts
        .write(&six, Copies::Both)
        .map_err(|e| crate::error::Error::io("count on", machine.card().path(), e))?;

    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    let in_ram =
        ["after 6 failed boots: root A first, state in RAM", "state     memory", "what is new is LOST"];
    shows("dialctl status", &status, &in_ram)?;
    // That of the codes, in the words of src/status/text.rs; the card's may not be made yet.
    check(!status.contains("no second copy: "), || format!("the second copy is lost:\n{status}"))?;
    // The watchdog that init has armed is the one that is fed.
    shows("the watchdog", &booted.must("cat /run/dialbox/boot")?, &["watchdog=/dev/watchdog1"])?;
    booted.reboots_after("dialctl reboot", REBOOT)?;

    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    check(!status.contains("failed boots"), || format!("boots still count as failed:\n{status}"))?;
    shows("dialctl status", &status, &["state     formatted"])
}

/// A card that acknowledges writes and keeps what it has, from the first boot on.
pub fn lost_writes(stage: &Stage) -> Result<()> {
    let (own, mut machine) = own_box(stage)?;
    machine.set_fault(Some(Fault::LosesWrites));
    for _ in 0..2 {
        let mut booted = machine.boot()?;
        booted.until_all("dialctl status", &own.up())?;
        booted.cut_power();
    }
    Ok(())
}

/// Nothing can be stored on the state partition: an order is obeyed since the second copy remembers its code, the link is
/// opened, and the status says what is lost, at the console and by message.
pub fn no_room(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    machine.card().write(SITE, (SITE_HEAD.to_owned() + &sms_table()).as_bytes())?;
    let owner = Owner::of(stage, machine.modem()?)?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    booted.until("logread", &["messages: in"])?;
    // Some blocks are free again as soon as this is written: a code of the owner's may still be stored there.
    let fill = booted.run("dd if=/dev/zero of=/state/fill bs=64k; sync")?.text;
    shows("filling /state", &fill, &["No space left on device"])?;
    shows("dialctl status", &booted.must("dialctl status")?, &["FULL: what is new is lost"])?;
    owner.text(&owner.order("status"));
    check(owner.reply(1)?.contains("state full"), || {
        "the message does not tell that state is full".to_owned()
    })?;

    // The kernel's own test hook (fs/ext4/sysfs.c): the file system is mounted with errors=remount-ro.
    booted.must("echo damaged >/sys/fs/ext4/mmcblk0p4/trigger_fs_error; sync")?;
    shows("dialctl status", &booted.must("dialctl status")?, &["READ-ONLY: what is new is lost"])?;
    let order = owner.order("status");
    owner.text(&order);
    let reply = owner.reply(2)?;
    check(reply.contains("state read-only"), || format!("the message says {reply:?}"))?;
    booted.until(SERVICES_LOG, &["only the second copy could be written"])?;
    owner.text(&order);
    booted.until(SERVICES_LOG, &["refused, "])?;
    booted.run("dialctl connect 5m")?;
    booted.until(SERVICES_LOG, &["the dialling script failed"]).map(drop)
}
