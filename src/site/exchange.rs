//! The telephone exchange: accounts of adapters, and which number reaches whom.

use super::amount::TimeSpan;
use super::error::Checked;
use super::secret::Secret;
use super::table::{Value, Written, word};
use super::text::{Invalid, Text, checked_string};
use super::{Whole, text};
use std::fmt;
use std::ops::RangeInclusive;

/// The registrar and call control for analogue telephone adapters on the local network.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The UDP port of SIP.
    pub port: UdpPort,
    /// How long a called account may ring.
    pub no_answer: TimeSpan,
    /// The longest time for the answer to an OPTIONS request of an account that counts as reachable.
    pub qualify: Qualify,
    /// Whether media pass through the box, for adapters that cannot reach each other.
    pub rtp_relay: bool,
    /// The accounts, at least one, with different names and extensions.
    pub accounts: Vec<ExchangeAccount>,
    /// The dial plan after the extensions: the first pattern that matches is taken.
    pub routes: Vec<ExchangeRoute>,
}

/// The UDP ports of media that pass through the box.
pub const RELAY_PORTS: RangeInclusive<u16> = 16384..=16511;

/// A UDP port.
pub type UdpPort = Whole<1, 65535>;

/// Milliseconds, 10 to 5000.
pub type Qualify = Whole<10, 5000>;

/// An account of the exchange: one port of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeAccount {
    /// Its name for registration.
    pub name: AccountName,
    /// Its password.
    pub password: Secret,
    /// The number that reaches it directly, if there is one.
    pub extension: Option<Extension>,
    /// The algorithm of its digest authentication.
    pub digest: DigestAlgorithm,
}

/// Where calls to some numbers go.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeRoute {
    /// The numbers.
    pub pattern: Pattern,
    /// The accounts, by their index, in the order in which they are tried. At least one.
    pub to: Vec<usize>,
}

/// The algorithm of digest authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// RFC 3261 §22: what every adapter knows.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Value for DigestAlgorithm {
    fn read(value: &Written<'_>) -> Checked<Self> {
        word(value, "an algorithm", &[("md5", Self::Md5), ("sha-256", Self::Sha256)])
    }
}

checked_string! {
    /// The user part of an account's SIP address: letters, digits, `-`, `_` and `.`.
    AccountName,
    /// A number to dial: digits, `*`, `#`, and perhaps a `+` before them.
    Extension
}

impl Text for AccountName {
    const EXPECTED: &'static str = "an account's name";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not an account's name"),
            "use 1 to 32 letters, digits, `-`, `_` and `.`, as in \"modem1\"",
        ))
    }
}

impl Text for Extension {
    const EXPECTED: &'static str = "a number to dial";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let dialled = text.strip_prefix('+').unwrap_or(text);
        let fits = (1..=20).contains(&dialled.len())
            && dialled.bytes().all(|byte| byte.is_ascii_digit() || b"*#".contains(&byte));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not a number to dial"),
            "use 1 to 20 digits, `*` and `#`, as in \"100\"",
        ))
    }
}

/// The keys of a telephone, and `+`.
const KEYS: &str = "0123456789*#+";

/// A set of numbers in the syntax of Asterisk's extensions.conf: one number, or after a `_` a pattern of keys, `X` (0 to
/// 9), `Z` (1 to 9), `N` (2 to 9), `[1-35]`, and at the end `.` (one or more keys) or `!` (any number of keys).
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// The possible keys at each place, as bits by their position in [`KEYS`].
    places: Vec<u16>,
    /// Whether any keys may follow.
    open: bool,
}

impl Pattern {
    /// Whether a number is in the set.
    #[must_use]
    pub fn matches(&self, number: &str) -> bool {
        let keys: Option<Vec<u16>> = number.chars().map(key).collect();
        let Some(keys) = keys else { return false };
        let fits = if self.open { keys.len() >= self.places.len() } else { keys.len() == self.places.len() };
        fits && self.places.iter().zip(&keys).all(|(place, key)| place & key != 0)
    }

    /// Whether every number of the other set is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let fits = match (self.open, other.open) {
            (true, _) => other.places.len() >= self.places.len(),
            (false, open) => !open && other.places.len() == self.places.len(),
        };
        fits && self.places.iter().zip(&other.places).all(|(own, other)| other & !own == 0)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The bit of a key.
fn key(c: char) -> Option<u16> {
    KEYS.find(c).map(|at| 1 << at)
}

fn range(first: char, last: char) -> u16 {
    (first..=last).filter_map(key).sum()
}

impl Text for Pattern {
    const EXPECTED: &'static str = "a number or a pattern";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let (places, open) = match text.strip_prefix('_') {
            Some(pattern) => places(pattern)?,
            None => {
                let number = Extension::from_text(text).map_err(|_| refused(text, "is no number"))?;
                (number.as_str().chars().filter_map(key).collect(), false)
            }
        };
        if places.is_empty() && !open {
            return Err(refused(text, "matches no number"));
        }
        Ok(Self { text: text.to_owned(), places, open })
    }
}

fn places(pattern: &str) -> Result<(Vec<u16>, bool), Invalid> {
    let mut places = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c.to_ascii_uppercase() {
            'X' => places.push(range('0', '9')),
            'Z' => places.push(range('1', '9')),
            'N' => places.push(range('2', '9')),
            '[' => places.push(choice(&mut chars, pattern)?),
            end @ ('.' | '!') if chars.as_str().is_empty() => {
                if end == '.' {
                    places.push(KEYS.chars().filter_map(key).sum());
                }
                return Ok((places, true));
            }
            '.' | '!' => {
                return Err(refused(pattern, "has something after `.` or `!`, which nobody can dial"));
            }
            '-' => {}
            _ => places
                .push(key(c).ok_or_else(|| refused(pattern, "has a character that is on no telephone"))?),
        }
        if places.len() > 32 {
            return Err(refused(pattern, "is longer than any number"));
        }
    }
    Ok((places, false))
}

/// The keys of `1-35]`.
fn choice(chars: &mut std::str::Chars<'_>, pattern: &str) -> Result<u16, Invalid> {
    let (inside, rest) =
        chars.as_str().split_once(']').ok_or_else(|| refused(pattern, "has no `]` for its `[`"))?;
    *chars = rest.chars();
    let inside: Vec<char> = inside.chars().collect();
    let mut keys = 0;
    let mut at = 0;
    while let Some(first) = inside.get(at) {
        let last = inside.get(at + 2).filter(|_| inside.get(at + 1) == Some(&'-'));
        keys |= match last {
            Some(last) if first <= last && first.is_ascii_digit() && last.is_ascii_digit() => {
                range(*first, *last)
            }
            Some(_) => return Err(refused(pattern, "has a range that begins after its end")),
            None => key(*first).ok_or_else(|| refused(pattern, "has a character that is on no telephone"))?,
        };
        at += if last.is_some() { 3 } else { 1 };
    }
    if keys == 0 { Err(refused(pattern, "has an empty choice, which nobody can dial")) } else { Ok(keys) }
}

fn refused(pattern: &str, why: &str) -> Invalid {
    Invalid::new(
        format!("{pattern:?} {why}"),
        "write a number, as in \"100\", or a pattern, as in \"_X!\": X is 0-9, Z 1-9, N 2-9, [1-3] one of these, \
         . one key or more, ! any number of keys",
    )
}

text::text_value!(Pattern);

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_matches_as_in_asterisk() {
        let table: [(&str, &[&str], &[&str]); 8] = [
            ("_X!", &["0", "5551234", "0*#"], &["", "*1", "#"]),
            ("_X.", &["01", "123"], &["1", ""]),
            ("_!", &["", "*", "1"], &["a"]),
            ("_NXX", &["200", "999"], &["100", "20", "2000"]),
            ("_[1-35]ZX", &["110", "590"], &["400", "500", "11"]),
            ("_555-12XX", &["5551234"], &["555-1234"]),
            ("100", &["100"], &["1000", "10", "_100"]),
            ("+33", &["+33"], &["33"]),
        ];
        for (text, inside, outside) in table {
            let pattern = pattern(text);
            for number in inside {
                assert!(pattern.matches(number), "{text} and {number}");
            }
            for number in outside {
                assert!(!pattern.matches(number), "{text} and {number}");
            }
        }
    }

    #[test]
    fn a_pattern_that_nobody_can_dial_is_refused() {
        for text in ["", "_", "_[]", "_[3-1]", "_X!5", "_.X", "_[12", "_A", "abc", "_[a-c]", "1 2"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_leaves_nothing_of() {
        let table = [
            ("_X!", "100", true),
            ("_X!", "_X.", true),
            ("_X!", "_[*0]X", false),
            ("100", "_X!", false),
            ("_1XX", "100", true),
            ("_1XX", "_1XX", true),
            ("_XX", "_X!", false),
            ("_!", "_XX", true),
        ];
        for (first, second, expected) in table {
            assert_eq!(pattern(first).covers(&pattern(second)), expected, "{first} and {second}");
        }
    }

    proptest! {
        #[test]
        fn whoever_is_covered_is_matched(
            first in "_[XZN0-9]{1,3}[.!]?",
            second in "_[XZN0-9]{1,3}[.!]?",
            number in "[0-9*]{0,5}",
        ) {
            let (first, second) = (pattern(&first), pattern(&second));
            if first.covers(&second) && second.matches(&number) {
                prop_assert!(first.matches(&number));
            }
        }
    }
}
