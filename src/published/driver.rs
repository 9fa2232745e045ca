//! What a modem's driver adds to its protocol's record.

use super::{Fields, Published};
use crate::record::Record;

const TROUBLE: &str = "trouble";
const PORT: &str = "port";
const DATA_PORT: &str = "data-port";
const INSTEAD_OF: &str = "instead-of";

/// A modem as its driver sees it. `S`: the record of its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverStatus<S> {
    /// It does not work, or another program uses it; the reason, as text.
    Trouble(String),
    /// It works.
    Works {
        /// Its ports.
        ports: PortNames,
        /// The record of its protocol.
        status: S,
    },
}

/// The ports of a modem as text: `/dev/ttyHS1 (hso at 1-1.1:1.0, Application)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortNames {
    /// For commands.
    pub command: String,
    /// For data, if it is another port.
    pub data: Option<String>,
    /// The modem that was passed over for this one, and why.
    pub instead_of: Option<String>,
}

impl PortNames {
    /// Adds them to the modem's record.
    pub fn add_to(&self, record: Record) -> Record {
        let record = record.with(PORT, &self.command).with_known(DATA_PORT, self.data.as_ref());
        record.with_known(INSTEAD_OF, self.instead_of.as_ref())
    }
}

impl<S> DriverStatus<S> {
    /// The ports of a modem that works.
    pub fn ports(&self) -> Option<&PortNames> {
        match self {
            Self::Works { ports, .. } => Some(ports),
            Self::Trouble(_) => None,
        }
    }
}

impl<S: Published> Published for DriverStatus<S> {
    fn fields(&self) -> Fields {
        match self {
            Self::Trouble(why) => Fields::new().text(TROUBLE, Some(why)),
            Self::Works { ports, status } => {
                let fields = status.fields().text(PORT, Some(&ports.command));
                fields.text(DATA_PORT, ports.data.as_ref()).text(INSTEAD_OF, ports.instead_of.as_ref())
            }
        }
    }

    fn from_record(record: &Record) -> Option<Self> {
        if let Some(why) = record.get(TROUBLE) {
            return Some(Self::Trouble(why.to_owned()));
        }
        let ports = PortNames {
            command: record.get(PORT)?.to_owned(),
            data: record.get(DATA_PORT).map(str::to_owned),
            instead_of: record.get(INSTEAD_OF).map(str::to_owned),
        };
        Some(Self::Works { ports, status: S::from_record(record)? })
    }
}
