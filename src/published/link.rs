//! What is known of the dialer's PPP link, and what the month has cost.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Fields, Published};
use crate::clock::Month;
use crate::record::Record;

const LINK: &str = "link";
const INTERFACE: &str = "interface";
const LOCAL: &str = "local";
const REMOTE: &str = "remote";
const UNTIL: &str = "until-uptime";
const BY: &str = "by";
const USED: &str = "used";
const BUDGET: &str = "budget";
const MONTH: &str = "month";
const LAST_ERROR: &str = "last-error";

const UP: &str = "up";
const HAND: &str = "hand";

/// The PPP link and the data budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// What the link does.
    pub phase: LinkPhase,
    /// What the month has cost so far, in bytes.
    pub used: u64,
    /// What it may cost, in bytes.
    pub budget: Option<u64>,
    /// The month that is counted.
    pub month: Option<Month>,
    /// Why the link could not be opened or was lost last, for a person.
    pub last_error: Option<String>,
}

/// What the link does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPhase {
    /// There is none.
    Closed,
    /// pppd and the modem dial.
    Dialling,
    /// Until another attempt.
    Waiting,
    /// pppd was told to end.
    Closing,
    /// It carries IP.
    Up {
        /// The PPP interface.
        interface: String,
        /// Our address.
        local: Option<Ipv4Addr>,
        /// The operator's address.
        remote: Option<Ipv4Addr>,
        /// Until when, in time since boot, to the second; `None` for one that was opened by hand.
        until: Option<Duration>,
    },
}

impl LinkPhase {
    /// The words that are published and shown.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Dialling => "dialling",
            Self::Waiting => "waiting to dial again",
            Self::Closing => "closing",
            Self::Up { .. } => UP,
        }
    }

    fn from_record(record: &Record) -> Option<Self> {
        let state = record.get(LINK)?;
        if state == UP {
            let address = |key| record.get(key).and_then(|text| text.parse().ok());
            return Some(Self::Up {
                interface: record.get(INTERFACE)?.to_owned(),
                local: address(LOCAL),
                remote: address(REMOTE),
                until: record.number(UNTIL).map(Duration::from_secs),
            });
        }
        [Self::Closed, Self::Dialling, Self::Waiting, Self::Closing]
            .into_iter()
            .find(|it| it.as_str() == state)
    }
}

impl Published for LinkStatus {
    fn fields(&self) -> Fields {
        let fields = Fields::new().text(LINK, Some(self.phase.as_str()));
        let fields = match &self.phase {
            LinkPhase::Up { interface, local, remote, until } => fields
                .text(INTERFACE, Some(interface))
                .text(LOCAL, local.as_ref())
                .text(REMOTE, remote.as_ref())
                .number(UNTIL, until.map(|until| until.as_secs()))
                .text(BY, until.is_none().then_some(HAND)),
            _ => fields,
        };
        fields
            .number(USED, Some(self.used))
            .number(BUDGET, self.budget)
            .text(MONTH, self.month)
            .text(LAST_ERROR, self.last_error.as_ref())
    }

    fn from_record(record: &Record) -> Option<Self> {
        Some(Self {
            phase: LinkPhase::from_record(record)?,
            used: record.number(USED).unwrap_or(0),
            budget: record.number(BUDGET),
            month: record.get(MONTH).and_then(Month::parse),
            last_error: record.get(LAST_ERROR).map(str::to_owned),
        })
    }
}
