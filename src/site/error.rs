//! Why a `site.toml` was refused.

use super::excerpt::{Excerpt, Show};
use super::suggest::closest;
use super::text::Invalid;
use std::fmt;
use std::ops::Range;

/// Why a `site.toml` was refused: what, where, and what to do next.
///
/// ```text
/// site.toml:12:1: unknown key `apm`; did you mean `apn`?
///    |
/// 12 | apm = "free"
///    | ^^^
///   next: write `apn`
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SiteError {
    file: String,
    reason: Invalid,
    at: Excerpt,
}

/// The name in messages until [`SiteError::in_file`] gives another.
const FILE: &str = "site.toml";

impl SiteError {
    /// The same error, told about the file it was found in.
    #[must_use]
    pub fn in_file(self, file: impl Into<String>) -> Self {
        Self { file: file.into(), ..self }
    }

    /// Line of the error, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.at.line
    }

    /// Column of the error in characters, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.at.column
    }

    /// Where and what, on one line: `site.toml:12:1: unknown key …`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{}:{}:{}: {}", self.file, self.at.line, self.at.column, self.reason.why)
    }

    /// The line with a caret below it; nothing where the line might show a secret.
    #[must_use]
    pub fn excerpt(&self) -> String {
        self.at.to_string()
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &str {
        &self.reason.next
    }

    pub(super) fn new(reason: Invalid, span: Range<usize>, text: &str) -> Self {
        Self { file: FILE.to_owned(), reason, at: Excerpt::new(text, span, Show::Values) }
    }

    pub(super) fn from_toml(error: &toml::de::Error, text: &str) -> Self {
        // toml leaves the position out only for what a whole file lacks: that is its start.
        let span = error.span().unwrap_or(0..0);
        let (reason, show) = reword(error.message());
        Self { file: FILE.to_owned(), reason, at: Excerpt::new(text, span, show) }
    }
}

/// Says in our words what serde and toml report as one string, and whether the line they mean can
/// be trusted to be what it looks like.
fn reword(message: &str) -> (Invalid, Show) {
    if let Some((why, next)) = message.split_once('\n') {
        return (Invalid::new(why, next), Show::Values); // one of our own: see `Invalid`
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    // The wording is that of serde's `Error::unknown_field`, `unknown_variant`, `missing_field`
    // and `invalid_type`; the snapshot of tests/site_errors.rs holds it.
    match (message, quoted.as_slice()) {
        (_, [found, known @ ..]) if message.starts_with("unknown field") => {
            (unknown("key", found, known), Show::Keys)
        }
        (_, [found, known @ ..]) if message.starts_with("unknown variant") => {
            (unknown("value", found, known), Show::Values)
        }
        (_, [key, ..]) if message.starts_with("missing field") => {
            let reason = Invalid::new(format!("the key `{key}` is missing"), format!("add `{key} = …`"));
            (reason, Show::Values)
        }
        _ if message.starts_with("invalid type") => (reword_expected(message), Show::Values),
        _ => (reword_syntax(message), Show::Keys),
    }
}

fn reword_syntax(message: &str) -> Invalid {
    if message == "duplicate key" {
        return Invalid::new("this key is given twice", "remove one of the two");
    }
    if message.starts_with("string values must be quoted") {
        return Invalid::new("text must be quoted", "put the value in double quotes");
    }
    reword_expected(message)
}

fn reword_expected(message: &str) -> Invalid {
    match message.split_once(", expected ") {
        Some((_, expected)) => Invalid::new(message, format!("write {expected} here")),
        None => Invalid::new(message, "correct this line"),
    }
}

fn unknown(what: &str, found: &str, known: &[&str]) -> Invalid {
    match closest(found, known.iter().copied()) {
        Some(meant) => Invalid::new(
            format!("unknown {what} `{found}`; did you mean `{meant}`?"),
            format!("write `{meant}`"),
        ),
        None => Invalid::new(format!("unknown {what} `{found}`"), format!("use one of {}", known.join(", "))),
    }
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        write!(f, "{}  next: {}", self.at, self.next())
    }
}

impl std::error::Error for SiteError {}
