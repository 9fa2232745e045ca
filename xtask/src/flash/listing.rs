//! The disks of this machine, as the user sees them.

use super::{
    disk::Disk,
    suitability::{self, Refusal, size_of_card},
};

/// What can be written, what cannot and why, and what to do next; disks of the system are not shown.
pub fn listing(disks: &[Disk], image: u64) -> String {
    let judged = disks.iter().map(|disk| (disk, suitability::judge(disk, image)));
    let (good, refused): (Vec<_>, Vec<_>) = judged.partition(|(_, verdict)| verdict.is_ok());
    let mut text = String::new();
    for (disk, _) in &good {
        text += &format!("{}\n", describe(disk));
        text.extend(mounted(disk).map(|line| line + "\n"));
    }
    for (disk, why) in refused.iter().filter_map(|(disk, verdict)| Some((disk, verdict.as_ref().err()?))) {
        if !matches!(why, Refusal::System(_) | Refusal::BuiltIn) {
            text += &format!("{}  not written: {why}\n", describe(disk));
        }
    }
    text += &match good.first() {
        Some((disk, _)) => format!("next: cargo xtask flash {}\n", disk.node.display()),
        None => {
            "no card that can be written: put one into a reader, then run the same command again\n".into()
        }
    };
    text
}

/// Node, size, bus and model.
pub fn describe(disk: &Disk) -> String {
    let size = if disk.size == 0 { String::new() } else { size_of_card(disk.size) };
    format!("{:16} {size:>9}  {:4}  {}", disk.node.display(), disk.bus, disk.model)
}

/// What will be unmounted.
pub fn mounted(disk: &Disk) -> impl Iterator<Item = String> {
    disk.mounted
        .iter()
        .map(|(node, at)| format!("  {} is mounted at {at}; it will be unmounted", node.display()))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::flash::disk::tests::laptop;

    #[test]
    fn cards_are_listed_with_what_they_are_and_disks_of_the_system_are_not() {
        let tree = laptop();
        let mut disks = tree.machine().disks().unwrap();
        let dev = tree.machine().dev.display().to_string();
        let shown = |disks: &[Disk], image| listing(disks, image).replace(&dev, "/dev");
        for disk in &mut disks {
            disk.node = format!("/dev/{}", disk.name).into();
        }
        assert_snapshot!(shown(&disks, 62_914_560), @r"
        /dev/mmcblk0       15.9 GB  SD    SC16G
          /dev/mmcblk0p1 is mounted at /media/u/DIALBOX; it will be unmounted
        /dev/sdb                    USB   Generic  not written: no card in it
        next: cargo xtask flash /dev/mmcblk0
        ");
        assert_snapshot!(shown(&disks, 1 << 40), @r"
        /dev/mmcblk0       15.9 GB  SD    SC16G  not written: too small: 15931539456 bytes
        /dev/sdb                    USB   Generic  not written: no card in it
        no card that can be written: put one into a reader, then run the same command again
        ");
    }
}
