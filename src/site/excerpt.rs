//! The line an error is about, with a caret below it and no secret in it.

use super::secret::{MASK, SECRET_KEYS};
use super::suggest::distance;
use std::fmt;
use std::ops::Range;

/// One line of a text with a part of it underlined.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Excerpt {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// The line as it may be shown; `None` where it might be the inside of a secret.
    shown: Option<String>,
    /// Characters to underline.
    width: usize,
}

impl Excerpt {
    /// The line in which a span of bytes begins. Spans from anywhere are taken: their ends are
    /// moved to characters of the text.
    pub fn new(text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or("");
        let column = text[line_start..start].chars().count();
        // In a string of several lines nothing says to which key a line belongs.
        let plain = !["\"\"\"", "'''"].iter().any(|quotes| before.contains(quotes));
        let shown = plain.then(|| redact(line));
        let end = text.floor_char_boundary(span.end.max(start));
        let wanted = text[start..end].lines().next().unwrap_or("").chars().count();
        let room = shown.as_deref().unwrap_or("").chars().count().saturating_sub(column);
        Self {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            shown,
            width: wanted.min(room).max(1),
        }
    }
}

/// The line as it may be shown: dots from the first secret on, no control characters.
///
/// A secret is what follows a word like a secret key. The word may be misspelt and the line may be
/// no TOML at all, because this is shown for errors.
fn redact(line: &str) -> String {
    let printable = line.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
    match secret_key(&printable) {
        Some(end) => {
            let (key, value) = printable.split_at(end);
            let equals = value.find(|c| c != ' ' && c != '"' && c != '\'');
            let equals = equals.filter(|at| value[*at..].starts_with('=')).map_or("", |_| " =");
            format!("{key}{equals} {MASK}")
        }
        None => printable,
    }
}

/// Where the first word ends that is, or nearly is, the name of a secret key.
fn secret_key(line: &str) -> Option<usize> {
    let mut end = 0;
    line.split(|c: char| !c.is_ascii_alphabetic()).find_map(|word| {
        let start = end;
        end = start + word.len() + line[start + word.len()..].chars().next().map_or(0, char::len_utf8);
        let word = word.to_ascii_lowercase();
        let alike = |key: &&str| distance(&word, key) <= key.len() / 3;
        SECRET_KEYS.iter().any(|key| alike(&key)).then_some(start + word.len())
    })
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(shown) = &self.shown else {
            return Ok(());
        };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs are kept as tabs, so that the caret stays below its character.
        let indent: String = shown
            .chars()
            .chain(std::iter::repeat(' '))
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{margin} |\n{number} | {shown}\n{margin} | {indent}{}", "^".repeat(self.width))
    }
}
