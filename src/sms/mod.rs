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
pub mod command;
pub mod dialling_plan;
pub mod gate;
pub mod gsm7;
pub mod past;
pub mod pdu;
pub mod proof;
pub mod reply;
pub mod set;
pub mod trial_news;
