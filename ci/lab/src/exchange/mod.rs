//! Runs the network: one thread passes the time to it, and bytes between it and the computers.

mod plug;

use crate::clock::Clocks;
use crate::error::{Error, Result};
use crate::network::{Network, Subscriber};
use plug::{Plug, watch_openings};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time limits for waiting on the network.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Waiting fails when nothing happens on the network for this long.
    pub silence: Duration,
    /// Waiting fails when only other things happen for this long.
    pub total: Duration,
}

/// Between two looks at the clocks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

struct Shared {
    network: Mutex<Network>,
    /// Something may have changed.
    changed: Condvar,
    /// Requests to the thread about its plugs.
    orders: Mutex<Vec<Order>>,
    wake: OwnedFd,
    stop: AtomicBool,
    started: Instant,
}

enum Order {
    Plug(Plug),
    Unplug(Subscriber),
}

/// The network, with its thread; dropping it ends both.
pub struct Exchange {
    shared: Arc<Shared>,
    patience: Patience,
    clocks: Clocks,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Starts the thread for a network.
    pub fn new(network: Network, patience: Patience) -> Result<Self> {
        let fault = |e: rustix::io::Errno| Error::io("watch", Path::new("/dev/pts"), e.into());
        let shared = Arc::new(Shared {
            network: Mutex::new(network),
            changed: Condvar::new(),
            orders: Mutex::new(Vec::new()),
            wake: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).map_err(fault)?,
            stop: AtomicBool::new(false),
            started: Instant::now(),
        });
        let openings = watch_openings().map_err(fault)?;
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || serve(&shared, &openings)
        });
        Ok(Self { shared, patience, clocks: Clocks::default(), thread: Some(thread) })
    }

    /// Accesses the network, and wakes the thread.
    pub fn with<T>(&self, work: impl FnOnce(&mut Network, Duration) -> T) -> T {
        let done = {
            let mut network = lock(&self.shared.network);
            let now = self.shared.started.elapsed();
            network.elapse(now);
            work(&mut network, now)
        };
        self.shared.changed.notify_all();
        self.shared.wake();
        done
    }

    /// The clocks of its boxes; all waiting is measured by them.
    pub fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// Waits until `look` finds what it looks for.
    ///
    /// # Errors
    /// Nothing happens on the network for too long, or only other things do. `what` names the expected event.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&mut Network) -> Option<T>) -> Result<T> {
        let (mut total_time, mut silent) = (self.clocks.stopwatch(), self.clocks.stopwatch());
        let mut network = lock(&self.shared.network);
        let mut seen = network.journal().entries().len();
        loop {
            if let Some(found) = look(&mut network) {
                return Ok(found);
            }
            let entries = network.journal().entries().len();
            if entries != seen {
                seen = entries;
                silent.reset();
            }
            let instead = match self.patience {
                Patience { silence, .. } if silent.elapsed() > silence => {
                    format!("nothing happened on the network for {} s", silence.as_secs())
                }
                Patience { total, .. } if total_time.elapsed() > total => {
                    format!("other things happened on the network for {} s", total.as_secs())
                }
                _ => {
                    let waited = self.shared.changed.wait_timeout(network, LOOK_AGAIN);
                    network = waited.unwrap_or_else(PoisonError::into_inner).0;
                    continue;
                }
            };
            return Err(Error::Awaited { pattern: what.to_owned(), instead });
        }
    }

    /// Makes a local socket at `path` a port of a modem; the emulator may connect to it repeatedly.
    pub fn socket(&self, modem: Subscriber, port: usize, path: &Path) -> Result<()> {
        self.order(Order::Plug(Plug::socket(modem, port, path)?));
        Ok(())
    }

    /// DCD of a modem's port, which its socket does not carry.
    pub fn dcd(&self, modem: Subscriber, port: usize) -> Dcd {
        Dcd { shared: Arc::clone(&self.shared), modem, port }
    }

    /// Makes a pseudo-terminal a port of a modem; returns the path that a program opens like a serial port.
    pub fn terminal(&self, modem: Subscriber, port: usize) -> Result<PathBuf> {
        let (plug, path) = Plug::terminal(modem, port)?;
        self.order(Order::Plug(plug));
        Ok(path)
    }

    /// Pulls a modem out of its computer: all its ports vanish.
    pub fn unplug(&self, modem: Subscriber) {
        self.order(Order::Unplug(modem));
    }

    /// When an entry of the journal was made, on the host's clock.
    pub fn moment(&self, at: Duration) -> Instant {
        self.shared.started + at
    }

    /// Sends the thread a request, and waits until it is done.
    fn order(&self, order: Order) {
        lock(&self.shared.orders).push(order);
        self.shared.wake();
        let mut network = lock(&self.shared.network);
        while !lock(&self.shared.orders).is_empty() {
            let waited = self.shared.changed.wait_timeout(network, Duration::from_secs(1));
            network = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// DCD of a modem's port.
pub struct Dcd {
    shared: Arc<Shared>,
    modem: Subscriber,
    port: usize,
}

impl Dcd {
    /// Whether it is on. There is no event for a change, but the modem sends a result code with each.
    pub fn is_on(&self) -> bool {
        lock(&self.shared.network).modem(self.modem).is_some_and(|modem| modem.dcd(self.port))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn wake(&self) {
        // Fails only if the thread is 2^64 - 1 wake-ups behind.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// A panic elsewhere must not hide its own message behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(shared: &Shared, openings: &OwnedFd) {
    let mut plugs: Vec<Plug> = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        follow_orders(shared, openings, &mut plugs);
        let timeout = turn(shared, &mut plugs);
        let interests: Vec<Option<PollFlags>> = plugs.iter().map(Plug::interest).collect();
        let mut fds = vec![PollFd::new(&shared.wake, PollFlags::IN), PollFd::new(openings, PollFlags::IN)];
        let attended = plugs.iter().zip(&interests).filter_map(|(plug, interest)| Some((plug, (*interest)?)));
        fds.extend(attended.map(|(plug, interest)| PollFd::from_borrowed_fd(plug.fd(), interest)));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // Interrupted by a signal: poll again.
        let _ = poll(&mut fds, timeout.as_ref());
        let ready: Vec<bool> = fds.iter().skip(2).map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        // Both are level-triggered: emptied, or the next poll returns at once.
        let _ = rustix::io::read(&shared.wake, &mut [0; 8]);
        plug::note_openings(openings.as_fd(), &mut plugs);
        let attended = plugs.iter_mut().zip(interests).filter(|(_, interest)| interest.is_some());
        for ((plug, _), ready) in attended.zip(ready) {
            if ready {
                let mut network = lock(&shared.network);
                plug.poll(&mut network, shared.started.elapsed());
            }
        }
    }
}

fn follow_orders(shared: &Shared, openings: &OwnedFd, plugs: &mut Vec<Plug>) {
    let mut orders = lock(&shared.orders);
    for order in orders.drain(..) {
        match order {
            Order::Plug(mut plug) => {
                plug.watch(openings.as_fd());
                plugs.push(plug);
            }
            Order::Unplug(modem) => plugs.retain(|plug| plug.modem != modem),
        }
    }
}

/// Brings the network up to date and sends its bytes; returns the time until it is due again.
fn turn(shared: &Shared, plugs: &mut [Plug]) -> Option<Duration> {
    let mut network = lock(&shared.network);
    let now = shared.started.elapsed();
    network.elapse(now);
    for bytes in network.take_output() {
        let plug = plugs.iter_mut().find(|plug| (plug.modem, plug.port) == (bytes.modem, bytes.port));
        // Without a computer at the port, the bytes are lost.
        if let Some(plug) = plug {
            plug.send(&bytes.bytes);
        }
    }
    for plug in plugs.iter_mut() {
        plug.room = network.room(plug.modem, plug.port, now);
    }
    let timeout = network.deadline().map(|wake| wake.saturating_sub(now));
    drop(network);
    shared.changed.notify_all();
    timeout
}

#[cfg(test)]
mod tests;
