//! Any card and kernel command line: only one entry of the partition table grows, within the card and without overlap;
//! only a superblock that is marked clean skips the check; settings come from our parameters alone.
#![no_main]

use dialbox::boot::cmdline::Cmdline;
use dialbox::boot::ext4::{self, Health};
use dialbox::boot::mbr::{self, Sector};
use dialbox::state::slots;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[kind, a, b, c], rest)) = bytes.split_first_chunk() else { return };
    match kind % 3 {
        0 => partition_table(usize::from(kind / 3), u64::from(u32::from_le_bytes([0, a, b, c])), rest),
        1 => superblock(rest),
        _ => {
            if let Ok(text) = str::from_utf8(rest) {
                command_line(text);
            }
        }
    }
});

const TABLE: usize = 446;
const ENTRY: usize = 16;

/// The sectors of a partition, `None` if the entry is empty.
fn extent(sector: &Sector, partition: usize) -> Option<std::ops::Range<u64>> {
    let entry = sector[TABLE + ENTRY * (partition - 1)..].first_chunk::<ENTRY>()?;
    let &[_, _, _, _, kind, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] = entry;
    let start = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
    let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    (kind != 0 && length != 0).then(|| start..start + length)
}

/// The input is the four entries alone: mutations seldom make a whole valid sector.
fn partition_table(partition: usize, disk_sectors: u64, entries: &[u8]) {
    let mut sector: Sector = [0; 512];
    let length = entries.len().min(4 * ENTRY);
    sector[TABLE..TABLE + length].copy_from_slice(&entries[..length]);
    assert_eq!(mbr::grow(&sector, partition, disk_sectors), None, "no signature");
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    let reserved = slots::RESERVED;
    let is_taken =
        |extent: std::ops::Range<u64>| extent.start * 512 < reserved.end && reserved.start < extent.end * 512;
    let taken = (1..=4).filter_map(|number| extent(&sector, number)).any(is_taken);
    assert_eq!(mbr::leaves_free(&sector, &reserved), !taken);
    let Some(grown) = mbr::grow(&sector, partition, disk_sectors) else { return };
    let entry = TABLE + ENTRY * (partition - 1);
    assert!((0..512).all(|at| sector[at] == grown[at] || (entry + 5..entry + ENTRY).contains(&at)));
    let (Some(before), Some(after)) = (extent(&sector, partition), extent(&grown, partition)) else {
        panic!("a partition has vanished");
    };
    assert!(after.start == before.start && after.end > before.end && after.end <= disk_sectors);
    for other in (1..=4).filter(|other| *other != partition).filter_map(|other| extent(&sector, other)) {
        assert!(other.start < after.start, "it grows over {other:?}");
    }
    assert_eq!(mbr::grow(&grown, partition, disk_sectors), None);
}

fn superblock(bytes: &[u8]) {
    let mut block = [0; ext4::LENGTH];
    let length = bytes.len().min(block.len());
    block[..length].copy_from_slice(&bytes[..length]);
    let has_magic = block[0x38..0x3A] == [0x53, 0xEF];
    match ext4::health(&block) {
        Health::Clean => assert!(has_magic && block[0x3A] & 3 == 1 && block[0x60] & 4 == 0),
        Health::NeedsRecovery => assert!(has_magic && block[0x3A] & 3 == 1 && block[0x60] & 4 != 0),
        Health::Damaged => assert!(has_magic && block[0x3A] & 3 != 1),
        Health::Blank => assert!(block.iter().all(|byte| *byte == 0)),
        Health::Foreign => assert!(!has_magic),
    }
}

fn command_line(text: &str) {
    let cmdline = Cmdline::parse(text);
    let default = Cmdline::default();
    let list = |parts: Vec<&str>| parts.join(",");
    let roots = list(cmdline.roots.iter().filter_map(|root| root.to_str()).collect());
    let (state, boot) = (cmdline.state.display(), cmdline.boot.display());
    let mut again = format!("dialbox.root={roots} dialbox.state={state} dialbox.boot={boot}");
    if let Some(watchdog) = &cmdline.watchdog {
        again += &format!(" dialbox.watchdog={}", watchdog.display());
    }
    again += &format!(" modules-load={}", cmdline.modules.join(","));
    assert_eq!(Cmdline::parse(&again), cmdline);
    if !text.contains("dialbox.") {
        assert_eq!(cmdline, Cmdline { modules: cmdline.modules.clone(), ..default });
    }
}
