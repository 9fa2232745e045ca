//! When a dialer opens its link by itself.

use super::TimeSpan;
use super::text::{Invalid, Text, text_value};
use std::fmt;

/// The regular opening of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// On which days.
    pub on: Days,
    /// The local time of day.
    pub at: TimeOfDay,
    /// How long the link stays up at most.
    pub length: TimeSpan,
    /// Boxes with the same schedule begin at different times within this span.
    pub spread: TimeSpan,
}

/// Regular days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    Daily,
    /// A day of the week, from 0 for Monday.
    Weekly(u8),
    /// A day of the month, 1 to 28: every month has it.
    Monthly(u8),
}

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    minutes: u16,
}

const DAILY: &str = "daily";
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// The last day that every month has.
const LAST_DAY: u8 = 28;

impl Text for Days {
    const EXPECTED: &'static str = "the days";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        if text == DAILY {
            return Ok(Self::Daily);
        }
        if let Some(weekday) = (0_u8..).zip(WEEKDAYS).find_map(|(day, name)| (name == text).then_some(day)) {
            return Ok(Self::Weekly(weekday));
        }
        match text.parse() {
            Ok(day @ 1..=LAST_DAY) => Ok(Self::Monthly(day)),
            Ok(day @ 29..=31) => Err(Invalid::new(
                format!("not every month has a day {day}"),
                format!("write \"{LAST_DAY}\" or an earlier day"),
            )),
            _ => Err(Invalid::new(
                format!("{text:?} is none of the days that can be chosen"),
                "write \"daily\", a day of the week as in \"sunday\", or one of the month from \"1\" to \"28\"",
            )),
        }
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily => f.write_str("every day"),
            Self::Weekly(day) => write!(f, "every {}", WEEKDAYS[usize::from(*day) % WEEKDAYS.len()]),
            Self::Monthly(day) => write!(f, "every month on day {day}"),
        }
    }
}

impl TimeOfDay {
    /// Minutes since midnight, 0 to 1439.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.minutes
    }
}

impl Text for TimeOfDay {
    const EXPECTED: &'static str = "a time of day";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let two_digits = |part: &str, most: u16| {
            let is_short = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
            part.parse::<u16>().ok().filter(|number| is_short && *number <= most)
        };
        let minutes = text
            .split_once(':')
            .and_then(|(hour, minute)| Some(two_digits(hour, 23)? * 60 + two_digits(minute, 59)?));
        minutes.map(|minutes| Self { minutes }).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is not a time of day"),
                "write hours and minutes from \"00:00\" to \"23:59\"",
            )
        })
    }
}

/// `02:30`
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

text_value!(Days, TimeOfDay);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_documented() {
        for (text, days) in [
            ("daily", Days::Daily),
            ("monday", Days::Weekly(0)),
            ("sunday", Days::Weekly(6)),
            ("1", Days::Monthly(1)),
            ("28", Days::Monthly(28)),
        ] {
            assert_eq!(text.parse(), Ok(days), "{text}");
        }
        for text in ["", "Sunday", "weekly", "0", "29", "31", "32", "-1", "1.5", "256"] {
            assert!(text.parse::<Days>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_has_two_digits_each() {
        for (text, minutes) in [("00:00", 0), ("02:30", 150), ("23:59", 1439)] {
            let time: TimeOfDay = text.parse().unwrap();
            assert_eq!((time.minutes(), time.to_string().as_str()), (minutes, text));
        }
        for text in ["", "2:30", "02:3", "24:00", "02:60", "02.30", "+2:30", "02:30:00", "noon"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
