//! The configuration of a modem's driver.

use crate::log::Log;
use crate::paths::Paths;
use crate::site::{FlowControl, Port, Speed, TimeSpan};

/// The port of a modem, and where its driver logs and publishes.
#[derive(Debug, Clone, Copy)]
pub struct ModemConfig<'a> {
    /// The paths of the box.
    pub paths: &'a Paths,
    /// The log.
    pub log: &'a Log,
    /// The name of the published record, and of the symlink in `/dev` to the data port.
    pub name: &'a str,
    /// The port that the site names.
    pub port: &'a Port,
    /// The speed of the port.
    pub speed: Speed,
    /// The flow control of the port.
    pub flow: FlowControl,
    /// How long a modem may have no network until another one is used; `None` if there is none.
    pub other_after: Option<TimeSpan>,
}
