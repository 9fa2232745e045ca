//! Whole numbers with bounds.

use super::error::{Checked, problem};
use super::table::{Value, Written, integer};
use std::fmt;

/// A whole number from `MIN` to `MAX`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole<const MIN: u16, const MAX: u16>(u16);

impl<const MIN: u16, const MAX: u16> Whole<MIN, MAX> {
    /// A constant of the program; one out of bounds does not compile in a `const`.
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
}

impl<const MIN: u16, const MAX: u16> fmt::Display for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u16, const MAX: u16> Value for Whole<MIN, MAX> {
    fn read(value: &Written<'_>) -> Checked<Self> {
        whole(value, MIN, MAX).map(Self)
    }
}

/// One function body for all bounds.
fn whole(value: &Written<'_>, min: u16, max: u16) -> Checked<u16> {
    let expected = format!("a whole number from {min} to {max}");
    let number = integer(value, &expected)?;
    if let Some(number) = u16::try_from(number).ok().filter(|number| (min..=max).contains(number)) {
        return Ok(number);
    }
    let bound = if number < i64::from(min) { "small" } else { "large" };
    problem(format!("{number} is too {bound}"), format!("write {expected}"), value.span())
}
