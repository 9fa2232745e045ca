//! Heartbeats: each service proves that its loop still runs.

use std::time::Duration;

use crate::names::Service;
use crate::paths::Paths;
use crate::record::Record;

/// The heartbeat of one service: written by its loop, checked by `watchdogd`.
#[derive(Debug)]
pub struct Heartbeat {
    paths: Paths,
    service: Service,
    deadline: Duration,
    last: Option<Duration>,
}

impl Heartbeat {
    /// For a service that sends a heartbeat at least every `deadline`.
    pub fn new(paths: &Paths, service: Service, deadline: Duration) -> Self {
        Self { paths: paths.clone(), service, deadline, last: None }
    }

    /// The longest interval between iterations of the loop: one late iteration does no harm.
    pub fn interval(&self) -> Duration {
        self.deadline / 4
    }

    /// Called by every iteration of the loop; writes once per interval.
    pub fn beat(&mut self, now: Duration) {
        if self.last.is_some_and(|last| now < last + self.interval()) {
            return;
        }
        self.last = Some(now);
        let record = Record::new().with("at", now.as_secs()).with("deadline", self.deadline.as_secs());
        // A box that cannot write into RAM should be reset by the watchdog.
        let _ = self.paths.publish(&record_name(self.service), &record);
    }
}

/// The state of a service, from its heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatState {
    /// None since boot.
    Missing,
    /// The last one is younger than its deadline.
    Fresh,
    /// The last one is older than its deadline.
    Stale {
        /// Its age.
        age: Duration,
    },
}

impl HeartbeatState {
    /// Reads the heartbeat of a service.
    pub fn read(paths: &Paths, service: Service, now: Duration) -> Self {
        let record = paths.published(&record_name(service));
        record.map_or(Self::Missing, |record| Self::from_record(&record, now))
    }

    fn from_record(record: &Record, now: Duration) -> Self {
        let seconds = |key| record.number(key).map(Duration::from_secs);
        let (Some(at), Some(deadline)) = (seconds("at"), seconds("deadline")) else {
            return Self::Stale { age: now };
        };
        let age = now.saturating_sub(at);
        // A heartbeat has whole seconds.
        if age <= deadline + Duration::from_secs(1) { Self::Fresh } else { Self::Stale { age } }
    }
}

fn record_name(service: Service) -> String {
    format!("heartbeat/{}", service.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_heartbeat_is_fresh_until_the_services_deadline() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let state = |second| HeartbeatState::read(&paths, Service::DialIn, second * SECOND);
        assert_eq!(state(1), HeartbeatState::Missing);
        let mut heartbeat = Heartbeat::new(&paths, Service::DialIn, 20 * SECOND);
        heartbeat.beat(10 * SECOND);
        assert_eq!(state(10), HeartbeatState::Fresh);
        assert_eq!(state(31), HeartbeatState::Fresh);
        assert_eq!(state(32), HeartbeatState::Stale { age: 22 * SECOND });
        heartbeat.beat(32 * SECOND);
        assert_eq!(state(32), HeartbeatState::Fresh);
    }

    #[test]
    fn a_fast_loop_writes_once_per_interval() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let mut heartbeat = Heartbeat::new(&paths, Service::DialIn, 20 * SECOND);
        let mut written = Vec::new();
        for second in 0..20 {
            heartbeat.beat(second * SECOND);
            let at = paths.published("heartbeat/dial-in").unwrap().number("at").unwrap();
            written.push(at);
        }
        written.dedup();
        assert_eq!(written, [0, 5, 10, 15]);
    }

    #[test]
    fn an_unreadable_record_is_stale() {
        let record = Record::parse("at=x\ndeadline=5\n");
        assert_eq!(
            HeartbeatState::from_record(&record, 7 * SECOND),
            HeartbeatState::Stale { age: 7 * SECOND }
        );
    }
}
