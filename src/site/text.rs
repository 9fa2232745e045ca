//! How a value in quotes becomes a type.

use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Why a value is refused, and what to write instead. Never quotes a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid {
    /// What is wrong.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Invalid {
    /// Both halves of the refusal.
    pub fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into() }
    }
}

/// Two lines, because serde carries an error as one string: `SiteError` takes them apart again.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.why, self.next)
    }
}

impl std::error::Error for Invalid {}

/// A value that is written in quotes.
pub(super) trait Text: Sized {
    /// What it is, for "expected …": with its article.
    const EXPECTED: &'static str;

    /// Reads what stands between the quotes.
    fn from_text(text: &str) -> Result<Self, Invalid>;
}

/// Deserializes a [`Text`].
///
/// The refusal is raised inside the visitor, not after it: there toml adds the position, also for
/// the elements of an array.
pub(super) fn deserialize<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_str(TextVisitor(PhantomData))
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> TextVisitor<T> {
    fn unquoted<E: Error>() -> E {
        E::custom(Invalid::new(
            format!("expected {} in quotes", T::EXPECTED),
            "put the value in double quotes",
        ))
    }
}

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    // serde's own answers to these say the value, and `pin = 1234` is a likely slip.
    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Err(Self::unquoted())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Err(Self::unquoted())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<T, E> {
        Err(Self::unquoted())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<T, E> {
        Err(Self::unquoted())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Err(Self::unquoted())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Err(Self::unquoted())
    }
}

/// Lets a [`Text`] type be a field of a raw table, be parsed and be compared with a string.
macro_rules! text_value {
    ($($type:ty),+) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::site::text::deserialize(from)
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::site::text::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::site::text::Text>::from_text(text)
            }
        }
    )+};
}
pub(super) use text_value;

/// A newtype around a `String` whose content was checked: readable, not writable.
macro_rules! checked_string {
    ($($(#[$doc:meta])* $type:ident),+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $type(String);

        impl $type {
            /// The text as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::site::text::text_value!($type);
    )+};
}
pub(super) use checked_string;
