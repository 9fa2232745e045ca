//! SMS-DELIVER: a message for the box. TS 23.040 §9.2.2.1.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::coding::Coding;
use super::octets::Octets;
use super::time::ServiceCentreTime;
use super::user_data::{Body, Part, TooLong, UserData};
use super::{HAS_HEADER, Illegal, message};

/// A message for the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    /// The sender. It can be forged.
    pub from: Address,
    /// When the service centre accepted it.
    pub sent: ServiceCentreTime,
    /// The content.
    pub body: Body,
    /// Which part of a longer message it is, if any.
    pub part: Option<Part>,
}

/// TP-MTI from the service centre to the mobile.
pub(super) const TYPE: u8 = 0b00;
/// TP-More-Messages-to-Send, which is 1 when there are none.
const NO_MORE: u8 = 0b100;

impl Deliver {
    pub(super) fn read(first: u8, octets: &mut Octets) -> Result<Self, Illegal> {
        let from = Address::read(octets)?;
        // TP-PID (§9.2.3.9), for telefax and the like.
        octets.octet("protocol")?;
        let coding = Coding::of(octets.octet("coding")?);
        let sent = ServiceCentreTime::read(octets)?;
        let UserData { body, part } = UserData::read(octets, coding, first & HAS_HEADER != 0)?;
        Ok(Self { from, sent, body, part })
    }

    /// The PDU as a modem prints it, with the service centre's address, and its length.
    ///
    /// # Errors
    /// The body does not fit into one message.
    pub fn encode(&self, centre: Option<&Address>) -> Result<(String, usize), TooLong> {
        let data = UserData::new(self.body.clone(), self.part)?.encode();
        let header = if data.has_header { HAS_HEADER } else { 0 };
        Ok(message(centre, |octets| {
            octets.push(TYPE | NO_MORE | header);
            self.from.write(octets);
            octets.extend([0, data.coding.scheme()]);
            self.sent.write(octets);
            data.write(octets);
        }))
    }
}
