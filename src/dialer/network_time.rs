//! Whether the clock is set to the time that the network has sent.
//!
//! Anybody can run a cell, and a modem may have lost its own clock: a time that no correct clock can
//! show is refused, and one that is far from what the clock shows must come twice.

use std::time::Duration;

use super::{Effect, Facts, View};
use crate::clock::{Plausible, Utc, WallClock};
use crate::log::Level;
use crate::modem::mobile::{ClockReading, Meaning};
use crate::sms::gate::RightClock;

/// A clock that is right to the second is left alone: WireGuard and the logs like no steps.
const TOLERATED: u64 = 2;
/// Further than this, one reading is not enough. A clock without a battery is off by as long as the
/// box was without power, usually less.
const FAR: u64 = 86_400;
/// Two readings agree if the second is later by as much as has passed between them, give or take
/// this: a modem that is busy answers late, and an emulated board's clock may be slow. A clock that
/// stands does not agree with itself, however soon it is read again.
const AGREED: u64 = 60;
/// A reading of a clock that may mean one of two times means the one that is no further from a clock that is sure.
const CLOSE: u64 = 600;
/// A second reading sooner than this might be the same one, told in two ways.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How often a modem is asked again that does not say, or never says the same.
const AGAIN_EVERY: Duration = Duration::from_secs(60);

/// What the network has said of the time.
#[derive(Debug, Default)]
pub(super) struct NetworkTime {
    /// One that is far from the clock, and waits for a second that agrees.
    doubted: Option<Reading>,
    /// Whether the last one was refused, and logged.
    is_refused: bool,
    /// How far the modem's clock is from the box's, if it means the other one of the two times that it may mean; `None`
    /// if the time is sure.
    other: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    unix: i64,
    /// When it came, in time since boot.
    at: Duration,
    /// When to ask for another.
    again: Duration,
}

impl NetworkTime {
    /// The modem's clock may mean one of two times. A clock that is sure tells which; otherwise it is the likely one,
    /// until a code proves it or the other.
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

    /// The time as the modem's clock tells it, if it means the other one of the two.
    pub(super) fn other(&self, wall: WallClock) -> Option<i64> {
        match wall {
            WallClock::Known(shown) => self.other.map(|other| shown + other),
            WallClock::Floor(_) => None,
        }
    }

    /// A code has proved what the clock means.
    pub(super) fn prove(&mut self, clock: RightClock, wall: WallClock) -> Option<Effect> {
        let other = self.other(wall);
        self.other = None;
        other.filter(|_| clock == RightClock::Other).map(Effect::SetClock)
    }

    /// The network says that it is `unix`, in seconds since 1970.
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
                // Too soon for a second one: it may be the first.
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

    /// Asks for a second reading if it is time to.
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

    /// What follows from these times, each at this second since boot, while the clock shows
    /// [`THAT_MORNING`].
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
    fn a_clock_that_is_right_to_two_seconds_is_left_alone() {
        for (off, sets) in [(-3, true), (-2, false), (0, false), (2, false), (3, true)] {
            let time = THAT_MORNING + off;
            assert_eq!(told(WallClock::Known, &[(60, time)]).len(), usize::from(sets), "{off}");
            // The floor is no knowledge.
            assert_eq!(told(WallClock::Floor, &[(60, time)]), [time]);
        }
    }

    /// What happens, the times and when they come, and what the clock is set to.
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
                ("the same told twice", &[(60, far), (61, far + 1)], &[]),
                ("that and a second one", &[(60, far), (61, far + 1), (66, far + 6)], &[far + 6]),
                ("two that differ", &[(60, far), (66, far + DAY), (70, back)], &[]),
                ("a second one that comes late", &[(60, far), (66, far + 20)], &[far + 20]),
                ("two that differ by minutes", &[(60, far), (66, far + 90)], &[]),
                ("a clock that stands", &[(60, far), (120, far)], &[]),
                ("the same, asked as soon as may be", &[(60, far), (65, far)], &[]),
            ];
            for (what, times, expected) in table {
                assert_eq!(told(wall, times), expected, "{what}");
            }
        }
        let between = [(60, far), (70, THAT_MORNING), (80, far + 20)];
        assert_eq!(told(WallClock::Known, &between), [], "a right reading between two wrong ones");
    }

    #[test]
    fn no_number_of_agreeing_readings_makes_an_impossible_time_believed() {
        // 2040 and 2069, and before the image was built.
        for impossible in [2_208_988_800, 3_124_137_600, THAT_MORNING - 31 * DAY] {
            let readings: Vec<_> = (0..9).map(|n| (60 * n, impossible + 60 * n as i64)).collect();
            assert_eq!(told(WallClock::Floor, &readings), [], "{impossible}");
        }
    }

    const HOUR: i64 = 3600;

    /// What a clock that may mean two times sets the clock to, and how far the other one is then.
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
    fn a_clock_that_may_mean_two_times_is_first_taken_for_what_is_likely() {
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
    fn a_clock_that_is_sure_tells_what_another_one_means() {
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
    fn a_second_reading_is_asked_for_after_five_seconds_and_then_every_minute() {
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
