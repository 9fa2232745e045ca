//! Whether a dialer can accept one-time codes, and whether the second copy works.

use super::{Fields, Published};
use crate::record::Record;

const CODES: &str = "codes";
const READY: &str = "ready";
const LOST: &str = "lost";
const COPY_TROUBLE: &str = "second-copy-trouble";

/// The one-time codes of a dialer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodesStatus {
    /// The used HOTP codes are not known: none is accepted until the counter is set.
    pub lacks_counter: bool,
    /// The last error of the second copy, as text.
    pub copy_trouble: Option<String>,
}

impl Published for CodesStatus {
    fn fields(&self) -> Fields {
        Fields::new()
            .text(CODES, Some(if self.lacks_counter { LOST } else { READY }))
            .text(COPY_TROUBLE, self.copy_trouble.as_ref())
    }

    fn from_record(record: &Record) -> Option<Self> {
        let copy_trouble = record.get(COPY_TROUBLE).map(str::to_owned);
        Some(Self { lacks_counter: record.get(CODES)? == LOST, copy_trouble })
    }
}
