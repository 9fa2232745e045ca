//! What the dialer sees of the box.

use crate::clock::{Plausible, WallClock};
use crate::ppp::Timestamp;
use crate::record::Record;
use crate::site::Timezone;
use crate::state::Loss;

/// What does not change until the next boot.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The build's version.
    pub version: Option<String>,
    /// How many boots there were, and what the last one followed.
    pub boots: Option<(u64, String)>,
    /// What a correct clock can show.
    pub plausible: Plausible,
    /// The site's.
    pub timezone: Option<Timezone>,
}

/// What the dialer sees when something happens.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// By the clock that nobody can set, and by the calendar.
    pub at: Timestamp,
    /// What the other clock is worth.
    pub wall: WallClock,
    /// Whether messages can be sent and heard during a session.
    pub ports: Ports,
    /// What the state partition cannot do.
    pub loss: Option<Loss>,
    /// What is known of the modem.
    pub known: &'a Record,
}

/// Whether the modem talks to us during a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// pppd takes its only port.
    One,
    /// It has one for data and one for us.
    Two,
}
