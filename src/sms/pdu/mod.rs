//! PDUs of messages: 3GPP TS 23.040 §9.2, in the form of modems (TS 27.005 §3).
//!
//! Every message can be encoded and decoded: the box decodes what the lab's service centre encodes, and vice versa.

mod address;
mod coding;
mod deliver;
mod octets;
#[cfg(test)]
mod odd_tests;
#[cfg(test)]
mod property_tests;
mod status_report;
mod submit;
#[cfg(test)]
mod tests;
mod time;
mod user_data;

pub use address::{Address, NumberKind};
pub use deliver::Deliver;
pub use status_report::{Status, StatusReport};
pub use submit::Submit;
pub use time::ServiceCentreTime;
pub use user_data::{Body, Part, TooLong};

use std::fmt;

use octets::{Octets, from_hex, to_hex};
use user_data::Encoded;

/// A PDU from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message for the box.
    Deliver(Deliver),
    /// The status report of a message from the box.
    StatusReport(StatusReport),
}

/// Why octets are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Illegal {
    /// Not pairs of hexadecimal digits.
    NotHex,
    /// It ends within this field.
    CutOff(&'static str),
    /// So many octets follow the message.
    Surplus(usize),
    /// Another message type (TP-MTI) than expected.
    Type(u8),
    /// An address that is too long or has an invalid digit.
    Address,
    /// Lengths that contradict each other.
    Length,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHex => f.write_str("not hexadecimal"),
            Self::CutOff(field) => write!(f, "it ends within its {field}"),
            Self::Surplus(octets) => write!(f, "{octets} octets follow its end"),
            Self::Type(kind) => write!(f, "a message of type {kind}"),
            Self::Address => f.write_str("an illegal address"),
            Self::Length => f.write_str("contradictory lengths"),
        }
    }
}

impl std::error::Error for Illegal {}

/// TP-Message-Type-Indicator (§9.2.3.1).
const TYPE_MASK: u8 = 0b11;
/// TP-User-Data-Header-Indicator (§9.2.3.23).
const HAS_HEADER: u8 = 0b100_0000;

impl Incoming {
    /// Decodes the hexadecimal line after `+CMGR:`, `+CMGL:`, `+CMT:` or `+CDS:`, which starts with the service
    /// centre's address. Octets after the end are ignored: some modems print whole records of the SIM.
    ///
    /// # Errors
    /// It is neither an SMS-DELIVER nor an SMS-STATUS-REPORT, or it is cut off or garbled.
    pub fn decode(hex: &str) -> Result<Self, Illegal> {
        let all = from_hex(hex)?;
        let mut octets = Octets(&all);
        Address::skip_service_centre(&mut octets)?;
        let first = octets.octet("type")?;
        match first & TYPE_MASK {
            deliver::TYPE => Deliver::read(first, &mut octets).map(Self::Deliver),
            status_report::TYPE => StatusReport::read(&mut octets).map(Self::StatusReport),
            other => Err(Illegal::Type(other)),
        }
    }
}

impl Encoded {
    fn write(&self, octets: &mut Vec<u8>) {
        // 160 septets or 140 octets at most, see `UserData`.
        octets.push(self.length as u8);
        octets.extend(&self.octets);
    }
}

/// The service centre's address and the message of `write` in hexadecimal, and the number of octets without that
/// address: the `<length>` of TS 27.005 §3.1.
fn message(centre: Option<&Address>, write: impl FnOnce(&mut Vec<u8>)) -> (String, usize) {
    let mut octets = Vec::new();
    Address::write_service_centre(centre, &mut octets);
    let before = octets.len();
    write(&mut octets);
    (to_hex(&octets), octets.len() - before)
}
