//! The steps of a session from one state to the next.

use std::mem;
use std::time::Duration;

use rustix::process::Pid;

use super::{
    ByHand, ClosingByHand, FIRST_ATTEMPTS, GOOD, KILL_AFTER, Lease, OURS, PAUSES, READ_EVERY, Reaction,
    Session, SessionEffect, State, Then,
};
use crate::log::Level;
use crate::ppp::counters::Carried;
use crate::ppp::idle::Idle;
use crate::ppp::{
    Connection, DownReason, Exit, Interface, LinkOutcome, RequestRefusal, Timestamp, pppd::Signal,
};
use crate::site::{DataSize, TimeSpan};

impl Lease {
    /// Extends it to at least this long from now, or from when the link is up.
    pub(super) fn prolonged(self, length: Duration, now: Duration) -> Self {
        match self.end {
            Some(end) => Self { end: Some(end.max(now + length)), ..self },
            None => Self { length: self.length.max(length), ..self },
        }
    }
}

impl Session {
    /// From now on the requester gets a failure after so many attempts, but not after fewer than two.
    pub fn set_attempts(&mut self, attempts: usize) {
        self.first_attempts = attempts.max(FIRST_ATTEMPTS);
    }

    /// Dials the link that is up, or is being dialled, again, within its time.
    pub fn renew(&mut self, why: DownReason, at: Timestamp) -> Reaction {
        let mut reaction = self.poll(at);
        match &self.state {
            State::Up { link, call, since, end, .. } => {
                let then = Then::Judge(lost(*call, *since, *end, at), Some(why));
                let pid = link.pid;
                reaction.append(self.terminate(Some(pid), then, at));
            }
            // One that has not started yet will be the new one.
            State::Dialling { pid: Some(pid), call, .. } => {
                let (pid, call) = (*pid, Lease { failures: 0, ..*call });
                reaction.append(self.terminate(Some(pid), Then::Judge(call, Some(why)), at));
            }
            State::Dialling { pid: None, .. } => {}
            State::Down | State::Pausing { .. } | State::Closing { .. } => {}
        }
        reaction
    }

    pub(super) fn call(&self, length: Option<Duration>) -> Lease {
        let limit = self.session_limit.get();
        Lease { length: length.unwrap_or(limit).min(limit), end: None, failures: 0 }
    }

    /// Follows the calendar, before anything else.
    pub(super) fn poll(&mut self, at: Timestamp) -> Reaction {
        let is_new = self.budget.turn_to(at.calendar);
        is_new.then(|| self.store()).into()
    }

    pub(super) fn store(&self) -> SessionEffect {
        let ours = self.own_pid().filter(|pid| self.budget.is_open(*pid));
        SessionEffect::Store(self.budget.record().with_known(OURS, ours))
    }

    fn own_pid(&self) -> Option<Pid> {
        match &self.state {
            State::Dialling { pid, .. } | State::Closing { pid, .. } => *pid,
            State::Up { link, .. } => Some(link.pid),
            State::Down | State::Pausing { .. } => None,
        }
    }

    pub(super) fn is_ours(&self, pid: Pid) -> bool {
        self.own_pid() == Some(pid)
    }

    pub(super) fn dial_unless_exhausted(&mut self, call: Lease, at: Timestamp) -> Reaction {
        let limit = self.budget.limit().filter(|_| self.budget.is_exhausted());
        self.state = State::Down;
        match (limit, call.end) {
            (None, _) => {
                let give_up = at.now + self.patience;
                self.state = State::Dialling { pid: None, call, give_up, no_link: None };
                Reaction::from(SessionEffect::StartPppd)
            }
            (Some(limit), None) => {
                let used = DataSize::from_bytes(self.budget.used());
                Reaction::from(LinkOutcome::Refused(RequestRefusal::Budget { used, limit }))
            }
            (Some(limit), Some(_)) => self.closed(DownReason::Budget(limit)),
        }
    }

    pub(super) fn started(&mut self, started: Pid) -> Reaction {
        match &mut self.state {
            State::Dialling { pid: pid @ None, .. } => {
                *pid = Some(started);
                Reaction::default()
            }
            // It was cancelled before pppd started.
            State::Closing { pid: pid @ None, .. } => {
                *pid = Some(started);
                Reaction::from(SessionEffect::Signal(started, Signal::Terminate))
            }
            _ => Reaction::from(SessionEffect::Signal(started, Signal::Terminate)),
        }
    }

    pub(super) fn terminate(&mut self, pid: Option<Pid>, then: Then, at: Timestamp) -> Reaction {
        self.state = State::Closing { pid, then, kill_at: at.now + KILL_AFTER };
        pid.map(|pid| SessionEffect::Signal(pid, Signal::Terminate)).into()
    }

    /// Our pppd has ended, or did not start.
    pub(super) fn ended(&mut self, exit: Exit, at: Timestamp) -> Reaction {
        match mem::replace(&mut self.state, State::Down) {
            State::Dialling { .. } if exit == Exit::Locked && !self.by_hand.is_empty() => {
                let addresses = self.by_hand.first().and_then(|it| it.link.addresses);
                Reaction::from(LinkOutcome::Up { addresses, left: None })
            }
            State::Dialling { call, no_link, .. } => {
                let why = match (exit, no_link) {
                    // pppd may have ended for another reason than its `chat`.
                    (exit, Some(DownReason::DialFailure(_))) if exit != Exit::DialFailure => {
                        DownReason::Exit(exit)
                    }
                    (_, Some(why)) => why,
                    (exit, None) => DownReason::Exit(exit),
                };
                self.judge(call, why, at)
            }
            State::Up { call, since, end, .. } => {
                self.judge(lost(call, since, end, at), DownReason::Exit(exit), at)
            }
            State::Closing { then: Then::Stop(why), .. } => self.closed(why),
            State::Closing { then: Then::Dial(why, call), .. } => {
                let mut reaction = self.closed(why);
                reaction.append(self.dial_unless_exhausted(call, at));
                reaction
            }
            State::Closing { then: Then::Judge(call, why), .. } => {
                self.judge(call, why.unwrap_or(DownReason::Exit(exit)), at)
            }
            state @ (State::Down | State::Pausing { .. }) => {
                self.state = state;
                Reaction::default()
            }
        }
    }

    fn closed(&mut self, why: DownReason) -> Reaction {
        Reaction::from(LinkOutcome::Closed(why))
    }

    /// The link is lost, or did not come up: decides on another attempt.
    fn judge(&mut self, mut call: Lease, why: DownReason, at: Timestamp) -> Reaction {
        call.failures += 1;
        let pause = PAUSES[call.failures.min(PAUSES.len()) - 1]; // failures is at least 1
        let again = match call.end {
            Some(end) => at.now + pause < end,
            None => call.failures < self.first_attempts,
        };
        if again && why.may_pass() {
            let what = format!("{why}; dialling again in {}", TimeSpan::about(pause));
            self.state = State::Pausing { call, until: at.now + pause };
            return Reaction::from(SessionEffect::Log(Level::Warning, what));
        }
        if call.end.is_some() {
            return self.closed(why);
        }
        Reaction::from(LinkOutcome::Failed(why))
    }

    pub(super) fn ip_up(&mut self, link: Connection, at: Timestamp) -> Reaction {
        self.budget.open(&link.interface, link.pid);
        self.read_at.get_or_insert(at.now + READ_EVERY);
        let mut reaction = Reaction::default();
        match &mut self.state {
            State::Dialling { pid, call, .. } if *pid == Some(link.pid) => {
                let call = *call;
                let end = call.end.unwrap_or(at.now + call.length);
                let addresses = link.addresses;
                let idle = Idle::new(at.now);
                self.state = State::Up { link, call, since: at.now, end, idle };
                let left = Some(TimeSpan::about(end.saturating_sub(at.now)));
                let outcome = LinkOutcome::Up { addresses, left };
                match call.end {
                    None => reaction.report(outcome),
                    Some(_) => reaction.push(SessionEffect::Log(Level::Info, format!("again {outcome}"))),
                }
            }
            State::Up { link: ours, .. } if ours.pid == link.pid => *ours = link,
            State::Closing { pid, .. } if *pid == Some(link.pid) => {}
            _ => reaction.append(self.opened_by_hand(link)),
        }
        let mut all = Reaction::from(self.store());
        all.append(reaction);
        all
    }

    fn opened_by_hand(&mut self, link: Connection) -> Reaction {
        if let Some(known) = self.by_hand.iter_mut().find(|it| it.link.pid == link.pid) {
            known.link = link;
            return Reaction::default();
        }
        let what = format!("{} was opened by hand", link.interface);
        let mut reaction = Reaction::from(SessionEffect::Watch(link.pid));
        self.by_hand.push(ByHand { link, closing: None });
        reaction.push(SessionEffect::Log(Level::Info, what));
        reaction
    }

    pub(super) fn ip_down(&mut self, pid: Pid, carried: Option<u64>, at: Timestamp) -> Reaction {
        if !self.is_ours(pid) {
            // The box must not stop before pppd has hung up, which follows ip-down.
            let is_stopping =
                |it: &&ByHand| it.closing.as_ref().is_some_and(|it| it.why == DownReason::Stopping);
            return match self.by_hand.iter().filter(is_stopping).any(|it| it.link.pid == pid) {
                true => self.settle(pid, carried),
                false => self.end_by_hand(pid, carried),
            };
        }
        if let State::Up { call, since, end, .. } = &self.state {
            let then = Then::Judge(lost(*call, *since, *end, at), None);
            self.state = State::Closing { pid: Some(pid), then, kill_at: at.now + KILL_AFTER };
        }
        self.settle(pid, carried)
    }

    /// Signals the pppd of every link opened by hand to end.
    pub(super) fn close_by_hand(&mut self, why: &DownReason, at: Timestamp) -> Reaction {
        let mut reaction = Reaction::default();
        for it in &mut self.by_hand {
            if let Some(closing) = &mut it.closing {
                closing.why = why.clone();
                continue;
            }
            it.closing = Some(ClosingByHand { why: why.clone(), kill_at: at.now + KILL_AFTER });
            reaction.push(SessionEffect::Signal(it.link.pid, Signal::Terminate));
        }
        reaction
    }

    /// A link opened by hand is closed.
    pub(super) fn end_by_hand(&mut self, pid: Pid, carried: Option<u64>) -> Reaction {
        let mut reaction = self.settle(pid, carried);
        if let Some(at) = self.by_hand.iter().position(|it| it.link.pid == pid) {
            let it = self.by_hand.remove(at);
            match it.closing {
                Some(closing) => reaction.report(LinkOutcome::Closed(closing.why)),
                None => {
                    let what = format!("{} was closed", it.link.interface);
                    reaction.push(SessionEffect::Log(Level::Info, what));
                }
            }
        }
        reaction
    }

    /// A pppd has ended. If it was killed or has crashed, ip-down has not run.
    pub(super) fn run_ip_down(&self, pid: Pid) -> Reaction {
        let interface = self.budget.interface(pid).cloned();
        interface.map(|interface| SessionEffect::RunIpDown(interface, pid)).into()
    }

    /// Charges a link that is closed.
    pub(super) fn settle(&mut self, pid: Pid, carried: Option<u64>) -> Reaction {
        if !self.budget.close(pid, carried) {
            return Reaction::default();
        }
        if self.budget.interfaces().next().is_none() {
            self.read_at = None;
        }
        self.store().into()
    }

    pub(super) fn counted(
        &mut self,
        interface: &Interface,
        carried: Option<Carried>,
        at: Timestamp,
    ) -> Reaction {
        let Some(carried) = carried else {
            let gone = self.by_hand.iter().find(|it| it.link.interface == *interface);
            let Some(pid) = gone.map(|it| it.link.pid) else { return Reaction::default() };
            let mut reaction = self.run_ip_down(pid);
            reaction.append(self.end_by_hand(pid, None));
            return reaction;
        };
        let was_exhausted = self.budget.is_exhausted();
        let mut reaction = Reaction::default();
        if self.budget.count(interface, carried.total()) {
            reaction.push(self.store());
        }
        let exhausted = self.budget.limit().filter(|_| self.budget.is_exhausted());
        let mut end = exhausted.map(DownReason::Budget);
        if let State::Up { link, idle, .. } = &mut self.state
            && link.interface == *interface
        {
            idle.count(carried.sent, at.now);
            if idle.for_how_long(at.now) >= self.idle_limit.get() {
                end = end.or(Some(DownReason::Idle(self.idle_limit)));
            }
        }
        match end {
            Some(why) if matches!(self.state, State::Up { .. }) => reaction.append(self.close(why, at)),
            Some(why) if !was_exhausted => reaction.push(SessionEffect::Log(Level::Warning, why.to_string())),
            Some(_) | None => {}
        }
        reaction
    }
}

/// The request of a link that was up until now.
fn lost(call: Lease, since: Duration, end: Duration, at: Timestamp) -> Lease {
    let good = at.now.saturating_sub(since) >= GOOD;
    Lease { end: Some(end), failures: if good { 0 } else { call.failures }, ..call }
}
