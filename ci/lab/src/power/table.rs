//! The results of many cuts, and how they are printed. Pure.

use super::cut::Damage;
use std::collections::BTreeMap;
use std::fmt;

/// What is known of one cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The card knows all that was acknowledged.
    Kept,
    /// The card has forgotten something.
    Forgotten,
    /// Only a boot can tell.
    Undecided,
}

/// The cuts of a story.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The story.
    pub story: String,
    /// Requests that the card was sent.
    pub requests: usize,
    /// Sectors that were written.
    pub sectors: usize,
    /// How often the guest has asked for a flush.
    pub flushes: usize,
    /// The verdicts of the card's files, by the name of the damage.
    pub read: BTreeMap<(&'static str, Verdict), usize>,
    /// How the state partition was mounted by the boots.
    pub booted: BTreeMap<String, usize>,
    /// What did not hold: the number of the cut, and what happened.
    pub broken: Vec<(u64, String)>,
}

impl Tally {
    /// Adds a card that was read.
    pub fn add(&mut self, damage: Damage, verdict: Verdict) {
        *self.read.entry((damage.name(), verdict)).or_default() += 1;
    }

    /// The cuts with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.read.iter().filter(|((_, it), _)| *it == verdict).map(|(_, count)| count).sum()
    }

    /// All cuts.
    pub fn cuts(&self) -> usize {
        self.read.values().sum()
    }

    fn boots(&self) -> usize {
        self.booted.values().sum()
    }

    /// One line of JSON. Names are those of this program and need no escapes.
    pub fn json(&self) -> String {
        let counts: Vec<String> = self
            .read
            .iter()
            .map(|((damage, verdict), count)| format!("\"{damage} {verdict}\": {count}"))
            .collect();
        let boots: Vec<String> =
            self.booted.iter().map(|(state, count)| format!("{state:?}: {count}")).collect();
        let broken: Vec<String> = self.broken.iter().map(|(index, _)| index.to_string()).collect();
        format!(
            "{{\"story\": {:?}, \"requests\": {}, \"sectors\": {}, \"flushes\": {}, \"read\": {{{}}}, \
             \"booted\": {{{}}}, \"broken\": [{}]}}",
            self.story,
            self.requests,
            self.sectors,
            self.flushes,
            counts.join(", "),
            boots.join(", "),
            broken.join(", ")
        )
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::Forgotten => "forgotten",
            Self::Undecided => "undecided",
        })
    }
}

/// The head of the table.
pub const HEAD: &str =
    "story       requests  sectors  flushes    cuts    kept  forgotten  undecided  booted  broken";

/// A row of the table, and one for each kind of damage.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<10}  {:>8}  {:>7}  {:>7}  {:>6}  {:>6}  {:>9}  {:>9}  {:>6}  {:>6}",
            self.story,
            self.requests,
            self.sectors,
            self.flushes,
            self.cuts(),
            self.count(Verdict::Kept),
            self.count(Verdict::Forgotten),
            self.count(Verdict::Undecided),
            self.boots(),
            self.broken.len()
        )?;
        for damage in Damage::NAMES {
            let count = |verdict| self.read.get(&(damage, verdict)).copied().unwrap_or(0);
            let [kept, forgotten, undecided] =
                [Verdict::Kept, Verdict::Forgotten, Verdict::Undecided].map(count);
            let all = kept + forgotten + undecided;
            if all > 0 {
                write!(f, "\n  {damage:<36}  {all:>6}  {kept:>6}  {forgotten:>9}  {undecided:>9}")?;
            }
        }
        if !self.booted.is_empty() {
            let states: Vec<String> =
                self.booted.iter().map(|(state, count)| format!("{count} {state}")).collect();
            write!(f, "\n  state after the boots: {}", states.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_row_counts_every_cut_once() {
        let mut tally = Tally { story: "ssh".to_owned(), ..Tally::default() };
        tally.add(Damage::Prefix(1), Verdict::Kept);
        tally.add(Damage::Lost(1, Random::new(0)), Verdict::Kept);
        tally.add(Damage::Lost(2, Random::new(1)), Verdict::Forgotten);
        tally.add(Damage::Torn(Random::new(0)), Verdict::Undecided);
        assert_eq!([tally.cuts(), tally.count(Verdict::Kept), tally.count(Verdict::Undecided)], [4, 2, 1]);
        let rows = tally.to_string();
        let last = rows.lines().last().unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(last, ["lost", "2", "1", "1", "0"]);
        assert!(tally.json().contains("\"lost forgotten\": 1"), "{}", tally.json());
    }
}
