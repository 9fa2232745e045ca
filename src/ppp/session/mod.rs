//! The state machine of the link: requests, events and the time come in, effects and outcomes go out. It does no I/O.
//! Every row of the table in docs/dialer.md is a test in `tests.rs`.

mod reaction;
mod steps;
#[cfg(test)]
mod tests;

use std::mem;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::process::Pid;

pub use reaction::{Reaction, SessionEffect};

use super::budget::Budget;
use super::counters::Carried;
use super::idle::Idle;
use super::outcome::{DownReason, LinkOutcome, RequestRefusal};
use super::pppd::{Exit, Signal};
use super::{Connection, Interface, MonthTotal, Timestamp};
use crate::chat::DialFailure;
use crate::log::Level;
use crate::record::Record;
use crate::site::{DataSize, LinkConfig, TimeSpan};

/// How often the counters are read: the budget can be exceeded by the traffic of this time.
const READ_EVERY: Duration = Duration::from_secs(10);
/// How long a pppd may take to end: LCP sends two requests of 3 s each, and scripts run.
pub const KILL_AFTER: Duration = Duration::from_secs(20);
/// The pauses before another attempt; the last one repeats.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(300)];
/// The least number of attempts before the requester gets a failure.
const FIRST_ATTEMPTS: usize = 2;
/// The key for our link in the record: the process ID of its pppd.
const OURS: &str = "ours";
/// The loss of a link that was up this long starts a new count of failures.
const GOOD: Duration = Duration::from_secs(60);

/// An event of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// [`SessionEffect::StartPppd`] was carried out.
    Started(Pid),
    /// It could not be carried out.
    NotStarted(String),
    /// `chat` has failed; pppd's exit will follow.
    DialFailure(DialFailure),
    /// ip-pre-up: a link has this address in the box's own networks and will not come up; pppd's exit will follow.
    OwnAddress(Pid, Ipv4Addr),
    /// ip-up: a link has addresses, our own or one that was opened by hand.
    IpUp(Connection),
    /// ip-down: a link has lost its addresses, after so many bytes in all.
    IpDown {
        /// The process ID of its pppd.
        pid: Pid,
        /// Both directions.
        carried: Option<u64>,
    },
    /// The counters of an interface; `None` if it is gone.
    Counters(Interface, Option<Carried>),
    /// A pppd has ended.
    Exited(Pid, Exit),
}

/// The link of a box.
#[derive(Debug)]
pub struct Session {
    idle_limit: TimeSpan,
    session_limit: TimeSpan,
    patience: Duration,
    /// The number of attempts before the requester gets a failure.
    first_attempts: usize,
    budget: Budget,
    state: State,
    by_hand: Vec<ByHand>,
    read_at: Option<Duration>,
}

/// A request for a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lease {
    length: Duration,
    /// Known once the link has come up.
    end: Option<Duration>,
    failures: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Down,
    Dialling {
        pid: Option<Pid>,
        call: Lease,
        give_up: Duration,
        /// Why the attempt has failed, for when pppd has ended.
        no_link: Option<DownReason>,
    },
    /// Until another attempt.
    Pausing {
        call: Lease,
        until: Duration,
    },
    Up {
        link: Connection,
        call: Lease,
        since: Duration,
        end: Duration,
        idle: Idle,
    },
    Closing {
        pid: Option<Pid>,
        then: Then,
        kill_at: Duration,
    },
}

/// What follows when pppd has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Then {
    /// We have closed it.
    Stop(DownReason),
    /// We have closed it, and it was requested again meanwhile.
    Dial(DownReason, Lease),
    /// It was lost, or took too long: another attempt may follow.
    Judge(Lease, Option<DownReason>),
}

/// A link that was opened by hand: it is counted, and closed by request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ByHand {
    link: Connection,
    closing: Option<ClosingByHand>,
}

/// Why such a link is closing, and when its pppd is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ClosingByHand {
    why: DownReason,
    kill_at: Duration,
}

/// The state of the link, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase<'a> {
    /// No link.
    Down,
    /// pppd and the modem are dialling.
    Dialling,
    /// The link was lost or did not come up; another attempt follows at that time since boot.
    Pausing(Duration),
    /// Up until that time since boot.
    Up(&'a Connection, Duration),
    /// Up, opened by hand.
    ByHand(&'a Connection),
    /// pppd is ending.
    Closing,
}

impl Session {
    /// The file of the [store](crate::state::Store) for the session's record.
    pub const FILE: &'static str = "budget";

    /// The link at the start of a service. `remembered` is the stored record, `copied` the month in the second copy,
    /// `running` the links that are up. It takes over the link that it has opened itself, with the whole session limit
    /// from now on.
    pub fn new(
        site: &LinkConfig,
        remembered: &Record,
        copied: MonthTotal,
        running: Vec<Connection>,
        at: Timestamp,
    ) -> (Self, Vec<SessionEffect>) {
        let chat = Duration::from_secs(site.chat_timeout.get().into());
        let mut session = Self {
            idle_limit: site.idle_limit,
            session_limit: site.session_limit,
            // The longest step of the chat, the dialling itself, LCP and IPCP (30 s each, pppd's `restart` ×
            // `max-configure`).
            patience: 2 * chat + Duration::from_secs(90),
            first_attempts: FIRST_ATTEMPTS,
            budget: Budget::load(site.data_budget, remembered, &running),
            state: State::Down,
            by_hand: Vec::new(),
            read_at: None,
        };
        let ours = remembered.get(OURS).and_then(super::pid);
        let mut reaction = Reaction::default();
        let knew_less = session.budget.raise_to(copied);
        for link in running {
            if Some(link.pid) == ours {
                let call = session.call(None);
                session.state = State::Dialling { pid: ours, call, give_up: at.now, no_link: None };
                reaction.push(SessionEffect::Watch(link.pid));
            }
            reaction.append(session.receive(Event::IpUp(link), at));
        }
        if knew_less {
            reaction.push(session.store());
        }
        // There is no requester who waits for an outcome.
        (session, reaction.effects)
    }

    /// Opens the link for this long, or as long as the site allows. A link that is up stays up at least this long from
    /// now.
    pub fn open(&mut self, length: Option<Duration>, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        let wanted = self.call(length);
        match &mut self.state {
            State::Down if !self.by_hand.is_empty() => {
                let addresses = self.by_hand.first().and_then(|it| it.link.addresses);
                reaction.report(LinkOutcome::Up { addresses, left: None });
            }
            State::Down => reaction.append(self.dial_unless_exhausted(wanted, at)),
            State::Pausing { call, .. } => {
                let call = Lease { failures: 0, ..call.prolonged(wanted.length, at.now) };
                reaction.append(self.dial_unless_exhausted(call, at));
            }
            State::Dialling { call, .. } => *call = call.prolonged(wanted.length, at.now),
            State::Up { end, idle, .. } => {
                *end = (*end).max(at.now + wanted.length);
                idle.renew(at.now);
                reaction.report(LinkOutcome::Extended(TimeSpan::about(*end - at.now)));
            }
            State::Closing { then, .. } => {
                *then = match then {
                    Then::Stop(why) => Then::Dial(why.clone(), wanted),
                    Then::Dial(why, call) => Then::Dial(why.clone(), call.prolonged(wanted.length, at.now)),
                    Then::Judge(call, why) => Then::Judge(call.prolonged(wanted.length, at.now), why.clone()),
                };
            }
        }
        reaction
    }

    /// Lets the link stay up longer, but not longer than the site's limit from now.
    pub fn extend(&mut self, more: Option<Duration>, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        let limit = self.session_limit.get();
        let more = more.unwrap_or(limit);
        reaction.report(match &mut self.state {
            State::Up { end, idle, .. } => {
                *end = (*end + more).min(at.now + limit).max(*end);
                idle.renew(at.now);
                LinkOutcome::Extended(TimeSpan::about(*end - at.now))
            }
            State::Dialling { call, .. } | State::Pausing { call, .. } => {
                let end = call.end.map_or(call.length, |end| end.saturating_sub(at.now));
                let length = (end + more).min(limit);
                *call = call.prolonged(length, at.now);
                LinkOutcome::Extended(TimeSpan::about(length))
            }
            _ if !self.by_hand.is_empty() => LinkOutcome::Refused(RequestRefusal::ByHand),
            State::Down | State::Closing { .. } => LinkOutcome::Refused(RequestRefusal::NotConnected),
        });
        reaction
    }

    /// Closes the link, also one that was opened by hand.
    pub fn close(&mut self, why: DownReason, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        match mem::replace(&mut self.state, State::Down) {
            State::Down if self.by_hand.is_empty() => {
                reaction.report(LinkOutcome::Refused(RequestRefusal::NotConnected));
            }
            State::Down => reaction.append(self.close_by_hand(&why, at)),
            State::Pausing { .. } => reaction.report(LinkOutcome::Closed(why)),
            State::Dialling { pid, .. } => reaction.append(self.terminate(pid, Then::Stop(why), at)),
            State::Up { link, .. } => reaction.append(self.terminate(Some(link.pid), Then::Stop(why), at)),
            State::Closing { pid, kill_at, .. } => {
                self.state = State::Closing { pid, kill_at, then: Then::Stop(why) };
            }
        }
        reaction
    }

    /// Closes every link before the box stops, also those opened by hand besides our own. The [phase](Self::phase) is
    /// [`Phase::Down`] when the last pppd has ended.
    pub fn stop(&mut self, at: Timestamp) -> Reaction {
        let mut reaction = match self.state {
            State::Down => self.poll(at),
            _ => self.close(DownReason::Stopping, at),
        };
        reaction.append(self.close_by_hand(&DownReason::Stopping, at));
        reaction
    }

    /// Processes an event.
    pub fn receive(&mut self, event: Event, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        reaction.append(match event {
            Event::Started(pid) => self.started(pid),
            Event::NotStarted(why) => self.ended(Exit::NotStarted(why), at),
            Event::DialFailure(failure) => {
                if let State::Dialling { no_link, .. } = &mut self.state {
                    *no_link = Some(DownReason::DialFailure(failure));
                }
                Reaction::default()
            }
            Event::OwnAddress(pid, address) => {
                if let State::Dialling { pid: ours, no_link, .. } = &mut self.state
                    && *ours == Some(pid)
                {
                    *no_link = Some(DownReason::OwnAddress(address));
                }
                Reaction::default()
            }
            Event::IpUp(link) => self.ip_up(link, at),
            Event::IpDown { pid, carried } => self.ip_down(pid, carried, at),
            Event::Counters(interface, carried) => self.counted(&interface, carried, at),
            Event::Exited(pid, exit) => {
                let mut reaction = self.run_ip_down(pid);
                if self.is_ours(pid) {
                    reaction.append(self.settle(pid, None));
                    reaction.append(self.ended(exit, at));
                } else {
                    reaction.append(self.end_by_hand(pid, None));
                }
                reaction
            }
        });
        reaction
    }

    /// Checks the time; due at [`deadline`](Self::deadline).
    pub fn tick(&mut self, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        if self.read_at.is_some_and(|read_at| read_at <= at.now) {
            self.read_at = Some(at.now + READ_EVERY);
            reaction.effects.extend(self.budget.interfaces().cloned().map(SessionEffect::ReadCounters));
        }
        for it in &mut self.by_hand {
            if let Some(closing) = it.closing.as_mut().filter(|closing| closing.kill_at <= at.now) {
                closing.kill_at = at.now + KILL_AFTER;
                reaction.push(SessionEffect::Signal(it.link.pid, Signal::Kill));
            }
        }
        match &mut self.state {
            State::Dialling { pid, call, give_up, .. } if *give_up <= at.now => {
                let (pid, then) = (*pid, Then::Judge(*call, Some(DownReason::Slow)));
                reaction.append(self.terminate(pid, then, at));
            }
            State::Pausing { call, until } if *until <= at.now => {
                let call = *call;
                reaction.append(self.dial_unless_exhausted(call, at));
            }
            State::Up { end, .. } if *end <= at.now => reaction.append(self.close(DownReason::Time, at)),
            State::Closing { pid: Some(pid), kill_at, .. } if *kill_at <= at.now => {
                *kill_at = at.now + KILL_AFTER;
                let what = format!("pppd ({pid}) does not end: killed");
                reaction.push(SessionEffect::Log(Level::Warning, what));
                reaction.push(SessionEffect::Signal(*pid, Signal::Kill));
            }
            _ => {}
        }
        reaction
    }

    /// When the next [tick](Self::tick) is due without an event, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        let own = match &self.state {
            State::Down => None,
            State::Dialling { give_up, .. } => Some(*give_up),
            State::Pausing { until, .. } => Some(*until),
            State::Up { end, .. } => Some(*end),
            State::Closing { pid, kill_at, .. } => pid.map(|_| *kill_at),
        };
        let kills = self.by_hand.iter().filter_map(|it| it.closing.as_ref()).map(|closing| closing.kill_at);
        own.into_iter().chain(self.read_at).chain(kills).min()
    }

    /// The state of the link.
    pub fn phase(&self) -> Phase<'_> {
        match (&self.state, self.by_hand.first()) {
            (State::Down, Some(it)) => Phase::ByHand(&it.link),
            (State::Down, None) => Phase::Down,
            (State::Dialling { .. }, _) => Phase::Dialling,
            (State::Pausing { until, .. }, _) => Phase::Pausing(*until),
            (State::Up { link, end, .. }, _) => Phase::Up(link, *end),
            (State::Closing { .. }, _) => Phase::Closing,
        }
    }

    /// The month's budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Sets the month's traffic to the operator's count.
    pub fn set_used(&mut self, used: DataSize, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        self.budget.set_used(used.bytes(), at.calendar);
        reaction.push(self.store());
        reaction
    }
}
