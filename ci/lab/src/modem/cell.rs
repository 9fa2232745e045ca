//! The mobile network at a modem's place: TS 27.007 §7.2, §7.3, §8.5.

use dialbox::calendar::Civil;
use std::time::Duration;

/// `<stat>` of `+CREG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// 0: not registered, and not searching.
    None = 0,
    /// 1
    Home = 1,
    /// 2
    Searching = 2,
    /// 3
    Denied = 3,
    /// 5
    Roaming = 5,
}

impl Registration {
    /// Whether calls and messages are possible.
    pub fn serves(self) -> bool {
        matches!(self, Self::Home | Self::Roaming)
    }
}

/// In which domains the network registers the modem: which of `+CREG`, `+CGREG` and `+CEREG` (TS 27.007 §7.2, §10.1.20,
/// §10.1.22) show [`Cell::registration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domains {
    /// 2G or 3G: `+CREG` and `+CGREG`.
    CallsAndPackets,
    /// The same, and data are denied.
    CallsOnly,
    /// LTE: `+CEREG` alone.
    Lte,
    /// LTE without a network for calls: `+CREG` and `+CGREG` show that it is denied (victronenergy/venus#1582).
    LteWithoutCalls,
}

impl Domains {
    /// Whether this is LTE.
    pub fn is_lte(self) -> bool {
        matches!(self, Self::Lte | Self::LteWithoutCalls)
    }

    /// What a command of this name shows.
    pub(super) fn shown(self, name: &str, registration: Registration) -> Registration {
        let elsewhere = if registration.serves() { Registration::None } else { registration };
        match (self, name) {
            (_, "+CEREG") => {
                if self.is_lte() {
                    registration
                } else {
                    Registration::None
                }
            }
            (Self::CallsOnly, "+CGREG") | (Self::LteWithoutCalls, _) if registration.serves() => {
                Registration::Denied
            }
            (Self::Lte | Self::LteWithoutCalls, _) => elsewhere,
            (Self::CallsAndPackets | Self::CallsOnly, _) => registration,
        }
    }

    /// `<AcT>` (TS 27.007 §7.3).
    pub(super) fn technology(self) -> u8 {
        if self.is_lte() { 7 } else { 2 }
    }
}

/// A running clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Unix time, UTC, at moment 0.
    pub origin: i64,
    /// Quarters of an hour between local time and UTC.
    pub quarters: i8,
}

impl TimeOfDay {
    /// Unix time at `now`.
    pub fn unix_at(self, now: Duration) -> i64 {
        self.origin + i64::try_from(now.as_secs()).unwrap_or(0)
    }

    /// The clock's time at `now`.
    pub fn at(self, now: Duration) -> Civil {
        Civil::from_unix(self.unix_at(now) + i64::from(self.quarters) * 900)
    }
}

/// The context that a modem attaches to LTE with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its APN.
    pub apn: Option<String>,
    /// `<auth_prot>`, user and password.
    pub account: Option<(u32, String, String)>,
}

impl Attachment {
    /// Whether a network that wants that one admits this one.
    pub(super) fn fulfils(&self, wanted: &Self) -> bool {
        self.apn == wanted.apn && (wanted.account.is_none() || self.account == wanted.account)
    }
}

/// The radio conditions at the modem's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// `<rssi>` of `+CSQ`: 0-31, 99 unknown.
    pub signal: u8,
    /// RSRP in dBm, RSRQ and SINR in dB, of LTE.
    pub quality: [i32; 3],
    /// The number of the band, of LTE.
    pub band: u32,
    /// How the network treats this SIM.
    pub registration: Registration,
    /// In which domains.
    pub domains: Domains,
    /// Name of the operator.
    pub operator: String,
    /// Country and network code.
    pub numeric: String,
    /// Location area and cell, as `+CREG=2` shows them.
    pub place: (u16, u32),
    /// The context without which the network admits nobody to LTE.
    pub admits: Option<Attachment>,
    /// The time, if the network sends it (NITZ, TS 22.042).
    pub time: Option<TimeOfDay>,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            signal: 18,
            quality: [-95, -10, 12],
            band: 3,
            registration: Registration::Home,
            domains: Domains::CallsAndPackets,
            operator: "Free".to_owned(),
            numeric: "20815".to_owned(),
            place: (0x02a1, 0x0012_f4c7),
            admits: None,
            time: None,
        }
    }
}
