//! If only a person can fix a modem and there is another one, the driver tries that.

use std::time::Duration;

use super::{Driver, Protocol};
use crate::modem::ports::{self, Candidate};
use crate::modem::probe::Probe;

/// A modem that is starting may report for a while that it has no SIM.
const PASSES: Duration = Duration::from_secs(15);
/// After this time the driver tries all modems again: a person may have inserted a SIM.
const ROUND: Duration = Duration::from_secs(600);

/// The modems that were passed over.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// USB devices.
    devices: Vec<String>,
    /// Since when the current modem needs a person.
    since: Option<Duration>,
}

impl PassedOver {
    /// Ports of modems that were not passed over; all of them where there is no other.
    pub fn leave_out(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let is_left = |candidate: &&Candidate| !self.has(candidate.usb_device());
        let left: Vec<_> = candidates.iter().filter(is_left).cloned().collect();
        if left.is_empty() { candidates } else { left }
    }

    /// Whether this USB device was passed over.
    pub fn has(&self, device: Option<&str>) -> bool {
        device.is_some_and(|device| self.devices.iter().any(|passed| passed == device))
    }

    /// The modem of this USB device does not work.
    pub fn add(&mut self, device: &str) {
        if !self.has(Some(device)) {
            self.devices.push(device.to_owned());
        }
        self.since = None;
    }

    /// Whether another one of the candidates replaces the current modem, of this USB device. They are searched only
    /// when the current one has needed a person for long enough.
    fn is_due(
        &mut self,
        needs_a_person: bool,
        device: &str,
        candidates: impl FnOnce() -> Vec<Candidate>,
        now: Duration,
    ) -> bool {
        if !needs_a_person {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if now < since + PASSES {
            return false;
        }
        let candidates = candidates();
        let others = candidates.iter().filter_map(Candidate::usb_device).filter(|other| *other != device);
        let others: Vec<_> = others.collect();
        if since + ROUND <= now {
            self.devices.clear();
        }
        others.iter().any(|other| !self.has(Some(other)))
    }
}

impl<A: Protocol + Probe> Driver<'_, A> {
    /// Whether another modem replaces the one at this port; then it counts as passed over.
    pub(super) fn passes_over(&mut self, port: &Candidate, now: Duration) -> bool {
        let Some(device) = port.usb_device() else { return false };
        let candidates = || ports::candidates(self.config.paths, self.config.port);
        let needs_a_person = self.protocol.needs_a_person();
        let is_due = self.passed_over.is_due(needs_a_person, device, candidates, now);
        if is_due && self.protocol.is_idle() {
            self.passed_over.add(device);
            self.status.trouble(format!("{port}: only a person can fix this modem; trying the next one"));
            return true;
        }
        false
    }
}
