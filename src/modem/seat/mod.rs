//! A place at a modem: finds its port, opens it, shares it by locks, and starts over when it is
//! gone. It never blocks; whoever holds it waits for its file descriptors and its time.

mod chair;
mod climb;
mod notice;
mod search;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use chair::Chair;
use notice::Notice;

use super::attendant::{Action, Attendant};
use super::ladder::{Ladder, Rung};
use super::lock::Names;
use super::ports::Candidate;
use super::post::Post;
use super::survey::Survey;
use super::usb;
use super::watch::Watch;
use crate::record::Record;
use crate::state::Store;

/// How often ports are looked for when the kernel has not said that one came, and how often a lock
/// is looked at whose holder may have died without removing it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A place at a modem, and who sits there.
///
/// The lock rule, which is mgetty's: a port is locked while something is said or awaited, and free
/// while the modem is only listened to. When somebody else takes its lock, the port is closed at
/// once; when that lock goes, the port is opened and the modem asked anew. Debian's picocom knows no
/// lock files: who opens the port while it is free has it, too. So pppd, `pon` and `picocom` win
/// while the modem is idle, and are told that it is taken while it is not.
#[derive(Debug)]
pub struct Seat<'a, A: Attendant> {
    post: Post<'a>,
    attendant: A,
    watch: Watch,
    notice: Notice<'a>,
    store: Store,
    state: State,
    ladder: Ladder,
    /// What the ladder wants to be tried at the next port that is opened.
    remedy: Option<Rung>,
    /// The USB device that the modem was last.
    device: Option<String>,
}

#[derive(Debug)]
enum State {
    /// No port is open; the next look at this time.
    Seeking { again: Duration },
    /// Several ports are open, to find out which of them answer.
    Surveying(Surveyed),
    /// Talking, or listening; the port for data is perhaps another.
    Seated { chair: Chair, data: Candidate },
    /// Other programs have the ports.
    Waiting { locks: Vec<Names>, again: Duration },
    /// The USB device is let go until then.
    Rebinding { until: Duration },
    /// Another program uses the open port, with the call that goes on over it.
    Lent { chair: Chair, data: Candidate },
    /// The port was given away, until it is taken back.
    Released,
}

/// Ports that are being asked, and all that there are.
#[derive(Debug)]
struct Surveyed {
    candidates: Vec<Candidate>,
    chairs: Vec<Chair>,
    survey: Survey,
}

/// Why a chair is left.
enum Leave {
    /// The port does not work, or the attendant gives the modem up.
    Trouble(String),
    /// Another program has the lock.
    MakeWay(Names),
}

impl<'a, A: Attendant> Seat<'a, A> {
    /// A seat that looks for its modem at its first turn.
    ///
    /// # Errors
    /// If `/dev` or the locks cannot be watched.
    pub fn new(post: Post<'a>, attendant: A) -> io::Result<Self> {
        let store = Store::new(post.places.state());
        let tally = Record::parse(&store.read(&Ladder::file(post.name)).unwrap_or_default());
        usb::take_back(post.places)?;
        Ok(Self {
            post,
            attendant,
            watch: Watch::new(post.places)?,
            notice: Notice::new(post),
            store,
            state: State::Seeking { again: Duration::ZERO },
            ladder: Ladder::new(tally),
            remedy: None,
            device: None,
        })
    }

    /// What to wait for: a turn is due when one of them is ready.
    pub fn fds(&self) -> Vec<PollFd<'_>> {
        let mut fds = vec![PollFd::new(self.watch.fd(), PollFlags::IN)];
        let chairs = match &self.state {
            State::Surveying(surveyed) => surveyed.chairs.as_slice(),
            State::Seated { chair, .. } => std::slice::from_ref(chair),
            // What comes over a port that is lent is not for us.
            State::Lent { .. } | State::Released => &[],
            State::Seeking { .. } | State::Waiting { .. } | State::Rebinding { .. } => &[],
        };
        fds.extend(chairs.iter().flat_map(Chair::fds));
        fds
    }

    /// When a turn is due if nothing happens, in time since boot.
    pub fn wake(&self) -> Option<Duration> {
        match &self.state {
            State::Seeking { again } | State::Waiting { again, .. } => Some(*again),
            State::Surveying(surveyed) => surveyed.survey.wake(),
            State::Seated { .. } => self.attendant.wake(),
            State::Rebinding { until } => Some(*until),
            State::Lent { .. } | State::Released => None,
        }
    }

    /// Does what can be done now, and gives what the attendant reports.
    pub fn turn(&mut self, now: Duration) -> Vec<A::Report> {
        let mut reports = Vec::new();
        let happened = self.watch.drain();
        let before = std::mem::replace(&mut self.state, State::Seeking { again: now });
        self.state = match before {
            State::Seeking { again } if happened || again <= now => self.seek(now, &mut reports),
            State::Waiting { locks, again } if happened || again <= now => {
                match locks.iter().all(|names| names.holder().is_some()) {
                    true => State::Waiting { locks, again: now + LOOK_EVERY },
                    false => self.seek(now, &mut reports),
                }
            }
            State::Surveying(surveyed) => self.survey(surveyed, now, &mut reports),
            State::Seated { chair, data } => self.sit(chair, data, Vec::new(), now, &mut reports),
            State::Rebinding { until } if until <= now => self.take_back(now),
            waiting => waiting,
        };
        reports
    }

    /// Who sits here.
    pub fn attendant(&self) -> &A {
        &self.attendant
    }

    /// Who sits here. What it is asked to do, it does at the next [turn](Self::turn).
    pub fn attendant_mut(&mut self) -> &mut A {
        &mut self.attendant
    }

    /// Whether the modem has a port of its own for data: then it is listened to during a session.
    pub fn has_two_ports(&self) -> bool {
        matches!(&self.state, State::Seated { chair, data } if chair.candidate != *data)
    }

    /// Gives the port for data away, to pppd for a session; its lock is free when this returns. A
    /// modem with [two ports](Self::has_two_ports) keeps its seat.
    pub fn release(&mut self) -> Vec<A::Report> {
        let mut reports = Vec::new();
        if self.has_two_ports() {
            return reports;
        }
        if let State::Seated { chair, .. } = std::mem::replace(&mut self.state, State::Released) {
            drop(chair);
            let actions = self.attendant.end();
            self.conclude(actions, &mut reports);
        }
        reports
    }

    /// Takes the port back after [`release`](Self::release).
    pub fn resume(&mut self) {
        if let State::Released = self.state {
            self.state = State::Seeking { again: Duration::ZERO };
        }
    }

    /// Lends the open port for the call that goes on over it: it stays locked, and is not read.
    /// `None` if no port is open.
    ///
    /// # Errors
    /// There are no more file descriptors.
    pub fn lend(&mut self) -> io::Result<Option<OwnedFd>> {
        match std::mem::replace(&mut self.state, State::Released) {
            State::Seated { chair, data } => {
                let shared = chair.serial.share();
                self.state = State::Lent { chair, data };
                shared.map(Some)
            }
            other => {
                self.state = other;
                Ok(None)
            }
        }
    }

    /// Takes the port back after [`lend`](Self::lend). If it has vanished meanwhile, or its
    /// carrier has, it is opened anew.
    pub fn reclaim(&mut self, now: Duration) {
        let before = std::mem::replace(&mut self.state, State::Seeking { again: now });
        self.state = match before {
            State::Lent { mut chair, data } => match chair.reclaim() {
                Ok(()) => State::Seated { chair, data },
                Err(_) => State::Seeking { again: now },
            },
            other => other,
        };
    }

    /// The modem is known to be in a call that another program has left, on a port that was never
    /// opened here: it is made to leave that before anything else.
    pub fn leave_a_call_first(&mut self) {
        self.remedy = Some(Rung::HangUp);
    }

    /// One turn at the port.
    fn sit(
        &mut self,
        mut chair: Chair,
        data: Candidate,
        actions: Vec<Action<A::Report>>,
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> State {
        let done = self
            .perform(actions, &mut chair, &data, reports)
            .and_then(|()| self.converse(&mut chair, &data, now, reports));
        match done {
            Ok(()) => State::Seated { chair, data },
            Err(leave) => {
                let port = chair.candidate.device.display().to_string();
                drop(chair);
                if self.attendant.answers() {
                    self.notice.forget_trouble();
                }
                let actions = self.attendant.end();
                self.conclude(actions, reports);
                match leave {
                    Leave::Trouble(why) => self.start_over(format!("{port}: {why}"), now),
                    Leave::MakeWay(names) => {
                        self.notice.trouble(format!("{port}: another program takes it"));
                        State::Waiting { locks: vec![names], again: now + LOOK_EVERY }
                    }
                }
            }
        }
    }

    fn converse(
        &mut self,
        chair: &mut Chair,
        data: &Candidate,
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> Result<(), Leave> {
        if chair.is_claimed() {
            return Err(Leave::MakeWay(chair.names().clone()));
        }
        chair.serial.flush()?;
        let mut buffer = [0; 512];
        loop {
            let length = chair.serial.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            let actions = self.attendant.hear(&buffer[..length], now);
            self.perform(actions, chair, data, reports)?;
        }
        let actions = self.attendant.tick(now);
        self.perform(actions, chair, data, reports)?;
        if self.attendant.works() {
            self.note_success();
        }
        if self.attendant.is_idle() {
            chair.let_go();
        }
        Ok(())
    }

    fn perform(
        &mut self,
        actions: Vec<Action<A::Report>>,
        chair: &mut Chair,
        data: &Candidate,
        reports: &mut Vec<A::Report>,
    ) -> Result<(), Leave> {
        for action in actions {
            match action {
                Action::Send(words) => chair.say(&words).map_err(|error| Leave::because(error, chair))?,
                Action::Dtr(dtr) => chair.serial.set_dtr(dtr)?,
                Action::Say(level, what) => self.post.log.say(level, &what),
                Action::Publish => {
                    self.publish(chair, data).map_err(|error| Leave::because(error, chair))?;
                }
                Action::Remember { file, record } => self.remember(file, &record)?,
                Action::Report(report) => reports.push(report),
                Action::Abandon(why) => return Err(Leave::Trouble(why)),
            }
        }
        Ok(())
    }

    /// What an attendant still wants when its port is closed already.
    fn conclude(&mut self, actions: Vec<Action<A::Report>>, reports: &mut Vec<A::Report>) {
        for action in actions {
            match action {
                Action::Say(level, what) => self.post.log.say(level, &what),
                Action::Report(report) => reports.push(report),
                Action::Remember { file, record } => {
                    let done = self.remember(file, &record);
                    self.notice.warn_if_failed(file, done);
                }
                Action::Send(_) | Action::Dtr(_) | Action::Publish | Action::Abandon(_) => {}
            }
        }
    }

    fn remember(&self, file: &str, record: &Record) -> io::Result<()> {
        self.store.replace(file, &record.to_string())
    }

    /// First the link, so that whoever reads the record finds it; and whoever takes the link's
    /// name for the port's must find it locked.
    fn publish(&mut self, chair: &mut Chair, data: &Candidate) -> io::Result<()> {
        self.notice.point_to(data);
        chair.rename(self.names(&chair.candidate))?;
        self.notice.modem(self.attendant.record(), &chair.candidate, data);
        Ok(())
    }
}

impl Leave {
    fn because(error: io::Error, chair: &Chair) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::MakeWay(chair.names().clone()),
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
