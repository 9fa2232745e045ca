//! When the daily reboot is due. It needs a running clock, not a correct one.

use std::time::Duration;

use crate::site::Timezone;

/// A box that has just started is not rebooted, whatever its clock shows.
const YOUNG: Duration = Duration::from_secs(30);
/// How long after the kernel's start `init` may set the clock.
const STARTS_WITHIN: i64 = 300;
/// If the elapsed times of the two clocks differ by more than this, one of them was set.
const STEP: i64 = 300;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const A_DAY: Duration = Duration::from_secs(DAY.unsigned_abs());

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Seconds since 1970; this clock can be set.
    pub unix: i64,
    /// Time since boot; this clock cannot be set.
    pub since_boot: Duration,
}

/// The daily reboot of a site.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The local hour, 0 to 23.
    pub hour: u16,
    /// The time zone.
    pub zone: Timezone,
    /// When the image was built, in seconds since 1970: an earlier clock is not trusted.
    pub built: i64,
}

/// Why a reboot is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The hour has come.
    Hour(Occurrence),
    /// The clock cannot be trusted, and a day has passed.
    Uptime,
}

/// The hour of one day, in seconds since 1970 by local clocks. It is stored over the reboot, so that a clock that is
/// corrected backwards does not cause a second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence(pub i64);

/// A reboot that is due.
#[derive(Debug, Default)]
pub struct Pending {
    /// Since when, in time since boot.
    since: Option<Duration>,
}

/// What to do about the daily reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    NotDue,
    /// Wait: a connection would be lost.
    Wait,
    /// Reboot.
    Reboot,
}

impl Due {
    /// Whether the box may be rebooted for it. One that could not be stored may come again after each boot, since the
    /// clock could not be saved either.
    pub fn counts(self, is_stored: bool, now: Tick) -> bool {
        is_stored || now.since_boot >= A_DAY
    }
}

impl Pending {
    /// Decides at a tick. An open connection delays the reboot, until the next day at most.
    pub fn decide(&mut self, due: Option<Due>, now: Tick, in_use: impl FnOnce() -> bool) -> Decision {
        if due.is_some() {
            self.since.get_or_insert(now.since_boot);
        }
        match self.since {
            None => Decision::NotDue,
            Some(since) if now.since_boot < since + A_DAY && in_use() => Decision::Wait,
            Some(_) => Decision::Reboot,
        }
    }
}

impl Schedule {
    /// Whether the time of the reboot came between two ticks.
    pub fn due(&self, previous: Tick, now: Tick, last: Option<Occurrence>) -> Option<Due> {
        if now.since_boot < YOUNG {
            return None;
        }
        if self.is_unset(now) {
            return (now.since_boot >= A_DAY).then_some(Due::Uptime);
        }
        let passed = now.since_boot.saturating_sub(previous.since_boot).as_secs();
        let shown = now.unix - previous.unix;
        if shown.abs_diff(i64::try_from(passed).unwrap_or(i64::MAX)) > STEP.unsigned_abs() {
            return None;
        }
        // Local clocks are compared, and not Unix times: an hour that summer time skips is crossed as well, and one
        // that it repeats is the same occurrence.
        let occurrence = self.latest_occurrence(self.local(now));
        let crossed = self.local(previous) < occurrence.0;
        (crossed && last != Some(occurrence)).then_some(Due::Hour(occurrence))
    }

    /// How long it is until the next time, a day at most.
    pub fn until_next(&self, now: Tick) -> Duration {
        if self.is_unset(now) {
            return A_DAY.saturating_sub(now.since_boot);
        }
        let local = self.local(now);
        Duration::from_secs((self.latest_occurrence(local).0 + DAY - local).unsigned_abs())
    }

    /// Whether the clock was neither set nor saved: it has started when the image was built, as it will at the next
    /// boot. Its hour says nothing, and might come soon after each boot.
    fn is_unset(&self, now: Tick) -> bool {
        let up = i64::try_from(now.since_boot.as_secs()).unwrap_or(i64::MAX);
        let started = now.unix.saturating_sub(up);
        now.unix < self.built || (self.built.saturating_sub(STARTS_WITHIN)..self.built).contains(&started)
    }

    fn local(&self, tick: Tick) -> i64 {
        tick.unix + self.zone.offset_at(tick.unix)
    }

    fn latest_occurrence(&self, local: i64) -> Occurrence {
        let hour = i64::from(self.hour) * HOUR;
        Occurrence((local - hour).div_euclid(DAY) * DAY + hour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-01-01 00:00:00 UTC
    const BUILT: i64 = 1_767_225_600;
    const PARIS: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn schedule(hour: u16, zone: &str) -> Schedule {
        Schedule { hour, zone: zone.parse().unwrap(), built: BUILT }
    }

    fn tick(unix: i64, since_boot: u64) -> Tick {
        Tick { unix, since_boot: Duration::from_secs(since_boot) }
    }

    /// A box that runs for `days` with a tick every five minutes, each boot taking 20 seconds; returns the local time
    /// of each reboot.
    fn live(schedule: &Schedule, days: i64) -> Vec<i64> {
        let (mut last, mut reboots) = (None, Vec::new());
        let mut booted = BUILT;
        let mut previous = tick(BUILT, 0);
        while previous.unix < BUILT + days * DAY {
            let unix = previous.unix + 300;
            let now = tick(unix, (unix - booted).unsigned_abs());
            previous = match schedule.due(previous, now, last) {
                None => now,
                Some(Due::Uptime) => panic!("the clock was right all the time"),
                Some(Due::Hour(occurrence)) => {
                    reboots.push(schedule.local(now));
                    last = Some(occurrence);
                    booted = unix + 20;
                    tick(booted, 0)
                }
            };
        }
        reboots
    }

    #[test]
    fn every_day_of_four_years_has_one_reboot_at_the_local_hour() {
        for (hour, zone) in [(4, "UTC0"), (4, PARIS), (0, PARIS), (22, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0")] {
            let schedule = schedule(hour, zone);
            let reboots = live(&schedule, 4 * 365);
            assert_eq!(reboots.len(), 4 * 365, "{zone}");
            for local in reboots {
                let late = local - schedule.latest_occurrence(local).0;
                assert!((0..600).contains(&late), "{zone}: {late} s late");
            }
        }
    }

    #[test]
    fn an_hour_that_summer_time_skips_or_repeats_counts_once() {
        assert_eq!(live(&schedule(2, PARIS), 365).len(), 365);
    }

    #[test]
    fn a_clock_set_to_before_the_hour_reboots_the_box_at_the_hour() {
        let four = schedule(4, "UTC0");
        let before_the_hour = BUILT + 4 * HOUR - 5;
        // date -s: a step does not count as a crossing …
        assert_eq!(four.due(tick(BUILT + 100, 40), tick(before_the_hour, 42), None), None);
        // … but the time after it does.
        let due = four.due(tick(before_the_hour + 4, 46), tick(before_the_hour + 6, 48), None);
        assert_eq!(due, Some(Due::Hour(Occurrence(BUILT + 4 * HOUR))));
    }

    #[test]
    fn a_clock_set_past_the_hour_does_not_reboot_the_box() {
        let four = schedule(4, "UTC0");
        let (at_three, at_five) = (BUILT + 3 * HOUR, BUILT + 5 * HOUR);
        assert_eq!(four.due(tick(at_three, 100), tick(at_five, 102), None), None);
        assert_eq!(four.due(tick(at_five, 100), tick(at_three, 102), None), None);
    }

    #[test]
    fn a_clock_corrected_backwards_does_not_reboot_twice() {
        let four = schedule(4, "UTC0");
        let hour = BUILT + 4 * HOUR;
        let crossing = (tick(hour - 1, 100), tick(hour + 1, 102));
        let Some(Due::Hour(occurrence)) = four.due(crossing.0, crossing.1, None) else { panic!("not due") };
        assert_eq!(four.due(crossing.0, crossing.1, Some(occurrence)), None);
        let next_day = (tick(hour + DAY - 1, 100), tick(hour + DAY + 1, 102));
        assert!(four.due(next_day.0, next_day.1, Some(occurrence)).is_some());
    }

    #[test]
    fn a_clock_before_the_build_counts_a_day_of_uptime() {
        let four = schedule(4, "UTC0");
        assert_eq!(four.due(tick(4 * HOUR - 1, 86_397), tick(4 * HOUR + 1, 86_399), None), None);
        assert_eq!(four.due(tick(100, 86_399), tick(102, 86_401), None), Some(Due::Uptime));
    }

    /// The clock starts at the same time at each boot, and what is stored is lost: the state partition is, and no network
    /// sends the time.
    #[test]
    fn a_box_whose_clock_is_never_set_reboots_once_a_day_whenever_its_image_was_built() {
        for before_the_hour in [40, 600, 7200] {
            for starts_late in [0, 3600] {
                // By a clock that was saved once, the hour may come; it cannot be stored.
                let built = BUILT + 4 * HOUR - before_the_hour;
                let four = Schedule { built, ..schedule(4, "UTC0") };
                let (mut reboots, mut up) = (0, 0);
                for _ in 0..7 * DAY / 2 {
                    let at = |up: u64| tick(built - 3 + starts_late + i64::try_from(up).unwrap(), up);
                    let now = at(up + 2);
                    let due = four.due(at(up), now, None).filter(|due| due.counts(*due == Due::Uptime, now));
                    (reboots, up) = if due.is_some() { (reboots + 1, 0) } else { (reboots, up + 2) };
                }
                assert!((3..=7).contains(&reboots), "{before_the_hour} {starts_late}: {reboots} in a week");
            }
        }
    }

    #[test]
    fn the_next_time_is_a_day_away_at_most() {
        let four = schedule(4, "UTC0");
        let hours = |unix| four.until_next(tick(unix, 3600)).as_secs() / 3600;
        assert_eq!((hours(BUILT), hours(BUILT + 3 * HOUR), hours(BUILT + 4 * HOUR)), (4, 1, 24));
        assert_eq!(hours(0), 23, "the clock is not set");
    }

    #[test]
    fn a_connection_delays_the_reboot_by_a_day_at_most() {
        let due = Some(Due::Hour(Occurrence(BUILT)));
        let free_after = |seconds: u64| {
            let mut pending = Pending::default();
            let mut waited = 0..;
            waited.find(|second| {
                let due = due.filter(|_| *second == 0);
                let now = tick(BUILT, 100 + second);
                pending.decide(due, now, || *second < seconds) == Decision::Reboot
            })
        };
        assert_eq!(free_after(0), Some(0));
        assert_eq!(free_after(7200), Some(7200));
        assert_eq!(free_after(u64::MAX), Some(DAY.unsigned_abs()));
        assert_eq!(Pending::default().decide(None, tick(BUILT, 100), || false), Decision::NotDue);
    }

    #[test]
    fn a_box_that_has_just_started_is_not_rebooted() {
        let four = schedule(4, "UTC0");
        let hour = BUILT + 4 * HOUR;
        assert_eq!(four.due(tick(hour - 1, 27), tick(hour + 1, 29), None), None);
    }

    proptest! {
        #[test]
        fn no_clock_makes_it_panic(a: i32, b: i32, boot in 0u64..1 << 40, hour in 0u16..24) {
            let _ = schedule(hour, PARIS).due(tick(a.into(), boot), tick(b.into(), boot + 2), None);
        }
    }
}
