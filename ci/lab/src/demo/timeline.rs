//! What happens, line by line, for a person to read.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// Whoever speaks has a colour of its own, on a terminal.
const COLOURS: &[(&str, &str)] = &[("dialer", "\x1b[32m"), ("operator", "\x1b[34m"), ("phone", "\x1b[33m")];
const PLAIN: &str = "\x1b[0m";

/// The lines so far.
pub struct Timeline {
    coloured: bool,
}

impl Timeline {
    /// Plain lines when nobody looks at a terminal.
    pub fn new() -> Self {
        Self { coloured: stdout().is_terminal() }
    }

    /// Something that has no time.
    pub fn say(&self, who: &str, what: &str) {
        println!("{}{what}", self.name(who));
    }

    /// Something happened at this time.
    pub fn happened(&self, at: Duration, who: &str, what: &str) {
        println!("{:7.1} s  {} {what}", at.as_secs_f64(), self.name(who));
    }

    fn name(&self, who: &str) -> String {
        match COLOURS.iter().find(|(known, _)| *known == who) {
            _ if who.is_empty() => String::new(),
            Some((_, colour)) if self.coloured => format!("{colour}{who:8}{PLAIN}"),
            _ => format!("{who:8}"),
        }
    }
}
