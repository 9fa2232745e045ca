//! A terminal on a service: the caller's bytes to a TCP server and back, and nothing else.
//!
//! ```text
//!          Bridge ────────────────────────────────────────────────
//! caller ──▶ end of the carrier ──▶ Telnet ─────────────────────▶ service
//! (tty)  ◀── EscapeGuard ◀───────── Telnet ◀───────────────────── (TCP)
//! ```
//!
//! It is a process of its own, as pppd is, without privileges: it has the port, one connection and the file of its
//! note, and can open nothing. No program of Debian does this: busybox's and inetutils' telnet have an escape
//! character that reaches a local prompt, netcat leaves Telnet's commands in the caller's data and does not end with
//! the carrier, and none of them keeps a service from putting the box's own modem into command state.

mod bridge;
mod carrier;
mod escape;
mod run;
mod telnet;

pub use bridge::{Bridge, Ending, Limits};
pub use run::{Start, run};
