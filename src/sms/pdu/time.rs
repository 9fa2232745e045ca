//! Time stamps of the service centre. TS 23.040 §9.2.3.11.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Illegal;
use super::octets::Octets;
use crate::calendar::Civil;

/// When the service centre took a message: local time and its zone. Anyone with access to the
/// signalling network can forge it, so it is shown to people and never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(i64, i8)", into = "(i64, i8)")]
pub struct ServiceCentreTime {
    /// Seconds since 1970.
    unix: i64,
    /// Quarters of an hour east of Greenwich.
    quarters: i8,
}

const QUARTER: i64 = 15 * 60;
/// Two digits, the first with three bits.
const MOST_QUARTERS: u8 = 79;
/// GSM began in 1991: `90` and later are of the last century.
const FIRST_YEAR: i64 = 1990;

/// What another process has read is checked again.
impl TryFrom<(i64, i8)> for ServiceCentreTime {
    type Error = Illegal;

    fn try_from((unix, quarters): (i64, i8)) -> Result<Self, Illegal> {
        Self::new(unix, quarters).ok_or(Illegal::Time)
    }
}

impl From<ServiceCentreTime> for (i64, i8) {
    fn from(time: ServiceCentreTime) -> Self {
        (time.unix, time.quarters)
    }
}

impl ServiceCentreTime {
    /// A time and its zone; `None` before 1990, after 2089, or 20 hours and more
    /// from Greenwich.
    #[must_use]
    pub fn new(unix: i64, quarters: i8) -> Option<Self> {
        let time = Self { unix, quarters };
        let years = FIRST_YEAR..FIRST_YEAR + 100;
        (years.contains(&time.local().year) && quarters.unsigned_abs() <= MOST_QUARTERS).then_some(time)
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.unix
    }

    fn local(self) -> Civil {
        Civil::from_unix(self.unix.saturating_add(i64::from(self.quarters) * QUARTER))
    }

    pub(super) fn read(octets: &mut Octets) -> Result<Self, Illegal> {
        let field = octets.take(7, "time stamp")?;
        let (zone, digits) = field.split_last().ok_or(Illegal::Time)?;
        let digits: Vec<i64> =
            digits.iter().map(|octet| number(*octet)).collect::<Option<_>>().ok_or(Illegal::Time)?;
        let [year, month, day, hour, minute, second] = digits[..] else { return Err(Illegal::Time) };
        let year = FIRST_YEAR + (year - FIRST_YEAR).rem_euclid(100);
        let local = Civil { year, month, day, hour, minute, second };
        // The sign takes the place of the first digit's highest bit.
        let quarters = number(zone & !SIGN).and_then(|it| i8::try_from(it).ok()).ok_or(Illegal::Time)?;
        let quarters = if zone & SIGN == 0 { quarters } else { -quarters };
        let unix = local.unix().ok_or(Illegal::Time)? - i64::from(quarters) * QUARTER;
        Ok(Self { unix, quarters })
    }

    pub(super) fn write(self, octets: &mut Vec<u8>) {
        let Civil { year, month, day, hour, minute, second } = self.local();
        octets.extend([year % 100, month, day, hour, minute, second].map(semi_octets));
        let sign = if self.quarters < 0 { SIGN } else { 0 };
        octets.push(sign | semi_octets(i64::from(self.quarters.unsigned_abs())));
    }
}

const SIGN: u8 = 0b1000;

/// Two decimal digits, the first in the lower half.
fn number(octet: u8) -> Option<i64> {
    let (first, second) = (octet & 0xf, octet >> 4);
    (first < 10 && second < 10).then_some(i64::from(first * 10 + second))
}

/// 0 to 99 as [`number`] reads it.
fn semi_octets(number: i64) -> u8 {
    let number = number.clamp(0, 99) as u8;
    (number / 10) | ((number % 10) << 4)
}

/// `2026-07-14 03:59:58 +02:00`
impl fmt::Display for ServiceCentreTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.quarters < 0 { '-' } else { '+' };
        let quarters = self.quarters.unsigned_abs();
        write!(f, "{} {sign}{:02}:{:02}", self.local(), quarters / 4, quarters % 4 * 15)
    }
}
