//! A modem on a local socket, as QEMU's USB serial adapter attaches to it.

use super::{Modem, Output};
use crate::error::{Error, Result};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the port looks at its timers while the computer is silent: well below a ring or a guard time.
const TICK: Duration = Duration::from_millis(20);

/// What passed the port, and when, since the emulator was attached.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// All bytes the computer sent.
    pub from_computer: Vec<u8>,
    /// When the first complete `AT` had arrived.
    pub first_at: Option<Instant>,
    /// Numbers dialled.
    pub dialled: Vec<String>,
}

struct Plugged {
    modem: Modem,
    line: Option<UnixStream>,
    traffic: Traffic,
    started: Instant,
}

/// A modem that answers on its socket until it is dropped.
pub struct ModemPort {
    path: PathBuf,
    plugged: Arc<Mutex<Plugged>>,
    unplug: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ModemPort {
    /// Listens at `path` for the emulator to connect, again and again.
    pub fn open(path: PathBuf, modem: Modem) -> Result<Self> {
        let listener = UnixListener::bind(&path).map_err(|e| Error::io("listen at", &path, e))?;
        let plugged = Plugged { modem, line: None, traffic: Traffic::default(), started: Instant::now() };
        let plugged = Arc::new(Mutex::new(plugged));
        let unplug = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (plugged, unplug) = (Arc::clone(&plugged), Arc::clone(&unplug));
            move || serve(&listener, &plugged, &unplug)
        });
        Ok(Self { path, plugged, unplug, thread: Some(thread) })
    }

    /// Where the emulator finds the port.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Somebody calls and lets it ring `times` times.
    pub fn ring(&self, times: u32) {
        let mut plugged = lock(&self.plugged);
        let now = plugged.started.elapsed();
        let outputs = plugged.modem.ring(times, now);
        plugged.perform(outputs);
    }

    /// The other end of a call hangs up.
    pub fn hang_up(&self) {
        let mut plugged = lock(&self.plugged);
        let outputs = plugged.modem.carrier_lost();
        plugged.perform(outputs);
    }

    /// What passed so far.
    pub fn traffic(&self) -> Traffic {
        lock(&self.plugged).traffic.clone()
    }
}

impl Drop for ModemPort {
    fn drop(&mut self) {
        self.unplug.store(true, Ordering::Relaxed);
        // Wakes the thread if it waits for a connection; one that reads wakes by its tick.
        drop(UnixStream::connect(&self.path));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A panic elsewhere must not hide its own message behind a poisoned lock.
fn lock(plugged: &Mutex<Plugged>) -> MutexGuard<'_, Plugged> {
    plugged.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: &UnixListener, plugged: &Mutex<Plugged>, unplug: &AtomicBool) {
    while let Ok((line, _)) = listener.accept() {
        let writer = line.set_read_timeout(Some(TICK)).and_then(|()| line.try_clone());
        {
            let mut plugged = lock(plugged);
            plugged.line = writer.ok();
            plugged.traffic = Traffic::default();
        }
        converse(line, plugged, unplug);
        lock(plugged).line = None;
        if unplug.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Until the emulator goes away or the port is dropped.
fn converse(mut line: UnixStream, plugged: &Mutex<Plugged>, unplug: &AtomicBool) {
    let mut bytes = [0; 4096];
    while !unplug.load(Ordering::Relaxed) {
        let read = match line.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => &bytes[..count],
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                &[]
            }
            Err(_) => return,
        };
        let mut plugged = lock(plugged);
        plugged.traffic.note(read);
        let now = plugged.started.elapsed();
        let outputs = plugged.modem.input(read, now);
        plugged.perform(outputs);
    }
}

impl Traffic {
    fn note(&mut self, bytes: &[u8]) {
        self.from_computer.extend(bytes);
        if self.first_at.is_none()
            && self.from_computer.windows(2).any(|pair| pair.eq_ignore_ascii_case(b"AT"))
        {
            self.first_at = Some(Instant::now());
        }
    }
}

impl Plugged {
    fn perform(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match (output, &mut self.line) {
                // A line that breaks here is noticed by the reader, who waits for the next connection.
                (Output::ToComputer(bytes), Some(line)) => drop(line.write_all(&bytes)),
                (Output::Dialled(number), _) => self.traffic.dialled.push(number),
                // Nobody is at the other end of a call.
                (Output::ToComputer(_) | Output::ToPeer(_) | Output::Answered | Output::HungUp, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::profile::STICK_3G;
    use crate::modem::sim::Sim;
    use std::io::{BufRead, BufReader};

    #[test]
    fn a_port_answers_rings_and_takes_a_second_connection() {
        let dir = tempfile::tempdir().unwrap();
        let port = ModemPort::open(dir.path().join("modem"), Modem::new(STICK_3G, Sim::Ready)).unwrap();
        for _ in 0..2 {
            let mut line = UnixStream::connect(port.path()).unwrap();
            line.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            line.write_all(b"ATE0Z;E0\r").unwrap();
            line.write_all(b"ATE0\r").unwrap();
            let mut lines = BufReader::new(line).lines().map(Result::unwrap);
            lines.find(|line| line == "OK").unwrap();
            port.ring(1);
            lines.find(|line| line == "RING").unwrap();
            port.hang_up();
        }
        assert!(port.traffic().first_at.is_some());
    }
}
