//! Values that are never shown.

use super::text::{Invalid, Text, text_value};
use std::fmt;

/// The keys of `site.toml` with secret values, each by its first word.
pub(super) const SECRET_KEYS: [&str; 5] = ["password", "pin", "secret", "private", "preshared"];

/// The further words of some of these keys.
pub(super) const SECOND_WORDS: [&str; 2] = ["-key", "-hash"];

/// The replacement in output.
pub(super) const MASK: &str = "••••";

/// A password: printable ASCII that pppd takes literally. `Debug` shows dots and there is no `Display`;
/// [`Secret::reveal`] returns the text.
#[derive(Clone, PartialEq)]
pub struct Secret(String);

/// pppd refuses longer ones (pppd.h, `MAXSECRETLEN`, with its final NUL).
const LONGEST_PASSWORD: usize = 255;

impl Secret {
    /// The password as text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn masked() -> Self {
        Self(MASK.to_owned())
    }
}

impl Text for Secret {
    const EXPECTED: &'static str = "a password";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(Invalid::new(
                "the password has a character outside printable ASCII",
                "use letters, digits, spaces and the usual signs",
            ));
        }
        if text.len() > LONGEST_PASSWORD {
            return Err(Invalid::new(
                format!("the password is longer than {LONGEST_PASSWORD} characters"),
                "pppd takes no longer one",
            ));
        }
        // pppd reads `@/file` from that file and checks `@login` against the system's accounts, and quoting does not
        // prevent it (pppd's auth.c, scan_authfile and check_passwd).
        if text.starts_with("@/") || text == "@login" {
            return Err(Invalid::new(
                "pppd would look for the password elsewhere",
                "choose one that is not `@login` and does not start with `@/`",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The PIN of a SIM: 4 to 8 digits (3GPP TS 51.010-1 §27.14.2.1).
#[derive(Clone, PartialEq)]
pub struct Pin(String);

impl Pin {
    /// The digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn masked() -> Self {
        Self(MASK.to_owned())
    }
}

impl Text for Pin {
    const EXPECTED: &'static str = "a PIN";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        if (4..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new("this cannot be a PIN", "a PIN has 4 to 8 digits"))
    }
}

text_value!(Secret, Pin);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({MASK})")
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({MASK})")
    }
}
