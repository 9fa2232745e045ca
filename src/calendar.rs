//! Dates and times of day. This module reads no clock.

use std::fmt;

/// A date and time of day, without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// All four digits.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
}

const DAY: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;
/// Days of 400 years.
const ERA: i64 = 146_097;

/// Days from 1970-01-01 to the first of a month (1 to 12).
///
/// <https://howardhinnant.github.io/date_algorithms.html>: the year starts in March there, so that
/// the leap day is its last.
#[must_use]
pub fn days_to(year: i64, month: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let of_era = year.rem_euclid(400) * 365 + year.rem_euclid(400) / 4 - year.rem_euclid(400) / 100;
    year.div_euclid(400) * ERA + of_era + of_year - EPOCH
}

impl Civil {
    /// The inverse of [`days_to`]: date and time of seconds since 1970, in UTC.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        let days = seconds.div_euclid(DAY) + EPOCH;
        let era = days.div_euclid(ERA);
        let of_era = days.rem_euclid(ERA);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let second = seconds.rem_euclid(DAY);
        Self {
            year: year + era * 400 + i64::from(month <= 2),
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    /// Seconds since 1970, if this is UTC; `None` for an impossible date or time, and for a year of more than four
    /// digits.
    #[must_use]
    pub fn unix(&self) -> Option<i64> {
        if !(0..=9999).contains(&self.year) || !(1..=12).contains(&self.month) {
            return None;
        }
        let days = days_to(self.year, self.month).checked_add(self.day.checked_sub(1)?)?;
        let of_day = self.hour.checked_mul(3600)?.checked_add(self.minute.checked_mul(60)?)?;
        let unix = days.checked_mul(DAY)?.checked_add(of_day)?.checked_add(self.second)?;
        // 31 February would give another day.
        (Self::from_unix(unix) == *self).then_some(unix)
    }
}

/// `2026-07-14 03:59:58`
impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn impossible_dates_and_times_are_refused() {
        let good = Civil { year: 2028, month: 2, day: 29, hour: 23, minute: 59, second: 59 };
        assert_eq!(good.unix(), Some(1_835_481_599));
        for wrong in [
            Civil { year: 2027, ..good },
            Civil { year: i64::MAX, ..good },
            Civil { month: 0, ..good },
            Civil { month: 13, ..good },
            Civil { day: 0, ..good },
            Civil { day: 30, ..good },
            Civil { day: i64::MIN, ..good },
            Civil { hour: 24, ..good },
            Civil { hour: i64::MAX, ..good },
            Civil { minute: 60, ..good },
            Civil { second: 60, ..good },
        ] {
            assert_eq!(wrong.unix(), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_month_begins_on_the_right_day() {
        assert_eq!(days_to(1970, 1), 0);
        assert_eq!(days_to(2000, 3), 11_017);
        for month in 1..=12 {
            for year in 1970..2100 {
                let first = Civil { year, month, day: 1, hour: 0, minute: 0, second: 0 };
                assert_eq!(Civil::from_unix(days_to(year, month) * DAY), first);
            }
        }
    }

    proptest! {
        #[test]
        fn every_second_of_ten_thousand_years_is_one_moment(seconds in -62_167_219_200_i64..253_402_300_800) {
            prop_assert_eq!(Civil::from_unix(seconds).unix(), Some(seconds));
        }
    }
}
