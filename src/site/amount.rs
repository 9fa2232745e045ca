//! Durations and amounts of data, as users write them.

use super::text::{Invalid, Text, text_value};
use std::fmt;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A duration, 1 s to 31 days: `"90s"`, `"10m"`, `"2h"`, `"1h30m"`, `"2d"`. Capital letters are read as well:
/// telephones begin every message with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(Duration);

impl TimeSpan {
    /// This many minutes, as [`seconds`](Self::seconds).
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * MINUTE)
    }

    /// This many seconds; 0 and more than 31 days do not compile in a `const`.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        assert!(seconds > 0 && seconds <= LONGEST);
        Self(Duration::from_secs(seconds))
    }

    /// The rest of a duration, for display: in whole minutes if there are any.
    #[must_use]
    pub fn about(left: Duration) -> Self {
        let seconds = left.as_secs();
        let whole = if seconds < MINUTE { seconds.max(1) } else { seconds / MINUTE * MINUTE };
        Self(Duration::from_secs(whole.min(LONGEST)))
    }

    /// A duration in whole seconds, one at least.
    pub fn whole(time: Duration) -> Self {
        Self(Duration::from_secs(time.as_secs().clamp(1, LONGEST)))
    }

    /// The duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// No timer of the box outlives a month; most do not outlive its daily reboot.
const LONGEST: u64 = 31 * DAY;

const SPAN_UNITS: [(char, u64); 4] = [('d', DAY), ('h', HOUR), ('m', MINUTE), ('s', 1)];

impl Text for TimeSpan {
    const EXPECTED: &'static str = "a length of time";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let seconds = seconds(text).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is not a length of time"),
                "write whole days, hours, minutes or seconds, as in \"2h\", \"10m\" or \"1h30m\"",
            )
        })?;
        if seconds == 0 || seconds > LONGEST {
            return Err(Invalid::new(
                format!("{text:?} is too {}", if seconds == 0 { "short" } else { "long" }),
                "write at least one second and at most 31 days",
            ));
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// The sum of `1d2h3m4s`, each unit at most once and larger units first.
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = SPAN_UNITS.iter();
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let mut tail = tail.chars();
        let letter = tail.next()?.to_ascii_lowercase();
        let (_, unit) = units.find(|(name, _)| *name == letter)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit)?)?;
        rest = tail.as_str();
    }
    (!text.is_empty()).then_some(sum)
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_secs();
        for (name, unit) in SPAN_UNITS {
            let count = rest / unit;
            rest %= unit;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
        }
        Ok(())
    }
}

/// An amount of data as operators bill it, in powers of ten: `"500MB"`, `"1.5GB"`, `"300kB"`.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataSize(u64);

impl DataSize {
    /// This many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

const SIZE_UNITS: [(&str, u64); 4] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];

impl Text for DataSize {
    const EXPECTED: &'static str = "an amount of data";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        bytes(text).map(Self).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is not an amount of data"),
                "write a number and kB, MB, GB or TB, as in \"500MB\" or \"1.5GB\"",
            )
        })
    }
}

fn bytes(text: &str) -> Option<u64> {
    let unit = |(name, unit): &(&str, u64)| {
        let at = text.len().checked_sub(name.len())?;
        let (number, tail) = text.split_at_checked(at)?;
        tail.eq_ignore_ascii_case(name).then_some((number.trim_end_matches(' '), *unit))
    };
    let (number, unit) = SIZE_UNITS.iter().find_map(unit)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Parts smaller than a tenth of a kB have no use.
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
    let part = part.parse::<u64>().ok()? * (unit / scale);
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(part)
}

/// At most four figures: `12.3MB`, `500MB`, `0kB`.
impl fmt::Display for DataSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, unit): &&(&str, u64)| self.0 >= *unit;
        let (name, unit) = SIZE_UNITS.iter().find(fits).copied().unwrap_or(("kB", 1_000));
        let (whole, tenth) = (self.0 / unit, self.0 % unit / (unit / 10));
        match tenth {
            0 => write!(f, "{whole}{name}"),
            tenth => write!(f, "{whole}.{tenth}{name}"),
        }
    }
}

text_value!(TimeSpan, DataSize);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_parsed() {
        for (text, seconds) in [
            ("45s", Some(45)),
            ("10m", Some(600)),
            ("2h", Some(7_200)),
            ("2H", Some(7_200)),
            ("1h30m", Some(5_400)),
            ("1d2h3m4s", Some(93_784)),
            ("31d", Some(2_678_400)),
            ("32d", None),
            ("0m", None),
            ("", None),
            ("10", None),
            ("m", None),
            ("30m1h", None),
            ("1h1h", None),
            ("-1h", None),
            ("1.5h", None),
            ("2 h", None),
            ("1€", None),
            ("99999999999999999999s", None),
            ("9999999999999999999d", None),
        ] {
            let span: Option<TimeSpan> = text.parse().ok();
            assert_eq!(span.map(|span| span.get().as_secs()), seconds, "{text:?}");
        }
    }

    #[test]
    fn amounts_of_data_are_parsed() {
        for (text, bytes) in [
            ("500MB", Some(500_000_000)),
            ("500 MB", Some(500_000_000)),
            ("500mb", Some(500_000_000)),
            ("1.5GB", Some(1_500_000_000)),
            ("0.001kB", Some(1)),
            ("2TB", Some(2_000_000_000_000)),
            ("0kB", Some(0)),
            ("500", None),
            ("500M", None),
            ("500MiB", None),
            ("MB", None),
            (".5GB", None),
            ("1.GB", None),
            ("1.2345GB", None),
            ("-1MB", None),
            ("1€B", None),
            ("99999999999999TB", None),
        ] {
            let size: Option<DataSize> = text.parse().ok();
            assert_eq!(size.map(DataSize::bytes), bytes, "{text:?}");
        }
    }

    #[test]
    fn amounts_of_data_are_shown_to_a_tenth() {
        for (bytes, shown) in [
            (0, "0kB"),
            (99, "0kB"),
            (100, "0.1kB"),
            (999_999, "999.9kB"),
            (1_000_000, "1MB"),
            (12_345_678, "12.3MB"),
            (500_000_000, "500MB"),
            (1_500_000_000, "1.5GB"),
        ] {
            assert_eq!(DataSize::from_bytes(bytes).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn a_length_of_time_is_read_back(seconds in 1..=LONGEST) {
            let span = TimeSpan(Duration::from_secs(seconds));
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
