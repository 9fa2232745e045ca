//! What is remembered of the card: when it was scrubbed, and what was healed.

use std::fmt;
use std::io;

use crate::record::Record;
use crate::state::Store;

/// Its file in the [store](Store). It is written after each scrub, so once a day.
const FILE: &str = "card";
/// Entries that are kept: at one a day, more than three months.
const REMEMBERED: usize = 100;

const SCRUBBED: &str = "scrubbed";
const HEALED: &str = "healed";
const BAD: &str = "bad";

/// The counts and the last entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// When the last scrub ended, in seconds since 1970.
    pub scrubbed: Option<i64>,
    /// Blocks that were healed since the state partition was formatted.
    pub healed: u64,
    /// Blocks that could not be healed in the last scrub.
    pub bad: u64,
    entries: Vec<Entry>,
}

/// Something that was found or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, in seconds since 1970.
    pub at: i64,
    /// What, in one line.
    pub what: String,
}

impl History {
    /// What a store has; nothing if it has none.
    pub fn load(store: &Store) -> Self {
        Self::parse(&store.read(FILE).unwrap_or_default())
    }

    /// Writes it.
    ///
    /// # Errors
    /// The store does not take it.
    pub fn save(&self, store: &Store) -> io::Result<()> {
        store.replace(FILE, &self.to_string())
    }

    /// Adds an entry and drops the oldest if there are too many.
    pub fn enter(&mut self, at: i64, what: impl Into<String>) {
        let surplus = (self.entries.len() + 1).saturating_sub(REMEMBERED);
        self.entries.drain(..surplus);
        self.entries.push(Entry { at, what: what.into() });
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn parse(text: &str) -> Self {
        let record = Record::parse(text);
        let entry = |line: &str| {
            let (at, what) = line.split_once(' ')?;
            Some(Entry { at: at.parse().ok()?, what: what.to_owned() })
        };
        Self {
            scrubbed: record.get(SCRUBBED).and_then(|at| at.parse().ok()),
            healed: record.number(HEALED).unwrap_or(0),
            bad: record.number(BAD).unwrap_or(0),
            entries: text.lines().filter_map(entry).collect(),
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = Record::new().with_known(SCRUBBED, self.scrubbed);
        record.with(HEALED, self.healed).with(BAD, self.bad).fmt(f)?;
        self.entries.iter().try_for_each(|entry| writeln!(f, "{} {}", entry.at, entry.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_healed_survives_a_reboot() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        assert_eq!(History::load(&store), History::default());
        let mut history = History { scrubbed: Some(1_784_001_598), healed: 5, bad: 1, ..History::default() };
        history.enter(1_784_001_598, "healed: root A 3, root B 2; lost: 1");
        history.save(&store).unwrap();
        assert_eq!(History::load(&store), history);
        insta::assert_snapshot!(store.read(FILE).unwrap(), @"
        scrubbed=1784001598
        healed=5
        bad=1
        1784001598 healed: root A 3, root B 2; lost: 1
        ");
    }

    #[test]
    fn the_oldest_entries_are_dropped() {
        let mut history = History::default();
        (0..1000).for_each(|day| history.enter(day * 86_400, "healed: root A 1"));
        assert_eq!(history.entries().len(), REMEMBERED);
        assert_eq!(history.entries().last().map(|entry| entry.at), Some(999 * 86_400));
        assert!(history.to_string().len() < 5_000);
    }
}
