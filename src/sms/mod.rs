//! Text messages: what the network brings, who may command the box, and what the box answers.
//!
//! ```text
//! hex ──pdu──▶ Deliver ──gate──▶ Accepted { command } ──(the dialer acts)──▶ reply ──pdu──▶ hex
//!      octets           number, order,                                       160 characters
//!                       proof, once only
//! ```
//!
//! All of it is pure: no port, no file and no clock.

pub mod attempts;
pub mod caution;
pub mod command;
pub mod dialling_plan;
pub mod gate;
pub mod gsm7;
pub mod past;
pub mod pdu;
pub mod proof;
pub mod reply;
