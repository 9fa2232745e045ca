//! What a pass over the card has found and done.

use std::fmt;

use super::heal::Tally;

/// What a pass has found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The twin was whole before.
    pub twin_was_whole: bool,
    /// It is now.
    pub twin_is_whole: bool,
    /// Root A, and root B with its copy.
    pub roots: Tally,
    /// The boot files, and their copies.
    pub boot: Tally,
    /// What is wrong beside bad blocks.
    pub troubles: Vec<String>,
}

impl Outcome {
    /// Blocks that were healed: while the twin is made, what is written there is not.
    pub fn healed(&self) -> u64 {
        let both = |tally: &Tally| tally.healed_a + if self.twin_was_whole { tally.healed_b } else { 0 };
        both(&self.roots) + both(&self.boot)
    }

    /// Places that cannot be healed.
    pub fn bad(&self) -> u64 {
        self.roots.bad() + self.boot.bad()
    }

    /// Whether it is an entry of the history.
    pub fn is_worth_an_entry(&self) -> bool {
        self.healed() + self.bad() > 0 || self.twin_is_whole != self.twin_was_whole
    }
}

/// `twin made; healed: root A 3, root B 1; cannot be healed: 2`
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.twin_is_whole && !self.twin_was_whole {
            parts.push("twin made".to_owned());
        }
        let b = |count| if self.twin_was_whole { count } else { 0 };
        let healed = [
            ("root A", self.roots.healed_a),
            ("root B", b(self.roots.healed_b)),
            ("boot files", self.boot.healed_a),
            ("their copies", b(self.boot.healed_b)),
        ];
        let healed = healed.into_iter().filter(|(_, count)| *count > 0);
        let healed: Vec<_> = healed.map(|(place, count)| format!("{place} {count}")).collect();
        if !healed.is_empty() {
            parts.push(format!("healed: {}", healed.join(", ")));
        }
        if self.bad() > 0 {
            parts.push(format!("cannot be healed: {}", self.bad()));
        }
        f.write_str(&if parts.is_empty() { "all blocks are good".to_owned() } else { parts.join("; ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_while_the_twin_is_made_is_not_healed() {
        let roots = Tally { checked: 9, healed_a: 1, healed_b: 8, ..Tally::default() };
        let made = Outcome { twin_is_whole: true, roots, ..Outcome::default() };
        assert_eq!((made.healed(), made.to_string().as_str()), (1, "twin made; healed: root A 1"));
        let scrubbed = Outcome { twin_was_whole: true, ..made };
        assert_eq!((scrubbed.healed(), scrubbed.to_string().as_str()), (9, "healed: root A 1, root B 8"));
    }

    #[test]
    fn every_kind_of_block_is_told() {
        let tally = Tally { checked: 9, healed_a: 1, healed_b: 2, lost: 1, stuck_a: 1, stuck_b: 1 };
        let whole = Outcome { twin_was_whole: true, twin_is_whole: true, ..Outcome::default() };
        let outcome = Outcome { roots: tally, boot: tally, ..whole.clone() };
        assert_eq!(
            outcome.to_string(),
            "healed: root A 1, root B 2, boot files 1, their copies 2; cannot be healed: 6"
        );
        assert!(outcome.is_worth_an_entry());
        assert_eq!(whole.to_string(), "all blocks are good");
        assert!(!whole.is_worth_an_entry(), "a healthy card");
    }
}
