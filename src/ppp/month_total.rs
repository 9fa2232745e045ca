//! What a month has cost, as the second copy holds it: without the links that are open.

use crate::clock::Month;
use crate::record::Record;

const MONTH: &str = "month";
const BYTES: &str = "bytes";

/// A month, and what a power cut at this moment would leave charged in it. Of two the greater counts: a
/// later month, or more in the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MonthTotal {
    /// Which one, once one is known.
    pub month: Option<Month>,
    /// Bytes of closed links, and the claims of the open ones.
    pub bytes: u64,
}

impl MonthTotal {
    /// Of the second copy. What is not there or damaged counts as nothing.
    #[must_use]
    pub fn from_copy(record: &Record) -> Self {
        Self {
            month: record.get(MONTH).and_then(Month::parse).filter(Month::is_plausible),
            bytes: record.number(BYTES).unwrap_or(0),
        }
    }

    /// The record with this total.
    #[must_use]
    pub fn add_to(self, record: Record) -> Record {
        record.with_known(MONTH, self.month).with(BYTES, self.bytes)
    }
}
