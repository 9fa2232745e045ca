//! Decides by the health of all services whether the watchdog is fed.

use std::time::Duration;

use super::heartbeat::HeartbeatState;

/// A service that has not sent a heartbeat by this time after boot will send none.
const START: Duration = Duration::from_secs(120);
/// After this many reboots in a row without success, another one follows only once an hour: a box
/// that is reachable for an hour can be repaired remotely, one that reboots all the time cannot.
const FUTILE: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);

/// Whether another reboot may help, after so many in a row that have not.
pub fn may_reboot(failed_boots: usize, uptime: Duration) -> bool {
    failed_boots < FUTILE || uptime >= HOUR
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health<'a> {
    /// Every service makes progress: feed the watchdog.
    Well,
    /// This service is stuck: let the watchdog reset the box.
    Stuck(&'a str),
    /// This service is stuck, but resets have not helped: feed the watchdog for now.
    Hopeless(&'a str),
}

/// Judges the services by their heartbeats. `ledger` says how many consecutive boots, up to this one, followed a stuck
/// service.
pub fn judge<'a>(
    heartbeats: &[(&'a str, HeartbeatState)],
    uptime: Duration,
    stuck_boots: usize,
) -> Health<'a> {
    let is_stuck = |heartbeat: &HeartbeatState| match heartbeat {
        HeartbeatState::Fresh => false,
        HeartbeatState::Missing => uptime > START,
        HeartbeatState::Stale { .. } => true,
    };
    match heartbeats.iter().find(|(_, heartbeat)| is_stuck(heartbeat)) {
        None => Health::Well,
        Some((service, _)) if may_reboot(stuck_boots, uptime) => Health::Stuck(service),
        Some((service, _)) => Health::Hopeless(service),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_service_resets_the_box_but_not_endlessly() {
        let stale = HeartbeatState::Stale { age: Duration::from_secs(30) };
        let table = [
            // heartbeat, uptime, stuck boots before
            (HeartbeatState::Fresh, 10, 0, Health::Well),
            (HeartbeatState::Missing, 10, 0, Health::Well),
            (HeartbeatState::Missing, 121, 0, Health::Stuck("sms-dialer")),
            (stale, 40, 0, Health::Stuck("sms-dialer")),
            (stale, 40, 2, Health::Stuck("sms-dialer")),
            (stale, 40, 3, Health::Hopeless("sms-dialer")),
            (stale, 3600, 3, Health::Stuck("sms-dialer")),
        ];
        for (heartbeat, uptime, boots, expected) in table {
            let heartbeats = [("watchdogd", HeartbeatState::Fresh), ("sms-dialer", heartbeat)];
            let health = judge(&heartbeats, Duration::from_secs(uptime), boots);
            assert_eq!(health, expected, "{heartbeat:?} at {uptime} after {boots}");
        }
    }
}
