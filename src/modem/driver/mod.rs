//! The driver of a modem: finds its port, opens it, shares it by locks, and starts over when it is
//! gone. It never blocks; its owner waits for its file descriptors and its time.

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
use super::lock::Names;
use super::ports::Candidate;
use super::probe::{Probe, ProbeEvent, ProbeState};
use super::protocol::{Protocol, ProtocolAction};
use super::recovery::{Recovery, RecoveryStep};
use super::usb;
use super::watch::{Changes, Watch};
use crate::record::Record;
use crate::state::Store;

/// How often ports are looked for when the kernel has not said that one came, and how often a lock
/// is looked at whose holder may have died without removing it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The time without a further node after which a device is taken to have all its ports. The kernel binds the driver to
/// one interface after the other: an Option stick's `ttyHS3`, its port for calls, comes last (hso.c, `hso_probe`).
const SETTLED_AFTER: Duration = Duration::from_millis(200);

/// A modem with its port, its lock and its protocol.
///
/// The lock rule, which is mgetty's: a port is locked while a command or its answer is under way, and free
/// while the modem is only listened to. When another program takes its lock, the port is closed at
/// once; when that lock goes, the port is opened and the modem asked again. Debian's picocom knows no
/// lock files: a program that opens the port while it is free has it, too. So pppd, `pon` and `picocom` win
/// while the modem is idle, and find it locked while it is not.
#[derive(Debug)]
pub struct Driver<'a, A: Protocol + Probe> {
    config: ModemConfig<'a>,
    protocol: A,
    watch: Watch,
    status: StatusRecord<'a>,
    store: Store,
    state: State,
    recovery: Recovery,
    /// What the recovery wants to be tried at the next port that is opened.
    step: Option<RecoveryStep>,
    /// The USB device that the modem was last.
    device: Option<String>,
    passed_over: PassedOver,
}

#[derive(Debug)]
enum State {
    /// No port is open; the next look at this time, or at once if it is zero.
    Seeking { again: Duration },
    /// Several ports are open, to find out which of them answer.
    Probing(Probed),
    /// Talking, or listening; the port for data is perhaps another.
    Open { port: OpenPort, data: Candidate },
    /// Other programs have the ports.
    Waiting { locks: Vec<Names>, again: Duration },
    /// The USB device is deauthorized until then.
    Rebinding { until: Duration },
    /// Another program uses the open port, with the call that goes on over it.
    HandedOver { port: OpenPort, data: Candidate },
    /// The port was given away, until it is taken back.
    Released,
}

/// Ports that are being asked, and all that there are.
#[derive(Debug)]
struct Probed {
    candidates: Vec<Candidate>,
    open: Vec<OpenPort>,
    /// When to go on if nothing comes.
    deadline: Option<Duration>,
}

/// Why a port is left.
enum Leave {
    /// The port does not work, or the protocol gives the modem up.
    Trouble(String),
    /// Another program has the lock.
    PortClaimed(Names),
}

impl<'a, A: Protocol + Probe> Driver<'a, A> {
    /// A driver that looks for its modem at its first turn.
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
        })
    }

    /// What to wait for: a turn is due when one of them is ready.
    pub fn fds(&self) -> Vec<PollFd<'_>> {
        let mut fds = vec![PollFd::new(self.watch.fd(), PollFlags::IN)];
        let open = match &self.state {
            State::Probing(probing) => probing.open.as_slice(),
            State::Open { port, .. } => std::slice::from_ref(port),
            // What comes over a port that was handed over is not for us.
            State::HandedOver { .. } | State::Released => &[],
            State::Seeking { .. } | State::Waiting { .. } | State::Rebinding { .. } => &[],
        };
        fds.extend(open.iter().flat_map(OpenPort::fds));
        if let State::Open { .. } = self.state {
            fds.extend(self.protocol.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        }
        fds
    }

    /// When a turn is due if nothing happens, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Seeking { again } | State::Waiting { again, .. } => Some(*again),
            State::Probing(probing) => probing.deadline,
            State::Open { .. } => self.protocol.next_deadline(),
            State::Rebinding { until } => Some(*until),
            State::HandedOver { .. } | State::Released => None,
        }
    }

    /// Does what can be done now, and gives what the protocol reports.
    pub fn poll(&mut self, now: Duration) -> Vec<A::Report> {
        let mut reports = Vec::new();
        let changes = self.watch.changes();
        let happened = changes != Changes::default();
        let before = std::mem::replace(&mut self.state, State::Seeking { again: now });
        self.state = match before {
            State::Seeking { again } if changes.nodes && !again.is_zero() => {
                State::Seeking { again: now + SETTLED_AFTER }
            }
            State::Seeking { again } if happened || again <= now => self.seek(now, &mut reports),
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

    /// The protocol. What it is asked to do, it does at the next [turn](Self::poll).
    pub fn protocol_mut(&mut self) -> &mut A {
        &mut self.protocol
    }

    /// Whether the modem has a port of its own for data: then it is listened to during a session.
    pub fn has_two_ports(&self) -> bool {
        matches!(&self.state, State::Open { port, data } if port.candidate != *data)
    }

    /// Gives the port for data away, to pppd for a session; its lock is free when this returns. A
    /// modem with [two ports](Self::has_two_ports) keeps its driver.
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

    /// Hands the open port over for the call that goes on over it: it stays locked, and is not read.
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

    /// Takes the port back after [`hand_over`](Self::hand_over). If it has vanished meanwhile, or its
    /// carrier has, it is opened again.
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

    /// The modem is known to be in a call that another program has left, on a port that was never
    /// opened here: it is made to leave that before anything else.
    pub fn leave_a_call_first(&mut self) {
        self.step = Some(RecoveryStep::HangUp);
    }

    /// One turn at the port.
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
                }
                reports.extend(self.protocol.on_close());
                match leave {
                    Leave::Trouble(why) => self.recover(format!("{device}: {why}"), now),
                    Leave::PortClaimed(names) => {
                        self.status.trouble(format!("{device}: another program takes it"));
                        State::Waiting { locks: vec![names], again: now + LOOK_EVERY }
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
            port.let_go();
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

    /// First the link, so that a reader of the record finds it; and a program that takes the symlink's
    /// name for the port's must find it locked.
    fn publish(&mut self, port: &mut OpenPort, data: &Candidate) -> io::Result<()> {
        self.status.point_to(data);
        port.rename(self.names(&port.candidate))?;
        self.status.modem(self.protocol.record(), &port.candidate, data);
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
