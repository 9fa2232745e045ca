//! The traffic of a month, as in the second copy: one sum, without separate links.

use crate::clock::Month;
use crate::record::Record;
use crate::state::new_card::BYTES;

const MONTH: &str = "month";

/// A month, and its charge after a power cut at this moment. Of two totals the greater one counts: a later month, or
/// more in the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MonthTotal {
    /// The month, once one is known.
    pub month: Option<Month>,
    /// Bytes of closed links, and the claims of the open ones.
    pub bytes: u64,
}

impl MonthTotal {
    /// From the second copy. A missing or damaged field counts as nothing.
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
