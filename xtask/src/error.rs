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
    /// What usually helps against the cause, for the user whom no [hint](Self::hint) tells more.
    usual: Option<&'static str>,
    /// The cause is gone: the same work may succeed when it is done again.
    passing: bool,
}

impl Error {
    /// A failure: what failed, on what.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), facts: Vec::new(), hint: None, usual: None, passing: false }
    }

    /// A failure with its cause. A full disk is reported in the same way everywhere.
    pub fn caused_by(what: impl Into<String>, cause: impl fmt::Display + 'static) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let error = Self::new(what).fact(&cause);
        match (&cause as &dyn Any).downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(StorageFull | QuotaExceeded | FileTooLarge) => error
                .hint("make room on the disk, then run the same command again; nothing half-made was kept"),
            Some(kind) => Self { usual: usual_help(kind), ..error },
            None => error,
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

    /// Marks a failure whose cause is gone.
    pub fn passing(self) -> Self {
        Self { passing: true, ..self }
    }

    /// Whether the same work may succeed when it is done again.
    pub fn is_passing(&self) -> bool {
        self.passing
    }

    /// Adds another failure: its headline and its facts become facts.
    pub fn and(mut self, other: Self) -> Self {
        self.facts.push(other.what);
        self.facts.extend(other.facts);
        self.hint = self.hint.or(other.hint);
        self.usual = self.usual.or(other.usual);
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
        write!(f, "error: {}", printable(&self.what))?;
        for fact in &self.facts {
            write!(f, "\n  {}", printable(fact))?;
        }
        match self.hint.as_deref().or(self.usual) {
            Some(hint) => write!(f, "\n  next: {}", printable(hint)),
            None => Ok(()),
        }
    }
}

/// What helps against a path that the system refuses.
fn usual_help(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind::{
        AlreadyExists, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem,
        Unsupported,
    };
    match kind {
        NotFound => Some("name a file that is there; for a new one, make its directory first"),
        NotADirectory | AlreadyExists => Some("name another place: a file stands where a directory must be"),
        IsADirectory => Some("name a file: this is a directory"),
        // Of `private::refuse_others`.
        Unsupported => Some("name a file"),
        PermissionDenied | ReadOnlyFilesystem => Some("name a place where you may read and write"),
        _ => None,
    }
}

/// Text of a file, of a mirror or of another program without the control characters that a terminal would obey (lines
/// and tabs stay), and without the passwords of addresses.
pub fn printable(text: &str) -> String {
    without_passwords(text).replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "\u{fffd}")
}

/// `http://user:password@host/` → `http://•••@host/` (RFC 3986, section 3.2.1). A user's name may be a token.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(part.len());
        let host = part[..end].rfind('@');
        shown.push_str("://");
        shown.extend(host.map(|_| "•••"));
        shown.push_str(&part[host.unwrap_or(0)..]);
    }
    shown
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

    #[test]
    fn a_path_that_the_system_refuses_has_a_way_out_unless_the_error_knows_a_better_one() {
        let missing = || Error::caused_by("cannot read x", io::Error::from(io::ErrorKind::NotFound));
        let usual = "error: cannot read x\n  entity not found\n  next: name a file that is there; \
                     for a new one, make its directory first";
        assert_eq!(missing().to_string(), usual);
        assert!(
            missing().hint("run `cargo xtask lock`").to_string().ends_with("next: run `cargo xtask lock`")
        );
    }

    #[test]
    fn no_error_shows_the_password_of_an_address() {
        let error = Error::new("no answer from http://user:p%40ss@proxy.example:3128")
            .fact("404  https://token@mirror.example/debian/x.deb, and http://mirror.example/a@b")
            .hint("--mirror http://u:a@b@mirror.example");
        assert_eq!(
            error.to_string(),
            "error: no answer from http://•••@proxy.example:3128\n  \
             404  https://•••@mirror.example/debian/x.deb, and http://mirror.example/a@b\n  \
             next: --mirror http://•••@mirror.example"
        );
    }

    #[test]
    fn no_error_makes_the_terminal_do_anything() {
        let error = Error::new("no \u{1b}[2Jfile").fact("a\u{9b}b").hint("\u{7}").to_string();
        assert_eq!(error, "error: no \u{fffd}[2Jfile\n  a\u{fffd}b\n  next: \u{fffd}");
    }
}
