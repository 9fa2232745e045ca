//! How a value in quotes becomes a type.

use std::fmt;

/// Why a value is refused, and what to write instead. Never quotes a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid {
    /// What is wrong.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Invalid {
    /// Both halves of the refusal. What they quote of the file is shown without control characters, which a terminal
    /// would obey.
    pub fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        let shown = |text: String| text.replace(char::is_control, "\u{fffd}");
        Self { why: shown(why.into()), next: shown(next.into()) }
    }
}

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

/// Lets a [`Text`] type be parsed by everybody.
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
