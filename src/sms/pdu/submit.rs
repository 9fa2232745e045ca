//! SMS-SUBMIT: a message from the box. TS 23.040 §9.2.2.2.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::coding::Coding;
use super::octets::{Octets, from_hex};
use super::user_data::{Body, Part, TooLong, UserData};
use super::{HAS_HEADER, Illegal, TYPE_MASK, message};

/// A message that the box sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    to: Address,
    data: UserData,
    wants_report: bool,
}

/// TP-MTI from the mobile to the service centre.
const TYPE: u8 = 0b01;
/// TP-Validity-Period-Format (§9.2.3.3).
const VALIDITY: u8 = 0b1_1000;
const VALIDITY_RELATIVE: u8 = 0b1_0000;
/// TP-Status-Report-Request.
const WANTS_REPORT: u8 = 0b10_0000;

/// How long the service centre keeps a message that it cannot deliver: (11 + 1) × 5 minutes (§9.2.3.12.1). A reply that
/// comes next week would be taken for today's.
const ONE_HOUR: u8 = 11;

impl Submit {
    /// A text in one message.
    ///
    /// # Errors
    /// More than 160 characters of the 7 bit alphabet (those of its extension count twice), or
    /// more than 70 UTF-16 units of another one.
    pub fn text(to: &Address, text: &str) -> Result<Self, TooLong> {
        let data = UserData::new(Body::Text(text.to_owned()), None)?;
        Ok(Self { to: to.clone(), data, wants_report: false })
    }

    /// The recipient.
    #[must_use]
    pub fn to(&self) -> &Address {
        &self.to
    }

    /// The content.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.data.body
    }

    /// Which part of a longer message it is, if any.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        self.data.part
    }

    /// Whether the sender requests a status report.
    #[must_use]
    pub fn wants_report(&self) -> bool {
        self.wants_report
    }

    /// The PDU in hexadecimal, for the SIM's service centre, and the `<length>` of `AT+CMGS=<length>`.
    #[must_use]
    pub fn encode(&self) -> (String, usize) {
        let data = self.data.encode();
        let header = if data.has_header { HAS_HEADER } else { 0 };
        let report = if self.wants_report { WANTS_REPORT } else { 0 };
        message(None, |octets| {
            octets.push(TYPE | VALIDITY_RELATIVE | header | report);
            // TP-Message-Reference: the modem sets it.
            octets.push(0);
            self.to.write(octets);
            octets.extend([0, data.coding.scheme(), ONE_HOUR]);
            data.write(octets);
        })
    }

    /// Decodes the PDU of `AT+CMGS`.
    ///
    /// # Errors
    /// It is not exactly one SMS-SUBMIT.
    pub fn decode(hex: &str) -> Result<Self, Illegal> {
        let all = from_hex(hex)?;
        let mut octets = Octets(&all);
        Address::skip_service_centre(&mut octets)?;
        let first = octets.octet("type")?;
        if first & TYPE_MASK != TYPE {
            return Err(Illegal::Type(first & TYPE_MASK));
        }
        octets.octet("reference")?;
        let to = Address::read(&mut octets)?;
        octets.octet("protocol")?;
        let coding = Coding::of(octets.octet("coding")?);
        let validity = match first & VALIDITY {
            0 => 0,
            VALIDITY_RELATIVE => 1,
            // Enhanced and absolute.
            _ => 7,
        };
        octets.take(validity, "validity")?;
        let data = UserData::read(&mut octets, coding, first & HAS_HEADER != 0)?;
        octets.end()?;
        Ok(Self { to, data, wants_report: first & WANTS_REPORT != 0 })
    }
}

#[cfg(test)]
impl Submit {
    /// The same, with a request for a status report.
    pub fn with_report(self) -> Self {
        Self { wants_report: true, ..self }
    }
}
