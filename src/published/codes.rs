//! Whether a dialer can accept one-time codes, and whether what it must not forget has a second copy.

use super::{Fields, Published};
use crate::record::Record;

const CODES: &str = "codes";
const READY: &str = "ready";
const LOST: &str = "lost";
const COPY_TROUBLE: &str = "second-copy-trouble";

/// The one-time codes of a dialer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodesStatus {
    /// Which codes by the counter were used is lost: none is accepted until somebody sets it.
    pub lacks_counter: bool,
    /// Why the second copy could not be read or written last, for a person.
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
