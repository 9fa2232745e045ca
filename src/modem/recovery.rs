//! The recovery of a modem that does not work: steps from the mildest to a reboot, each with a time limit and a count
//! of its successes. No step gives a PIN.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::Record;

/// A recovery step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecoveryStep {
    /// Open the port again and identify the modem.
    Repeat,
    /// Leave a call that was left open, and reset the settings: `+++`, `ATH`, `ATZ`.
    HangUp,
    /// Restart the modem: `+CFUN`.
    Restart,
    /// Deauthorize the USB device and authorize it again.
    Rebind,
    /// Reboot the box.
    #[default]
    Reboot,
}

impl RecoveryStep {
    const ALL: [Self; 5] = [Self::Repeat, Self::HangUp, Self::Restart, Self::Rebind, Self::Reboot];

    /// How long the next step waits. A modem that restarts needs up to half a minute to find its network.
    const fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Repeat => 15,
            Self::HangUp => 20,
            Self::Restart => 60,
            Self::Rebind => 60,
            Self::Reboot => 120,
        })
    }

    /// Its name in the record and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::HangUp => "hang-up",
            Self::Restart => "restart",
            Self::Rebind => "rebind",
            Self::Reboot => "reboot",
        }
    }

    fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step > self)
    }
}

/// The pause after the last step, until the recovery starts again.
const REST: Duration = Duration::from_secs(1200);
/// The most consecutive reboots that have not recovered the modem; the daily reboot does not count.
const FAILED_REBOOTS: u64 = 2;
/// The time since boot before another reboot, of a modem that a reboot has recovered: one that works for some minutes
/// after each must not keep the box rebooting.
const BETWEEN_REBOOTS: Duration = Duration::from_secs(3600);

/// The recovery of one modem.
#[derive(Debug)]
pub struct Recovery {
    /// The current step; `None` if the modem works.
    at: Option<Attempt>,
    /// Whether the modem has worked since this boot.
    worked: bool,
    /// Whether this boot has recovered it.
    rebooted: bool,
    tally: Record,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    /// `None` during the pause after the last step.
    step: Option<RecoveryStep>,
    until: Duration,
}

impl Recovery {
    /// Its file in the [store](crate::state::Store). Each modem has its own: what helps one may not help another.
    pub fn file(modem: &str) -> String {
        format!("recovery-{modem}")
    }

    /// A recovery with the stored counts of earlier ones.
    pub fn new(tally: Record) -> Self {
        Self { at: None, worked: false, rebooted: false, tally }
    }

    /// Whether there is a modem to recover: one that was seen in this boot, or that a reboot was to recover.
    pub fn is_of_use(&self, has_seen_a_modem: bool) -> bool {
        has_seen_a_modem || self.worked || self.failed_reboots() > 0
    }

    /// The modem does not work, and no step after `last` could help it. Returns the step to take now, if the time of the
    /// step before is over. A reboot waits while the box is in use by another modem's link.
    pub fn fail(
        &mut self,
        last: RecoveryStep,
        now: Duration,
        in_use: impl FnOnce() -> bool,
    ) -> Option<RecoveryStep> {
        let step = match self.at {
            None => Some(RecoveryStep::Repeat),
            Some(attempt) if now < attempt.until => return None,
            Some(Attempt { step: None, .. }) => Some(RecoveryStep::Repeat),
            Some(Attempt { step: Some(step), .. }) => step.next(),
        };
        let step = step.filter(|step| *step <= last);
        let step = step.filter(|step| *step != RecoveryStep::Reboot || self.may_reboot(now));
        if step == Some(RecoveryStep::Reboot) && in_use() {
            return None;
        }
        self.at = Some(Attempt { step, until: now + step.map_or(REST, RecoveryStep::patience) });
        if let Some(step) = step {
            self.count("tried", step);
        }
        if step == Some(RecoveryStep::Reboot) {
            self.set_failed_reboots(self.failed_reboots() + 1);
        }
        step
    }

    /// The modem works. Returns the step that has recovered it, if it had failed.
    pub fn work(&mut self) -> Option<RecoveryStep> {
        let after_reboot = (!self.worked && self.failed_reboots() > 0).then_some(RecoveryStep::Reboot);
        self.worked = true;
        self.rebooted |= after_reboot.is_some();
        let tried = self.at.take().and_then(|attempt| attempt.step);
        let step = after_reboot.or(tried);
        if self.failed_reboots() > 0 {
            self.set_failed_reboots(0);
        }
        self.count("helped", step?);
        step
    }

    /// The record to store: how often each step was tried, and how often it has helped.
    pub fn tally(&self) -> &Record {
        &self.tally
    }

    /// A box that never had a modem is not rebooted for one.
    fn may_reboot(&self, now: Duration) -> bool {
        let failed = self.failed_reboots();
        let is_too_soon = self.rebooted && now < BETWEEN_REBOOTS;
        failed < FAILED_REBOOTS && (self.worked || failed > 0) && !is_too_soon
    }

    fn failed_reboots(&self) -> u64 {
        self.tally.number("reboots-in-vain").unwrap_or(0)
    }

    fn set_failed_reboots(&mut self, count: u64) {
        self.tally = std::mem::take(&mut self.tally).with("reboots-in-vain", count);
    }

    fn count(&mut self, what: &str, step: RecoveryStep) {
        let key = format!("{what}-{}", step.as_str());
        let count = self.tally.number(&key).unwrap_or(0) + 1;
        self.tally = std::mem::take(&mut self.tally).with(&key, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A failure that every step could end.
    fn fail(recovery: &mut Recovery, now: Duration, in_use: bool) -> Option<RecoveryStep> {
        recovery.fail(RecoveryStep::Reboot, now, || in_use)
    }

    fn that_worked() -> Recovery {
        let mut recovery = Recovery::new(Record::new());
        assert_eq!(recovery.work(), None);
        recovery
    }

    /// The steps in so many seconds of failure, each with its second.
    fn fail_for(recovery: &mut Recovery, seconds: u64) -> Vec<(u64, RecoveryStep)> {
        let each =
            (0..seconds).filter_map(|second| Some((second, fail(recovery, SECOND * second as u32, false)?)));
        each.collect()
    }

    #[test]
    fn every_step_has_its_time_and_the_last_one_is_a_reboot() {
        let steps = fail_for(&mut that_worked(), 200);
        assert_eq!(
            steps,
            [
                (0, RecoveryStep::Repeat),
                (15, RecoveryStep::HangUp),
                (35, RecoveryStep::Restart),
                (95, RecoveryStep::Rebind),
                (155, RecoveryStep::Reboot)
            ]
        );
    }

    #[test]
    fn no_step_is_taken_that_could_not_help() {
        let mut recovery = that_worked();
        let steps: Vec<_> = (0..10_000)
            .filter_map(|second| recovery.fail(RecoveryStep::Restart, SECOND * second, || false))
            .collect();
        assert_eq!(steps.iter().max(), Some(&RecoveryStep::Restart));
        let repeats = steps.iter().filter(|step| **step == RecoveryStep::Repeat).count();
        assert!((5..10).contains(&repeats), "it keeps trying, with pauses: {steps:?}");
    }

    #[test]
    fn a_reboot_waits_while_the_box_is_in_use_and_is_not_counted_before() {
        let mut recovery = that_worked();
        fail_for(&mut recovery, 155);
        for second in 155..1000 {
            assert_eq!(fail(&mut recovery, SECOND * second, true), None);
        }
        assert_eq!(recovery.tally().number("tried-reboot"), None);
        assert_eq!(fail(&mut recovery, SECOND * 1000, false), Some(RecoveryStep::Reboot));
    }

    #[test]
    fn the_step_that_helped_is_counted() {
        let mut recovery = that_worked();
        fail_for(&mut recovery, 40);
        assert_eq!(recovery.work(), Some(RecoveryStep::Restart));
        assert_eq!(recovery.work(), None);
        assert_eq!(
            fail(&mut recovery, SECOND * 50, false),
            Some(RecoveryStep::Repeat),
            "the next recovery begins with the first step"
        );
        insta::assert_snapshot!(recovery.tally(), @"
        tried-repeat=2
        tried-hang-up=1
        tried-restart=1
        helped-restart=1
        ");
    }

    #[test]
    fn a_modem_that_a_reboot_has_recovered_may_have_another_one_after_an_hour() {
        let mut recovery = that_worked();
        fail_for(&mut recovery, 200);
        let mut recovery = Recovery::new(recovery.tally().clone());
        assert_eq!(recovery.work(), Some(RecoveryStep::Reboot));
        let steps = fail_for(&mut recovery, 6000);
        let at = steps.iter().find_map(|(at, step)| (*step == RecoveryStep::Reboot).then_some(*at)).unwrap();
        assert!((3600..6000).contains(&at), "{at}");
        assert!(steps.iter().filter(|(_, step)| *step == RecoveryStep::Rebind).count() > 1, "{steps:?}");
    }

    #[test]
    fn a_dead_modem_costs_two_reboots_and_no_more() {
        let mut tally = that_worked().tally().clone();
        let mut reboots = 0;
        let mut worked = true;
        for _ in 0..20 {
            let mut recovery = Recovery::new(tally);
            if std::mem::take(&mut worked) {
                recovery.work();
            }
            reboots += fail_for(&mut recovery, 4000)
                .iter()
                .filter(|(_, step)| *step == RecoveryStep::Reboot)
                .count();
            tally = recovery.tally().clone();
        }
        assert_eq!(reboots, 2);
    }

    #[test]
    fn a_box_that_never_had_a_modem_is_not_rebooted_for_one() {
        let mut recovery = Recovery::new(Record::new());
        let steps = fail_for(&mut recovery, 10_000);
        assert!(steps.iter().all(|(_, step)| *step != RecoveryStep::Reboot));
        let repeats: Vec<_> = steps.iter().filter(|(_, step)| *step == RecoveryStep::Repeat).collect();
        assert!((5..10).contains(&repeats.len()), "it keeps trying, with pauses: {repeats:?}");
    }

    proptest! {
        /// Each number is how long the modem works after a boot before it fails for good.
        #[test]
        fn no_modem_costs_more_than_a_reboot_an_hour_after_the_first(
            works in prop::collection::vec(prop::option::of(0_u64..4000), 1..30)
        ) {
            let mut tally = that_worked().tally().clone();
            let (mut worked, mut passed, mut reboots) = (true, 0, 0_u64);
            for works in works {
                let mut recovery = Recovery::new(tally);
                let works = works.or(std::mem::take(&mut worked).then_some(0));
                if works.is_some() {
                    recovery.work();
                }
                let from = works.unwrap_or(0);
                let reboot = (from..from + 10_000)
                    .find(|second| {
                        let second = SECOND * u32::try_from(*second).unwrap();
                        fail(&mut recovery, second, false) == Some(RecoveryStep::Reboot)
                    });
                reboots += u64::from(reboot.is_some());
                passed += reboot.unwrap_or(86_400);
                tally = recovery.tally().clone();
            }
            // The first one, and one more that did not recover it, come at once.
            prop_assert!(reboots <= 3 + 2 * (passed / 3600), "{reboots} in {passed} s");
        }

        #[test]
        fn a_step_never_comes_before_the_one_before_it_has_had_its_time(
            fails in prop::collection::vec(0u32..100, 1..50)
        ) {
            let mut recovery = that_worked();
            let (mut now, mut last) = (Duration::ZERO, None::<(Duration, RecoveryStep)>);
            for seconds in fails {
                now += SECOND * seconds;
                if let Some(step) = fail(&mut recovery, now, false) {
                    if let Some((since, below)) = last {
                        prop_assert!(now - since >= below.patience());
                    }
                    last = Some((now, step));
                }
            }
        }
    }
}
