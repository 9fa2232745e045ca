//! An open port, with its lock.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use crate::modem::at::request::TxData;
use crate::modem::config::ModemConfig;
use crate::modem::lock::{Lock, Names};
use crate::modem::ports::Candidate;
use crate::modem::probe::{Probe, ProbeEvent, ProbeState};
use crate::modem::serial::Serial;
use crate::modem::watch::Watch;

/// An open port.
#[derive(Debug)]
pub(super) struct OpenPort {
    pub serial: Serial,
    pub candidate: Candidate,
    names: Names,
    /// Held during a command, together with flock(2) on the port.
    lock: Option<Lock>,
    openings: Watch,
}

impl OpenPort {
    /// Opens a port under its locks.
    ///
    /// # Errors
    /// `WouldBlock` if another program has one of them.
    pub fn open(config: &ModemConfig, candidate: &Candidate, names: &Names) -> io::Result<Self> {
        let lock = names.take()?;
        let node = config.paths.path(&candidate.device);
        let serial = Serial::open(&node, config.speed, config.flow)?;
        // After our own opening, which would count otherwise.
        let openings = Watch::over_node(&node)?;
        Ok(Self { serial, candidate: candidate.clone(), names: names.clone(), lock: Some(lock), openings })
    }

    /// What to poll(2): the port, and openings of it by other programs.
    pub fn fds(&self) -> [PollFd<'_>; 2] {
        let line = PollFd::new(self.serial.fd(), self.serial.awaits());
        [line, PollFd::new(self.openings.fd(), PollFlags::IN)]
    }

    /// The names by which others may lock it.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether another program has taken the lock, or opened the port, since the lock was released.
    pub fn is_claimed(&self) -> bool {
        let was_opened = self.openings.drain();
        self.lock.is_none() && (was_opened || self.names.holder().is_some())
    }

    /// Takes the port back from the program that had it.
    ///
    /// # Errors
    /// The port has vanished, or lost its carrier.
    pub fn reclaim(&mut self) -> io::Result<()> {
        // That program may have opened it by name.
        self.openings.drain();
        self.serial.reclaim()
    }

    /// The port has other names now.
    pub fn rename(&mut self, names: Names) -> io::Result<()> {
        if names != self.names {
            self.lock = None;
            self.lock = Some(names.take()?);
            self.names = names;
        }
        Ok(())
    }

    /// Writes under the lock.
    ///
    /// # Errors
    /// `WouldBlock` if another program has it.
    pub fn write(&mut self, data: &TxData) -> io::Result<()> {
        if self.lock.is_none() {
            let lock = self.names.take()?;
            self.serial.lock()?;
            self.lock = Some(lock);
        }
        self.serial.write(&data.bytes())
    }

    /// Releases the lock: no command is under way, and others may have the port.
    pub fn unlock(&mut self) {
        if self.lock.take().is_some() {
            self.serial.unlock();
        }
    }

    /// Continues to probe whether a modem answers at the port of this number.
    pub fn probe(&mut self, port: usize, probe: &mut impl Probe, now: Duration) -> io::Result<ProbeState> {
        let mut buffer = [0; 512];
        self.serial.flush()?;
        let length = self.serial.read(&mut buffer)?;
        if length > 0 {
            probe.on_event(ProbeEvent::Bytes(port, buffer[..length].to_owned()), now);
        }
        let mut state = probe.on_event(ProbeEvent::Time(port), now);
        if let Some(text) = state.send.take() {
            self.write(&TxData::unshown(text))?;
        }
        Ok(state)
    }
}
