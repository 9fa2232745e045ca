//! How many boots in a row have failed, and what the next one tries instead.
//!
//! `init` counts a boot as failed before it mounts anything, and `watchdogd` counts it as good once all services have
//! run for [`GOOD_AFTER`]; so does an orderly stop before. What remains counted ended in a reset or in a power cut. The
//! count is on the card beside the partitions, since it decides which of them are mounted.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::names::{record, run_file};
use crate::paths::Paths;
use crate::published::{BootStatus, Published};
use crate::record::Record;
use crate::state::CardRecord;
use crate::state::slots::{ATTEMPTS, Copies};

/// A boot is good once all services have made progress for this long. By then one that has sent no heartbeat since the
/// start counts as stuck ([`judge`](crate::watch::health::judge)).
pub const GOOD_AFTER: Duration = Duration::from_secs(180);

/// So many failed boots in a row lead to the other root, and as many again back to the first one.
const CHANGE_ROOT: u64 = 3;
/// After so many, the state partition is not touched.
const LEAVE_STATE: u64 = 2 * CHANGE_ROOT;

/// The pause before a boot that has failed in `init` is repeated, which doubles with every failed boot.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(640);

/// A copy of the root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RootCopy {
    /// The partition that the kernel's command line names first.
    #[default]
    A,
    /// The second one.
    B,
}

impl RootCopy {
    /// As shown to a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::A, Self::B].into_iter().find(|copy| copy.as_str() == text)
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What is known of the boots before this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many in a row have failed.
    pub failed: u64,
    /// The root of the last good one: [`RootCopy::A`] on a new card.
    pub root: RootCopy,
}

/// What a boot tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    failed: u64,
    /// The root that is tried first.
    pub first: RootCopy,
    /// Whether the state partition is left alone, and the state is in RAM.
    pub leaves_state: bool,
}

impl Attempts {
    /// What the next boot tries. Each remedy is kept for [as many boots](CHANGE_ROOT) as it takes to leave the one before:
    /// three power cuts within minutes are no proof.
    pub fn plan(self) -> Plan {
        let is_other = (self.failed / CHANGE_ROOT) % 2 == 1;
        let first = if is_other { self.root.other() } else { self.root };
        Plan { failed: self.failed, first, leaves_state: self.failed >= LEAVE_STATE }
    }

    /// How long `init` waits after a boot that has failed before it repeats it: a card with a loose contact is back soon,
    /// and a card without a root does not change by being read all the time.
    pub fn pause(self) -> Duration {
        let doubled = u32::try_from(self.failed).ok().and_then(|failed| 1_u32.checked_shl(failed));
        doubled
            .and_then(|times| PAUSE.checked_mul(times))
            .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
    }

    fn one_more(self) -> Self {
        Self { failed: self.failed.saturating_add(1), ..self }
    }

    fn good(root: RootCopy) -> Self {
        Self { failed: 0, root }
    }

    const FAILED: &str = "failed";
    const ROOT: &str = "root";

    fn to_record(self) -> Record {
        Record::new().with(Self::FAILED, self.failed).with(Self::ROOT, self.root.as_str())
    }

    fn from_record(record: &Record) -> Self {
        Self {
            failed: record.number(Self::FAILED).unwrap_or(0),
            root: record.get(Self::ROOT).and_then(RootCopy::from_text).unwrap_or_default(),
        }
    }
}

impl Plan {
    /// The numbers of so many roots in the order in which they are tried.
    pub fn order(self, roots: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..roots).collect();
        if self.first == RootCopy::B && roots > 1 {
            order.swap(0, 1);
        }
        order
    }

    /// What is done because boots have failed, for a person; `None` if nothing is.
    pub fn remedy(self) -> Option<String> {
        let root = format!("root {} first", self.first.as_str());
        let state = self.leaves_state.then_some("state in RAM");
        let done = [Some(root.as_str()), state].into_iter().flatten().collect::<Vec<_>>().join(", ");
        (self.failed >= CHANGE_ROOT).then(|| format!("after {} failed boots: {done}", self.failed))
    }
}

/// Reads what is known of the boots before this one, and counts this one as failed until it is [good](settle). The count
/// costs one block (4096 bytes) of the card, and being good another one.
///
/// # Errors
/// The card cannot be read, or not be written: the boots are not counted.
pub fn begin(card: PathBuf) -> (Attempts, io::Result<()>) {
    let (mut on_card, unreadable) = CardRecord::open(card, ATTEMPTS);
    let before = on_card.content().map(Attempts::from_record).unwrap_or_default();
    let counted = match unreadable {
        Some(error) => Err(error),
        None => on_card.write(&before.one_more().to_record(), Copies::One),
    };
    (before, counted)
}

/// Counts this boot as good, unless [`fails`] was called. A box whose card has no room for the count has none.
///
/// # Errors
/// The card cannot be written: the boot stays counted as failed.
pub fn settle(paths: &Paths) -> io::Result<()> {
    let card = paths.card();
    if !card.exists() || paths.run_file(run_file::FAILED_BOOT).exists() {
        return Ok(());
    }
    let boot = paths.published(record::BOOT).as_ref().and_then(BootStatus::from_record);
    let root = boot.and_then(|boot| RootCopy::from_text(&boot.root_copy?)).unwrap_or_default();
    let (mut on_card, unreadable) = CardRecord::open(card, ATTEMPTS);
    match unreadable {
        Some(error) => Err(error),
        None => on_card.write(&Attempts::good(root).to_record(), Copies::One),
    }
}

/// This boot stays counted as failed, though it ends in an orderly stop.
///
/// # Errors
/// `/run` cannot be written.
pub fn fails(paths: &Paths) -> io::Result<()> {
    std::fs::write(paths.run_file(run_file::FAILED_BOOT), "")
}

impl fmt::Display for RootCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    #[test]
    fn every_third_failed_boot_changes_the_root_and_the_sixth_leaves_the_state_alone() {
        use RootCopy::{A, B};
        for (failed, good, first, leaves_state, remedy) in [
            (0, A, A, false, None),
            (2, A, A, false, None),
            (3, A, B, false, Some("after 3 failed boots: root B first")),
            (5, A, B, false, Some("after 5 failed boots: root B first")),
            (6, A, A, true, Some("after 6 failed boots: root A first, state in RAM")),
            (9, A, B, true, Some("after 9 failed boots: root B first, state in RAM")),
            (12, A, A, true, Some("after 12 failed boots: root A first, state in RAM")),
            (
                u64::MAX,
                A,
                B,
                true,
                Some("after 18446744073709551615 failed boots: root B first, state in RAM"),
            ),
            // What was good last is tried first.
            (0, B, B, false, None),
            (3, B, A, false, Some("after 3 failed boots: root A first")),
        ] {
            let plan = Attempts { failed, root: good }.plan();
            assert_eq!((plan.first, plan.leaves_state), (first, leaves_state), "{failed}, {good}");
            assert_eq!(plan.remedy().as_deref(), remedy);
        }
    }

    #[test]
    fn both_roots_are_tried_whichever_is_first() {
        let order = |failed, roots| Attempts { failed, root: RootCopy::A }.plan().order(roots);
        for (failed, roots, expected) in
            [(0, 2, &[0, 1][..]), (3, 2, &[1, 0]), (3, 3, &[1, 0, 2]), (3, 1, &[0]), (3, 0, &[])]
        {
            assert_eq!(order(failed, roots), expected, "{failed}, {roots}");
        }
    }

    #[test]
    fn the_pause_before_the_next_try_doubles_to_about_ten_minutes() {
        let pause = |failed| Attempts { failed, ..Attempts::default() }.pause().as_secs();
        let pauses = [0, 1, 2, 6, 7, 31, 32, 64, u64::MAX].map(pause);
        assert_eq!(pauses, [10, 20, 40, 640, 640, 640, 640, 640, 640]);
    }

    /// A box whose card has nothing on it.
    fn new_box() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for made in ["dev", "run/dialbox"] {
            fs::create_dir_all(dir.path().join(made)).unwrap();
        }
        File::create(paths.card()).unwrap().set_len(8 << 20).unwrap();
        (dir, paths)
    }

    fn boots_from(paths: &Paths, root: &str) {
        paths.publish(record::BOOT, &Record::new().with("root-copy", root)).unwrap();
    }

    #[test]
    fn boots_are_counted_until_one_is_good_which_is_remembered_with_its_root() {
        let (_dir, paths) = new_box();
        let begin = || {
            let (attempts, counted) = begin(paths.card());
            counted.unwrap();
            attempts
        };
        assert_eq!([begin(), begin(), begin()].map(|it| it.failed), [0, 1, 2]);
        boots_from(&paths, "B");
        settle(&paths).unwrap();
        assert_eq!(begin(), Attempts { failed: 0, root: RootCopy::B });
        assert_eq!(begin(), Attempts { failed: 1, root: RootCopy::B });
    }

    #[test]
    fn a_stop_because_of_a_fault_does_not_make_a_boot_good() {
        let (_dir, paths) = new_box();
        begin(paths.card()).1.unwrap();
        fails(&paths).unwrap();
        settle(&paths).unwrap();
        assert_eq!(begin(paths.card()).0.failed, 1);
    }

    #[test]
    fn a_count_costs_one_block_and_a_box_that_stays_good_writes_nothing_more() {
        let (_dir, paths) = new_box();
        for _ in 0..2 {
            begin(paths.card()).1.unwrap();
        }
        let changed = |before: &[u8]| {
            let after = fs::read(paths.card()).unwrap();
            let blocks = before.chunks(4096).zip(after.chunks(4096)).filter(|(old, new)| old != new);
            blocks.count()
        };
        let before = fs::read(paths.card()).unwrap();
        begin(paths.card()).1.unwrap();
        assert_eq!(changed(&before), 1);
        let before = fs::read(paths.card()).unwrap();
        settle(&paths).unwrap();
        assert_eq!(changed(&before), 1);
        let before = fs::read(paths.card()).unwrap();
        settle(&paths).unwrap();
        assert_eq!(changed(&before), 0);
    }

    #[test]
    fn a_card_that_cannot_be_written_or_read_boots_as_planned_for_a_good_one() {
        for card in ["/dev/full", "/nonexistent/card"] {
            let (attempts, counted) = begin(card.into());
            assert_eq!(attempts.plan(), Attempts::default().plan());
            assert!(counted.is_err(), "{card}");
        }
        let (_dir, paths) = new_box();
        fs::remove_file(paths.card()).unwrap();
        settle(&paths).unwrap();
    }
}
