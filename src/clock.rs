//! The only place where the device reads or sets a clock; everything else gets the time as a parameter.

use std::fmt;
use std::time::Duration;

use crate::calendar::Civil;
use crate::state::Store;
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

/// The system calls that read it, where the kernel has no vDSO, as on the board.
pub const CALLS: &[libc::c_long] = &[
    libc::SYS_clock_gettime,
    // `clock_gettime64`, which the C library's headers for ARM do not name (asm-generic/unistd.h).
    #[cfg(target_arch = "arm")]
    403,
];

/// The file of the [store](crate::state::Store) with the last saved clock.
pub const SAVED_FILE: &str = "clock";

/// How far the settable clock can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallClock {
    /// The network has sent the time: seconds since 1970.
    Known(i64),
    /// The clock started at the [floor]; the real time is that or later.
    Floor(i64),
}

impl WallClock {
    /// The clock's value, right or not.
    pub fn shown(self) -> i64 {
        let (Self::Known(unix) | Self::Floor(unix)) = self;
        unix
    }
}

/// The plausible values of a box's clock. Other values are neither accepted nor saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plausible {
    earliest: i64,
    latest: i64,
}

impl Plausible {
    /// No image was built before: 2026-01-01.
    const FIRST_IMAGE: i64 = 1_767_225_600;
    /// No image of this age, ten years, is still in use.
    const LIFETIME: i64 = 3_653 * DAY;
    /// Debian's programs for armel have a `time_t` of 32 bits, which ends at 2038-01-19 03:14:07 UTC. After that pppd
    /// and dropbear do not start: stat(2) of every new file fails with `EOVERFLOW`. A clock set to the limit leaves
    /// weeks to notice and reboot the box.
    const TIME_T_ENDS: i64 = i32::MAX as i64 - 30 * DAY;

    /// The plausible values with an image that was built at this time, in seconds since 1970.
    pub fn since_build(built: Option<i64>) -> Self {
        let earliest = built.unwrap_or(Self::FIRST_IMAGE);
        Self { earliest, latest: earliest.saturating_add(Self::LIFETIME).min(Self::TIME_T_ENDS) }
    }

    /// Whether a correct clock can have this value.
    pub fn contains(self, unix: i64) -> bool {
        (self.earliest..=self.latest).contains(&unix)
    }

    /// The date of the image.
    pub fn earliest(self) -> i64 {
        self.earliest
    }

    /// The clock is not set to a later time than this.
    pub fn latest(self) -> i64 {
        self.latest
    }
}

impl Default for Plausible {
    fn default() -> Self {
        Self::since_build(None)
    }
}

const DAY: i64 = 86_400;

/// Time since the kernel started, for all deadlines: nothing can set it.
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

/// Saves the clock, for the [floor] of the next boot. An implausible value is not saved: the last saved one is the
/// better floor.
pub fn save(store: &Store, plausible: Plausible) -> std::io::Result<()> {
    save_shown(store, unix(), plausible)
}

fn save_shown(store: &Store, shown: i64, plausible: Plausible) -> std::io::Result<()> {
    if !plausible.contains(shown) {
        return Ok(());
    }
    store.replace(SAVED_FILE, &format!("{shown}\n"))
}

/// The last [saved](save) value of the clock.
pub fn saved(store: &Store) -> Option<i64> {
    store.read(SAVED_FILE)?.trim().parse().ok()
}

/// The value for the clock at boot: the earliest possible time, which is neither before this image was built nor before
/// the clock was last saved. `None` if the clock already has a plausible later value. An implausible saved value is
/// ignored.
pub fn floor(shown: i64, saved: Option<i64>, plausible: Plausible) -> Option<i64> {
    let earliest = saved.filter(|saved| plausible.contains(*saved)).unwrap_or(plausible.earliest);
    let stays = plausible.contains(shown) && earliest <= shown;
    (!stays).then_some(earliest)
}

/// Seconds since 1970 as text: `2026-07-14 03:59:58 UTC`.
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
    /// The month of a time, in seconds since 1970 by a local clock: add the offset of the time zone first.
    pub fn from_local(local: i64) -> Self {
        let Civil { year, month, .. } = Civil::from_unix(local);
        Self { year, month }
    }

    /// Whether the clock of any image can show this month, in any time zone.
    pub fn is_plausible(&self) -> bool {
        *self <= Self::from_local(Plausible::TIME_T_ENDS + DAY)
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
    fn times_are_formatted_like_date_does() {
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
    fn a_month_is_the_same_after_writing_and_reading_and_months_are_ordered() {
        let july = Month::from_local(1_784_001_598);
        assert_eq!(july.to_string(), "2026-07");
        assert_eq!(Month::parse("2026-07"), Some(july));
        assert!(july > Month::from_local(1_784_001_598 - 14 * 86_400));
        for wrong in ["", "2026", "2026-13", "2026-0", "x-1"] {
            assert_eq!(Month::parse(wrong), None, "{wrong:?}");
        }
    }

    /// `date -u -d 2026-07-14 +%s` of GNU coreutils 9.1.
    const BUILT: i64 = 1_783_987_200;

    #[test]
    fn without_a_battery_the_clock_starts_at_the_latest_plausible_time() {
        let plausible = Plausible::since_build(Some(BUILT));
        let table = [
            // shown, saved → set to
            (5, Some(BUILT + 2000), Some(BUILT + 2000)),
            (5, None, Some(BUILT)),
            (5, Some(BUILT - 2000), Some(BUILT)), // a newer image on an old card
            (BUILT + 9000, Some(BUILT + 2000), None), // a board with a battery
            (i64::from(i32::MAX), None, Some(BUILT)), // a battery clock that is wrong
            (i64::MAX, Some(BUILT + 9), Some(BUILT + 9)),
        ];
        for (shown, saved, expected) in table {
            assert_eq!(floor(shown, saved, plausible), expected, "{shown} {saved:?}");
        }
    }

    #[test]
    fn a_saved_clock_beyond_32_bit_time_is_no_floor() {
        let plausible = Plausible::since_build(Some(BUILT));
        // 2038-01-19 03:14:07, 2040, 2069, and the value on a damaged card.
        for saved in [i64::from(i32::MAX), 2_208_988_800, 3_124_137_600, i64::MAX, i64::MIN] {
            assert_eq!(floor(5, Some(saved), plausible), Some(BUILT), "{saved}");
        }
    }

    #[test]
    fn what_is_no_number_of_seconds_is_no_saved_clock() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let plausible = Plausible::since_build(Some(BUILT));
        // 2^63, 2^64 and more do not fit.
        for text in ["9223372036854775808", "18446744073709551616", "1e99", "", "-", "\0\0\0\0"] {
            store.replace(SAVED_FILE, text).unwrap();
            assert_eq!(saved(&store), None, "{text:?}");
            assert_eq!(floor(5, saved(&store), plausible), Some(BUILT), "{text:?}");
        }
    }

    #[test]
    fn the_clock_stays_well_before_the_end_of_32_bit_time() {
        for built in [None, Some(0), Some(BUILT), Some(2_100_000_000), Some(i64::MAX)] {
            let plausible = Plausible::since_build(built);
            assert!(plausible.latest() + 30 * DAY <= i64::from(i32::MAX), "{built:?}");
        }
        let plausible = Plausible::since_build(Some(BUILT));
        assert_eq!(Utc(plausible.latest()).to_string(), "2036-07-14 00:00:00 UTC");
        assert!(plausible.contains(BUILT) && plausible.contains(plausible.latest()));
        assert!(!plausible.contains(BUILT - 1) && !plausible.contains(plausible.latest() + 1));
    }

    #[test]
    fn an_implausible_clock_is_not_saved() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let plausible = Plausible::since_build(Some(BUILT));
        save_shown(&store, BUILT + 60, plausible).unwrap();
        for shown in [5, 2_208_988_800] {
            save_shown(&store, shown, plausible).unwrap();
            assert_eq!(saved(&store), Some(BUILT + 60), "{shown}");
        }
    }
}
