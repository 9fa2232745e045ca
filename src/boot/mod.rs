//! From the kernel to the real init: what `/init` of the initramfs decides and does.
//!
//! [`cmdline`], [`ext4`] and [`mbr`] are pure; [`block`], [`modules`], [`root`] and [`state`]
//! are the edge that `src/bin/init.rs` calls in order.

pub mod block;
pub mod cmdline;
pub mod ext4;
pub mod mbr;
pub mod modules;
pub mod root;
pub mod state;

use std::fmt;
use std::io;

/// What prevents the boot, in words for the console.
#[derive(Debug)]
pub struct Fatal(String);

impl Fatal {
    /// What could not be done.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Turns an I/O error into the one message that the console will show.
pub trait OrFatal<T> {
    /// Says what was being done when the error came.
    fn or_fatal(self, doing: &str) -> Result<T, Fatal>;
}

impl<T, E: Into<io::Error>> OrFatal<T> for Result<T, E> {
    fn or_fatal(self, doing: &str) -> Result<T, Fatal> {
        self.map_err(|error| Fatal(format!("{doing}: {}", error.into())))
    }
}
