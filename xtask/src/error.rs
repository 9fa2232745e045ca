//! What the builder says when it cannot go on: what failed, the facts, what to do next.

use std::{any::Any, fmt, io};

/// The builder's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One failure, in the words of the person who has to mend it.
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
    next: Option<String>,
}

impl Error {
    /// A failure: what failed, on what.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), facts: Vec::new(), next: None }
    }

    /// A failure whose cause spoke for itself. A full disk is said in one way everywhere.
    pub fn caused_by(what: impl Into<String>, cause: impl fmt::Display + 'static) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let error = Self::new(what).fact(&cause);
        match (&cause as &dyn Any).downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(StorageFull | QuotaExceeded | FileTooLarge) => error
                .next("make room on the disk, then run the same command again; nothing half-made was kept"),
            _ => error,
        }
    }

    /// Adds a line that helps to see why.
    pub fn fact(mut self, fact: impl fmt::Display) -> Self {
        self.facts.extend(fact.to_string().lines().map(str::to_owned));
        self
    }

    /// Says what to do next; the innermost advice stands, it knows most.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next.get_or_insert_with(|| next.into());
        self
    }

    /// Puts the failure into the larger step that it broke: `what` becomes the headline.
    pub fn while_doing(mut self, what: impl Into<String>) -> Self {
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
        match &self.next {
            Some(next) => write!(f, "\n  next: {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Turns a foreign error into ours by saying what was being done.
pub trait Attempt<T> {
    /// `what` is the headline ("cannot read image/image.toml"); the foreign words become a fact.
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display + 'static> Attempt<T> for std::result::Result<T, E> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T> {
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
    fn the_innermost_advice_stands_and_the_outermost_step_leads() {
        let error = Error::new("no space left")
            .next("free 60 MB")
            .while_doing("cannot write out/dialbox-rpi1.img")
            .next("run it again");
        assert_eq!(
            error.to_string(),
            "error: cannot write out/dialbox-rpi1.img\n  no space left\n  next: free 60 MB"
        );
    }
}
