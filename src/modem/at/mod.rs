//! AT commands (ITU-T V.250, 3GPP TS 27.007), without a port or a clock.
//!
//! [`request`] is a command with its deadline, [`response`] cuts what a modem sends into lines and result codes,
//! [`values`] reads the fields of a line, [`pending`] matches one command with its response, and [`queue`] sends one
//! command after the other.

pub mod pending;
pub mod queue;
pub mod request;
pub mod response;
pub mod shown;
pub mod values;
