//! The record of kept and tried values in the store. It belongs to one text of the site: another text makes it void.

use sha2::{Digest, Sha256};

use super::{Trial, Trials};
use crate::record::Record;
use crate::site::{ChangedKey, Changes};
use crate::sms::past::Past;

const SITE: &str = "site";
const KEPT: &str = "kept-";
const TRIAL: &str = "trial-";
const FROM: &str = "trial-from";
const STARTS: &str = "trial-starts";

/// What the store holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reach {
    /// The values that are kept.
    pub kept: Changes,
    /// The trial that runs.
    pub trial: Option<Trial>,
}

impl Reach {
    /// The file of the [store](crate::state::Store), which checks its content.
    pub const FILE: &'static str = "reach";

    /// Reads the record for this text of a site; `None` if it is for another one, or invalid.
    #[must_use]
    pub fn from_record(record: &Record, site: &str) -> Option<Self> {
        if record.get(SITE)? != mark(site) {
            return None;
        }
        let kept = changes(record, KEPT)?;
        let changed = changes(record, TRIAL)?;
        let trial = match record.get(FROM) {
            Some(from) if !changed.is_empty() => {
                let starts = record.get(STARTS)?.parse().ok()?;
                Some(Trial { changes: changed, from: from.parse().ok()?, starts })
            }
            _ => None,
        };
        Some(Self { kept, trial })
    }

    /// The record for this text of a site. With the first record of a trial comes the past that its message has made:
    /// one write stores both, so no power cut can part the trial from the use of its code.
    #[must_use]
    pub fn to_record(&self, site: &str, past: Option<&Past>) -> Record {
        let record = fields(Record::new().with(SITE, mark(site)), KEPT, &self.kept);
        let record = match &self.trial {
            Some(trial) => {
                fields(record, TRIAL, &trial.changes).with(FROM, &trial.from).with(STARTS, trial.starts)
            }
            None => record,
        };
        let past = past.map(Past::to_copy).unwrap_or_default();
        past.iter().fold(record, |record, (key, value)| record.with(key, value))
    }
}

impl From<&Trials> for Reach {
    fn from(trials: &Trials) -> Self {
        Self { kept: trials.kept().clone(), trial: trials.trial().cloned() }
    }
}

/// Identifies a text of a site; it has secrets, of which the hash shows nothing.
fn mark(site: &str) -> String {
    Sha256::digest(site).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// In quotes, since a record trims its values, and a password may begin or end with a blank.
fn fields(record: Record, prefix: &str, changes: &Changes) -> Record {
    changes.keys().fold(record, |record, key| {
        let value = changes.reveal(key).map(|value| format!("\"{value}\""));
        record.with_known(&format!("{prefix}{}", key.as_str()), value)
    })
}

/// `None` if one of the values is invalid.
fn changes(record: &Record, prefix: &str) -> Option<Changes> {
    ChangedKey::ALL.into_iter().try_fold(Changes::default(), |changes, key| {
        let Some(quoted) = record.get(&format!("{prefix}{}", key.as_str())) else { return Some(changes) };
        let value = quoted.strip_prefix('"')?.strip_suffix('"')?;
        changes.with(key, value).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reach(password: &str) -> Reach {
        let kept = Changes::default().with(ChangedKey::Apn, "web").unwrap();
        let changes = Changes::default()
            .with(ChangedKey::User, "me")
            .and_then(|changes| changes.with(ChangedKey::Password, password))
            .unwrap();
        Reach { kept, trial: Some(Trial { changes, from: "+33612345678".parse().unwrap(), starts: 1 }) }
    }

    #[test]
    fn a_record_for_another_text_of_the_site_is_void() {
        let record = reach("x").to_record("one", None);
        assert_eq!(Reach::from_record(&record, "one"), Some(reach("x")));
        assert_eq!(Reach::from_record(&record, "one "), None);
        assert_eq!(Reach::from_record(&Record::new(), "one"), None);
    }

    #[test]
    fn a_record_with_an_invalid_value_is_void_as_a_whole() {
        let record = reach("x").to_record("one", None);
        for (key, value) in [("kept-apn", "\"a..b\""), ("kept-apn", "web"), ("trial-starts", "many")] {
            assert_eq!(Reach::from_record(&record.clone().with(key, value), "one"), None, "{key} {value}");
        }
    }

    proptest! {
        #[test]
        fn every_password_is_read_back(password in "[ -~]{1,60}") {
            prop_assume!(!password.starts_with('@'));
            let record = Record::parse(&reach(&password).to_record("one", None).to_string());
            prop_assert_eq!(Reach::from_record(&record, "one"), Some(reach(&password)));
        }

        #[test]
        fn no_record_makes_the_reader_panic(text in "((site|kept-apn|trial-from|trial-numbers)=.{0,20}\n){0,6}") {
            let _ = Reach::from_record(&Record::parse(&text), "one");
        }
    }
}
