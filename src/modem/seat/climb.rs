//! What the seat does on the rungs of the ladder.

use std::time::Duration;

use super::{Attendant, LOOK_EVERY, Seat, State};
use crate::link::counters;
use crate::modem::ladder::{Ladder, Rung};
use crate::modem::{ports, usb};
use crate::reboot;
use crate::state::Cause;

/// How long a USB device stays let go: the kernel has forgotten it by then.
const LET_GO: Duration = Duration::from_secs(1);

impl<A: Attendant> Seat<'_, A> {
    /// The modem does not work, or there is none.
    pub(super) fn start_over(&mut self, trouble: String, now: Duration) -> State {
        let seeking = State::Seeking { again: now + LOOK_EVERY };
        // Another program has a port of it, perhaps by the name of the link: nothing is taken away.
        if self.is_shared() {
            self.notice.trouble(trouble);
            return seeking;
        }
        self.notice.gone(trouble);
        // As long as nobody has seen a modem there is nothing to climb for.
        if !self.ladder.is_of_use(self.device.is_some()) {
            return seeking;
        }
        let Some(rung) = self.ladder.fail(now, || counters::in_use(self.post.places)) else {
            return seeking;
        };
        self.post.log.warning(&format!("trying to get the modem back: {}", rung.word()));
        if rung >= Rung::Restart {
            self.remember_climb();
        }
        match rung {
            Rung::Repeat => {}
            Rung::HangUp | Rung::Restart => self.remedy = Some(rung),
            Rung::Rebind => {
                if let Some(device) = &self.device {
                    let done = usb::let_go(self.post.places, device);
                    self.notice.warn_if_failed(&format!("letting USB device {device} go"), done);
                    return State::Rebinding { until: now + LET_GO };
                }
            }
            Rung::Reboot => {
                let cause = reboot::save(self.post.places, &Cause::Modem);
                self.notice.warn_if_failed("saving the cause", cause);
                self.notice.warn_if_failed("asking init", reboot::request(self.post.places));
            }
        }
        seeking
    }

    /// A device that was let go is taken again; its ports come up one by one.
    pub(super) fn take_back(&mut self, now: Duration) -> State {
        self.notice.warn_if_failed("taking the USB device back", usb::take_back(self.post.places));
        State::Seeking { again: now + LOOK_EVERY }
    }

    /// The modem works: if it had not, the rung that has helped is written down.
    pub(super) fn note_success(&mut self) {
        if let Some(rung) = self.ladder.work() {
            self.post.log.info(&format!("the modem is back: {}", rung.word()));
            if rung > Rung::Repeat {
                self.remember_climb();
            }
        }
    }

    fn remember_climb(&self) {
        let file = Ladder::file(self.post.name);
        let done = self.store.replace(&file, &self.ladder.tally().to_string());
        self.notice.warn_if_failed(&file, done);
    }

    /// Whether another program has one of the modem's ports.
    fn is_shared(&self) -> bool {
        let candidates = ports::candidates(self.post.places, self.post.port);
        candidates.iter().any(|candidate| self.names(candidate).holder().is_some())
    }
}
