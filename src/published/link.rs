//! The record of the dialer's PPP link and the month's traffic.

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
const OPENS: &str = "opens";
const FAR_SIDE: &str = "far-side";
const TRIED: &str = "far-side-tried";
const TUNNEL: &str = "tunnel";
const CHANGED: &str = "changed";
const ON_TRIAL: &str = "on-trial";
const TRIAL_UNTIL: &str = "trial-until-uptime";
const LAST_ERROR: &str = "last-error";

const UP: &str = "up";
const HAND: &str = "hand";

/// The PPP link and the data budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// The state of the link.
    pub phase: LinkPhase,
    /// The month's traffic so far, in bytes.
    pub used: u64,
    /// Its limit, in bytes.
    pub budget: Option<u64>,
    /// The counted month.
    pub month: Option<Month>,
    /// When the site's schedule opens it next, in seconds since 1970.
    pub opens: Option<i64>,
    /// The far side of the VPN, once it is known.
    pub far_side: Option<FarSide>,
    /// What the reverse ssh tunnel does, in words.
    pub tunnel: Option<String>,
    /// The values that a text message has changed and that are kept, without secrets.
    pub changed: Option<String>,
    /// Those on trial.
    pub on_trial: Option<OnTrial>,
    /// Why the last link could not be opened or was lost, as text.
    pub last_error: Option<String>,
}

/// Values on trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTrial {
    /// Keys and values, without secrets.
    pub values: String,
    /// When they are taken back, in time since boot, to the second.
    pub until: Duration,
}

/// What the far side of the VPN does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FarSide {
    /// It has answered over this link.
    Answers,
    /// It does not answer.
    Silent {
        /// What the box has tried since the last answer: tunnels, links, restarts of the modem.
        tried: u32,
    },
}

impl FarSide {
    const ANSWERS: &'static str = "answers";
    const SILENT: &'static str = "silent";

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answers => Self::ANSWERS,
            Self::Silent { .. } => Self::SILENT,
        }
    }

    fn from_record(record: &Record) -> Option<Self> {
        match record.get(FAR_SIDE)? {
            Self::ANSWERS => Some(Self::Answers),
            Self::SILENT => Some(Self::Silent { tried: record.get(TRIED)?.parse().ok()? }),
            _ => None,
        }
    }
}

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPhase {
    /// No link.
    Closed,
    /// pppd and the modem are dialling.
    Dialling,
    /// Waiting for another attempt.
    Waiting,
    /// pppd is ending.
    Closing,
    /// Up.
    Up {
        /// The PPP interface.
        interface: String,
        /// Our address.
        local: Option<Ipv4Addr>,
        /// The operator's address.
        remote: Option<Ipv4Addr>,
        /// Its end, in time since boot, to the second; `None` for a link that was opened by hand.
        until: Option<Duration>,
    },
}

impl LinkPhase {
    /// The published words.
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
        let tried = match self.far_side {
            Some(FarSide::Silent { tried }) => Some(tried),
            Some(FarSide::Answers) | None => None,
        };
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
            .number(OPENS, self.opens)
            .text(FAR_SIDE, self.far_side.map(FarSide::as_str))
            .number(TRIED, tried)
            .text(TUNNEL, self.tunnel.as_ref())
            .text(CHANGED, self.changed.as_ref())
            .text(ON_TRIAL, self.on_trial.as_ref().map(|it| &it.values))
            .number(TRIAL_UNTIL, self.on_trial.as_ref().map(|it| it.until.as_secs()))
            .text(LAST_ERROR, self.last_error.as_ref())
    }

    fn from_record(record: &Record) -> Option<Self> {
        Some(Self {
            phase: LinkPhase::from_record(record)?,
            used: record.number(USED).unwrap_or(0),
            budget: record.number(BUDGET),
            month: record.get(MONTH).and_then(Month::parse),
            opens: record.get(OPENS).and_then(|text| text.parse().ok()),
            far_side: FarSide::from_record(record),
            tunnel: record.get(TUNNEL).map(str::to_owned),
            changed: record.get(CHANGED).map(str::to_owned),
            on_trial: record.get(ON_TRIAL).zip(record.number(TRIAL_UNTIL)).map(|(values, until)| OnTrial {
                values: values.to_owned(),
                until: Duration::from_secs(until),
            }),
            last_error: record.get(LAST_ERROR).map(str::to_owned),
        })
    }
}
