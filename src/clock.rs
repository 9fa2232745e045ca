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
    Floor(i64),
}

impl WallClock {
    /// What it shows, right or not.
    pub fn shown(self) -> i64 {
        let (Self::Known(unix) | Self::Floor(unix)) = self;
        unix
    }
}

/// What the clock of a box may show. Anything else is neither believed nor saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plausible {
    earliest: i64,
    latest: i64,
}

impl Plausible {
    /// Before the first image was built: 2026-01-01.
    const FIRST_IMAGE: i64 = 1_767_225_600;
    /// An image of this age is no longer in use: ten years.
    const LIFETIME: i64 = 3_653 * DAY;
    /// Debian's programs for armel have a `time_t` of 32 bits, which ends at 2038-01-19 03:14:07 UTC.
    /// From then on pppd and dropbear no longer start: stat(2) of every new file fails with
    /// `EOVERFLOW`. A box that its clock has led so far still needs weeks to be rebooted and noticed.
    const TIME_T_ENDS: i64 = i32::MAX as i64 - 30 * DAY;

    /// What the clock may show with an image that was built at this moment, in seconds since 1970.
    pub fn since_build(built: Option<i64>) -> Self {
        let earliest = built.unwrap_or(Self::FIRST_IMAGE);
        Self { earliest, latest: earliest.saturating_add(Self::LIFETIME).min(Self::TIME_T_ENDS) }
    }

    /// Whether a correct clock can show this.
    pub fn contains(self, unix: i64) -> bool {
        (self.earliest..=self.latest).contains(&unix)
    }

    /// When the image was built.
    pub fn earliest(self) -> i64 {
        self.earliest
    }

    /// After this moment the clock is not set any more.
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

/// Saves the clock, for the [floor] of the next boot. What it cannot correctly show is not saved:
/// the moment that was saved before is the better floor.
pub fn save(store: &Store, plausible: Plausible) -> std::io::Result<()> {
    save_shown(store, unix(), plausible)
}

fn save_shown(store: &Store, shown: i64, plausible: Plausible) -> std::io::Result<()> {
    if !plausible.contains(shown) {
        return Ok(());
    }
    store.replace(SAVED_FILE, &format!("{shown}\n"))
}

/// What the clock was when it was [saved](save) last.
pub fn saved(store: &Store) -> Option<i64> {
    store.read(SAVED_FILE)?.trim().parse().ok()
}

/// What to set the clock to at boot: to the earliest that the time can be, which is neither before
/// this image was built nor before the clock was last saved. `None` if the clock already shows a
/// plausible moment that is later. A saved moment that is not plausible is ignored.
pub fn floor(shown: i64, saved: Option<i64>, plausible: Plausible) -> Option<i64> {
    let earliest = saved.filter(|saved| plausible.contains(*saved)).unwrap_or(plausible.earliest);
    let stays = plausible.contains(shown) && earliest <= shown;
    (!stays).then_some(earliest)
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

    /// Whether the clock of any image can show it, wherever on earth.
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

    /// `date -u -d 2026-07-14 +%s` of GNU coreutils 9.1.
    const BUILT: i64 = 1_783_987_200;

    #[test]
    fn a_boot_without_a_clock_starts_at_the_latest_plausible_time_known() {
        let plausible = Plausible::since_build(Some(BUILT));
        let table = [
            // shown, saved → set to
            (5, Some(BUILT + 2000), Some(BUILT + 2000)),
            (5, None, Some(BUILT)),
            (5, Some(BUILT - 2000), Some(BUILT)), // a newer image on an old card
            (BUILT + 9000, Some(BUILT + 2000), None), // a board with a battery
            (i64::from(i32::MAX), None, Some(BUILT)), // one whose battery clock is wrong
            (i64::MAX, Some(BUILT + 9), Some(BUILT + 9)),
        ];
        for (shown, saved, expected) in table {
            assert_eq!(floor(shown, saved, plausible), expected, "{shown} {saved:?}");
        }
    }

    #[test]
    fn a_saved_clock_that_32_bit_programs_cannot_bear_is_no_floor() {
        let plausible = Plausible::since_build(Some(BUILT));
        // 2038-01-19 03:14:07, 2040, 2069, and what a damaged card may hold.
        for saved in [i64::from(i32::MAX), 2_208_988_800, 3_124_137_600, i64::MAX, i64::MIN] {
            assert_eq!(floor(5, Some(saved), plausible), Some(BUILT), "{saved}");
        }
    }

    #[test]
    fn the_clock_of_a_box_never_comes_near_the_end_of_its_programs_time() {
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
    fn a_clock_that_is_implausible_is_not_saved_over_a_good_one() {
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
