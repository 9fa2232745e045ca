//! The only place where the device reads or sets a clock; everything else gets the time as a parameter.

use std::fmt;
use std::time::Duration;

use crate::calendar::Civil;
use crate::state::Store;
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

/// The file of the [store](crate::state::Store) that holds the clock when it was last saved.
pub const SAVED_FILE: &str = "clock";

/// What the settable clock is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallClock {
    /// The network has sent the time: seconds since 1970.
    Known(i64),
    /// It shows the [floor], and the time is anything later.
    Floor,
}

/// Time since the kernel started, the yardstick of every deadline: nobody can set it.
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Seconds since 1970 by the settable clock. The board has no battery: see [`floor`].
pub fn unix() -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec
}

/// Sets the settable clock to seconds since 1970.
pub fn set_unix(seconds: i64) -> std::io::Result<()> {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Ok(clock_settime(ClockId::Realtime, time)?)
}

/// Saves the clock, for the [floor] of the next boot.
pub fn save(store: &Store) -> std::io::Result<()> {
    store.replace(SAVED_FILE, &format!("{}\n", unix()))
}

/// The earliest the time can be at boot: neither before this image was built nor before the
/// clock was last saved. `None` if the clock already shows later than that.
pub fn floor(now: i64, built: Option<i64>, saved: Option<i64>) -> Option<i64> {
    built.max(saved).filter(|earliest| *earliest > now)
}

/// Seconds since 1970 as a person reads them: `2026-07-14 03:59:58 UTC`.
#[derive(Debug, Clone, Copy)]
pub struct Utc(pub i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} UTC", Civil::from_unix(self.0))
    }
}

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i64,
    month: i64,
}

impl Month {
    /// The month of a moment, in seconds since 1970 as a clock on the wall shows them: add the
    /// offset of the time zone first.
    pub fn from_local(local: i64) -> Self {
        let Civil { year, month, .. } = Civil::from_unix(local);
        Self { year, month }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (1..=12).contains(&month).then_some(Self { year, month })
    }
}

/// As in ISO 8601: `2026-07`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @… '+%F %T'` of GNU coreutils 9.1.
    #[test]
    fn seconds_are_written_as_date_writes_them() {
        let table = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_784_001_598, "2026-07-14 03:59:58 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ];
        for (seconds, expected) in table {
            assert_eq!(Utc(seconds).to_string(), expected);
        }
    }

    #[test]
    fn a_month_is_read_back_and_follows_the_one_before() {
        let july = Month::from_local(1_784_001_598);
        assert_eq!(july.to_string(), "2026-07");
        assert_eq!(Month::parse("2026-07"), Some(july));
        assert!(july > Month::from_local(1_784_001_598 - 14 * 86_400));
        for wrong in ["", "2026", "2026-13", "2026-0", "x-1"] {
            assert_eq!(Month::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_boot_without_a_clock_starts_at_the_latest_time_known() {
        let table = [
            // now, built, saved → set to
            (5, Some(1000), Some(2000), Some(2000)),
            (5, Some(1000), None, Some(1000)),
            (5, Some(3000), Some(2000), Some(3000)), // a newer image on an old card
            (5, None, None, None),
            (9000, Some(1000), Some(2000), None), // a board with a battery
        ];
        for (now, built, saved, expected) in table {
            assert_eq!(floor(now, built, saved), expected);
        }
    }
}
