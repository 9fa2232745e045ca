//! What a dialer's clock is worth.

use super::{Fields, Published};
use crate::record::Record;

const SOURCE: &str = "source";

/// Where the clock has its time from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// The network has sent it.
    Network,
    /// The network has sent it, and the modem shows it so that it may be local or universal time.
    Unproven,
    /// It was saved before the boot: the time is anything later.
    Saved,
    /// Nothing is known but that the image was built before.
    NotSet,
}

impl ClockSource {
    /// As it stands in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Unproven => "network-unproven",
            Self::Saved => "saved",
            Self::NotSet => "not-set",
        }
    }
}

impl Published for ClockSource {
    fn fields(&self) -> Fields {
        Fields::new().text(SOURCE, Some(&self.as_str().to_owned()))
    }

    fn from_record(record: &Record) -> Option<Self> {
        let word = record.get(SOURCE)?;
        [Self::Network, Self::Unproven, Self::Saved, Self::NotSet].into_iter().find(|it| it.as_str() == word)
    }
}
