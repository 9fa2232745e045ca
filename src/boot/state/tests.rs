use super::*;

#[test]
fn the_mildest_repair_comes_first_and_formatting_last() {
    use Health::{Blank, Clean, Damaged, Foreign, NeedsRecovery};
    for health in [Clean, NeedsRecovery, Damaged, Foreign, Blank] {
        let repairs = repairs(health);
        assert_eq!(repairs.last(), Some(&Repair::Format));
        let formats = repairs.iter().filter(|repair| **repair == Repair::Format);
        assert_eq!(formats.count(), 1);
    }
    assert_eq!(repairs(Clean)[0], Repair::Nothing);
    assert_eq!(repairs(NeedsRecovery)[0], Repair::ReplayJournal);
    assert_eq!(repairs(Damaged)[0], Repair::Check);
}

/// A partition in RAM: the result of each repair, and the one after which it can be mounted.
struct Fake {
    has_driver: bool,
    repair: fn(Repair) -> Result<(), RepairError>,
    mounts_after: Option<Repair>,
    /// Why it cannot be mounted before that repair.
    refusal: Errno,
    done: Vec<Repair>,
}

impl Partition for Fake {
    fn has_driver(&mut self) -> bool {
        self.has_driver
    }

    fn repair(&mut self, repair: Repair) -> Result<(), RepairError> {
        self.done.push(repair);
        (self.repair)(repair)
    }

    fn mount(&mut self) -> Result<(), Errno> {
        let mounts = self.done.last() == self.mounts_after.as_ref();
        if mounts { Ok(()) } else { Err(self.refusal) }
    }
}

const HEALTHS: [Health; 5] =
    [Health::Clean, Health::NeedsRecovery, Health::Damaged, Health::Foreign, Health::Blank];

/// A partition that can only be mounted after formatting.
fn hopeless(repair: fn(Repair) -> Result<(), RepairError>) -> Fake {
    let mounts_after = Some(Repair::Format);
    Fake { has_driver: true, repair, mounts_after, refusal: Errno::INVAL, done: Vec::new() }
}

#[test]
fn without_ext4_in_the_kernel_no_partition_is_changed() {
    let fails = |repair| match repair {
        Repair::Check => Err(RepairError::Failed("e2fsck: 8".to_owned())),
        Repair::Nothing | Repair::ReplayJournal | Repair::Format => Ok(()),
    };
    for health in HEALTHS {
        let mut partition = Fake { has_driver: false, ..hopeless(fails) };
        let mut trouble = Vec::new();
        assert_eq!(try_repairs(health, &mut partition, &mut trouble), None, "{health:?}");
        assert_eq!(partition.done, []);
        assert_eq!(trouble, ["this kernel has no ext4"]);
    }
}

#[test]
fn a_partition_is_formatted_if_no_repair_helps() {
    for health in HEALTHS {
        let mut partition = hopeless(|_| Ok(()));
        assert_eq!(try_repairs(health, &mut partition, &mut Vec::new()), Some(Repair::Format));
        assert_eq!(partition.done, repairs(health));
    }
}

#[test]
fn no_repair_follows_one_that_helps() {
    let mut partition = Fake { mounts_after: Some(Repair::Check), ..hopeless(|_| Ok(())) };
    assert_eq!(try_repairs(Health::Clean, &mut partition, &mut Vec::new()), Some(Repair::Check));
    assert_eq!(partition.done, [Repair::Nothing, Repair::Check]);
}

#[test]
fn a_mount_error_that_is_not_about_the_content_does_not_lead_to_formatting() {
    for (refusal, formats) in [
        (Errno::INVAL, true),
        (Errno::UCLEAN, true),
        (Errno::BADMSG, true),
        (Errno::IO, true),
        (Errno::NOMEM, false),
        (Errno::BUSY, false),
        (Errno::NXIO, false),
        (Errno::MFILE, false),
    ] {
        let mut partition = Fake { refusal, ..hopeless(|_| Ok(())) };
        let repair = try_repairs(Health::Damaged, &mut partition, &mut Vec::new());
        assert_eq!(repair.is_some(), formats, "{refusal}");
        assert_eq!(partition.done.contains(&Repair::Format), formats, "{refusal}");
    }
}

#[test]
fn an_unfinished_check_does_not_lead_to_formatting() {
    let hangs = |repair| match repair {
        Repair::Check => Err(RepairError::Unfinished("e2fsck: no end in 60 s".to_owned())),
        Repair::Nothing | Repair::ReplayJournal | Repair::Format => Ok(()),
    };
    let mut partition = hopeless(hangs);
    assert_eq!(try_repairs(Health::Damaged, &mut partition, &mut Vec::new()), None);
    assert_eq!(partition.done, [Repair::Check]);
}

#[test]
fn only_an_exit_status_counts_as_a_tools_result() {
    let run_within =
        |timeout, script: &str| run_for(timeout, Command::new("sh").args(["-c", script]), 0..=2, &mut || ());
    let run = |script: &str| run_within(TOOL_TIMEOUT, script);
    assert_eq!(run("exit 2"), Ok(()));
    assert!(matches!(run("exit 4"), Err(RepairError::Failed(_))));
    assert!(matches!(run("kill -KILL $$"), Err(RepairError::Unfinished(_))));
    assert!(matches!(
        run_within(Duration::from_millis(50), "exec sleep 60"),
        Err(RepairError::Unfinished(_))
    ));
    let absent = run_for(Duration::ZERO, &mut Command::new("/nonexistent/e2fsck"), 0..=2, &mut || ());
    assert!(matches!(absent, Err(RepairError::Unfinished(_))));
}
