//! The only place where the device reads or sets a clock; everything else is told the time.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

/// The file of the [store](crate::state::Store) that holds the clock when it was last saved.
pub const SAVED_FILE: &str = "clock";

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

/// The earliest the time can be at boot: neither before this image was built nor before the
/// clock was last saved. `None` if the clock already shows later than that.
pub fn floor(now: i64, built: Option<i64>, saved: Option<i64>) -> Option<i64> {
    built.max(saved).filter(|earliest| *earliest > now)
}

#[cfg(test)]
mod tests {
    use super::*;

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
