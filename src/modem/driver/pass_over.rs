//! If only a person can fix a modem, or it has had no network for long, and there is another one, the driver tries that.

use std::time::Duration;

use super::{Driver, Protocol};
use crate::modem::ports::{self, Candidate};
use crate::modem::probe::Probe;
use crate::ppp::counters;

/// A modem that is starting may report for a while that it has no SIM.
const PASSES: Duration = Duration::from_secs(15);
/// After this time the driver tries all modems again: a person may have inserted a SIM.
const ROUND: Duration = Duration::from_secs(600);

/// The modems that were passed over.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// USB devices.
    devices: Vec<String>,
    /// Since when the current modem is of no use.
    since: Option<Duration>,
    /// The modem that was passed over last, and why.
    last: Option<(String, String)>,
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

    /// The modem that was passed over last for that of this USB device, and why.
    pub fn last(&self, device: Option<&str>) -> Option<String> {
        let (last, why) = self.last.as_ref()?;
        (device != Some(last)).then(|| format!("{last}: {why}"))
    }

    /// Whether another one of the candidates replaces the current modem, of this USB device. They are searched only
    /// when the current one has been of no use for as long as it may; `None` while it is of use.
    fn is_due(
        &mut self,
        may_last: Option<Duration>,
        device: &str,
        candidates: impl FnOnce() -> Vec<Candidate>,
        now: Duration,
    ) -> bool {
        let Some(may_last) = may_last else {
            self.since = None;
            return false;
        };
        let since = *self.since.get_or_insert(now);
        if now < since + may_last {
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
        let other_after = self.config.other_after.filter(|_| self.protocol.lacks_network());
        let (why, may_last) = match (self.protocol.needs_a_person(), other_after) {
            (true, _) => ("only a person can fix this modem".to_owned(), Some(PASSES)),
            (false, Some(after)) => (format!("no network for {after}"), Some(after.get())),
            (false, None) => (String::new(), None),
        };
        let is_due = self.passed_over.is_due(may_last, device, candidates, now);
        // A link that is up has a network, whatever the modem says of its registration.
        if !is_due || !self.protocol.is_idle() || counters::in_use(self.config.paths) {
            return false;
        }
        self.passed_over.add(device);
        self.status.trouble(format!("{port}: {why}; trying the next one"));
        self.passed_over.last = Some((device.to_owned(), why));
        true
    }
}
