//! One-time codes as people type them.

use std::fmt;

/// A one-time code as it was typed: 6 or 8 digits. `Debug` shows dots: a code may still be valid if the message was
/// refused for another reason.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Validates 6 or 8 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = matches!(text.len(), 6 | 8) && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(••••)")
    }
}
