//! The effects and outcomes of a session.

use rustix::process::Pid;

use crate::log::Level;
use crate::ppp::pppd::Signal;
use crate::ppp::{Interface, LinkOutcome};
use crate::record::Record;

/// An effect, which the loop carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEffect {
    /// Start pppd as soon as the port is free, and report [`Event::Started`](super::Event::Started)
    /// or [`Event::NotStarted`](super::Event::NotStarted).
    StartPppd,
    /// Follow a pppd that another program has started, and report
    /// [`Event::Exited`](super::Event::Exited) at its end.
    Watch(Pid),
    /// Signal a pppd to end.
    Signal(Pid, Signal),
    /// Run pppd's `ip-down` for a link whose pppd has ended without it, and has left routes, VPN and name servers.
    RunIpDown(Interface, Pid),
    /// Read an interface's counters and report [`Event::Counters`](super::Event::Counters).
    ReadCounters(Interface),
    /// Store this in the file [`Session::FILE`](super::Session::FILE).
    Store(Record),
    /// Write to the log.
    Log(Level, String),
}

/// The consequences of one event: effects for the loop, in this order, and outcomes for the requesters. A record is
/// stored before the effects that depend on it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reaction {
    /// To be carried out.
    pub effects: Vec<SessionEffect>,
    /// To be reported to the requesters.
    pub outcomes: Vec<LinkOutcome>,
}

impl Reaction {
    pub(super) fn push(&mut self, effect: SessionEffect) {
        self.effects.push(effect);
    }

    pub(super) fn report(&mut self, outcome: LinkOutcome) {
        self.outcomes.push(outcome);
    }

    /// Adds the consequences of another event.
    pub fn append(&mut self, other: Self) {
        self.effects.extend(other.effects);
        self.outcomes.extend(other.outcomes);
    }
}

impl From<SessionEffect> for Reaction {
    fn from(effect: SessionEffect) -> Self {
        Self { effects: vec![effect], outcomes: Vec::new() }
    }
}

impl From<Option<SessionEffect>> for Reaction {
    fn from(effect: Option<SessionEffect>) -> Self {
        Self { effects: effect.into_iter().collect(), outcomes: Vec::new() }
    }
}

impl From<LinkOutcome> for Reaction {
    fn from(outcome: LinkOutcome) -> Self {
        Self { effects: Vec::new(), outcomes: vec![outcome] }
    }
}
