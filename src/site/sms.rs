//! Who may command the box by text message, and how the sender is proven.

use super::error::{Checked, problem};
use super::number::Whole;
use super::secret::MASK;
use super::table::{Value, Written};
use super::text::{Invalid, Text, checked_string, text_value};
use base32ct::{Base32UpperUnpadded, Encoding};
use std::fmt;

/// Commands by text message.
#[derive(Clone, Debug, PartialEq)]
pub struct Sms {
    /// The numbers whose messages are read, at least one. Only a filter: a number can be forged.
    pub numbers: Vec<PhoneNumber>,
    /// The proof that a message is from one of them.
    pub proof: Proof,
    /// Whether a message may set values of the site. It needs a code.
    pub may_set: bool,
}

/// The proof of a message's sender.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    /// A time-based one-time code (RFC 6238).
    Totp(OneTimeCode),
    /// A counter-based one-time code (RFC 4226).
    Hotp(OneTimeCode),
    /// The number only.
    SenderOnly,
}

/// The parameters that the telephone and the box share. SHA-1 and, for TOTP, steps of 30 seconds: the only ones that
/// every authenticator app supports.
#[derive(Clone, Debug, PartialEq)]
pub struct OneTimeCode {
    /// The shared secret.
    pub secret: OtpSecret,
    /// The length of a code.
    pub digits: Digits,
}

/// The length of a one-time code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// The usual length, a hundred times easier to guess.
    Six,
    /// The longest in RFC 4226.
    Eight,
}

impl Digits {
    /// 6 or 8.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::Six => 6,
            Self::Eight => 8,
        }
    }

    /// The number of different codes.
    #[must_use]
    pub fn codes(self) -> u32 {
        match self {
            Self::Six => 1_000_000,
            Self::Eight => 100_000_000,
        }
    }
}

impl Value for Digits {
    fn read(value: &Written<'_>) -> Checked<Self> {
        match Whole::<6, 8>::read(value)?.get() {
            6 => Ok(Self::Six),
            8 => Ok(Self::Eight),
            _ => problem("codes of 7 digits are not made by all apps", "write 6 or 8", value.span()),
        }
    }
}

checked_string! {
    /// A telephone number with its country code: `+33612345678` (ITU-T E.164, 15 digits at most).
    PhoneNumber
}

impl Text for PhoneNumber {
    const EXPECTED: &'static str = "a telephone number";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let digits = text.strip_prefix('+').unwrap_or("");
        // No country code begins with 0.
        let fits = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not an international number"),
            "write + and country code, without blanks, as in \"+33612345678\"",
        ))
    }
}

/// The secret of one-time codes. `Debug` shows dots and there is no `Display`; [`OtpSecret::reveal`] returns the
/// octets.
#[derive(Clone, PartialEq)]
pub struct OtpSecret(Vec<u8>);

/// "The length of the shared secret MUST be at least 128 bits" (RFC 4226 §4, R6).
const SHORTEST_SECRET: usize = 16;
/// The block size of SHA-1; a longer key is hashed first and gains nothing (RFC 2104 §2).
const LONGEST_SECRET: usize = 64;

impl OtpSecret {
    /// The octets.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn masked() -> Self {
        Self(MASK.into())
    }
}

impl Text for OtpSecret {
    const EXPECTED: &'static str = "a secret";

    /// Base32 (RFC 4648 §6) as apps show it: also in groups, in lower case and without padding.
    fn from_text(text: &str) -> Result<Self, Invalid> {
        let shown = |c: &char| !matches!(c, ' ' | '-');
        let letters: String = text.trim_end_matches('=').chars().filter(shown).collect();
        let octets = Base32UpperUnpadded::decode_vec(&letters.to_ascii_uppercase()).map_err(|_| {
            Invalid::new("the secret is not Base32", "use the letters A to Z and the digits 2 to 7 only")
        })?;
        if !(SHORTEST_SECRET..=LONGEST_SECRET).contains(&octets.len()) {
            return Err(Invalid::new(
                format!("the secret has {} bits", octets.len() * 8),
                format!(
                    "take one of {} to {} bits; `cargo xtask site new` makes one",
                    SHORTEST_SECRET * 8,
                    LONGEST_SECRET * 8
                ),
            ));
        }
        Ok(Self(octets))
    }
}

text_value!(OtpSecret);

impl fmt::Debug for OtpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OtpSecret({MASK})")
    }
}

impl Sms {
    pub(super) fn masked(&self) -> Self {
        let masked = |code: &OneTimeCode| OneTimeCode { secret: OtpSecret::masked(), digits: code.digits };
        let proof = match &self.proof {
            Proof::Totp(code) => Proof::Totp(masked(code)),
            Proof::Hotp(code) => Proof::Hotp(masked(code)),
            Proof::SenderOnly => Proof::SenderOnly,
        };
        Self { numbers: self.numbers.clone(), proof, may_set: self.may_set }
    }
}
