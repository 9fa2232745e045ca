//! A USB port of a box: the socket that QEMU connects to for a device, and the thread that serves it.

use super::device::{Device, Outward};
use super::line::{Line, Wires};
use super::plug::Plug;
use crate::error::{Error, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A device disappears within this time unless its guest has hung.
const LEAVES_WITHIN: Duration = Duration::from_secs(10);

/// What the thread and the port's owner share.
struct Shared {
    plug: Mutex<Plug>,
    /// The lines of the device that has taken another one's place, until the thread has them.
    replaced: Mutex<Option<Vec<Line>>>,
    /// Wakes the thread: the device was plugged in or pulled out, or the port closes.
    nudge: OwnedFd,
    /// The thread has sent bytes to QEMU.
    spoken: Condvar,
    closing: AtomicBool,
    started: Instant,
}

/// A USB port with a device plugged in or out, until it is dropped.
pub struct UsbPort {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl UsbPort {
    /// Listens at `path` for the emulator, which may connect repeatedly; the device is plugged in. Its serial ports are
    /// connected to `lines`; further ports are not connected.
    pub fn open(path: PathBuf, device: Box<dyn Device>, lines: Vec<Option<Wires>>) -> Result<Self> {
        let listener = UnixListener::bind(&path).map_err(|e| Error::io("listen at", &path, e))?;
        let nudge = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC);
        let shared = Arc::new(Shared {
            plug: Mutex::new(Plug::new(device)),
            replaced: Mutex::new(None),
            nudge: nudge.map_err(|e| Error::io("be nudged at", &path, e.into()))?,
            spoken: Condvar::new(),
            closing: AtomicBool::new(false),
            started: Instant::now(),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            let mut lines: Vec<Line> = lines.into_iter().map(Line::new).collect();
            move || serve(&listener, &shared, &mut lines)
        });
        Ok(Self { path, shared, thread: Some(thread) })
    }

    /// The socket of the port.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Plugs the device in.
    pub fn put_in(&self) {
        self.shared.lock().put_in();
        self.shared.nudge();
    }

    /// Pulls the device out and plugs another one in, with its own lines.
    pub fn replace(&self, device: Box<dyn Device>, lines: Vec<Option<Wires>>) -> Result<()> {
        self.pull_out()?;
        self.shared.lock().replace(device);
        *unpoisoned(&self.shared.replaced) = Some(lines.into_iter().map(Line::new).collect());
        self.put_in();
        Ok(())
    }

    /// Pulls the device out, and waits until it is gone.
    pub fn pull_out(&self) -> Result<()> {
        let mut plug = self.shared.lock();
        plug.pull_out(self.shared.started.elapsed());
        self.shared.nudge();
        let is_in = |plug: &mut Plug| !plug.is_out();
        let waited = self.shared.spoken.wait_timeout_while(plug, LEAVES_WITHIN, is_in);
        match waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            false => Ok(()),
            true => Err(Error::Unexpected("the emulator does not release the USB device".to_owned())),
        }
    }
}

impl Drop for UsbPort {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.shared.nudge();
        // Wakes the thread if it waits for a connection.
        drop(UnixStream::connect(&self.path));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A panic elsewhere must not hide its own message behind a poisoned lock.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Plug> {
        unpoisoned(&self.plug)
    }

    fn closes(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn nudge(&self) {
        // Fails only if the thread is 2^64 - 1 nudges behind.
        let _ = rustix::io::write(&self.nudge, &1_u64.to_ne_bytes());
    }
}

fn serve(listener: &UnixListener, shared: &Shared, lines: &mut Vec<Line>) {
    while let Ok((emulator, _)) = listener.accept() {
        shared.lock().connected();
        if let Err(broken) = converse(emulator, shared, lines) {
            // No other thread reads this thread's result, and the box would miss its device: print the reason.
            eprintln!("the USB port at the emulator: {broken}");
        }
        shared.lock().disconnected();
        lines.iter_mut().for_each(Line::close);
        shared.spoken.notify_all();
        if shared.closes() {
            return;
        }
    }
}

/// Until the emulator goes away or the port is dropped.
fn converse(mut emulator: UnixStream, shared: &Shared, lines: &mut Vec<Line>) -> std::io::Result<()> {
    let mut bytes = [0; 16 << 10];
    while !shared.closes() {
        let (spoken, wake) = {
            let mut plug = shared.lock();
            let now = shared.started.elapsed();
            if let Some(replaced) = unpoisoned(&shared.replaced).take() {
                *lines = replaced;
            }
            carry(plug.device(), lines, now);
            (plug.transmit(now), plug.deadline())
        };
        shared.spoken.notify_all();
        match emulator.write_all(&spoken) {
            Err(e) if is_end(&e) => return Ok(()),
            written => written?,
        }
        if !wait(
            &emulator,
            &shared.nudge,
            lines,
            wake.map(|wake| wake.saturating_sub(shared.started.elapsed())),
        )? {
            continue;
        }
        let count = match emulator.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Err(e) if is_end(&e) => return Ok(()),
            count => count?,
        };
        let heard = shared.lock().receive(&bytes[..count], shared.started.elapsed());
        heard.map_err(|illegal| std::io::Error::new(ErrorKind::InvalidData, illegal))?;
    }
    Ok(())
}

/// Moves bytes between the device's serial ports and their lines.
fn carry(device: Option<&mut dyn Device>, lines: &mut [Line], now: Duration) {
    let Some(device) = device else {
        lines.iter_mut().for_each(Line::close);
        return;
    };
    for outward in device.outward() {
        match outward {
            Outward::Bytes(port, bytes) => drop(lines.get_mut(port).map(|line| line.unsent.extend(bytes))),
            Outward::Dtr(port, false) => drop(lines.get_mut(port).map(Line::close)),
            Outward::Dtr(_, true) => {}
        }
    }
    for (port, line) in lines.iter_mut().enumerate() {
        line.open();
        line.write();
        device.carrier(port, line.carrier());
        line.room = device.room(port);
        match line.read() {
            said if said.is_empty() => {}
            said => device.inward(port, &said, now),
        }
    }
}

/// Whether the error means that the box was switched off.
fn is_end(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// Waits for input; true if it is the emulator's, false if it is another's or the time is over.
fn wait(
    emulator: &UnixStream,
    nudge: &OwnedFd,
    lines: &[Line],
    time: Option<Duration>,
) -> std::io::Result<bool> {
    // Rounded up to a millisecond, so that a deadline just ahead does not make a busy loop.
    let time = time.map(|time| time.max(Duration::from_millis(1)));
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    let mut fds = vec![PollFd::new(emulator, PollFlags::IN), PollFd::new(nudge, PollFlags::IN)];
    fds.extend(lines.iter().filter_map(Line::interest));
    match poll(&mut fds, time.as_ref()) {
        Err(rustix::io::Errno::INTR) => return Ok(false),
        ready => ready?,
    };
    // Fails only if there was no nudge.
    let _ = rustix::io::read(nudge, &mut [0; 8]);
    Ok(fds.first().is_some_and(|emulator| !emulator.revents().is_empty()))
}
