//! The kernel's log, the only log before syslogd runs; klogd passes it on later.

use std::fs::OpenOptions;
use std::io::Write;

/// How much a message matters, with the numbers of syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something must be done about it.
    Error = 3,
    /// The box goes on, but somebody should know.
    Warning = 4,
    /// For whoever reads the log.
    Info = 6,
}

/// Writes a line into the kernel's log.
pub fn log(level: Level, message: &str) {
    let line = format!("<{}>dialbox: {message}\n", level as u8);
    let kmsg = OpenOptions::new().write(true).open("/dev/kmsg");
    // Where there is no log there is no place to complain either.
    let _ = kmsg.and_then(|mut kmsg| kmsg.write_all(line.as_bytes()));
}
