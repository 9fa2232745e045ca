//! What a device is, and the last look at a card before its first byte is written.

use std::{
    fs::{self, File},
    os::unix::fs::FileTypeExt,
    path::Path,
};

use super::{
    disk::{Disk, Found, Machine},
    suitability::{self, Refusal},
};
use crate::error::{Error, Result};

/// What a disk is to be found for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// To be read: any whole disk may be.
    Check,
    /// To be written with an image of this many bytes.
    Write(u64),
    /// As the reader of many cards, whichever is in it now.
    Reader,
}

/// The disk; `None` if the target is a regular file or does not exist, as the node of an empty slot.
pub fn find_card(machine: &Machine, target: &Path, purpose: Purpose) -> Result<Option<Disk>> {
    if !target.exists() && !target.starts_with("/dev") || target.is_file() {
        return Ok(None);
    }
    let refused = |why: String| {
        let what = if matches!(purpose, Purpose::Check) { "checked" } else { "written" };
        let refused = Error::new(format!("{} is not {what}", target.display())).fact(why);
        refused.hint("cargo xtask flash    lists the cards that can be written")
    };
    if matches!(purpose, Purpose::Reader) && !target.exists() {
        return Ok(None);
    }
    look_for_another_medium(target);
    let disk = match machine.find(target).map_err(|error| refused(error.to_string()))? {
        Found::Partition { disk } => {
            return Err(refused(format!("it is one partition; the card is {}", disk.display())));
        }
        Found::Other => return Err(refused("it is neither a disk nor a file".to_owned())),
        Found::Disk(disk) => disk,
    };
    let verdict = match purpose {
        Purpose::Check if disk.size > 0 => Ok(()),
        Purpose::Check => Err(Refusal::NoMedium),
        Purpose::Write(image) => suitability::judge(&disk, image),
        Purpose::Reader => match suitability::judge(&disk, 0) {
            Err(why @ (Refusal::System(_) | Refusal::BuiltIn)) => Err(why),
            _ => Ok(()),
        },
    };
    verdict.map(|()| Some(disk)).map_err(|why| refused(why.to_string()))
}

/// Without a daemon for which the kernel polls, it looks for another card in a reader only when the node is opened
/// (block/disk-events.c, `disk_check_media_change`); until then sysfs describes the last one.
fn look_for_another_medium(target: &Path) {
    if fs::metadata(target).is_ok_and(|about| about.file_type().is_block_device()) {
        // Fails for an empty reader, and for a user who may not read it: both are told later.
        let _ = File::open(target);
    }
}

/// The steps from a card that was found to one that is open.
pub trait Steps {
    /// A card that is open.
    type Medium;
    /// Fails if this user may not write it.
    fn may_write(&self, disk: &Disk) -> Result<()>;
    /// Fails unless the user confirms.
    fn confirm(&self, disk: &Disk) -> Result<()>;
    /// Takes it away from the system.
    fn unmount(&self, disk: &Disk) -> Result<()>;
    /// Opens it so that nothing else can.
    fn open(&self, disk: &Disk) -> Result<Self::Medium>;
}

/// Opens the card that was found, if it is the one that was confirmed. It is looked at again when it is open: then
/// nobody can mount it, and if another card takes its place, reading and writing fail.
pub fn claim<S: Steps>(machine: &Machine, steps: &S, disk: &Disk) -> Result<S::Medium> {
    steps.may_write(disk)?;
    steps.confirm(disk)?;
    steps.unmount(disk)?;
    let medium = steps.open(disk)?;
    let unmounted = Disk { mounted: Vec::new(), ..disk.clone() };
    match machine.find(&disk.node) {
        Ok(Found::Disk(now)) if now == unmounted => Ok(medium),
        _ => Err(swapped(&disk.node)),
    }
}

/// There is another card now.
pub fn swapped(node: &Path) -> Error {
    Error::new(format!("{} is not the card that it was a moment ago", node.display()))
        .fact("nothing was written")
        .hint("leave the card in the reader, then run the same command again")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::flash::disk::tests::{Tree, laptop};

    const IMAGE: Purpose = Purpose::Write(62_914_560);

    #[test]
    fn only_a_whole_card_that_the_system_does_not_use_is_found() {
        let tree = laptop();
        let machine = tree.machine();
        let find = |name: &str| find_card(&machine, &machine.dev.join(name), IMAGE);
        assert_eq!(find("mmcblk0").unwrap().unwrap().name, "mmcblk0");
        let too_large = find_card(&machine, &machine.dev.join("mmcblk0"), Purpose::Write(1 << 40));
        for (refused, why) in [
            (find("sda"), "this system uses it (mounted at /)"),
            (find("sdb"), "no card in it"),
            (find("mmcblk0p1"), "it is one partition; the card is "),
            (find("console"), "it is neither a disk nor a file"),
            (too_large, "too small: 15931539456 bytes"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("is not written") && error.contains(why), "{error}");
        }
        let error = find_card(&machine, Path::new("/dev/no-such-card"), IMAGE).unwrap_err().to_string();
        assert!(error.contains("/dev/no-such-card is not written"), "{error}");
        tree.write("file", "");
        for file in ["file", "new"] {
            assert_eq!(find_card(&machine, &machine.dev.join("..").join(file), IMAGE).unwrap(), None);
        }
    }

    /// A card that can only be read, or that a desktop has mounted, can be checked all the same.
    #[test]
    fn any_whole_disk_with_a_medium_can_be_checked() {
        let tree = laptop();
        tree.write("sys/block/mmcblk0/ro", "1\n");
        let machine = tree.machine();
        let find = |name: &str, purpose| find_card(&machine, &machine.dev.join(name), purpose);
        assert!(find("mmcblk0", IMAGE).unwrap_err().to_string().contains("read-only"));
        assert!(find("mmcblk0", Purpose::Check).unwrap().is_some());
        for (name, why) in
            [("sdb", "no card in it"), ("mmcblk0p1", "it is one partition"), ("console", "neither")]
        {
            let error = find(name, Purpose::Check).unwrap_err().to_string();
            assert!(error.contains("is not checked") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_reader_may_be_empty_and_is_no_partition_and_no_disk_of_the_system() {
        let tree = laptop();
        let machine = tree.machine();
        let find = |name: &str| find_card(&machine, &machine.dev.join(name), Purpose::Reader);
        assert!(find("sdb").unwrap().is_some() && find("mmcblk0").unwrap().is_some());
        let slot = Path::new("/dev/no-such-card");
        assert_eq!(find_card(&machine, slot, Purpose::Reader).unwrap(), None);
        for (name, why) in
            [("sda", "this system uses it"), ("mmcblk0p1", "one partition"), ("console", "neither")]
        {
            let error = find(name).unwrap_err().to_string();
            assert!(error.contains("is not written") && error.contains(why), "{error}");
        }
    }

    /// Notes what is done; something happens during one of the steps.
    struct Play<'a> {
        done: RefCell<Vec<&'static str>>,
        during: &'static str,
        happens: &'a dyn Fn() -> Result<()>,
    }

    impl Play<'_> {
        fn step(&self, name: &'static str) -> Result<()> {
            self.done.borrow_mut().push(name);
            if name == self.during { (self.happens)() } else { Ok(()) }
        }
    }

    impl Steps for Play<'_> {
        type Medium = ();

        fn may_write(&self, _: &Disk) -> Result<()> {
            self.step("may write")
        }

        fn confirm(&self, _: &Disk) -> Result<()> {
            self.step("confirm")
        }

        fn unmount(&self, _: &Disk) -> Result<()> {
            self.step("unmount")
        }

        fn open(&self, _: &Disk) -> Result<()> {
            self.step("open")
        }
    }

    const STEPS: [&str; 4] = ["may write", "confirm", "unmount", "open"];

    /// The error, if there was one, and what was done.
    fn play(during: &'static str, happens: impl Fn(&Tree) -> Result<()>) -> (String, Vec<&'static str>) {
        let tree = laptop();
        tree.mount("22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n");
        let machine = tree.machine();
        let disk = find_card(&machine, &machine.dev.join("mmcblk0"), IMAGE).unwrap().unwrap();
        let play = Play { done: RefCell::default(), during, happens: &|| happens(&tree) };
        let error = claim(&machine, &play, &disk).err().map(|error| error.to_string());
        (error.unwrap_or_default(), play.done.into_inner())
    }

    #[test]
    fn a_card_is_opened_after_the_answer_and_is_the_one_that_was_asked_about() {
        assert_eq!(play("", |_| Ok(())), (String::new(), STEPS.to_vec()));
        let in_the_reader = |file: &str| format!("sys/block/mmcblk0/{file}");
        for during in &STEPS[1..] {
            for change in [
                // Another card in the same reader, also one of the same size and name.
                &(|tree: &Tree| tree.write(&in_the_reader("diskseq"), "13\n")) as &dyn Fn(&Tree),
                &|tree| tree.write(&in_the_reader("device/cid"), "1d4144534420202010a0400bc10088ad\n"),
                &|tree| tree.write(&in_the_reader("size"), "62333952\n"),
                &|tree| tree.write(&in_the_reader("size"), "0\n"),
                &|tree| fs::remove_file(tree.machine().sys.join("block/mmcblk0")).unwrap(),
                &|tree| tree.mount("40 22 179:1 / /media/u/DIALBOX rw - vfat /dev/mmcblk0p1 rw\n"),
            ] {
                let (error, done) = play(during, |tree| {
                    change(tree);
                    Ok(())
                });
                assert!(error.contains("is not the card that it was a moment ago"), "{during}: {error}");
                assert_eq!(done, STEPS);
            }
        }
    }

    #[test]
    fn a_step_that_fails_is_the_last_one() {
        for (number, during) in STEPS.into_iter().enumerate() {
            let (error, done) = play(during, |_| Err(Error::new("no")));
            assert_eq!((error.as_str(), &done[..]), ("error: no", &STEPS[..=number]));
        }
    }
}
