//! Log messages: to syslog, or to the terminal from which the program was started.

use std::fs::File;
use std::io::{Write, stderr};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::paths::Paths;

use rate::RateLimit;

pub mod rate;

/// The severity of a message, with the numbers of syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// It needs a reaction.
    Error = 3,
    /// The box continues, but the operator of the box should know.
    Warning = 4,
    /// For information.
    Info = 6,
}

/// The log of one program, or of a part of it.
#[derive(Debug, Clone)]
pub struct Log {
    tag: &'static str,
    /// The prefix of each message; empty for the whole program.
    part: String,
    sinks: Vec<Sink>,
    /// Of all parts together.
    rate: Arc<Mutex<RateLimit>>,
}

/// The destinations: only the first sink that accepts a message gets it.
#[derive(Debug, Clone)]
enum Sink {
    Terminal,
    Syslog(PathBuf),
    Kernel(PathBuf),
}

impl Log {
    /// The log of the program with that name.
    pub fn new(tag: &'static str, paths: &Paths) -> Self {
        // The kernel's log accepts messages before syslogd runs, and klogd passes them on.
        let mut sinks = vec![Sink::Syslog(paths.path("/dev/log")), Sink::Kernel(paths.path("/dev/kmsg"))];
        // Init gives its services the console, but only an interactive shell has a controlling terminal.
        if rustix::termios::tcgetpgrp(stderr()).is_ok() {
            sinks.insert(0, Sink::Terminal);
        }
        Self { tag, part: String::new(), sinks, rate: Arc::default() }
    }

    /// The log of a part of the program, such as a line, whose name precedes each message.
    #[must_use]
    pub fn for_part(&self, name: &str) -> Self {
        Self { part: format!("{name}: "), ..self.clone() }
    }

    /// The log of a program that runs before syslogd: the kernel's.
    pub fn early(tag: &'static str) -> Self {
        let sinks = vec![Sink::Kernel("/dev/kmsg".into())];
        Self { tag, part: String::new(), sinks, rate: Arc::default() }
    }

    /// Logs an error.
    pub fn error(&self, message: &str) {
        self.log(Level::Error, message);
    }

    /// Logs a warning.
    pub fn warning(&self, message: &str) {
        self.log(Level::Warning, message);
    }

    /// Logs information.
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// Logs a message at a level, unless there were [too many](RateLimit) lately. The caller ensures that it contains
    /// no secret.
    pub fn log(&self, level: Level, message: &str) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(message) = rate.admit(message, clock::since_boot()) else { return };
        drop(rate);
        let priority = (DAEMON << 3) | level as u8;
        let words = format!("{}: {}{message}", self.tag, self.part);
        let line = format!("<{priority}>{words}");
        if !self.sinks.iter().any(|sink| sink.take(&line)) {
            eprintln!("{words}");
        }
    }
}

/// The facility "system daemons" (RFC 3164 section 4.1.1).
const DAEMON: u8 = 3;

impl Sink {
    /// Whether the sink accepted the message.
    fn take(&self, line: &str) -> bool {
        match self {
            Self::Terminal => {
                let words = line.split_once('>').map_or(line, |(_, words)| words);
                writeln!(stderr(), "{words}").is_ok()
            }
            Self::Syslog(path) => {
                UnixDatagram::unbound().and_then(|socket| socket.send_to(line.as_bytes(), path)).is_ok()
            }
            Self::Kernel(path) => File::options()
                .write(true)
                .open(path)
                .and_then(|mut kmsg| kmsg.write_all(format!("{line}\n").as_bytes()))
                .is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_gets_facility_level_and_tag() {
        // Whether or not the tests run on a terminal.
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("dev")).unwrap();
        let syslogd = UnixDatagram::bind(dir.path().join("dev/log")).unwrap();
        let sinks = vec![Sink::Syslog(dir.path().join("dev/log"))];
        let log = Log { tag: "dial-in", part: String::new(), sinks, rate: Arc::default() };
        let mut buffer = [0; 100];
        for (log, said) in
            [(&log, "<28>dial-in: no modem"), (&log.for_part("line2"), "<28>dial-in: line2: no modem")]
        {
            log.log(Level::Warning, "no modem");
            let length = syslogd.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], said.as_bytes());
        }
    }
}
