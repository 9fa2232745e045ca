//! From the kernel to busybox's init: the parts of `/init` of the initramfs.
//!
//! [`cmdline`], [`ext4`] and [`mbr`] are pure; [`attempts`], [`block`], [`dm`], [`modules`], [`root`], [`sealed`],
//! [`state`] and [`watchdog`] are the edge that `src/bin/init.rs` calls in order.

pub mod attempts;
pub mod block;
pub mod cmdline;
pub mod dm;
pub mod ext4;
pub mod mbr;
pub mod modules;
pub mod root;
pub mod sealed;
pub mod state;
pub mod watchdog;

use std::fmt;
use std::io;

/// An error that prevents the boot, as text for the console.
#[derive(Debug)]
pub struct Fatal(String);

impl Fatal {
    /// The operation that failed.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds the failed operation to an I/O error.
pub trait OrFatal<T> {
    /// `what` is the operation that failed.
    fn or_fatal(self, doing: &str) -> Result<T, Fatal>;
}

impl<T, E: Into<io::Error>> OrFatal<T> for Result<T, E> {
    fn or_fatal(self, doing: &str) -> Result<T, Fatal> {
        self.map_err(|error| Fatal(format!("{doing}: {}", error.into())))
    }
}
