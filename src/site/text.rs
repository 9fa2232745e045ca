//! Types of quoted values.

use std::fmt;

/// Why a value is refused, and what to write instead. Never quotes a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid {
    /// The error.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Invalid {
    /// An error with its hint.
    pub fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.why, self.next)
    }
}

impl std::error::Error for Invalid {}

/// A type of a quoted value.
pub(super) trait Text: Sized {
    /// Its name for "expected …", with the article.
    const EXPECTED: &'static str;

    /// Parses the text between the quotes.
    fn from_text(text: &str) -> Result<Self, Invalid>;
}

/// Implements `FromStr` for a [`Text`] type.
macro_rules! text_value {
    ($($type:ty),+) => {$(
        impl std::str::FromStr for $type {
            type Err = $crate::site::text::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::site::text::Text>::from_text(text)
            }
        }
    )+};
}
pub(super) use text_value;

/// A newtype around a `String` whose content was checked: read-only.
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
