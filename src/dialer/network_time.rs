//! Decides whether the clock is set to the network's time.
//!
//! Anybody can run a cell, and a modem may have lost its time: an impossible time is refused, and one that is far from
//! the clock's must come twice.

use std::time::Duration;

use super::{Effect, Facts, View};
use crate::clock::{Plausible, Utc, WallClock};
use crate::log::Level;
use crate::modem::mobile::{ClockReading, Meaning};
use crate::sms::gate::RightClock;

/// A clock that is right within this is not set: steps disturb WireGuard and the logs.
const TOLERATED: u64 = 2;
/// Beyond this difference one reading is not enough. A clock without a battery is off by the time without power,
/// usually less than this.
const FAR: u64 = 86_400;
/// Two readings agree if their difference is the time between them, within this tolerance: a busy modem answers late,
/// and an emulated board's clock may be slow. A clock that stands still never agrees with itself.
const AGREED: u64 = 60;
/// A reading with two possible meanings means the time that is within this difference of a certain clock.
const CLOSE: u64 = 600;
/// A second reading within this time may be the same one in another form.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How often the time is requested again if the modem does not report it, or its readings do not agree.
const AGAIN_EVERY: Duration = Duration::from_secs(60);

/// The state of the network's time.
#[derive(Debug, Default)]
pub(super) struct NetworkTime {
    /// A reading far from the clock, which waits for a second one that agrees.
    doubted: Option<Reading>,
    /// Whether the last reading was refused, and logged.
    is_refused: bool,
    /// The difference of the other possible time from the box's clock; `None` if the time is certain.
    other: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    unix: i64,
    /// When it came, in time since boot.
    at: Duration,
    /// When to request another one.
    again: Duration,
}

impl NetworkTime {
    /// Processes a reading with two possible meanings. A certain clock decides between them; otherwise the probable one
    /// counts, until a code proves one of them.
    pub(super) fn read(&mut self, reading: ClockReading, view: View, facts: &Facts) -> Vec<Effect> {
        let zone = |unix| facts.timezone.as_ref().map_or(0, |timezone| timezone.offset_at(unix));
        let [local, universal] = [Meaning::Local, Meaning::Universal].map(|it| reading.unix(it, zone));
        let (likely, other) = match reading.likely {
            Meaning::Local => (local, universal),
            Meaning::Universal => (universal, local),
        };
        let is_close = |unix: &i64| match view.wall {
            WallClock::Known(shown) => self.other.is_none() && shown.abs_diff(*unix) <= CLOSE,
            WallClock::Floor(_) => false,
        };
        let sure = [likely, other].into_iter().find(is_close).or((likely == other).then_some(likely));
        if let Some(unix) = sure {
            return self.receive(unix, view, facts.plausible);
        }
        let is_news = self.other.replace(other - likely).is_none();
        let what = "the modem's clock may be local or universal time: a code that is right by either is accepted, once";
        let news = is_news.then(|| Effect::log(Level::Info, what));
        news.into_iter().chain(self.believe(likely, view, facts.plausible)).collect()
    }

    /// The other possible time of the modem's clock.
    pub(super) fn other(&self, wall: WallClock) -> Option<i64> {
        match wall {
            WallClock::Known(shown) => self.other.map(|other| shown + other),
            WallClock::Floor(_) => None,
        }
    }

    /// A code has proved one of the two times.
    pub(super) fn prove(&mut self, clock: RightClock, wall: WallClock) -> Option<Effect> {
        let other = self.other(wall);
        self.other = None;
        other.filter(|_| clock == RightClock::Other).map(Effect::SetClock)
    }

    /// Processes the network's time, in seconds since 1970.
    pub(super) fn receive(&mut self, unix: i64, view: View, plausible: Plausible) -> Vec<Effect> {
        if plausible.contains(unix) {
            self.other = None;
        }
        self.believe(unix, view, plausible)
    }

    fn believe(&mut self, unix: i64, view: View, plausible: Plausible) -> Vec<Effect> {
        if !plausible.contains(unix) {
            self.doubted = None;
            let is_news = !std::mem::replace(&mut self.is_refused, true);
            return is_news.then(|| refusal(unix, plausible)).into_iter().collect();
        }
        self.is_refused = false;
        let shown = view.wall.shown();
        let is_far = shown.abs_diff(unix) > FAR;
        match self.doubted {
            Some(first) if is_far && first.agrees(unix, view.at.now) => {
                // Too soon for a second reading: it may be the first one.
                if view.at.now < first.at + AGAIN_AFTER {
                    return Vec::new();
                }
            }
            Some(_) | None if is_far => {
                let now = view.at.now;
                let pause = if self.doubted.is_some() { AGAIN_EVERY } else { AGAIN_AFTER };
                self.doubted = Some(Reading { unix, at: now, again: now + pause });
                let (network, shown) = (Utc(unix), Utc(shown));
                let what = format!("the network's time {network} is far from {shown}: asked again");
                return vec![Effect::log(Level::Info, what)];
            }
            Some(_) | None => {}
        }
        self.doubted = None;
        match view.wall {
            WallClock::Known(shown) if shown.abs_diff(unix) <= TOLERATED => Vec::new(),
            WallClock::Known(_) | WallClock::Floor(_) => vec![Effect::SetClock(unix)],
        }
    }

    /// Requests a second reading when it is due.
    pub(super) fn tick(&mut self, now: Duration) -> Option<Effect> {
        let doubted = self.doubted.as_mut().filter(|doubted| doubted.again <= now)?;
        doubted.again = now + AGAIN_EVERY;
        Some(Effect::AskTime)
    }

    /// When to [tick](Self::tick), in time since boot.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.doubted.map(|doubted| doubted.again)
    }
}

impl Reading {
    fn agrees(&self, unix: i64, now: Duration) -> bool {
        let passed = i64::try_from(now.saturating_sub(self.at).as_secs()).unwrap_or(i64::MAX);
        let later = unix - self.unix;
        later > 0 && later.abs_diff(passed) <= AGREED
    }
}

fn refusal(unix: i64, plausible: Plausible) -> Effect {
    let network = Utc(unix);
    let why = if unix < plausible.earliest() {
        format!("this image was built at {}", Utc(plausible.earliest()))
    } else {
        format!("the clock of this image ends at {}", Utc(plausible.latest()))
    };
    Effect::log(Level::Warning, format!("the network's time {network} is ignored: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Month;
    use crate::dialer::Ports;
    use crate::ppp::{Calendar, Timestamp};
    use crate::record::Record;

    /// 2026-07-14 03:59:58 UTC
    const THAT_MORNING: i64 = 1_784_001_598;
    const DAY: i64 = 86_400;

    /// The effects of these times, each at this second since boot, while the clock shows [`THAT_MORNING`].
    fn told(wall: fn(i64) -> WallClock, times: &[(u64, i64)]) -> Vec<i64> {
        let mut network_time = NetworkTime::default();
        let plausible = Plausible::since_build(Some(THAT_MORNING - 30 * DAY));
        let effects = times.iter().flat_map(|&(second, unix)| {
            let calendar = Calendar::NotBefore(Month::from_local(THAT_MORNING));
            let at = Timestamp { now: Duration::from_secs(second), calendar };
            let known = Record::new();
            let view = View { at, wall: wall(THAT_MORNING), ports: Ports::Two, known: &known, loss: None };
            network_time.receive(unix, view, plausible)
        });
        let set = effects.filter_map(|effect| match effect {
            Effect::SetClock(unix) => Some(unix),
            _ => None,
        });
        set.collect()
    }

    #[test]
    fn a_clock_that_is_right_within_two_seconds_is_not_set() {
        for (off, sets) in [(-3, true), (-2, false), (0, false), (2, false), (3, true)] {
            let time = THAT_MORNING + off;
            assert_eq!(told(WallClock::Known, &[(60, time)]).len(), usize::from(sets), "{off}");
            // A floor is not a known time.
            assert_eq!(told(WallClock::Floor, &[(60, time)]), [time]);
        }
    }

    /// The case, the times with their seconds, and what the clock is set to.
    type Case<'a> = (&'a str, &'a [(u64, i64)], &'a [i64]);

    #[test]
    fn a_jump_of_more_than_a_day_needs_two_readings_that_agree() {
        let (next, far, back) = (THAT_MORNING + DAY, THAT_MORNING + 90 * DAY, THAT_MORNING - 20 * DAY);
        for wall in [WallClock::Known, WallClock::Floor] {
            let table: [Case; 12] = [
                ("a day is near", &[(60, next)], &[next]),
                ("one reading", &[(60, far)], &[]),
                ("two", &[(60, far), (66, far + 6)], &[far + 6]),
                ("two, back", &[(60, back), (66, back + 6)], &[back + 6]),
                ("two with ten minutes between", &[(60, far), (660, far + 600)], &[far + 600]),
                ("the same reading twice", &[(60, far), (61, far + 1)], &[]),
                ("that and a second one", &[(60, far), (61, far + 1), (66, far + 6)], &[far + 6]),
                ("two that differ", &[(60, far), (66, far + DAY), (70, back)], &[]),
                ("a second one that comes late", &[(60, far), (66, far + 20)], &[far + 20]),
                ("two that differ by minutes", &[(60, far), (66, far + 90)], &[]),
                ("a clock that stands still", &[(60, far), (120, far)], &[]),
                ("the same, requested as soon as possible", &[(60, far), (65, far)], &[]),
            ];
            for (what, times, expected) in table {
                assert_eq!(told(wall, times), expected, "{what}");
            }
        }
        let between = [(60, far), (70, THAT_MORNING), (80, far + 20)];
        assert_eq!(told(WallClock::Known, &between), [], "a right reading between two wrong ones");
    }

    #[test]
    fn an_impossible_time_is_refused_however_often_it_comes() {
        // 2040 and 2069, and before the image was built.
        for impossible in [2_208_988_800, 3_124_137_600, THAT_MORNING - 31 * DAY] {
            let readings: Vec<_> = (0..9).map(|n| (60 * n, impossible + 60 * n as i64)).collect();
            assert_eq!(told(WallClock::Floor, &readings), [], "{impossible}");
        }
    }

    const HOUR: i64 = 3600;

    /// What a reading with two meanings sets the clock to, and the difference of the other meaning.
    fn read(
        network_time: &mut NetworkTime,
        wall: WallClock,
        (hours, east, likely): (i64, Option<i64>, Meaning),
    ) -> (Option<i64>, Option<i64>) {
        let at = Timestamp {
            now: Duration::from_secs(60),
            calendar: Calendar::NotBefore(Month::from_local(THAT_MORNING)),
        };
        let known = Record::new();
        let view = View { at, wall, ports: Ports::Two, known: &known, loss: None };
        let facts =
            Facts { timezone: Some("CET-1CEST,M3.5.0,M10.5.0/3".parse().unwrap()), ..Facts::default() };
        let reading = ClockReading { shown: THAT_MORNING + hours * HOUR, east, likely };
        let effects = network_time.read(reading, view, &facts);
        let set = effects.into_iter().find_map(|effect| match effect {
            Effect::SetClock(unix) => Some((unix - THAT_MORNING) / HOUR),
            _ => None,
        });
        (set, network_time.other.map(|other| other / HOUR))
    }

    #[test]
    fn of_two_possible_times_the_probable_one_counts_first() {
        use Meaning::{Local, Universal};
        let table = [
            ((2, Some(2 * HOUR), Local), (Some(0), Some(2))),
            ((0, Some(2 * HOUR), Universal), (Some(0), Some(-2))),
            ((2, None, Local), (Some(0), Some(2))), // the site's zone, in summer
            ((0, Some(0), Local), (Some(0), None)),
        ];
        for (reading, expected) in table {
            let floor = WallClock::Floor(THAT_MORNING);
            assert_eq!(read(&mut NetworkTime::default(), floor, reading), expected, "{reading:?}");
        }
    }

    #[test]
    fn a_certain_clock_decides_between_two_possible_times() {
        for likely in [Meaning::Local, Meaning::Universal] {
            for hours in [0, 2] {
                let mut sure = NetworkTime::default();
                let wall = WallClock::Known(THAT_MORNING);
                assert_eq!(read(&mut sure, wall, (hours, Some(2 * HOUR), likely)), (None, None), "{hours}");
            }
        }
    }

    #[test]
    fn a_code_proves_one_of_the_two_times() {
        let wall = WallClock::Known(THAT_MORNING);
        for (clock, expected) in
            [(RightClock::Wall, None), (RightClock::Other, Some(Effect::SetClock(THAT_MORNING + 2 * HOUR)))]
        {
            let mut network_time = NetworkTime::default();
            let reading = (2, Some(2 * HOUR), Meaning::Local);
            read(&mut network_time, WallClock::Floor(THAT_MORNING), reading);
            assert_eq!(network_time.other(wall), Some(THAT_MORNING + 2 * HOUR));
            assert_eq!(network_time.prove(clock, wall), expected);
            assert_eq!(network_time.other(wall), None);
        }
    }

    #[test]
    fn a_second_reading_is_requested_after_five_seconds_and_then_every_minute() {
        let mut network_time = NetworkTime::default();
        assert_eq!(network_time.deadline(), None);
        let at = Timestamp {
            now: Duration::from_secs(60),
            calendar: Calendar::NotBefore(Month::from_local(THAT_MORNING)),
        };
        let known = Record::new();
        let view =
            View { at, wall: WallClock::Floor(THAT_MORNING), ports: Ports::Two, known: &known, loss: None };
        network_time.receive(THAT_MORNING + 90 * DAY, view, Plausible::default());
        for second in [65, 125, 185] {
            let due = Duration::from_secs(second);
            assert_eq!(network_time.deadline(), Some(due));
            assert_eq!(network_time.tick(due - Duration::from_millis(1)), None);
            assert_eq!(network_time.tick(due), Some(Effect::AskTime));
        }
    }
}
