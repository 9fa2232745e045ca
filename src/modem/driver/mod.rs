//! The driver of a modem: finds its port, opens it, shares it by locks, and recovers a modem that is gone. It never
//! blocks: its owner waits for its file descriptors and its deadline.

mod pass_over;
mod port;
mod recover;
mod search;
mod status_record;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use pass_over::PassedOver;
use port::OpenPort;
use status_record::StatusRecord;

use super::config::ModemConfig;
use super::lock::{Lock, Names};
use super::ports::Candidate;
use super::probe::{Probe, ProbeEvent, ProbeState};
use super::protocol::{Protocol, ProtocolAction};
use super::recovery::{Recovery, RecoveryStep};
use super::usb;
use super::watch::{Changes, Watch};
use crate::record::Record;
use crate::site::UsbId;
use crate::state::Store;

/// How often the driver searches for ports without an event of the kernel, and checks a lock, whose holder may have
/// died without removing it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The longest pause between attempts to open ports that cannot be opened.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);
/// A device has all its ports when no further node appears for this long. The kernel binds the driver to one interface
/// after the other: an Option stick's `ttyHS3`, its port for calls, comes last (hso.c, `hso_probe`).
const SETTLED_AFTER: Duration = Duration::from_millis(200);

/// A modem with its port, its lock and its protocol.
///
/// The lock rule is mgetty's: the driver holds the port's lock while a command or its answer is under way, and releases
/// it while it only listens. When another program takes the lock, the driver closes the port at once; when that program
/// releases the lock, the driver opens the port and identifies the modem again. Debian's picocom has no lock files, so
/// a program that opens an unlocked port gets it, too. Thus pppd, `pon` and `picocom` get the port while the modem is
/// idle, and find it locked otherwise.
#[derive(Debug)]
pub struct Driver<'a, A: Protocol + Probe> {
    config: ModemConfig<'a>,
    protocol: A,
    watch: Watch,
    status: StatusRecord<'a>,
    store: Store,
    state: State,
    recovery: Recovery,
    /// The step of the recovery for the next port that is opened.
    step: Option<RecoveryStep>,
    /// The modem's last USB device.
    device: Option<String>,
    passed_over: PassedOver,
    /// The files of models did not lead to a port that answers: the next search asks all ports.
    distrusts_models: bool,
    /// The ids that a driver of the kernel was told.
    bound: Vec<UsbId>,
    /// How often in a row no port could be opened.
    failed_opens: u32,
}

#[derive(Debug)]
enum State {
    /// No port is open; the next search is at this time, or at once if it is zero. A change of locks does not lead to an
    /// earlier one: every search makes and removes lock files itself.
    Seeking { again: Duration },
    /// The ports are open and probed.
    Probing(Probed),
    /// The command port is open; the data port may be another one.
    Open { port: OpenPort, data: Candidate },
    /// Other programs have locked the ports by files, which report their removal.
    Waiting { locks: Vec<Names>, again: Duration },
    /// The USB device is deauthorized until then.
    Rebinding { until: Duration },
    /// Another program uses the open port, with the call that goes on over it.
    HandedOver { port: OpenPort, data: Candidate },
    /// The port was released, until [`Driver::resume`].
    Released,
}

/// The ports that are probed, and all candidates.
#[derive(Debug)]
struct Probed {
    candidates: Vec<Candidate>,
    open: Vec<OpenPort>,
    /// When to continue if nothing is received.
    deadline: Option<Duration>,
}

/// Why a port is closed.
enum Leave {
    /// The port does not work, or the protocol gives up the modem.
    Trouble(String),
    /// Another program has the lock.
    PortClaimed(Names),
}

impl<'a, A: Protocol + Probe> Driver<'a, A> {
    /// A driver that searches for its modem at its first [poll](Self::poll).
    ///
    /// # Errors
    /// If `/dev` or the locks cannot be watched.
    pub fn new(config: ModemConfig<'a>, protocol: A) -> io::Result<Self> {
        let store = Store::new(config.paths.state());
        let tally = Record::parse(&store.read(&Recovery::file(config.name)).unwrap_or_default());
        usb::authorize_all(config.paths)?;
        Ok(Self {
            config,
            protocol,
            watch: Watch::new(config.paths)?,
            status: StatusRecord::new(config),
            store,
            state: State::Seeking { again: Duration::ZERO },
            recovery: Recovery::new(tally),
            step: None,
            device: None,
            passed_over: PassedOver::default(),
            distrusts_models: false,
            bound: Vec::new(),
            failed_opens: 0,
        })
    }

    /// The file descriptors to wait for: [`poll`](Self::poll) is due when one of them is ready.
    pub fn fds(&self) -> Vec<PollFd<'_>> {
        let mut fds = vec![PollFd::new(self.watch.fd(), PollFlags::IN)];
        let open = match &self.state {
            State::Probing(probing) => probing.open.as_slice(),
            State::Open { port, .. } => std::slice::from_ref(port),
            // Another program reads a port that was handed over.
            State::HandedOver { .. } | State::Released => &[],
            State::Seeking { .. } | State::Waiting { .. } | State::Rebinding { .. } => &[],
        };
        fds.extend(open.iter().flat_map(OpenPort::fds));
        if let State::Open { .. } = self.state {
            fds.extend(self.protocol.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        }
        fds
    }

    /// When the next [poll](Self::poll) is due without an event, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Seeking { again } | State::Waiting { again, .. } => Some(*again),
            State::Probing(probing) => probing.deadline,
            State::Open { .. } => self.protocol.next_deadline(),
            State::Rebinding { until } => Some(*until),
            State::HandedOver { .. } | State::Released => None,
        }
    }

    /// Does what can be done now, and returns the protocol's reports.
    pub fn poll(&mut self, now: Duration) -> Vec<A::Report> {
        let mut reports = Vec::new();
        let changes = self.watch.changes();
        let happened = changes != Changes::default();
        let before = std::mem::replace(&mut self.state, State::Seeking { again: now });
        self.state = match before {
            State::Seeking { again } if changes.nodes && !again.is_zero() => {
                State::Seeking { again: now + SETTLED_AFTER }
            }
            State::Seeking { again } if again <= now => self.seek(now, &mut reports),
            State::Waiting { locks, again } if happened || again <= now => {
                match locks.iter().all(|names| names.holder().is_some()) {
                    true => State::Waiting { locks, again: now + LOOK_EVERY },
                    false => self.seek(now, &mut reports),
                }
            }
            State::Probing(probing) => self.probe(probing, now, &mut reports),
            State::Open { port, data } => self.exchange(port, data, Vec::new(), now, &mut reports),
            State::Rebinding { until } if until <= now => self.reauthorize(now),
            waiting => waiting,
        };
        reports
    }

    /// The protocol.
    pub fn protocol(&self) -> &A {
        &self.protocol
    }

    /// The protocol. It carries out a request at the next [poll](Self::poll).
    pub fn protocol_mut(&mut self) -> &mut A {
        &mut self.protocol
    }

    /// Whether the modem has a separate data port: then the driver listens to the modem during a session.
    pub fn has_two_ports(&self) -> bool {
        matches!(&self.state, State::Open { port, data } if port.candidate != *data)
    }

    /// Releases the data port for pppd; its lock is free when this returns. With [two ports](Self::has_two_ports) the
    /// command port stays open.
    pub fn release(&mut self) -> Vec<A::Report> {
        let mut reports = Vec::new();
        if self.has_two_ports() {
            return reports;
        }
        if let State::Open { port, .. } = std::mem::replace(&mut self.state, State::Released) {
            drop(port);
            reports.extend(self.protocol.on_close());
        }
        reports
    }

    /// Takes the port back after [`release`](Self::release).
    pub fn resume(&mut self) {
        if let State::Released = self.state {
            self.state = State::Seeking { again: Duration::ZERO };
        }
    }

    /// Hands over the open port for the call on it: it stays locked, and the driver does not read it.
    /// `None` if no port is open.
    ///
    /// # Errors
    /// There are no more file descriptors.
    pub fn hand_over(&mut self) -> io::Result<Option<OwnedFd>> {
        match std::mem::replace(&mut self.state, State::Released) {
            State::Open { port, data } => {
                let shared = port.serial.share();
                self.state = State::HandedOver { port, data };
                shared.map(Some)
            }
            other => {
                self.state = other;
                Ok(None)
            }
        }
    }

    /// Takes the port back after [`hand_over`](Self::hand_over), and opens it again if it has vanished or lost its
    /// carrier.
    pub fn reclaim(&mut self, now: Duration) {
        let before = std::mem::replace(&mut self.state, State::Seeking { again: now });
        self.state = match before {
            State::HandedOver { mut port, data } => match port.reclaim() {
                Ok(()) => State::Open { port, data },
                Err(_) => State::Seeking { again: now },
            },
            other => other,
        };
    }

    /// The modem is in a call of a program that has ended, on a port that was not opened here: the modem must first
    /// leave the call.
    pub fn leave_a_call_first(&mut self) {
        self.step = Some(RecoveryStep::HangUp);
    }

    /// Locks the port of a call that has outlived the service which held its lock, or other programs would take that one
    /// for stale. `None` if another program has been faster.
    pub fn lock_during_a_call(&self) -> Option<Lock> {
        let link = self.status.link();
        let device = link.target().unwrap_or_else(|| link.path().to_owned());
        Names::for_port(self.config.paths, &device, link).take().ok()
    }

    /// The modem restarts before it is used again: at once, or when its port is [taken back](Self::resume).
    pub fn restart_modem(&mut self) -> Vec<A::Report> {
        self.step = Some(RecoveryStep::Restart);
        let State::Open { .. } = self.state else { return Vec::new() };
        self.state = State::Seeking { again: Duration::ZERO };
        self.protocol.on_close()
    }

    /// Processes the open port.
    fn exchange(
        &mut self,
        mut port: OpenPort,
        data: Candidate,
        actions: Vec<ProtocolAction<A::Report>>,
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> State {
        let done = self
            .perform(actions, &mut port, &data, reports)
            .and_then(|()| self.process(&mut port, &data, now, reports));
        match done {
            Ok(()) if self.passes_over(&port.candidate, now) => {
                drop(port);
                reports.extend(self.protocol.on_close());
                State::Seeking { again: now }
            }
            Ok(()) => State::Open { port, data },
            Err(leave) => {
                let device = port.candidate.device.display().to_string();
                drop(port);
                if self.protocol.answers() {
                    self.status.forget_trouble();
                } else {
                    self.distrusts_models ^= true;
                }
                let last = self.protocol.last_step();
                reports.extend(self.protocol.on_close());
                match leave {
                    Leave::Trouble(why) => self.recover(format!("{device}: {why}"), last, now),
                    Leave::PortClaimed(names) => {
                        self.status.trouble(format!("{device}: another program takes it"));
                        State::until_free(vec![names], now)
                    }
                }
            }
        }
    }

    fn process(
        &mut self,
        port: &mut OpenPort,
        data: &Candidate,
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> Result<(), Leave> {
        if port.is_claimed() {
            return Err(Leave::PortClaimed(port.names().clone()));
        }
        port.serial.flush()?;
        let mut buffer = [0; 512];
        loop {
            let length = port.serial.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            let actions = self.protocol.on_bytes(&buffer[..length], now);
            self.perform(actions, port, data, reports)?;
        }
        let actions = self.protocol.on_time(now);
        self.perform(actions, port, data, reports)?;
        if self.protocol.works() {
            self.note_success();
        }
        if self.protocol.is_idle() {
            port.unlock();
        }
        Ok(())
    }

    fn perform(
        &mut self,
        actions: Vec<ProtocolAction<A::Report>>,
        port: &mut OpenPort,
        data: &Candidate,
        reports: &mut Vec<A::Report>,
    ) -> Result<(), Leave> {
        for action in actions {
            match action {
                ProtocolAction::Send(data) => {
                    port.write(&data).map_err(|error| Leave::because(error, port))?
                }
                ProtocolAction::Dtr(dtr) => port.serial.set_dtr(dtr)?,
                ProtocolAction::Log(level, what) => self.config.log.log(level, &what),
                ProtocolAction::Publish => {
                    self.publish(port, data).map_err(|error| Leave::because(error, port))?;
                }
                ProtocolAction::Remember { file, record } => self.remember(file, &record)?,
                ProtocolAction::Report(report) => reports.push(report),
                ProtocolAction::Abandon(why) => return Err(Leave::Trouble(why)),
            }
        }
        Ok(())
    }

    fn remember(&self, file: &str, record: &Record) -> io::Result<()> {
        self.store.replace(file, &record.to_string())
    }

    /// The symlink comes first, so that a reader of the record finds it, and then the lock under the symlink's name,
    /// which other programs use.
    fn publish(&mut self, port: &mut OpenPort, data: &Candidate) -> io::Result<()> {
        self.status.point_to(data);
        port.rename(self.names(&port.candidate))?;
        let instead_of = self.passed_over.last(port.candidate.usb_device());
        self.status.modem(self.protocol.record(), &port.candidate, data, instead_of);
        Ok(())
    }
}

impl Leave {
    fn because(error: io::Error, port: &OpenPort) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::PortClaimed(port.names().clone()),
            _ => error.into(),
        }
    }
}

impl From<io::Error> for Leave {
    fn from(error: io::Error) -> Self {
        Self::Trouble(error.to_string())
    }
}

#[cfg(test)]
mod tests;
