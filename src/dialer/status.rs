//! The dialer's status: its published records, and the answer to `status` by SMS.

use super::teller::UNDERVOLTAGE;
use super::{Dialer, View};
use crate::clock::WallClock;
use crate::ppp::{Connection, Phase, Timestamp};
use crate::published::{ClockSource, LinkPhase, LinkStatus, ModemStatus, OnTrial, Published};
use crate::site::DataSize;
use crate::sms::reply::{self, Status};

impl Dialer {
    /// The link and the budget, for `dialctl status`.
    pub fn link_status(&self, at: Timestamp, wall: WallClock) -> LinkStatus {
        let up = |link: &Connection, until| LinkPhase::Up {
            interface: link.interface.to_string(),
            local: link.addresses.map(|addresses| addresses.local),
            remote: link.addresses.map(|addresses| addresses.remote),
            until,
        };
        let budget = self.session.budget();
        let (changed, on_trial) = self.changed();
        let on_trial = on_trial.map(|(values, until)| OnTrial { values, until });
        LinkStatus {
            phase: match self.session.phase() {
                Phase::Down => LinkPhase::Closed,
                Phase::Dialling => LinkPhase::Dialling,
                Phase::Pausing(_) => LinkPhase::Waiting,
                Phase::Closing => LinkPhase::Closing,
                Phase::Up(link, end) => up(link, Some(end.max(at.now))),
                Phase::ByHand(link) => up(link, None),
            },
            used: budget.used(),
            budget: budget.limit().map(DataSize::bytes),
            month: budget.month(),
            opens: self.scheduler.as_ref().and_then(|scheduler| scheduler.upcoming(wall)),
            last_error: self.last_error.clone(),
            far_side: self.far_side_status(),
            tunnel: None,
            changed,
            on_trial,
        }
    }

    /// Whether a link is up, by whomever it was opened.
    pub fn has_link(&self) -> bool {
        matches!(self.session.phase(), Phase::Up(..) | Phase::ByHand(_))
    }

    /// How far the clock can be trusted.
    pub fn clock_source(&self, wall: WallClock, floor: ClockSource) -> ClockSource {
        match (wall, self.network_time.other(wall)) {
            (WallClock::Floor(_), _) => floor,
            (WallClock::Known(_), None) => ClockSource::Network,
            (WallClock::Known(_), Some(_)) => ClockSource::Unproven,
        }
    }

    pub(super) fn status(&self, view: View) -> Status {
        let now = view.at.now;
        let local = |link: &Connection| link.addresses.map(|addresses| addresses.local);
        let budget = self.session.budget();
        let modem = ModemStatus::from_record(view.known).unwrap_or_default();
        let loss = view.loss.map(|loss| loss.to_string());
        let undervoltage = self.undervoltage.then(|| UNDERVOLTAGE.to_owned());
        let errors = loss.into_iter().chain(undervoltage).chain(self.last_error.clone());
        Status {
            version: self.facts.version.clone(),
            uptime: now,
            boots: self.facts.boots.clone(),
            signal: modem.signal_dbm,
            operator: modem.operator,
            link: match self.session.phase() {
                Phase::Down | Phase::Closing => reply::Link::Closed,
                Phase::Dialling | Phase::Pausing(_) => reply::Link::Opening,
                Phase::Up(link, end) => {
                    reply::Link::Up { local: local(link), left: Some(end.saturating_sub(now)) }
                }
                Phase::ByHand(link) => reply::Link::Up { local: local(link), left: None },
            },
            used: DataSize::from_bytes(budget.used()),
            budget: budget.limit(),
            card: self.card,
            changed: self.changed_keys(),
            error: errors.reduce(|all, error| format!("{all}; {error}")),
        }
    }
}
