//! Modems: finding their ports, and talking AT to them.
//!
//! Pure: [`at`] cuts what a modem says into lines, [`request`] is what it is asked, [`exchange`] one
//! command and its answer, [`dialogue`] a queue of them; [`survey`] finds out which ports answer;
//! [`mobile`] is the conversation with a mobile modem, an [`attendant`]. The edge: [`ports`] reads
//! sysfs, [`serial`] opens a line, [`lock`] shares it, [`link`] names it, [`watch`] sees ports and
//! locks come and go; [`seat`] joins them all, and [`attend`] is the loop of a service that does
//! nothing else.

pub mod at;
pub mod attend;
pub mod attendant;
mod chair;
pub mod dialogue;
pub mod exchange;
pub mod link;
pub mod lock;
pub mod mobile;
mod notice;
pub mod ports;
pub mod post;
pub mod request;
pub mod seat;
pub mod serial;
pub mod survey;
pub mod watch;
