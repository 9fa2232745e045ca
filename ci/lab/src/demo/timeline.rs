//! The demo's output: one line per event.

use rustix::termios::tcgetwinsize;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// The colours of the speakers, on a terminal.
const COLOURS: &[(&str, &str)] = &[("dialer", "\x1b[32m"), ("operator", "\x1b[34m"), ("phone", "\x1b[33m")];
const PLAIN: &str = "\x1b[0m";
/// Columns for time and speaker.
const MARGIN: usize = 20;
/// The narrowest supported terminal.
const NARROWEST: usize = 40;

/// Prints the lines.
pub struct Timeline {
    /// Columns of the terminal; `None` if there is none.
    columns: Option<usize>,
}

impl Timeline {
    /// Without a terminal the lines are plain and not folded.
    pub fn new() -> Self {
        let columns = || match tcgetwinsize(stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => 80,
        };
        Self { columns: stdout().is_terminal().then(columns) }
    }

    /// Prints a text without a time.
    pub fn note(&self, what: &str) {
        println!("{what}");
    }

    /// Prints an event at this time.
    pub fn happened(&self, at: Duration, who: &str, what: &str) {
        let room = self.columns.map_or(usize::MAX, |columns| columns.max(NARROWEST) - MARGIN);
        let indent = format!("\n{:MARGIN$}", "");
        println!("{:7.1} s  {} {}", at.as_secs_f64(), self.name(who), fold(what, room).join(&indent));
    }

    fn name(&self, who: &str) -> String {
        match COLOURS.iter().find(|(known, _)| *known == who) {
            Some((_, colour)) if self.columns.is_some() => format!("{colour}{who:8}{PLAIN}"),
            _ => format!("{who:8}"),
        }
    }
}

/// Folds a text into lines of at most this many characters, at blanks where possible.
fn fold(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push(String::new());
            used = 0;
        }
        for (at, c) in std::iter::repeat_n(' ', usize::from(used > 0)).chain(word.chars()).enumerate() {
            if at > 0 && used == room {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().into_iter().for_each(|line| line.push(c));
            used += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_folded_at_blanks_and_a_long_word_anywhere() {
        assert_eq!(fold("one two three", 8), ["one two", "three"]);
        assert_eq!(fold("one two three", usize::MAX), ["one two three"]);
        assert_eq!(fold("0123456789ab cd", 5), ["01234", "56789", "ab cd"]);
        assert_eq!(fold("", 5), [""]);
    }
}
