//! Modems: finding their ports, and talking AT to them.
//!
//! Pure: [`at`] cuts what a modem says into lines, [`request`] is what it is asked, [`exchange`] one
//! command and its answer, [`values`] what stands in one, [`dialogue`] a queue of them; [`survey`]
//! finds out which ports answer; [`ladder`] says what to do about a modem that does not work;
//! [`mobile`] is the conversation with a mobile modem, an [`attendant`]. The edge: [`ports`] reads
//! sysfs, [`serial`] opens a line, [`usb`] takes a device anew, [`lock`] shares it, [`link`] names it, [`watch`] sees ports and
//! locks come and go; [`seat`] joins them all, and [`attend`] is the loop of a service that does
//! nothing else.

pub mod at;
pub mod attend;
pub mod attendant;
pub mod dialogue;
pub mod exchange;
pub mod ladder;
pub mod link;
pub mod lock;
pub mod mobile;
pub mod ports;
pub mod post;
pub mod request;
pub mod seat;
pub mod serial;
pub mod survey;
pub mod usb;
pub mod values;
pub mod watch;
