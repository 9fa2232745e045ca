//! Parses the command `set`: keys of the site with their new values, and the code.
//!
//! `set endpoint 203.0.113.9:51820 12345678`. A message has room for more than one key: those of a new SIM, `apn`, `user`
//! and `password`, are of use only together. The code is the last word, since a value may have its form.

use std::fmt;

use super::code::Code;
use crate::site::{ChangedKey, Changes};

/// The command as parsed: its errors are for a proven sender only, so they come with the command.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted(pub Result<Changes, NoChange>);

/// Why a text after `set` is not a change. It quotes no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoChange {
    /// No key follows.
    Empty,
    /// A word is no key.
    Key,
    /// No value follows this key.
    NoValue(ChangedKey),
    /// A key is there twice.
    Twice(ChangedKey),
    /// The value of a key is not valid; what to write.
    Value(ChangedKey, String),
    /// Numbers are tried in another way than the rest.
    NotAlone,
}

/// What a sender may write for a key, in lower case: its name in the site, or a shorter one.
fn key(word: &str) -> Option<ChangedKey> {
    match word.to_ascii_lowercase().as_str() {
        "key" => Some(ChangedKey::PublicKey),
        "psk" => Some(ChangedKey::PresharedKey),
        word => ChangedKey::ALL.into_iter().find(|key| key.as_str() == word),
    }
}

/// Whether the first word of a text is `set`.
pub(super) fn is_set(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("set"))
}

/// Parses a text that [`is_set`].
pub(super) fn parse(text: &str) -> (Wanted, Option<Code>) {
    let mut words = words(text);
    let code = code_at_end(&mut words);
    (Wanted(changes(words.get(1..).unwrap_or_default())), code)
}

/// The words of a text. One that begins with `"` goes on to the next `"` before a blank: that is how a value may have
/// blanks, or be of digits only.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').and_then(|inside| {
            let is_end = |at: &usize| inside[at + 1..].chars().next().is_none_or(char::is_whitespace);
            let end = inside.match_indices('"').map(|(at, _)| at).find(is_end)?;
            Some((&inside[..end], &inside[end + 1..]))
        });
        let (word, after) =
            quoted.unwrap_or_else(|| rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())));
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn changes(words: &[&str]) -> Result<Changes, NoChange> {
    let mut changes = Changes::default();
    let mut rest = words;
    while let [word, after @ ..] = rest {
        let key = key(word).ok_or(NoChange::Key)?;
        let count = match key {
            ChangedKey::Numbers => after.iter().take_while(|word| word.starts_with('+')).count(),
            _ => after.len().min(1),
        };
        if changes.keys().any(|known| known == key) {
            return Err(NoChange::Twice(key));
        }
        let (values, after) = after.split_at(count);
        let value = values.iter().map(|value| bare(key, value)).collect::<Vec<_>>().join(" ");
        if value.is_empty() {
            return Err(NoChange::NoValue(key));
        }
        changes = changes.with(key, &value).map_err(|invalid| NoChange::Value(key, invalid.next))?;
        rest = after;
    }
    match (changes.keys().count(), changes.numbers()) {
        (0, _) => Err(NoChange::Empty),
        (2.., Some(_)) => Err(NoChange::NotAlone),
        _ => Ok(changes),
    }
}

/// A value without the comma or full stop that a person adds to a list, where no value ends with one.
fn bare(key: ChangedKey, value: &str) -> String {
    match key {
        ChangedKey::User | ChangedKey::Password => value.to_owned(),
        _ => value.trim_end_matches(['.', ',']).to_owned(),
    }
}

/// `set endpoint, password`
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(changes) => write!(f, "set {changes}"),
            Err(_) => f.write_str("set"),
        }
    }
}

impl fmt::Display for NoChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = "endpoint, key, psk, apn, user, password, numbers";
        match self {
            Self::Empty => write!(f, "write set, a key, its value: {keys}"),
            Self::Key => write!(f, "no such key; keys: {keys}"),
            Self::NoValue(key) => write!(f, "no value for {}", key.as_str()),
            Self::Twice(key) => write!(f, "{} is there twice", key.as_str()),
            Self::Value(key, next) => write!(f, "{}: {next}", key.as_str()),
            Self::NotAlone => f.write_str("numbers need a message of their own"),
        }
    }
}

/// Removes the code from the end of the words, perhaps in two halves.
fn code_at_end(words: &mut Vec<&str>) -> Option<Code> {
    let [.., before, last] = words.as_slice() else { return None };
    let digits = |word: &str| word.trim_end_matches(['.', ',']).to_owned();
    let (before, last) = (digits(before), digits(last));
    if let Some(code) = Code::parse(&last) {
        words.pop();
        return Some(code);
    }
    let is_half = |word: &str| matches!(word.len(), 3 | 4) && word.bytes().all(|byte| byte.is_ascii_digit());
    if !is_half(&last) || before.len() != last.len() {
        return None;
    }
    let code = Code::parse(&format!("{before}{last}"))?;
    words.truncate(words.len() - 2);
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Shown;
    use crate::sms::gsm7;
    use proptest::prelude::*;

    const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

    fn parsed(text: &str) -> (Result<String, String>, Option<String>) {
        assert!(is_set(text), "{text:?}");
        let (Wanted(changes), code) = parse(text);
        let shown = changes.map(|changes| {
            let password = changes.reveal(ChangedKey::Password).map(|it| format!(" {it}"));
            format!("{}{}", Shown(&changes), password.unwrap_or_default())
        });
        (shown.map_err(|why| why.to_string()), code.map(|code| code.reveal().to_owned()))
    }

    #[test]
    fn a_change_is_keys_with_values_and_a_code_at_the_end() {
        let key = format!("endpoint 203.0.113.9:51820, public-key {KEY}");
        for (text, changes, code) in [
            ("set endpoint 203.0.113.9:51820 12345678", "endpoint 203.0.113.9:51820", Some("12345678")),
            (
                "set endpoint Vpn.Example.org:51820 12345678",
                "endpoint Vpn.Example.org:51820",
                Some("12345678"),
            ),
            ("Set Endpoint 203.0.113.9:51820. 1234 5678.", "endpoint 203.0.113.9:51820", Some("12345678")),
            (&format!("SET endpoint 203.0.113.9:51820 key {KEY} 12345678"), &key, Some("12345678")),
            ("set apn Web.Example 123456", "apn Web.Example", Some("123456")),
            ("set apn web", "apn web", None),
            // The value keeps its case, its signs, and a form like that of a code.
            ("set user Me password {aB}~|€ 12345678", "", Some("12345678")),
            ("set user Me password {aB}~|[^\\] 12345678", "user Me, password {aB}~|[^\\]", Some("12345678")),
            ("set password 11223344 12345678", "password 11223344", Some("12345678")),
            ("set password \"a b\" 12345678", "password a b", Some("12345678")),
            ("set password \"say \"hi\"!\" 1234 5678", "password say \"hi\"!", Some("12345678")),
            ("set password end. 12345678", "password end.", Some("12345678")),
            ("set password \"open 12345678", "password \"open", Some("12345678")),
            (
                "set numbers +33612345678, +33698765432 12345678",
                "numbers +33612345678 +33698765432",
                Some("12345678"),
            ),
        ] {
            let (shown, found) = parsed(text);
            assert_eq!(found.as_deref(), code, "{text:?}");
            if changes.is_empty() {
                assert!(shown.is_err(), "{text:?}: outside printable ASCII");
            } else {
                assert_eq!(shown.as_deref(), Ok(changes), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_not_a_change_has_a_reason_of_one_message_that_quotes_nothing() {
        for (text, why) in [
            ("set 12345678", "write set, a key"),
            ("set route 10.0.0.0/8 12345678", "no such key"),
            ("set endpoint 12345678", "no value for endpoint"),
            ("set endpoint vpn.example.org 12345678", "endpoint: write as in"),
            ("set endpoint hunter2 12345678", "endpoint: write as in"),
            ("set key hunter2 12345678", "public-key: copy the 44 characters"),
            ("set apn a..b 12345678", "apn: use letters"),
            ("set apn a apn b 12345678", "apn is there twice"),
            ("set numbers 0612345678 12345678", "no value for numbers"),
            ("set numbers +0612345678 12345678", "numbers: write + and country code"),
            ("set numbers +33612345678 apn web 12345678", "numbers need a message of their own"),
            ("set password @/etc/passwd 12345678", "password: choose one"),
            ("set password p\u{e9} 12345678", "password: use letters"),
        ] {
            let (shown, code) = parsed(text);
            let why_not = shown.unwrap_err();
            assert!(why_not.starts_with(why), "{text:?}: {why_not}");
            assert_eq!(code.as_deref(), Some("12345678"), "{text:?}");
            assert!(!why_not.contains("hunter2") && why_not.len() < 148, "{why_not}");
        }
    }

    /// 160 septets, or 70 characters if a telephone needs UCS-2 for one of them (3GPP TS 23.040 §9.2.3.16).
    #[test]
    fn the_longest_values_fit_into_one_message() {
        for (text, also_ucs2) in [
            (format!("set key {KEY} 12345678"), true),
            (format!("set endpoint 203.100.113.109:51820 key {KEY} 12345678"), false),
            (
                format!(
                    "set apn {} user {} password {} 12345678",
                    "a".repeat(40),
                    "u".repeat(30),
                    "{".repeat(28)
                ),
                false,
            ),
            (format!("set numbers{} 12345678", " +123456789012345".repeat(8)), false),
        ] {
            let septets = gsm7::encode(&text).expect("the default alphabet has all its characters").len();
            assert!(septets <= 160 && (!also_ucs2 || text.len() <= 70), "{septets} {text}");
            assert!(parsed(&text).0.is_ok(), "{text}");
        }
    }

    #[test]
    fn the_log_shows_no_value() {
        for text in ["set user me password horse 12345678", "set horse 12345678", "set apn horse..1 12345678"]
        {
            let (wanted, _) = parse(text);
            assert!(!wanted.to_string().contains("horse"), "{wanted}");
        }
        assert!(!format!("{:?}", parse("set user me password horse")).contains("horse"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(?is)set( (apn|user|password|numbers|key|endpoint)| .{0,12}){0,6}") {
            let _ = parse(&text);
        }

        /// Any password without a quote followed by a blank can be sent, in quotes.
        #[test]
        fn every_password_can_be_quoted(password in "[ -~]{1,20}") {
            prop_assume!(!password.contains("\" ") && !password.starts_with("@") && password != "\"");
            let text = format!("set password \"{password}\" 12345678");
            prop_assert_eq!(parsed(&text), (Ok(format!("password {password}")), Some("12345678".to_owned())));
        }
    }
}
