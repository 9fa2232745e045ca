//! Whether the watchdog is fed: the judgement of all services.

use std::time::Duration;

use super::heartbeat::Pulse;

/// A service that has not sent a heartbeat by this time after boot will send none.
const START: Duration = Duration::from_secs(120);
/// After this many reboots in a row without success, another one follows only once an hour: a box
/// that is reachable for an hour can be repaired remotely, one that reboots all the time cannot.
const FUTILE: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health<'a> {
    /// Every service makes progress: feed the watchdog.
    Well,
    /// This service is stuck: let the box be reset.
    Stuck(&'a str),
    /// This service is stuck, but resets have not helped: feed the watchdog for now.
    Hopeless(&'a str),
}

/// Judges the services by their pulses. The ledger tells how many boots in a row, up to this
/// one, came of a stuck service.
pub fn judge<'a>(pulses: &[(&'a str, Pulse)], uptime: Duration, stuck_boots: usize) -> Health<'a> {
    let is_stuck = |pulse: &Pulse| match pulse {
        Pulse::Fresh => false,
        Pulse::Silent => uptime > START,
        Pulse::Stale { .. } => true,
    };
    match pulses.iter().find(|(_, pulse)| is_stuck(pulse)) {
        None => Health::Well,
        Some((service, _)) if stuck_boots >= FUTILE && uptime < HOUR => Health::Hopeless(service),
        Some((service, _)) => Health::Stuck(service),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_reset_when_a_service_is_stuck_but_not_for_ever() {
        let stale = Pulse::Stale { age: Duration::from_secs(30) };
        let table = [
            // pulse, uptime, stuck boots before
            (Pulse::Fresh, 10, 0, Health::Well),
            (Pulse::Silent, 10, 0, Health::Well),
            (Pulse::Silent, 121, 0, Health::Stuck("sms-dialer")),
            (stale, 40, 0, Health::Stuck("sms-dialer")),
            (stale, 40, 2, Health::Stuck("sms-dialer")),
            (stale, 40, 3, Health::Hopeless("sms-dialer")),
            (stale, 3600, 3, Health::Stuck("sms-dialer")),
        ];
        for (pulse, uptime, boots, expected) in table {
            let pulses = [("watchdogd", Pulse::Fresh), ("sms-dialer", pulse)];
            let verdict = judge(&pulses, Duration::from_secs(uptime), boots);
            assert_eq!(verdict, expected, "{pulse:?} at {uptime} after {boots}");
        }
    }
}
