//! The dialer's view of the box.

use crate::clock::{Plausible, WallClock};
use crate::ppp::Timestamp;
use crate::record::Record;
use crate::site::Timezone;
use crate::state::Loss;

/// Facts that do not change until the next boot.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The build's version.
    pub version: Option<String>,
    /// The number of boots, and the cause of the last one.
    pub boots: Option<(u64, String)>,
    /// The plausible values of the clock.
    pub plausible: Plausible,
    /// The site's time zone.
    pub timezone: Option<Timezone>,
}

/// The state of the box at an event.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The time, by the monotonic clock and by the calendar.
    pub at: Timestamp,
    /// The settable clock, and how far it can be trusted.
    pub wall: WallClock,
    /// Whether messages can be sent and received during a session.
    pub ports: Ports,
    /// What the state partition cannot do.
    pub loss: Option<Loss>,
    /// The record of the modem.
    pub known: &'a Record,
}

/// Whether the modem takes commands during a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// pppd takes its only port.
    One,
    /// It has one for data and one for commands.
    Two,
}
