//! Text messages: decoding, authorization of commands, and replies.
//!
//! ```text
//! hex ──pdu──▶ Deliver ──gate──▶ Accepted { command } ──(the dialer acts)──▶ reply ──pdu──▶ hex
//!      octets           number, order,                                       160 characters
//!                       proof, once only
//! ```
//!
//! These modules do no I/O and read no clock.

pub mod attempts;
pub mod caution;
pub mod code;
pub mod proof;

#[cfg(feature = "services")]
pub mod command;
#[cfg(feature = "services")]
pub mod dialling_plan;
#[cfg(feature = "services")]
pub mod gate;
#[cfg(feature = "services")]
pub mod gsm7;
#[cfg(feature = "services")]
pub mod past;
#[cfg(feature = "services")]
pub mod pdu;
#[cfg(feature = "services")]
pub mod reply;
#[cfg(feature = "services")]
pub mod set;
#[cfg(feature = "services")]
pub mod trial_news;
