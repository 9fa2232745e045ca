//! The error of the builder: what failed, the facts, what to do next.

use std::{any::Any, fmt, io};

/// The builder's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One failure, written for the user who has to fix it.
///
/// ```text
/// error: hash mismatch for ppp_2.4.9-1+1.1+b1_armel.deb
///   expected  3f1c…  (image/packages.lock:118)
///   next: run the same command again; the broken file was not kept
/// ```
#[derive(Debug)]
pub struct Error {
    what: String,
    facts: Vec<String>,
    hint: Option<String>,
}

impl Error {
    /// A failure: what failed, on what.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), facts: Vec::new(), hint: None }
    }

    /// A failure with its cause. A full disk is reported in the same way everywhere.
    pub fn caused_by(what: impl Into<String>, cause: impl fmt::Display + 'static) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let error = Self::new(what).fact(&cause);
        match (&cause as &dyn Any).downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(StorageFull | QuotaExceeded | FileTooLarge) => error
                .hint("make room on the disk, then run the same command again; nothing half-made was kept"),
            _ => error,
        }
    }

    /// Adds a fact that helps to find the cause.
    pub fn fact(mut self, fact: impl fmt::Display) -> Self {
        self.facts.extend(fact.to_string().lines().map(str::to_owned));
        self
    }

    /// Says what to do next. The innermost hint is kept: it is the most specific.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Adds the larger step that failed: `what` becomes the headline, the headline a fact.
    pub fn context(mut self, what: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.what, what.into());
        self.facts.insert(0, inner);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for fact in &self.facts {
            write!(f, "\n  {fact}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  next: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Turns an error of another crate into ours and says what failed.
pub trait Context<T> {
    /// `what` is the headline ("cannot read image/image.toml"); the error itself becomes a fact.
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display + 'static> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::caused_by(what(), error))
    }
}

/// Returns early with an [`Error`] made by `format!`.
#[macro_export]
macro_rules! bail {
    ($($words:tt)*) => { return Err($crate::error::Error::new(format!($($words)*))) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_hint_is_kept_and_the_outermost_step_is_the_headline() {
        let error = Error::new("no space left")
            .hint("free 60 MB")
            .context("cannot write out/dialbox-rpi1.img")
            .hint("run it again");
        assert_eq!(
            error.to_string(),
            "error: cannot write out/dialbox-rpi1.img\n  no space left\n  next: free 60 MB"
        );
    }
}
