//! A telephone exchange for analogue adapters on the box's own network: SIP registrar and proxy (RFC 3261).
//!
//! ```text
//! datagram ──read──▶ Incoming ──▶ Exchange ──▶ [Output]      and at its deadline: tick ──▶ [Output]
//! ```
//!
//! [`Exchange`] has no socket, clock or file: its program, `exchange`, passes datagrams and the time in, and sends,
//! logs and stores what comes out. A new call is set up statefully (RFC 3261 §16); everything within a call is forwarded
//! statelessly (§16.11) between its two sides, so that a call survives a restart by what [`snapshot`] keeps of it.
//! Media go from adapter to adapter, and session descriptions pass unchanged, unless the site has them pass through the
//! box (`relay`).

mod best;
mod binding;
mod call;
mod core;
mod dialog;
mod digest;
mod following;
mod guesses;
mod header;
mod host;
mod invite;
mod ledger;
mod message;
mod register;
mod relay;
mod relaying;
mod replies;
mod request;
mod sdp;
mod sending;
mod setup;
pub mod snapshot;
mod timers;
mod transaction;
mod uri;
mod within;

pub use self::core::{Exchange, Output};
pub use ledger::{EndedCall, ExchangeLog};
pub use message::LONGEST;
pub use relay::{End, PORTS, Relay};
pub use request::{Incoming, read};

#[cfg(test)]
mod tests;
