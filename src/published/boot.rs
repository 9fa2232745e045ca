//! The results of the boot.

use super::{Fields, Published};
use crate::record::Record;

const ROOT: &str = "root";
const ROOT_COPY: &str = "root-copy";
const ROOT_CHECK: &str = "root-check";
const ROOT_TROUBLE: &str = "root-trouble";
const BOOT: &str = "boot";
const STATE: &str = "state";
const STATE_TROUBLE: &str = "state-trouble";
const FAILED_BOOTS: &str = "failed-boots";
const REMEDIES: &str = "remedies";
const WATCHDOG: &str = "watchdog";
const INIT_STARTED: &str = "init-started-ms";
const INIT_ENDED: &str = "init-ended-ms";
const NUMBER: &str = "number";
const CAUSE: &str = "cause";

/// What `init` found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootStatus {
    /// The partition with the root, or, separated by commas, those that it is composed of.
    pub root: Option<String>,
    /// Which copies of the root these are: `A`, `B` or `A+B`.
    pub root_copy: Option<String>,
    /// How far the root can be trusted, as text: [`RootCheck`](crate::boot::sealed::RootCheck).
    pub root_check: Option<String>,
    /// Why no better root was used; empty if it is the first one and verified.
    pub root_trouble: Option<String>,
    /// The FAT partition: `mounted`, or the error.
    pub boot: Option<String>,
    /// The state partition, in a word.
    pub state: Option<String>,
    /// The errors of the state partition; empty if there were none.
    pub state_trouble: Option<String>,
    /// How many boots in a row before this one have [failed](crate::boot::attempts).
    pub failed_boots: Option<u64>,
    /// What was done because of that, or because of damage outside the partitions; none if nothing was.
    pub remedies: Option<String>,
    /// The watchdog that is armed: it has to be fed.
    pub watchdog: Option<String>,
    /// When `init` started, in milliseconds after the kernel did.
    pub init_started_ms: Option<u64>,
    /// When it started busybox's init, likewise.
    pub init_ended_ms: Option<u64>,
}

impl BootStatus {
    /// Whether the state is in RAM.
    pub fn state_is_in_ram(&self) -> bool {
        self.state.as_deref() == Some(Self::IN_RAM)
    }

    /// The state partition in a word, where it could not be used.
    pub const IN_RAM: &str = "memory";
}

impl Published for BootStatus {
    fn fields(&self) -> Fields {
        Fields::new()
            .text(ROOT, self.root.as_ref())
            .text(ROOT_COPY, self.root_copy.as_ref())
            .text(ROOT_CHECK, self.root_check.as_ref())
            .text(ROOT_TROUBLE, self.root_trouble.as_ref())
            .text(BOOT, self.boot.as_ref())
            .text(STATE, self.state.as_ref())
            .text(STATE_TROUBLE, self.state_trouble.as_ref())
            .number(FAILED_BOOTS, self.failed_boots)
            .text(REMEDIES, self.remedies.as_ref())
            .text(WATCHDOG, self.watchdog.as_ref())
            .number(INIT_STARTED, self.init_started_ms)
            .number(INIT_ENDED, self.init_ended_ms)
    }

    fn from_record(record: &Record) -> Option<Self> {
        let text = |key| record.get(key).map(str::to_owned);
        Some(Self {
            root: text(ROOT),
            root_copy: text(ROOT_COPY),
            root_check: text(ROOT_CHECK),
            root_trouble: text(ROOT_TROUBLE),
            boot: text(BOOT),
            state: text(STATE),
            state_trouble: text(STATE_TROUBLE),
            failed_boots: record.number(FAILED_BOOTS),
            remedies: text(REMEDIES),
            watchdog: text(WATCHDOG),
            init_started_ms: record.number(INIT_STARTED),
            init_ended_ms: record.number(INIT_ENDED),
        })
    }
}

/// The current boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastBoot {
    /// Counted from 1, for as long as the state partition lasts.
    pub number: u64,
    /// How the previous boot ended, as text.
    pub cause: String,
}

impl Published for LastBoot {
    fn fields(&self) -> Fields {
        Fields::new().number(NUMBER, Some(self.number)).text(CAUSE, Some(&self.cause))
    }

    fn from_record(record: &Record) -> Option<Self> {
        Some(Self { number: record.number(NUMBER)?, cause: record.get(CAUSE)?.to_owned() })
    }
}
