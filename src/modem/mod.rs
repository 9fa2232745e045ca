//! Modems: their ports, the sharing of ports, and the AT protocol.
//!
//! Without I/O: [`at`] is the command queue and the parser of responses, [`probe`] finds out which ports answer,
//! [`recovery`] chooses the next step for a modem that does not work, and [`mobile`] is the [`protocol`] of a mobile
//! modem. With I/O: [`ports`] and [`router`] read sysfs, [`models`] reads
//! the files of models, [`serial`] opens a tty, [`usb`] deauthorizes a device, [`lock`]
//! takes UUCP locks, [`dev_symlink`] names the data port, [`watch`] reports changes of ports and locks. [`driver`]
//! combines them, and [`sandbox`] runs a protocol in a process of its own.

pub mod at;
pub mod config;
pub mod dev_symlink;
pub mod driver;
pub mod lock;
pub mod mobile;
pub mod models;
pub mod ports;
pub mod probe;
pub mod protocol;
pub mod recovery;
pub mod router;
pub mod sandbox;
pub mod serial;
pub mod usb;
pub mod watch;
