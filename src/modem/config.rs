//! Where a modem is, and where to tell of it.

use crate::log::Log;
use crate::paths::Paths;
use crate::site::{FlowControl, Port, Speed};

/// A modem's place in the box.
#[derive(Debug, Clone, Copy)]
pub struct ModemConfig<'a> {
    /// The box.
    pub paths: &'a Paths,
    /// Where to say what happens.
    pub log: &'a Log,
    /// The name of the record that is published, and of the link in `/dev` to the port for data.
    pub name: &'a str,
    /// Where the site says the modem is.
    pub port: &'a Port,
    /// The speed of the line.
    pub speed: Speed,
    /// Flow control of the line.
    pub flow: FlowControl,
}
