//! SMS-STATUS-REPORT: the status of a message from the box. TS 23.040 §9.2.2.3.

use std::fmt;

use super::address::Address;
use super::octets::Octets;
use super::time::ServiceCentreTime;
use super::{Illegal, message};

/// The status of a message that the box has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The `<mr>` that `+CMGS` answered when it was sent.
    pub reference: u8,
    /// The recipient.
    pub to: Address,
    /// When the service centre accepted it.
    pub submitted: ServiceCentreTime,
    /// When it was delivered or given up.
    pub discharged: ServiceCentreTime,
    /// The status.
    pub status: Status,
}

/// TP-Status (§9.2.3.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

/// TP-MTI from the service centre to the mobile.
pub(super) const TYPE: u8 = 0b10;
/// TP-More-Messages-to-Send, which is 1 when there are none.
const NO_MORE: u8 = 0b100;

impl StatusReport {
    /// The parameters after the status are ignored.
    pub(super) fn read(octets: &mut Octets) -> Result<Self, Illegal> {
        Ok(Self {
            reference: octets.octet("reference")?,
            to: Address::read(octets)?,
            submitted: ServiceCentreTime::read(octets)?,
            discharged: ServiceCentreTime::read(octets)?,
            status: Status(octets.octet("status")?),
        })
    }

    /// The PDU as a modem prints it, with the service centre's address, and its length.
    #[must_use]
    pub fn encode(&self, centre: Option<&Address>) -> (String, usize) {
        message(centre, |octets| {
            octets.extend([TYPE | NO_MORE, self.reference]);
            self.to.write(octets);
            self.submitted.write(octets);
            self.discharged.write(octets);
            octets.push(self.status.0);
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.0 {
            0x00..=0x1f => "delivered",
            0x20..=0x3f => "not delivered yet",
            0x40..=0x5f => "not deliverable",
            0x60..=0x7f => "not delivered, given up",
            _ => "of unknown fate",
        };
        write!(f, "{outcome} ({:#04x})", self.0)
    }
}
