//! When the site's schedule opens the link.
//!
//! An occurrence is the time from the scheduled start until the scheduled length is over. It is served once: by the
//! first link in it that comes up. All times are seconds since 1970 by local clocks, so that an occurrence keeps its
//! time of day when summer time begins or ends.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::calendar::Civil;
use crate::clock::WallClock;
use crate::ppp::{LinkOutcome, RequestRefusal};
use crate::site::{Days, Hostname, Schedule, TimeSpan, Timezone};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05, the first Monday.
const A_MONDAY: i64 = 4 * DAY;
/// The pause after a failed attempt.
const RETRY_AFTER: Duration = Duration::from_secs(300);
/// The longest time until the clock is read again: it may have been set.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// The schedule of a box.
#[derive(Debug, Clone)]
pub struct Scheduler {
    schedule: Schedule,
    zone: Timezone,
    /// Seconds after the site's time of day at which this box begins.
    delay: i64,
    /// The start of the last occurrence that was served.
    served: Option<i64>,
    /// The start of the occurrence that was tried last, and the time since boot before which it is not tried again.
    tried: Option<(i64, Duration)>,
}

impl Scheduler {
    /// The schedule of the box with this name.
    pub fn new(schedule: Schedule, zone: Timezone, name: &Hostname) -> Self {
        let delay = delay(name, schedule.spread);
        Self { schedule, zone, delay, served: None, tried: None }
    }

    /// How long to open the link for, if now is the time. The caller then opens it.
    pub fn poll(&mut self, wall: WallClock, now: Duration) -> Option<Duration> {
        let local = self.local(wall)?;
        let start = self.latest_start(local);
        let left = start.checked_add(self.length())?.checked_sub(local).filter(|left| *left > 0)?;
        let is_paused = self.tried.is_some_and(|(tried, again)| tried == start && now < again);
        if self.served == Some(start) || is_paused {
            return None;
        }
        self.tried = Some((start, now + RETRY_AFTER));
        u64::try_from(left).ok().map(Duration::from_secs)
    }

    /// The outcome of a link, whoever has asked for it. A failed attempt is repeated within the occurrence; one that the
    /// budget refuses would be refused again.
    pub fn note(&mut self, outcome: &LinkOutcome, wall: WallClock) {
        let is_served = match outcome {
            LinkOutcome::Failed(_)
            | LinkOutcome::Refused(RequestRefusal::NotConnected | RequestRefusal::ByHand) => false,
            LinkOutcome::Up { .. }
            | LinkOutcome::Extended(_)
            | LinkOutcome::Closed(_)
            | LinkOutcome::Refused(RequestRefusal::Budget { .. }) => true,
        };
        if is_served && let Some(local) = self.local(wall) {
            let start = self.latest_start(local);
            if local < start + self.length() {
                self.served = Some(start);
            }
        }
    }

    /// When to [poll](Self::poll) again, in time since boot; `None` as long as the clock is not set.
    pub fn deadline(&self, wall: WallClock, now: Duration) -> Option<Duration> {
        let local = self.local(wall)?;
        let start = self.latest_start(local);
        let retry = self.tried.filter(|(tried, _)| *tried == start && self.served != Some(start));
        let retry = retry.map(|(_, again)| again).filter(|_| local < start + self.length());
        let until_next =
            u64::try_from(self.next_start(local) - local).map_or(LOOK_EVERY, Duration::from_secs);
        let next = now + until_next.min(LOOK_EVERY);
        Some(retry.map_or(next, |retry| retry.min(next)))
    }

    /// The start of the next occurrence, in seconds since 1970; `None` as long as the clock is not set.
    pub fn upcoming(&self, wall: WallClock) -> Option<i64> {
        let local = self.local(wall)?;
        let next = self.next_start(local);
        // The offset now is that of the next start, except across a change of summer time.
        let unix = next - self.zone.offset_at(wall.shown());
        Some(next - self.zone.offset_at(unix))
    }

    fn local(&self, wall: WallClock) -> Option<i64> {
        match wall {
            WallClock::Known(unix) => Some(unix + self.zone.offset_at(unix)),
            WallClock::Floor(_) => None,
        }
    }

    fn length(&self) -> i64 {
        seconds(self.schedule.length)
    }

    /// The last start that is not after this time.
    fn latest_start(&self, local: i64) -> i64 {
        let shift = i64::from(self.schedule.at.minutes()) * MINUTE + self.delay;
        let local = local - shift;
        let start = match self.schedule.on {
            Days::Daily => local.div_euclid(DAY) * DAY,
            Days::Weekly(day) => {
                let first = A_MONDAY + i64::from(day) * DAY;
                (local - first).div_euclid(WEEK) * WEEK + first
            }
            Days::Monthly(day) => {
                let this_month = of_month(local, day);
                // The day before the first of a month is in the one before.
                let last_month = || of_month(this_month - i64::from(day) * DAY, day);
                if this_month <= local { this_month } else { last_month() }
            }
        };
        start + shift
    }

    fn next_start(&self, local: i64) -> i64 {
        let latest = self.latest_start(local);
        match self.schedule.on {
            Days::Daily => latest + DAY,
            Days::Weekly(_) => latest + WEEK,
            // At most 28 days into a month: 31 days later is in the next one.
            Days::Monthly(_) => self.latest_start(latest + 31 * DAY),
        }
    }
}

/// The first second of this day in the month of `local`.
fn of_month(local: i64, day: u8) -> i64 {
    let today = Civil::from_unix(local);
    (local.div_euclid(DAY) - today.day + i64::from(day)) * DAY
}

/// Seconds within the spread, evenly distributed over names.
fn delay(name: &Hostname, spread: TimeSpan) -> i64 {
    let digest = Sha256::digest(name.as_str());
    let number = digest.iter().take(4).fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    number % seconds(spread).max(1)
}

fn seconds(span: TimeSpan) -> i64 {
    i64::try_from(span.get().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
