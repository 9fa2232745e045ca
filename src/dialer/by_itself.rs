//! The parts of the [`Dialer`](super::Dialer) that the site decides about.

use super::{Apns, Endpoints, Lines, Liveness, MissedCalls, Scheduler, Teller, Trying};

/// What the dialer does without an order, as far as the site wants it.
#[derive(Debug, Default)]
pub struct ByItself {
    /// Opens the link at regular times.
    pub scheduler: Option<Scheduler>,
    /// Watches the far side of the VPN.
    pub liveness: Option<Liveness>,
    /// Where it may be.
    pub endpoints: Option<Endpoints>,
    /// How the operator is reached.
    pub apns: Apns,
    /// The lines of the board's header.
    pub lines: Lines,
    /// Opens the link for callers.
    pub missed_calls: Option<MissedCalls>,
    /// Sends news.
    pub teller: Option<Teller>,
    /// Tries values of messages.
    pub trying: Option<Trying>,
}
