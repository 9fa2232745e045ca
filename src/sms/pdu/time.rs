//! Time stamps of the service centre. TS 23.040 §9.2.3.11.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Illegal;
use super::octets::{Octets, to_hex};
use crate::calendar::Civil;

/// When the service centre accepted a message. Anyone with access to the signalling network can forge it, so it is only
/// shown and never trusted: an invalid one does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u8; OCTETS]", into = "[u8; OCTETS]")]
pub struct ServiceCentreTime(Form);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Local time and its zone.
    Known {
        /// Seconds since 1970.
        unix: i64,
        /// Quarters of an hour east of Greenwich.
        quarters: i8,
    },
    /// Invalid, such as a month 0, an invalid digit or an impossible zone: the octets as received.
    NotUnderstood([u8; OCTETS]),
}

const OCTETS: usize = 7;

const QUARTER: i64 = 15 * 60;
/// Two digits, the first with three bits.
const MOST_QUARTERS: u8 = 79;
/// GSM started in 1991: years from `90` on are of the last century.
const FIRST_YEAR: i64 = 1990;

/// Decodes again what another process has decoded.
impl From<[u8; OCTETS]> for ServiceCentreTime {
    fn from(octets: [u8; OCTETS]) -> Self {
        Self::from_octets(octets)
    }
}

impl From<ServiceCentreTime> for [u8; OCTETS] {
    fn from(time: ServiceCentreTime) -> Self {
        time.to_octets()
    }
}

impl ServiceCentreTime {
    /// A time and its zone; `None` before 1990, after 2089, or 20 hours and more from Greenwich.
    #[must_use]
    pub fn new(unix: i64, quarters: i8) -> Option<Self> {
        let years = FIRST_YEAR..FIRST_YEAR + 100;
        let is_written =
            years.contains(&local(unix, quarters).year) && quarters.unsigned_abs() <= MOST_QUARTERS;
        is_written.then_some(Self(Form::Known { unix, quarters }))
    }

    /// Decodes the octets of a message.
    #[must_use]
    pub fn from_octets(octets: [u8; OCTETS]) -> Self {
        Self(understood(octets).unwrap_or(Form::NotUnderstood(octets)))
    }

    /// Seconds since 1970; `None` if it is invalid.
    #[must_use]
    pub fn unix(self) -> Option<i64> {
        match self.0 {
            Form::Known { unix, .. } => Some(unix),
            Form::NotUnderstood(_) => None,
        }
    }

    /// The octets of a message.
    #[must_use]
    pub fn to_octets(self) -> [u8; OCTETS] {
        let (unix, quarters) = match self.0 {
            Form::Known { unix, quarters } => (unix, quarters),
            Form::NotUnderstood(octets) => return octets,
        };
        let Civil { year, month, day, hour, minute, second } = local(unix, quarters);
        let [year, month, day, hour, minute, second] =
            [year % 100, month, day, hour, minute, second].map(semi_octets);
        let sign = if quarters < 0 { SIGN } else { 0 };
        let zone = sign | semi_octets(i64::from(quarters.unsigned_abs()));
        [year, month, day, hour, minute, second, zone]
    }

    pub(super) fn read(octets: &mut Octets) -> Result<Self, Illegal> {
        let (field, []) = octets.take(OCTETS, "time stamp")?.as_chunks() else {
            return Err(Illegal::CutOff("time stamp"));
        };
        field.first().map(|field| Self::from_octets(*field)).ok_or(Illegal::CutOff("time stamp"))
    }

    pub(super) fn write(self, octets: &mut Vec<u8>) {
        octets.extend(self.to_octets());
    }
}

fn local(unix: i64, quarters: i8) -> Civil {
    Civil::from_unix(unix.saturating_add(i64::from(quarters) * QUARTER))
}

fn understood([year, month, day, hour, minute, second, zone]: [u8; OCTETS]) -> Option<Form> {
    let year = FIRST_YEAR + (number(year)? - FIRST_YEAR).rem_euclid(100);
    let (month, day) = (number(month)?, number(day)?);
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    // The sign is the highest bit of the first digit.
    let quarters = i8::try_from(number(zone & !SIGN)?).ok()?;
    let quarters = if zone & SIGN == 0 { quarters } else { -quarters };
    let unix = Civil { year, month, day, hour, minute, second }.unix()? - i64::from(quarters) * QUARTER;
    Some(Form::Known { unix, quarters })
}

const SIGN: u8 = 0b1000;

/// Two decimal digits, the first in the lower half.
fn number(octet: u8) -> Option<i64> {
    let (first, second) = (octet & 0xf, octet >> 4);
    (first < 10 && second < 10).then_some(i64::from(first * 10 + second))
}

/// The inverse of [`number`], for 0 to 99.
fn semi_octets(number: i64) -> u8 {
    let number = number.clamp(0, 99) as u8;
    (number / 10) | ((number % 10) << 4)
}

/// `2026-07-14 03:59:58 +02:00`, or `not understood (62007131958580)`
impl fmt::Display for ServiceCentreTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unix, quarters) = match self.0 {
            Form::Known { unix, quarters } => (unix, quarters),
            Form::NotUnderstood(octets) => return write!(f, "not understood ({})", to_hex(&octets)),
        };
        let sign = if quarters < 0 { '-' } else { '+' };
        let local = local(unix, quarters);
        let quarters = quarters.unsigned_abs();
        write!(f, "{local} {sign}{:02}:{:02}", quarters / 4, quarters % 4 * 15)
    }
}
