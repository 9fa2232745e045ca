//! What the driver does at each step of the recovery.

use std::time::Duration;

use super::{Driver, LOOK_EVERY, Probe, Protocol, State};
use crate::modem::recovery::{Recovery, RecoveryStep};
use crate::modem::{ports, usb};
use crate::ppp::counters;
use crate::reboot;
use crate::state::Cause;

/// How long a USB device stays deauthorized: the kernel has unbound its drivers by then.
const DEAUTHORIZED_FOR: Duration = Duration::from_secs(1);

impl<A: Protocol + Probe> Driver<'_, A> {
    /// The modem does not work, or there is none. No step after `last` could help.
    pub(super) fn recover(&mut self, trouble: String, last: RecoveryStep, now: Duration) -> State {
        let seeking = State::Seeking { again: now + LOOK_EVERY };
        // The replacement is not a modem: back to the one that it replaced.
        if self.passed_over.has(self.device.as_deref()) {
            for candidate in ports::candidates(self.config.paths, self.config.port) {
                candidate.usb_device().into_iter().for_each(|device| self.passed_over.add(device));
            }
            self.status.trouble(trouble);
            return seeking;
        }
        // Another program uses one of its ports, perhaps through the symlink, which therefore stays.
        if self.is_shared() {
            self.status.trouble(trouble);
            return seeking;
        }
        self.status.gone(trouble);
        // Without a modem in this boot there is nothing to recover.
        if !self.recovery.is_of_use(self.device.is_some()) {
            return seeking;
        }
        let Some(step) = self.recovery.fail(last, now, || counters::in_use(self.config.paths)) else {
            return seeking;
        };
        self.config.log.warning(&format!("trying to get the modem back: {}", step.as_str()));
        if step >= RecoveryStep::Restart {
            self.store_tally();
        }
        match step {
            RecoveryStep::Repeat => {}
            RecoveryStep::HangUp | RecoveryStep::Restart => self.step = Some(step),
            RecoveryStep::Rebind => {
                if let Some(device) = &self.device {
                    let done = usb::deauthorize(self.config.paths, device);
                    self.status.warn_if_failed(&format!("deauthorizing USB device {device}"), done);
                    return State::Rebinding { until: now + DEAUTHORIZED_FOR };
                }
            }
            RecoveryStep::Reboot => {
                let cause = reboot::save(self.config.paths, &Cause::Modem);
                self.status.warn_if_failed("saving the cause", cause);
                self.status.warn_if_failed("asking init", reboot::request(self.config.paths));
            }
        }
        seeking
    }

    /// Authorizes the device again; its ports appear one by one.
    pub(super) fn reauthorize(&mut self, now: Duration) -> State {
        self.status.warn_if_failed("authorizing the USB device", usb::authorize_all(self.config.paths));
        State::Seeking { again: now + LOOK_EVERY }
    }

    /// The modem works: counts the recovery step that has helped, if there was one.
    pub(super) fn note_success(&mut self) {
        if let Some(step) = self.recovery.work() {
            self.config.log.info(&format!("the modem is back: {}", step.as_str()));
            if step > RecoveryStep::Repeat {
                self.store_tally();
            }
        }
    }

    fn store_tally(&self) {
        let file = Recovery::file(self.config.name);
        let done = self.store.replace(&file, &self.recovery.tally().to_string());
        self.status.warn_if_failed(&file, done);
    }

    /// Whether another program has one of the modem's ports.
    fn is_shared(&self) -> bool {
        let candidates = ports::candidates(self.config.paths, self.config.port);
        candidates.iter().any(|candidate| self.names(candidate).holder().is_some())
    }
}
