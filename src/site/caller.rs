//! Who may call.

use super::text::{Invalid, Text, checked_string};

checked_string! {
    /// A caller's number as the network sends it (ITU-T V.253 §9.2.3.1, `NMBR`): digits, perhaps after a `+`.
    CallerNumber
}

impl Text for CallerNumber {
    const EXPECTED: &'static str = "a telephone number";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not a telephone number"),
            "write the digits as the network tells them, without blanks, as in \"0123456789\"",
        ))
    }
}
