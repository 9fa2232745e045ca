//! Whole numbers that know their bounds.

use super::text::Invalid;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A whole number from `MIN` to `MAX`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole<const MIN: u16, const MAX: u16>(u16);

impl<const MIN: u16, const MAX: u16> Whole<MIN, MAX> {
    /// A constant of the program; out of bounds it does not compile in a `const`.
    #[must_use]
    pub const fn constant(value: u16) -> Self {
        assert!(MIN <= value && value <= MAX);
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    fn from_integer(value: i64) -> Result<Self, Invalid> {
        u16::try_from(value).ok().filter(|value| (MIN..=MAX).contains(value)).map(Self).ok_or_else(|| {
            let bound = if value < i64::from(MIN) { "small" } else { "large" };
            Invalid::new(
                format!("{value} is too {bound}"),
                format!("write a whole number from {MIN} to {MAX}"),
            )
        })
    }
}

impl<const MIN: u16, const MAX: u16> fmt::Display for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const MIN: u16, const MAX: u16> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_i64(WholeVisitor)
    }
}

struct WholeVisitor<const MIN: u16, const MAX: u16>;

impl<const MIN: u16, const MAX: u16> Visitor<'_> for WholeVisitor<MIN, MAX> {
    type Value = Whole<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Whole::from_integer(value).map_err(E::custom)
    }
}
