//! The record of a telephone line, and the notes of pppd's scripts about its caller.

use std::time::Duration;

use super::{Fields, Published};
use crate::names::note;
use crate::record::Record;
use crate::site::{Offer, UserName};

const STATE: &str = "line";
const CALLS: &str = "calls";
const RINGS: &str = "rings";
const CALLER: &str = "caller";
const SINCE: &str = "since";
const SPEED: &str = "speed";
const USER: &str = "user";
const OFFER: &str = "gets";

/// The state of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// The modem is reset, before the first call or after one.
    Resetting,
    /// It waits for a call.
    Ready,
    /// The call is answered; the modems negotiate.
    Answering,
    /// The caller is at the login prompt.
    LoggingIn,
    /// pppd has the line.
    Connected,
    /// The call is being ended.
    HangingUp,
}

impl LineState {
    const ALL: [Self; 6] =
        [Self::Resetting, Self::Ready, Self::Answering, Self::LoggingIn, Self::Connected, Self::HangingUp];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resetting => "resetting",
            Self::Ready => "ready",
            Self::Answering => "answering",
            Self::LoggingIn => "logging-in",
            Self::Connected => "connected",
            Self::HangingUp => "hanging-up",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A telephone line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineStatus {
    /// Its state.
    pub state: LineState,
    /// Calls answered since the service started.
    pub calls: u64,
    /// Rings of the last call.
    pub rings: u64,
    /// The number of the last caller, if the network sent it.
    pub caller: Option<String>,
    /// The connected call.
    pub call: Option<LineCall>,
}

/// A connected call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCall {
    /// When it was connected, in time since boot, to the second.
    pub since: Duration,
    /// The modem's text after `CONNECT`, as in `33600/ARQ/V34`.
    pub speed: Option<String>,
    /// The user who has logged in at the prompt.
    pub user: Option<UserName>,
    /// What the caller gets.
    pub offer: Offer,
}

impl Published for LineStatus {
    fn fields(&self) -> Fields {
        let fields = Fields::new()
            .text(STATE, Some(self.state.as_str()))
            .number(CALLS, Some(self.calls))
            .number(RINGS, Some(self.rings))
            .text(CALLER, self.caller.as_ref());
        match &self.call {
            Some(call) => fields
                .number(SINCE, Some(call.since.as_secs()))
                .text(SPEED, call.speed.as_ref())
                .text(USER, call.user.as_ref())
                .text(OFFER, Some(&call.offer).filter(|offer| **offer != Offer::Ppp)),
            None => fields,
        }
    }

    fn from_record(record: &Record) -> Option<Self> {
        let text = |key| record.get(key).map(str::to_owned);
        let call = record.number(SINCE).map(|since| LineCall {
            since: Duration::from_secs(since),
            speed: text(SPEED),
            user: record.get(USER).and_then(|user| user.parse().ok()),
            offer: record.get(OFFER).and_then(|offer| offer.parse().ok()).unwrap_or_default(),
        });
        Some(Self {
            state: LineState::parse(record.get(STATE)?)?,
            calls: record.number(CALLS).unwrap_or(0),
            rings: record.number(RINGS).unwrap_or(0),
            caller: text(CALLER),
            call,
        })
    }
}

/// The note of ip-up.d about a caller, in [`LineName::up`](crate::names::LineName::up).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerNote {
    /// The name that pppd has authenticated.
    pub user: Option<String>,
    /// The caller's PPP interface.
    pub interface: Option<String>,
}

impl CallerNote {
    /// Reads it. `printf` writes an empty value for a variable that is not set.
    pub fn from_record(record: &Record) -> Self {
        let text = |key| record.get(key).filter(|text| !text.is_empty()).map(str::to_owned);
        Self { user: text(note::USER), interface: text(note::INTERFACE) }
    }
}

/// The note of ip-down.d, or of a process in the place of pppd, in [`LineName::down`](crate::names::LineName::down).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficNote {
    /// Bytes from the caller, and to it; pppd counts both or neither.
    pub bytes: Option<(u64, u64)>,
    /// Why the call has ended, by a process other than pppd.
    pub why: Option<String>,
}

impl TrafficNote {
    /// Reads it.
    pub fn from_record(record: &Record) -> Self {
        let bytes = record.number(note::RECEIVED).zip(record.number(note::SENT));
        Self { bytes, why: record.get(note::WHY).map(str::to_owned) }
    }
}
