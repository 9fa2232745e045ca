//! What a modem's driver adds to what its protocol knows.

use super::{Fields, Published};
use crate::record::Record;

const TROUBLE: &str = "trouble";
const PORT: &str = "port";
const DATA_PORT: &str = "data-port";

/// A modem as its driver sees it. `S`: what is known of the modem itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverStatus<S> {
    /// It does not work, or another program has it: why, for a person.
    Trouble(String),
    /// It works.
    Works {
        /// Where.
        ports: PortNames,
        /// What is known of it.
        status: S,
    },
}

/// The ports of a modem, as a person knows them: `/dev/ttyHS1 (hso at 1-1.1:1.0, Application)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortNames {
    /// For commands.
    pub command: String,
    /// For data, if that is another one.
    pub data: Option<String>,
}

impl PortNames {
    /// Adds them to what is known of the modem.
    pub fn add_to(&self, record: Record) -> Record {
        record.with(PORT, &self.command).with_known(DATA_PORT, self.data.as_ref())
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
                status.fields().text(PORT, Some(&ports.command)).text(DATA_PORT, ports.data.as_ref())
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
        };
        Some(Self::Works { ports, status: S::from_record(record)? })
    }
}
