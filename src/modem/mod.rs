//! Modems: finding their ports, sharing them, and speaking AT on them.
//!
//! Pure: [`at`] is the command queue and the parser of responses, [`probe`] finds out which ports answer, [`recovery`]
//! decides what to try with a modem that does not work, and [`mobile`] is the dialogue with a mobile modem, a
//! [`protocol`]. The edge: [`ports`] reads sysfs, [`serial`] opens a tty, [`usb`] deauthorizes a device, [`lock`] keeps
//! UUCP locks, [`dev_symlink`] names the data port, [`watch`] sees ports and locks come and go. [`driver`] joins them.

pub mod at;
pub mod config;
pub mod dev_symlink;
pub mod driver;
pub mod lock;
pub mod mobile;
pub mod ports;
pub mod probe;
pub mod protocol;
pub mod recovery;
pub mod sandbox;
pub mod serial;
pub mod usb;
pub mod watch;
