//! The copies on the card.

use super::{Fields, Published};
use crate::record::Record;

const TWIN: &str = "twin";
const PERCENT: &str = "percent";
const SCRUBBED: &str = "scrubbed";
const HEALED: &str = "healed";
const BAD: &str = "bad";
const TROUBLE: &str = "trouble";
const LOG: &str = "kernel-log";

/// What `scrubd` has found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardStatus {
    /// The second root, with the copies of the boot files.
    pub twin: Twin,
    /// How far the pass is that runs; `None` between two.
    pub percent: Option<u64>,
    /// When the last scrub ended, in seconds since 1970.
    pub scrubbed: Option<i64>,
    /// Blocks that were healed, in all boots.
    pub healed: u64,
    /// Blocks that could not be healed, in the last scrub.
    pub bad: u64,
    /// What else is wrong, as text.
    pub trouble: Option<String>,
    /// The last record of the kernel's log that was looked at.
    pub kernel_log: u64,
}

/// The second root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Twin {
    /// It is not there, or not this image's.
    #[default]
    None,
    /// It is being made.
    BeingMade,
    /// It has all that the first one has.
    Whole,
}

impl Twin {
    /// As it stands in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::BeingMade => "being-made",
            Self::Whole => "whole",
        }
    }
}

impl Published for CardStatus {
    fn fields(&self) -> Fields {
        Fields::new()
            .text(TWIN, Some(self.twin.as_str()))
            .number(PERCENT, self.percent)
            .number(SCRUBBED, self.scrubbed)
            .number(HEALED, Some(self.healed))
            .number(BAD, Some(self.bad))
            .text(TROUBLE, self.trouble.as_ref())
            .number(LOG, Some(self.kernel_log))
    }

    fn from_record(record: &Record) -> Option<Self> {
        let word = record.get(TWIN)?;
        Some(Self {
            twin: [Twin::None, Twin::BeingMade, Twin::Whole].into_iter().find(|it| it.as_str() == word)?,
            percent: record.number(PERCENT),
            scrubbed: record.get(SCRUBBED).and_then(|at| at.parse().ok()),
            healed: record.number(HEALED).unwrap_or(0),
            bad: record.number(BAD).unwrap_or(0),
            trouble: record.get(TROUBLE).map(str::to_owned),
            kernel_log: record.number(LOG).unwrap_or(0),
        })
    }
}
