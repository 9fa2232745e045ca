//! The error for an invalid `site.toml`.

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

/// The name in messages until [`SiteError::in_file`] sets another.
const FILE: &str = "site.toml";

impl SiteError {
    /// The same error with the name of the file.
    #[must_use]
    pub fn in_file(self, file: impl Into<String>) -> Self {
        Self { file: file.into(), ..self }
    }

    /// Where and what, on one line: `site.toml:12:1: unknown key …`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{}:{}:{}: {}", self.file, self.at.line, self.at.column, self.reason.why)
    }

    /// Line and column, both counted from 1.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        (self.at.line, self.at.column)
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason.why
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

    pub(super) fn new(problem: Problem, text: &str) -> Self {
        let at = Excerpt::new(text, problem.at, problem.show);
        Self { file: FILE.to_owned(), reason: problem.reason, at }
    }
}

/// Boxed, because nearly every function of this module returns one or a small value.
pub(super) type Checked<T> = Result<T, Box<Problem>>;

/// An [`Invalid`] with its position in the text.
pub(super) struct Problem {
    pub reason: Invalid,
    pub at: Range<usize>,
    /// Whether the line may be shown unchanged.
    pub show: Show,
}

impl Problem {
    /// For a value of valid TOML.
    pub fn from_value(reason: Invalid, at: Range<usize>) -> Box<Self> {
        Box::new(Self { reason, at, show: Show::Values })
    }

    /// For text that is not valid TOML.
    pub fn from_syntax(error: &toml::de::Error) -> Box<Self> {
        let at = error.span().unwrap_or(0..0);
        Box::new(Self { reason: reword(error.message()), at, show: Show::Keys })
    }
}

pub(super) fn problem<T>(why: impl Into<String>, next: impl Into<String>, at: Range<usize>) -> Checked<T> {
    Err(Problem::from_value(Invalid::new(why, next), at))
}

/// Translates toml's message.
fn reword(message: &str) -> Invalid {
    if message == "duplicate key" {
        return Invalid::new("this key is given twice", "remove one of the two");
    }
    if message.starts_with("string values must be quoted") {
        return Invalid::new("text must be quoted", "put the value in double quotes");
    }
    match message.split_once(", expected ") {
        Some((_, expected)) => Invalid::new(message, format!("write {expected} here")),
        None => Invalid::new(message, "correct this line"),
    }
}

/// The hint for a word that is not one of the possible ones.
pub(super) fn unknown(what: &str, found: &str, known: &[&str]) -> Invalid {
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
