//! Heartbeats: how a service proves that its loop still runs.

use std::time::Duration;

use crate::names::Service;
use crate::paths::Paths;
use crate::record::Record;

/// The proof of one service: renewed by its loop, judged by `watchdogd`.
#[derive(Debug)]
pub struct Heart {
    paths: Paths,
    service: Service,
    deadline: Duration,
    last: Option<Duration>,
}

impl Heart {
    /// For a service that promises to beat at least every `deadline`.
    pub fn new(paths: &Paths, service: Service, deadline: Duration) -> Self {
        Self { paths: paths.clone(), service, deadline, last: None }
    }

    /// How often the loop must run at least, so that one late iteration does no harm.
    pub fn interval(&self) -> Duration {
        self.deadline / 4
    }

    /// Called by every iteration of the loop: it writes once per interval.
    pub fn beat(&mut self, now: Duration) {
        if self.last.is_some_and(|last| now < last + self.interval()) {
            return;
        }
        self.last = Some(now);
        let record = Record::new().with("at", now.as_secs()).with("deadline", self.deadline.as_secs());
        // A box that cannot write into RAM is a box that the watchdog should reset.
        let _ = self.paths.publish(&record_name(self.service), &record);
    }
}

/// The state of a service as its heartbeat shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// It has not beaten since boot.
    Silent,
    /// It beats.
    Fresh,
    /// Its last beat is older than its deadline.
    Stale {
        /// Age of the last beat.
        age: Duration,
    },
}

/// Reads the heartbeat of a service.
pub fn pulse(paths: &Paths, service: Service, now: Duration) -> Pulse {
    let record = paths.published(&record_name(service));
    record.map_or(Pulse::Silent, |record| judge(&record, now))
}

fn judge(record: &Record, now: Duration) -> Pulse {
    let seconds = |key| record.number(key).map(Duration::from_secs);
    let (Some(at), Some(deadline)) = (seconds("at"), seconds("deadline")) else {
        return Pulse::Stale { age: now };
    };
    let age = now.saturating_sub(at);
    // The beat is written in whole seconds.
    if age <= deadline + Duration::from_secs(1) { Pulse::Fresh } else { Pulse::Stale { age } }
}

fn record_name(service: Service) -> String {
    format!("heartbeat/{}", service.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_service_is_fresh_until_its_own_deadline() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let feel = |second| pulse(&paths, Service::DialIn, second * SECOND);
        assert_eq!(feel(1), Pulse::Silent);
        let mut heart = Heart::new(&paths, Service::DialIn, 20 * SECOND);
        heart.beat(10 * SECOND);
        assert_eq!(feel(10), Pulse::Fresh);
        assert_eq!(feel(31), Pulse::Fresh);
        assert_eq!(feel(32), Pulse::Stale { age: 22 * SECOND });
        heart.beat(32 * SECOND);
        assert_eq!(feel(32), Pulse::Fresh);
    }

    #[test]
    fn a_loop_that_turns_fast_writes_seldom() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let mut heart = Heart::new(&paths, Service::DialIn, 20 * SECOND);
        let mut written = Vec::new();
        for second in 0..20 {
            heart.beat(second * SECOND);
            let at = paths.published("heartbeat/dial-in").unwrap().number("at").unwrap();
            written.push(at);
        }
        written.dedup();
        assert_eq!(written, [0, 5, 10, 15]);
    }

    #[test]
    fn a_heartbeat_that_makes_no_sense_is_stale() {
        let record = Record::parse("at=x\ndeadline=5\n");
        assert_eq!(judge(&record, 7 * SECOND), Pulse::Stale { age: 7 * SECOND });
    }
}
