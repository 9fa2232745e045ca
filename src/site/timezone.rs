//! POSIX `TZ` strings: local time without a time zone database.
//!
//! The crate jiff passes the same tests, but makes each program that parses a site 19 to 25 kB larger (4 to 6 %).

use super::text::{Invalid, Text, text_value};
use crate::calendar::{Civil, days_to};
use std::fmt;

/// A time zone in the POSIX form (POSIX.1-2017 §8.3, with the times of RFC 8536 §3.3.1), as in
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
#[derive(Clone, Debug, PartialEq)]
pub struct Timezone {
    text: String,
    standard: Seconds,
    summer: Option<Summer>,
}

/// Seconds; an offset counts east of UTC. POSIX counts west: parsing reverses the sign.
type Seconds = i64;

#[derive(Clone, Debug, PartialEq)]
struct Summer {
    offset: Seconds,
    start: Rule,
    end: Rule,
}

/// A yearly moment: a day, and seconds from its midnight.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    day: Day,
    time: Seconds,
}

#[derive(Clone, Debug, PartialEq)]
enum Day {
    /// `Mm.w.d`: weekday `d` (0 is Sunday) of week `w` (5 is the last) of month `m`.
    Weekday { month: i64, week: i64, weekday: i64 },
    /// `Jn`: 1 to 365, 29 February is never counted.
    Julian(i64),
    /// `n`: 0 to 365, 29 February counts.
    Ordinal(i64),
}

const HOUR: Seconds = 3600;
const DAY: Seconds = 24 * HOUR;

impl Timezone {
    pub(super) fn utc() -> Self {
        Self { text: "UTC0".to_owned(), standard: 0, summer: None }
    }

    /// The string as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What to add to a Unix time, in seconds, to get local time at that moment.
    #[must_use]
    pub fn offset_at(&self, unix_seconds: i64) -> i64 {
        match &self.summer {
            Some(summer) if summer.holds(unix_seconds, self.standard) => summer.offset,
            _ => self.standard,
        }
    }
}

impl Summer {
    fn holds(&self, unix: i64, standard: Seconds) -> bool {
        let year = Civil::from_unix(unix + standard).year;
        let start = self.start.in_year(year) - standard;
        let end = self.end.in_year(year) - self.offset;
        if start <= end {
            (start..end).contains(&unix)
        } else {
            !(end..start).contains(&unix) // in the south, summer spans New Year
        }
    }
}

impl Rule {
    /// Seconds from 1970-01-01 on the local clock just before the change.
    fn in_year(&self, year: i64) -> i64 {
        self.day.in_year(year) * DAY + self.time
    }
}

impl Day {
    /// Days from 1970-01-01.
    fn in_year(&self, year: i64) -> i64 {
        let new_year = days_to(year, 1);
        match *self {
            Self::Ordinal(day) => new_year + day,
            Self::Julian(day) => new_year + day - 1 + i64::from(day >= 60 && is_leap(year)),
            Self::Weekday { month, week, weekday } => {
                let first = days_to(year, month);
                // 1970-01-01 was a Thursday (4).
                let to_weekday = (weekday - (first + 4)).rem_euclid(7);
                let day = first + to_weekday + (week - 1) * 7;
                let next_month = days_to(year + month / 12, month % 12 + 1);
                if day < next_month { day } else { day - 7 }
            }
        }
    }
}

fn is_leap(year: i64) -> bool {
    days_to(year + 1, 1) - days_to(year, 1) == 366
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Text for Timezone {
    const EXPECTED: &'static str = "a POSIX time zone";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let mut rest = Cursor(text);
        match rest.timezone() {
            Some((standard, summer)) if rest.0.is_empty() => {
                Ok(Self { text: text.to_owned(), standard, summer })
            }
            _ => Err(Invalid::new(
                format!("{text:?} is not a POSIX time zone"),
                "write it as in \"UTC0\" or \"CET-1CEST,M3.5.0,M10.5.0/3\" \
                 (the last line of a file in /usr/share/zoneinfo)",
            )),
        }
    }
}

text_value!(Timezone);

/// The rest of the input. Every method removes a part from its front, or returns `None`.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn timezone(&mut self) -> Option<(Seconds, Option<Summer>)> {
        self.name()?;
        let standard = -self.time(24)?;
        if self.0.is_empty() {
            return Some((standard, None));
        }
        self.name()?;
        let offset = if self.0.starts_with(',') { standard + HOUR } else { -self.time(24)? };
        let start = self.rule()?;
        let end = self.rule()?;
        Some((standard, Some(Summer { offset, start, end })))
    }

    /// Three or more letters, or alphanumeric and signed characters between `<` and `>`.
    fn name(&mut self) -> Option<()> {
        let (length, skip) = if self.take('<') {
            let signed = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '-';
            let length = self.0.find(|c: char| !signed(c))?;
            (length, usize::from(self.0[length..].starts_with('>')))
        } else {
            (self.0.find(|c: char| !c.is_ascii_alphabetic())?, 0)
        };
        let closed = skip == 1 || !self.0[length..].starts_with('>');
        self.0 = &self.0[length + skip..];
        (length >= 3 && closed).then_some(())
    }

    /// `[+-]hh[:mm[:ss]]`
    fn time(&mut self, most_hours: i64) -> Option<Seconds> {
        let sign = if self.take('-') { -1 } else { 1 };
        if sign == 1 {
            self.take('+');
        }
        let hours = self.number(0, most_hours)?;
        let minutes = if self.take(':') { self.number(0, 59)? } else { 0 };
        let seconds = if self.take(':') { self.number(0, 59)? } else { 0 };
        Some(sign * (hours * HOUR + minutes * 60 + seconds))
    }

    /// `,day[/time]`, at two in the morning if no time is given.
    fn rule(&mut self) -> Option<Rule> {
        self.take(',').then_some(())?;
        let day = self.day()?;
        let time = if self.take('/') { self.time(167)? } else { 2 * HOUR };
        Some(Rule { day, time })
    }

    fn day(&mut self) -> Option<Day> {
        if self.take('J') {
            return self.number(1, 365).map(Day::Julian);
        }
        if !self.take('M') {
            return self.number(0, 365).map(Day::Ordinal);
        }
        let month = self.number(1, 12)?;
        self.take('.').then_some(())?;
        let week = self.number(1, 5)?;
        self.take('.').then_some(())?;
        let weekday = self.number(0, 6)?;
        Some(Day::Weekday { month, week, weekday })
    }

    fn number(&mut self, least: i64, most: i64) -> Option<i64> {
        let digits = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        number.parse().ok().filter(|number| (least..=most).contains(number))
    }

    fn take(&mut self, expected: char) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> Timezone {
        text.parse().unwrap()
    }

    /// Moments checked with `TZ=… date -d @…` of GNU coreutils 9.1.
    #[test]
    fn local_time_is_that_of_gnu_date() {
        const PARIS: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
        const SYDNEY: &str = "AEST-10AEDT,M10.1.0,M4.1.0/3";
        const NUUK: &str = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
        for (text, unix, offset) in [
            ("UTC0", 0, 0),
            ("<+0545>-5:45", 1_700_000_000, 20_700),
            (PARIS, 1_774_745_999, 3600),    // 2026-03-29 01:59:59
            (PARIS, 1_774_746_000, 7200),    // a second later it is three o'clock
            (PARIS, 1_792_889_999, 7200),    // 2026-10-25 02:59:59
            (PARIS, 1_792_890_000, 3600),    // and two o'clock again
            (SYDNEY, 1_767_225_600, 39_600), // New Year is in summer
            (SYDNEY, 1_783_000_000, 36_000),
            (NUUK, 1_774_745_999, -7200),
            (NUUK, 1_774_746_000, -3600),
            ("EST5EDT,M3.2.0,M11.1.0", 951_782_400, -18_000), // 2000-02-29
            ("AAA0BBB,J60,J300", 951_868_799, 0),             // J60 is 1 March in a leap year as well
            ("AAA0BBB,J60,J300", 951_876_000, 3600),
            ("AAA0BBB,59,300", 951_789_600, 3600), // day 59 is 29 February there
        ] {
            assert_eq!(zone(text).offset_at(unix), offset, "{text} at {unix}");
        }
    }

    #[test]
    fn strings_that_are_not_posix_are_refused() {
        for text in [
            "",
            "UTC",
            "CET",
            "Europe/Paris",
            "0",
            "UT0",
            "UTC25",
            "UTC0\n",
            "CET-1CEST",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.5.7,M10.5.0",
            "CET-1CEST,M3.5.0,M10.5.0/3 ",
            "<+05-5",
            "<+>0",
            "CET>-1",
            "UTC0;reboot",
        ] {
            assert!(text.parse::<Timezone>().is_err(), "{text:?}");
        }
    }
}
