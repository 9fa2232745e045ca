//! Modems: finding their ports, and talking AT to them.
//!
//! Pure: [`at`] cuts what a modem says into lines, [`exchange`] is one command and its answer,
//! [`dialogue`] is a queue of them, [`mobile`] keeps a mobile modem under watch. The edge:
//! [`ports`] reads sysfs, [`serial`] opens a line, [`attend`] is the loop that joins them all.

pub mod at;
pub mod attend;
pub mod dialogue;
pub mod exchange;
pub mod mobile;
pub mod ports;
pub mod serial;
