//! The boot, from a fresh card to running services, and what survives a reboot.

use super::{REBOOT, SERVICES_LOG, check, shows};
use crate::booted::Booted;
use crate::card::Card;
use crate::error::Result;
use crate::own::own_box;
use crate::stage::Stage;

/// Prints the symlinks to busybox whose names are no applets of it.
const UNKNOWN_APPLETS: &str = "for link in /bin/* /sbin/* /usr/bin/* /usr/sbin/*; do \
     [ \"$(readlink -f $link)\" = /bin/busybox ] && echo ${link##*/}; done | sort -u >/tmp/links; \
     busybox --list | sort >/tmp/applets; grep -vxFf /tmp/applets /tmp/links";

/// The partitions of the roots.
const ROOT_A: usize = 2;
const ROOT_B: usize = 3;
/// The block of the state partition's file system: mke2fs takes 1 KiB below 512 MiB (mke2fs.conf, `small`).
const BLOCK: usize = 1024;

/// Every service is up, the root is read-only, the state partition is formatted and grown to the card's end.
pub fn fresh_card(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    let (role, service) = own.role();
    let who = format!(", {}, {role},", own.site.hostname);
    let site = format!("site      {}", own.original);
    let wanted = [&who, "boots     1,", "read-only, verified", "state     formatted", &site];
    shows("dialctl status", &status, &wanted)?;
    let mounts = booted.must("cat /proc/mounts")?;
    shows("the mounts", &mounts, &["squashfs ro", "overlay rw", " /state ext4 rw", " /boot vfat ro"])?;
    let sealed = booted.run("touch /run/root/etc/hostname")?;
    shows("a write into the sealed root", &sealed.text, &["Read-only file system"])?;
    booted.until(SERVICES_LOG, &["watchdogd: ", &format!("{service}: ")])?;
    let unknown = booted.run(UNKNOWN_APPLETS)?.text;
    check(unknown.is_empty(), || format!("busybox does not know {unknown}"))?;
    closed_to_others(&mut booted, service)?;
    drop(booted);

    let state = machine.card().partitions()?[3];
    let (end, card) = (state.start + state.bytes, machine.card().bytes()?);
    check(end <= card && card - end < 8 << 20, || format!("state ends at {end}, the card at {card}"))
}

/// The services' addresses are random, and only root can read their files.
fn closed_to_others(booted: &mut Booted, service: &str) -> Result<()> {
    let code =
        |name| format!("set -- $(pidof {name}); grep -m1 ' /usr/sbin/dialbox$' /proc/$1/maps | cut -d- -f1");
    let (one, other) = (booted.must(&code(service))?, booted.must(&code("watchdogd"))?);
    // All programs with a fixed address are loaded at 00010000.
    check(one != other && one.len() == 8 && other.len() == 8, || {
        format!("they are loaded at {one} and {other}")
    })?;
    // The kernel has a thread of that name, too, which comes last.
    let watchdogd = booted.must("set -- $(pidof watchdogd); cat /proc/$1/status")?;
    let nothing = ["CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"];
    shows("watchdogd's status", &watchdogd, &nothing)?;
    let bits = booted.must("cat /proc/sys/vm/mmap_rnd_bits")?;
    check(bits == "16", || format!("{bits} bits of an address are random"))?;
    let open = booted.run("find /state -type f ! -perm 600")?.text;
    check(open.is_empty(), || format!("other users can read {open}"))?;
    let socket = booted.run("find /run/dialbox -type s ! -perm 600")?.text;
    check(socket.is_empty(), || format!("other users can open {socket}"))
}

/// A reboot discards writes to the root and keeps those to the state partition; the ledger lists both boots.
pub fn reboot_forgets(stage: &Stage) -> Result<()> {
    let (_, machine) = own_box(stage)?;
    let mut booted = machine.boot()?;
    booted.must("echo stray > /etc/stray && cat /etc/stray")?;
    booted.must("echo kept > /state/kept && sync")?;
    booted.reboots_after("dialctl reboot", REBOOT)?;

    let mut booted = machine.boot()?;
    let kept = booted.must("cat /state/kept")?;
    check(kept == "kept", || format!("/state/kept holds {kept:?}"))?;
    let stray = booted.run("cat /etc/stray")?;
    check(stray.code != 0, || format!("/etc/stray still holds {:?}", stray.text))?;
    let status = booted.must("dialctl status")?;
    shows("dialctl status", &status, &["boots     2, the last one after: requested", "state     clean"])
}

/// Garbage on the state partition loses the state, but the box boots.
pub fn state_garbage(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    machine.card().fill_partition(4, 0xa5)?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    shows("dialctl status", &status, &["state     formatted"])?;
    booted.must("grep -q ' /state ext4 rw' /proc/mounts").map(drop)
}

/// A card that held other data, written by the image's block map, boots like a new one.
pub fn used_card(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    machine.card().write_by_map(machine.image())?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    let site = format!("site      {}", own.original);
    let new = ["boots     1,", "root      A ", "state     formatted", &site];
    shows("dialctl status", &status, &new)?;
    let second = booted.run("mount -t squashfs -o ro /dev/mmcblk0p3 /mnt")?;
    check(second.code != 0, || "an old system is in the second root".to_owned())?;
    // Entries of an older directory would show up behind the image's.
    let files = booted.must("ls -1 /boot | sort")?;
    let written = Card::at(machine.image().to_owned()).boot_directory()?.join("\n");
    check(files == written, || format!("/boot holds\n{files}\nand the image\n{written}"))
}

/// The state survives a power cut (the kernel replays the journal) and damage (e2fsck repairs it).
pub fn state_damaged(stage: &Stage) -> Result<()> {
    let (_, machine) = own_box(stage)?;
    let mut booted = machine.boot()?;
    booted.must("echo kept >/state/kept && sync")?;
    booted.cut_power();

    let mut booted = machine.boot()?;
    let status = booted.must("dialctl status; cat /state/kept")?;
    shows("the status after a power cut", &status, &["state     recovered", "kept"])?;
    // The kernel's own test hook marks the file system as damaged (fs/ext4/sysfs.c).
    booted.must("echo damaged >/sys/fs/ext4/mmcblk0p4/trigger_fs_error; sync")?;
    booted.cut_power();

    let mut booted = machine.boot()?;
    let status = booted.must("dialctl status; cat /state/kept")?;
    shows("the status after damage", &status, &["state     repaired", "kept"])?;
    // An emergency remount leaves the file system clean, and its journal empty.
    booted.must("echo u >/proc/sysrq-trigger; until grep '/state ext4 ro' /proc/mounts; do sleep 1; done")?;
    booted.cut_power();
    garble_root_directory(machine.card())?;

    let mut booted = machine.boot()?;
    let status = booted.must("dialctl status")?;
    shows("the status without a root directory", &status, &["state     repaired"])?;
    booted.must("echo again >/state/kept && sync").map(drop)
}

/// As after a power cut while a new file system was written: its superblock is there and clean, its root directory is not.
fn garble_root_directory(card: &Card) -> Result<()> {
    const STATE: usize = 4;
    // `.` and `..` of inode 2, docs.kernel.org/filesystems/ext4/dynamic.html#directory-entries.
    const FIRST_ENTRIES: &[u8] = b"\x02\0\0\0\x0c\0\x01\x02.\0\0\0\x02\0\0\0";
    let start = card.partitions()?[STATE - 1].start;
    let content = card.read_partition(STATE)?;
    let blocks = (start..).step_by(BLOCK).zip(content.chunks(BLOCK));
    let found: Vec<u64> =
        blocks.filter(|(_, block)| block.starts_with(FIRST_ENTRIES)).map(|(at, _)| at).collect();
    check(!found.is_empty(), || "the state partition has no root directory".to_owned())?;
    found.iter().try_for_each(|at| card.overwrite_at(*at, &[0xa5; BLOCK]))
}

/// A saved clock of 2040 is ignored: Debian's programs, whose time ends in 2038, would not start.
pub fn impossible_clock(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let mut booted = machine.boot()?;
    booted.must("echo 2208988800 >/state/clock && sync")?;
    booted.cut_power();

    let mut booted = machine.boot()?;
    booted.until_all("dialctl status", &own.up())?;
    booted.must("test $(date +%s) -lt 2147483647 && pppd --version")?;
    shows("dmesg", &booted.must("dmesg")?, &["the saved clock 2040-01-01 00:00:00 UTC is ignored"])
}

/// With a bad superblock in the first root, the box boots from the second.
pub fn second_root(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let root = machine.card().read_partition(ROOT_A)?;
    machine.card().write_partition(ROOT_B, &root)?;
    machine.card().write_partition(ROOT_A, &[0xa5; 4096])?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    shows("dialctl status", &status, &["root      B (/dev/mmcblk0p3), read-only, verified"])?;
    let log = booted.must("dmesg")?;
    shows("the kernel's log", &log, &["root refused: ", "/dev/mmcblk0p2"])
}

/// The first model of the board has 256 MB, and its GPU takes 16 MB of them.
pub fn small_memory(stage: &Stage) -> Result<()> {
    let (own, mut machine) = own_box(stage)?;
    machine.append("mem=240M");
    let mut booted = machine.boot()?;
    booted.until_all("dialctl status", &own.up())?;
    let total = booted.must("awk '/MemTotal/ { print $2 }' /proc/meminfo")?;
    check(total.parse().is_ok_and(|kib: u32| kib < 240 << 10), || format!("the box has {total} KiB"))
}
