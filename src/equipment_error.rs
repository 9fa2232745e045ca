//! Error codes of a modem, `+CME ERROR`: 3GPP TS 27.007 §9.2. `+CMEE=1` shows the number, `+CMEE=2`
//! the words, and some modems always show words.

use std::fmt;

/// Why a modem refused a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EquipmentError(u16);

/// Codes and words of §9.2.1 (general) and §9.2.2 (packet data), as far as a call or a SIM may get them.
const WORDS: &[(u16, &str)] = &[
    (0, "phone failure"),
    (1, "no connection to phone"),
    (3, "operation not allowed"),
    (4, "operation not supported"),
    (5, "PH-SIM PIN required"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "SIM wrong"),
    (16, "incorrect password"),
    (17, "SIM PIN2 required"),
    (18, "SIM PUK2 required"),
    (20, "memory full"),
    (21, "invalid index"),
    (23, "memory failure"),
    (30, "no network service"),
    (31, "network timeout"),
    (32, "network not allowed - emergency calls only"),
    (40, "network personalization PIN required"),
    (50, "incorrect parameters"),
    (100, "unknown"),
    (103, "illegal MS"),
    (106, "illegal ME"),
    (107, "GPRS services not allowed"),
    (111, "PLMN not allowed"),
    (112, "location area not allowed"),
    (113, "roaming not allowed in this location area"),
    (126, "operation temporarily not allowed"),
    (132, "service option not supported"),
    (133, "requested service option not subscribed"),
    (134, "service option temporarily out of order"),
    (148, "unspecified GPRS error"),
    (149, "PDP authentication failure"),
    (150, "invalid mobile class"),
    (177, "last PDN disconnection not allowed"),
];

impl EquipmentError {
    /// No card.
    pub const SIM_NOT_INSERTED: Self = Self(10);
    /// The card is blocked, and needs its PUK.
    pub const SIM_PUK_REQUIRED: Self = Self(12);
    /// The card is not ready yet.
    pub const SIM_BUSY: Self = Self(14);
    /// A card that this modem must not use.
    pub const SIM_WRONG: Self = Self(15);
    /// A wrong PIN.
    pub const INCORRECT_PASSWORD: Self = Self(16);
    /// Without a reason.
    pub const UNKNOWN: Self = Self(100);

    /// Parses the number or words after `+CME ERROR:`; unknown words are [`UNKNOWN`](Self::UNKNOWN).
    #[must_use]
    pub fn parse(said: &str) -> Self {
        let said = said.trim().trim_matches('"');
        let known = || WORDS.iter().find(|(_, words)| words.eq_ignore_ascii_case(said));
        said.parse().ok().or_else(|| known().map(|(code, _)| *code)).map_or(Self::UNKNOWN, Self)
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }

    /// The error of this number.
    #[must_use]
    pub fn from_code(code: u16) -> Self {
        Self(code)
    }
}

/// `no network service`, or `error 999` if the standard has no words for it.
impl fmt::Display for EquipmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WORDS.iter().find(|(code, _)| *code == self.0) {
            Some((_, words)) => f.write_str(words),
            None => write!(f, "error {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_words_are_the_same_error() {
        for (said, code, shown) in [
            ("30", 30, "no network service"),
            (" no network service", 30, "no network service"),
            ("No Network Service", 30, "no network service"),
            ("SIM not inserted", 10, "SIM not inserted"),
            ("incorrect password", 16, "incorrect password"),
            ("999", 999, "error 999"),
            ("a maker's own words", 100, "unknown"),
            ("", 100, "unknown"),
            ("70000", 100, "unknown"),
        ] {
            let error = EquipmentError::parse(said);
            assert_eq!((error.code(), error.to_string().as_str()), (code, shown), "{said:?}");
            assert_eq!(EquipmentError::from_code(code), error);
        }
    }

    #[test]
    fn every_code_stands_once_in_order() {
        assert!(WORDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
