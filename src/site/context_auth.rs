//! How the modem proves an account to the network.

use super::text::{Invalid, Text, text_value};

/// `<auth_prot>` of `+CGAUTH` (3GPP TS 27.007 §10.1.31). Over PPP pppd answers to what the operator asks for; on LTE the
/// modem attaches without PPP, and must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextAuth {
    /// In clear text.
    Pap,
    /// By a challenge.
    Chap,
}

impl ContextAuth {
    /// As the modem has it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Pap => 1,
            Self::Chap => 2,
        }
    }
}

impl Text for ContextAuth {
    const EXPECTED: &'static str = "a way to prove the account";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        match text {
            "pap" => Ok(Self::Pap),
            "chap" => Ok(Self::Chap),
            _ => Err(Invalid::new(
                format!("{text:?} is no way by which a modem proves an account"),
                "write \"pap\" or \"chap\"",
            )),
        }
    }
}

text_value!(ContextAuth);
