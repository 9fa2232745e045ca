//! The source of a dialer's clock.

use super::{Fields, Published};
use crate::record::Record;

const SOURCE: &str = "source";

/// The source of the clock's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// The network has sent it.
    Network,
    /// The network has sent it, and the modem may show local or universal time.
    Unproven,
    /// It was saved before the boot: the real time is later.
    Saved,
    /// It is only known that the image was built before.
    NotSet,
}

impl ClockSource {
    /// Its name in the record.
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
