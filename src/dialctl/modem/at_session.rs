//! A port for AT commands from the command line, one after the other, under the port's lock.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::SiteModem;
use crate::clock;
use crate::modem::at::queue::{Event, Queue};
use crate::modem::at::request::Request;
use crate::modem::at::response::Final;
use crate::modem::lock::{Lock, Names};
use crate::modem::ports::Candidate;
use crate::modem::serial::Serial;
use crate::modem::watch::Watch;
use crate::paths::Paths;

/// A service finishes a command to a modem within this time, except a message that is being sent.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);
/// How often a lock is checked without an event: its holder may have died without removing it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// An open port.
pub struct AtSession {
    serial: Serial,
    queue: Queue<()>,
    _lock: Lock,
}

impl AtSession {
    /// Opens a port as soon as it is free.
    ///
    /// # Errors
    /// Another program has its lock, or it cannot be opened.
    pub fn open(site_modem: &SiteModem, candidate: &Candidate) -> io::Result<Self> {
        let lock = wait_for(site_modem.paths, &site_modem.names(candidate))?;
        let serial =
            Serial::open(&site_modem.paths.path(&candidate.device), site_modem.speed, site_modem.flow)?;
        Ok(Self { serial, queue: Queue::default(), _lock: lock })
    }

    /// The result of a command and the lines before it; `None` if it was not answered in time.
    ///
    /// # Errors
    /// If the port vanishes.
    pub fn send(&mut self, request: Request) -> io::Result<Option<(Final, Vec<String>)>> {
        self.queue.push((), request);
        let mut buffer = [0; 512];
        loop {
            let now = clock::since_boot();
            if let Some(data) = self.queue.next(now) {
                self.serial.write(&data.bytes())?;
            }
            let length = self.serial.read(&mut buffer)?;
            for event in self.queue.receive(&buffer[..length], now) {
                if let Event::Answered { result, answer, .. } = event {
                    return Ok(Some((result, answer)));
                }
            }
            if self.queue.expire(now).is_some() {
                return Ok(None);
            }
            let left = self.queue.deadline().map_or(Duration::ZERO, |end| end.saturating_sub(now));
            wait(&PollFd::new(self.serial.fd(), self.serial.awaits()), left)?;
            self.serial.flush()?;
        }
    }

    /// The answer to a command, if it was `OK`.
    ///
    /// # Errors
    /// If the port vanishes.
    pub fn answer(&mut self, request: Request) -> io::Result<Option<Vec<String>>> {
        let answered = self.send(request)?;
        Ok(answered.and_then(|(result, answer)| (result == Final::Ok).then_some(answer)))
    }
}

/// Takes the lock when its holder releases it.
///
/// # Errors
/// The holder, if it still has the lock after a while.
pub fn wait_for(paths: &Paths, names: &Names) -> io::Result<Lock> {
    let watch = Watch::new(paths)?;
    let until = clock::since_boot() + LOCK_PATIENCE;
    loop {
        watch.drain();
        let left = until.saturating_sub(clock::since_boot());
        // To try to take it would make lock files, which the watch reports.
        if names.holder().is_some() && !left.is_zero() {
            wait(&PollFd::new(watch.fd(), PollFlags::IN), left.min(LOOK_EVERY))?;
            continue;
        }
        match names.take() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !left.is_zero() => {}
            taken => return taken,
        }
    }
}

fn wait(fd: &PollFd, time: Duration) -> io::Result<()> {
    poll(&mut [fd.clone()], Timespec::try_from(time).ok().as_ref())?;
    Ok(())
}
