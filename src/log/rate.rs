//! The rate limit of the log: it is in memory, and a flood of lines would displace the important ones.

use std::collections::VecDeque;
use std::time::Duration;

use crate::allowance::Allowance;

/// The burst of lines, and the time for one more: 520 in ten minutes.
const LINES: u32 = 120;
const LINE_EVERY: Duration = Duration::from_millis(1500);
/// The burst of lines of one kind, and the time for one more.
const LIKE_LINES: u32 = 5;
const LIKE_LINE_EVERY: Duration = Duration::from_secs(30);
/// The number of tracked kinds; the longest unused one is dropped.
const KINDS: usize = 64;

/// The rate limit. Lines that differ only in digits are of one kind.
#[derive(Debug)]
pub struct RateLimit {
    all: Allowance,
    kinds: VecDeque<Kind>,
    /// How many lines of any kind were left out since the last one.
    left_out: u32,
}

#[derive(Debug)]
struct Kind {
    words: String,
    allowance: Allowance,
    left_out: u32,
}

impl RateLimit {
    /// Nothing was logged yet.
    pub fn new() -> Self {
        Self { all: Allowance::full(LINES, LINE_EVERY), kinds: VecDeque::new(), left_out: 0 }
    }

    /// The line to be logged at this time since boot, with the number of those that were left out before; `None` to
    /// leave this one out.
    pub fn admit(&mut self, line: &str, now: Duration) -> Option<String> {
        let kind = self.kind(line);
        if !kind.allowance.any_left(now) {
            kind.left_out = kind.left_out.saturating_add(1);
            return None;
        }
        if !self.all.any_left(now) {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.all.spend();
        let kind = self.kind(line);
        kind.allowance.spend();
        let mut said = line.to_owned();
        match std::mem::take(&mut kind.left_out) {
            0 => {}
            like => said += &format!(" ({like} more like this before)"),
        }
        match std::mem::take(&mut self.left_out) {
            0 => {}
            other => said += &format!(" ({other} lines left out before)"),
        }
        Some(said)
    }

    fn kind(&mut self, line: &str) -> &mut Kind {
        let words = without_figures(line);
        let at = self.kinds.iter().position(|kind| kind.words == words).unwrap_or_else(|| {
            if self.kinds.len() == KINDS {
                self.kinds.pop_front();
            }
            let allowance = Allowance::full(LIKE_LINES, LIKE_LINE_EVERY);
            self.kinds.push_back(Kind { words, allowance, left_out: 0 });
            self.kinds.len() - 1
        });
        &mut self.kinds[at]
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

/// A line with each number as `#`.
fn without_figures(line: &str) -> String {
    let mut words = String::with_capacity(line.len());
    for c in line.chars() {
        match c.is_ascii_digit() {
            true if words.ends_with('#') => {}
            true => words.push('#'),
            false => words.push(c),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_frequent_line_is_logged_with_a_count() {
        let mut limit = RateLimit::new();
        let mut logged = Vec::new();
        for second in 0..60 {
            logged.extend(limit.admit(&format!("message {second} comes garbled"), second * SECOND));
        }
        assert_eq!(logged.len(), 6, "{logged:?}");
        assert_eq!(logged[5], "message 30 comes garbled (25 more like this before)");
        assert_eq!(limit.admit("signal: -79 dBm", 60 * SECOND).as_deref(), Some("signal: -79 dBm"));
    }

    #[test]
    fn an_occasional_line_is_logged_unchanged() {
        let mut limit = RateLimit::new();
        for minute in 0..1000 {
            let line = format!("signal: -{minute} dBm");
            assert_eq!(limit.admit(&line, minute * 60 * SECOND), Some(line));
        }
    }

    proptest! {
        #[test]
        fn there_is_less_than_one_line_a_second_on_average(
            lines in prop::collection::vec("[a-z]{1,3} [0-9]{1,2}", 3000)
        ) {
            let mut limit = RateLimit::new();
            let logged = (0u32..).zip(&lines).filter_map(|(at, line)| limit.admit(line, at * SECOND / 5)).count();
            prop_assert!(logged < 600, "{logged} lines in ten minutes");
            prop_assert!(limit.kinds.len() <= KINDS);
        }
    }
}
