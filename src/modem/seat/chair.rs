//! An open port, with its lock.

use std::io;
use std::time::Duration;

use crate::modem::lock::{Lock, Names};
use crate::modem::ports::Candidate;
use crate::modem::request::Outgoing;
use crate::modem::serial::Serial;
use crate::modem::survey::Survey;

/// An open port.
#[derive(Debug)]
pub(super) struct Chair {
    pub serial: Serial,
    pub candidate: Candidate,
    names: Names,
    /// Held while a conversation goes on.
    lock: Option<Lock>,
}

impl Chair {
    /// A port that was opened under its lock.
    pub fn new(serial: Serial, candidate: Candidate, names: Names, lock: Lock) -> Self {
        Self { serial, candidate, names, lock: Some(lock) }
    }

    /// What others may lock it by.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether another program has taken the lock since it was let go.
    pub fn is_claimed(&self) -> bool {
        self.lock.is_none() && self.names.holder().is_some()
    }

    /// Other names have come up for the port.
    pub fn rename(&mut self, names: Names) -> io::Result<()> {
        if names != self.names {
            self.lock = None;
            self.lock = Some(names.take()?);
            self.names = names;
        }
        Ok(())
    }

    /// Writes something, under the lock.
    ///
    /// # Errors
    /// `WouldBlock` if another program has it.
    pub fn say(&mut self, words: &Outgoing) -> io::Result<()> {
        if self.lock.is_none() {
            self.lock = Some(self.names.take()?);
        }
        self.serial.write(&words.bytes())
    }

    /// Nothing is said or awaited now: others may have the port.
    pub fn let_go(&mut self) {
        self.lock = None;
    }

    /// Goes on asking whether a modem answers here.
    pub fn probe(&mut self, port: usize, survey: &mut Survey, now: Duration) -> io::Result<()> {
        let mut buffer = [0; 512];
        self.serial.flush()?;
        let length = self.serial.read(&mut buffer)?;
        survey.hear(port, &buffer[..length], now);
        match survey.tick(port, now) {
            Some(words) => self.say(&words),
            None => Ok(()),
        }
    }
}
