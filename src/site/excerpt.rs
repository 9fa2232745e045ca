//! The line of an error, with a caret below it and without secrets.

use super::secret::{MASK, SECOND_WORDS, SECRET_KEYS};
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
    /// The line without secrets; `None` if it might be the inside of a secret.
    shown: Option<String>,
    /// The number of underlined characters.
    width: usize,
}

/// How much of the line may be shown.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Show {
    /// Everything but the value of a secret key.
    Values,
    /// Keys and headers only: in text that is not valid TOML anything may be part of a secret.
    Keys,
}

impl Excerpt {
    /// The line in which a span of bytes begins. Any span is accepted: its ends are moved to character boundaries.
    pub fn new(text: &str, span: Range<usize>, show: Show) -> Self {
        let start = text.floor_char_boundary(span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or("");
        let column = text[line_start..start].chars().count();
        // In a string of several lines no line shows the key that it belongs to.
        let plain = !["\"\"\"", "'''"].iter().any(|quotes| before.contains(quotes));
        let shown = plain.then(|| redact(line, show)).flatten();
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

/// The line without secrets and control characters, unless it is empty then.
fn redact(line: &str, show: Show) -> Option<String> {
    let line = line.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
    let visible = match show {
        Show::Values => secret_key(&line).map(|end| through_equals(&line, end)),
        Show::Keys => Some(header(&line).or_else(|| key(&line))?),
    };
    match visible.map(|end| line.split_at(end)) {
        Some((visible, hidden)) if !hidden.trim().is_empty() => Some(format!("{visible} {MASK}")),
        _ => Some(line),
    }
}

/// The end of the header on a line that starts with `[header]` or `[[header]]`.
fn header(line: &str) -> Option<usize> {
    let name = line.trim_start_matches('[');
    let start = line.len() - name.len();
    let end = start + name.find(|c| !is_key(c))?;
    (start > 0 && line[end..].starts_with(']'))
        .then(|| line.len() - line[end..].trim_start_matches(']').len())
}

/// The offset after the equals sign on a line that starts with `key =`.
fn key(line: &str) -> Option<usize> {
    let end = line.find(|c| !is_key(c))?;
    Some(through_equals(line, end)).filter(|after| *after > end)
}

/// The characters of keys without quotes (TOML 1.0, "Keys").
fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// The offset after the equals sign if one follows, with or without the end of a quoted key before it.
fn through_equals(line: &str, end: usize) -> usize {
    let after = line[end..].trim_start_matches([' ', '\t', '"', '\'']);
    if after.starts_with('=') { line.len() - after.len() + 1 } else { end }
}

/// The end of the first word that is the name of a secret key, or is similar to one in the place of a key: at the start
/// of the line or before an equals sign.
fn secret_key(line: &str) -> Option<usize> {
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let word = &rest[start..];
        let (word, after) =
            word.split_at(word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len()));
        let end = line.len() - after.len();
        let key_like = rest.len() == line.len() || through_equals(line, end) > end;
        let word = word.to_ascii_lowercase();
        let close = |key: &str| word == key || key_like && distance(&word, key) <= key.len() / 3;
        if SECRET_KEYS.into_iter().any(close) {
            let second = SECOND_WORDS.iter().find(|second| after.starts_with(**second));
            return Some(end + second.map_or(0, |second| second.len()));
        }
        rest = after;
    }
    None
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(shown) = &self.shown else { return Ok(()) };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs, so that the caret is below its character.
        let indent: String = shown
            .chars()
            .chain(std::iter::repeat(' '))
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{margin} |\n{number} | {shown}\n{margin} | {indent}{}", "^".repeat(self.width))
    }
}
