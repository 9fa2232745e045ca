//! Whether the firewall has its rules.

use super::{Fields, Published};
use crate::record::Record;

/// The result of loading the firewall's rules, without which no interface comes up. `/etc/init.d/firewall` writes it
/// before the first interface comes up; until then there is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirewallStatus {
    /// They are in force.
    Loaded,
    /// There are none. The next interface tries again.
    Refused {
        /// The first line of `nft`'s output.
        why: String,
    },
}

/// The key of the record, and its value.
const FIREWALL: &str = "firewall";
const LOADED: &str = "loaded";
const REFUSED: &str = "refused";
/// The key of the reason.
const WHY: &str = "why";

impl Published for FirewallStatus {
    fn fields(&self) -> Fields {
        let (state, why) = match self {
            Self::Loaded => (LOADED, None),
            Self::Refused { why } => (REFUSED, Some(why.as_str())),
        };
        Fields::new().text(FIREWALL, Some(state)).text(WHY, why)
    }

    fn from_record(record: &Record) -> Option<Self> {
        match record.get(FIREWALL)? {
            LOADED => Some(Self::Loaded),
            REFUSED => Some(Self::Refused { why: record.get(WHY)?.to_owned() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{RUN_DIR, record};

    #[test]
    fn the_script_that_loads_the_rules_writes_this_record() {
        let script = include_str!("../../overlay/etc/init.d/firewall");
        assert!(script.contains(&format!("record={RUN_DIR}/{}\n", record::FIREWALL)));
        let loaded = format!("echo {FIREWALL}={LOADED} >$record");
        let refused = format!("printf '{FIREWALL}={REFUSED}\\n{WHY}=%s\\n'");
        let is_loaded = format!("[ \"$state\" = {FIREWALL}={LOADED} ]");
        for text in [loaded, refused, is_loaded] {
            assert!(script.contains(&text), "{text}");
        }
    }

    #[test]
    fn what_is_published_is_read_again() {
        for status in [FirewallStatus::Loaded, FirewallStatus::Refused { why: "no such file".to_owned() }] {
            assert_eq!(FirewallStatus::from_record(&status.to_record()), Some(status));
        }
        assert_eq!(FirewallStatus::from_record(&Record::parse("")), None);
    }
}
