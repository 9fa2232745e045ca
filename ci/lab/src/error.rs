//! What can go wrong in the lab, with the facts.

use std::fmt;
use std::path::{Path, PathBuf};

/// `Result` of the lab.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something failed.
#[derive(Debug)]
pub enum Error {
    /// An operation of the operating system failed.
    Io {
        /// The operation, as a verb before the path.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// The image cannot boot.
    Image(String),
    /// There is no emulator to start.
    NoEmulator(String),
    /// The tools to call a box with are missing.
    NoCallerTools,
    /// There is no `veritysetup` to start.
    NoVeritysetup(String),
    /// There is no SIP program to start.
    NoSipTool(String),
    /// The expected output did not come.
    Awaited {
        /// The expected output.
        pattern: String,
        /// What happened instead.
        instead: String,
    },
    /// The box behaved differently than expected.
    Unexpected(String),
}

impl Error {
    /// For `map_err`: the operation and the file.
    pub fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, source } => write!(f, "cannot {doing} {}: {source}", path.display()),
            Self::Image(what) => write!(f, "not a dialbox image: {what}"),
            Self::NoEmulator(what) => write!(
                f,
                "no qemu-system-arm: {what}\n  next: install it, or run `cargo xtask test`, which brings its own"
            ),
            Self::NoCallerTools => f.write_str(
                "no wvdial: it comes from --caller-tools\n  next: run `cargo xtask test`, which makes that file",
            ),
            Self::NoVeritysetup(what) => write!(
                f,
                "no veritysetup: {what}; it comes from --verity-tools\n  next: run `cargo xtask test`, which unpacks it"
            ),
            Self::NoSipTool(what) => write!(
                f,
                "no SIP program: {what}\n  next: run `cargo xtask test` or `cargo xtask bench exchange`, which unpack it"
            ),
            Self::Awaited { pattern, instead } => {
                write!(f, "waited for {pattern:?} on the console; {instead}")
            }
            Self::Unexpected(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
