//! What happens to a modem, and what it does.

use super::cell::Cell;
use super::fault::Fault;
use super::refusal::Cms;

/// What happens to a modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing but time.
    Time,
    /// The computer sent bytes to a port.
    Typed(usize, Vec<u8>),
    /// The computer raised or dropped DTR of a port.
    Dtr(usize, bool),
    /// Somebody calls, with this number shown, if any. It rings until the call is taken or [`Event::RingingEnds`].
    Rings(Option<String>),
    /// The caller gave up.
    RingingEnds,
    /// The two modems have found each other: data passes at so many bits a second.
    Connected(u32),
    /// The call could not be made.
    Failed(Failure),
    /// The other end hung up, or the network dropped the call.
    CarrierLost,
    /// Data from the other end.
    FromPeer(Vec<u8>),
    /// A message from the SMS centre: a PDU in hex, the centre's address before it.
    Message(String),
    /// What the network made of the message that was [submitted](Output::Submitted).
    MessageTaken(Result<(), Cms>),
    /// The radio is different now.
    Radio(Cell),
    /// Something breaks.
    Breaks(Fault),
}

/// Why a call could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The called line is taken.
    Busy,
    /// The line is dead.
    NoDialtone,
    /// There is no such number, or nobody answered with a carrier.
    NoCarrier,
}

/// What the modem does in the outside world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the computer at a port.
    ToComputer(usize, Vec<u8>),
    /// Data of the call for the computer at a port.
    DataToComputer(usize, Vec<u8>),
    /// Bytes for the other end of the call.
    ToPeer(Vec<u8>),
    /// A call is to be set up to this number.
    Dialled(String),
    /// The call that rings is taken.
    Answered,
    /// The computer ended the call.
    HungUp,
    /// A message for the SMS centre: the octets of a SMS-SUBMIT.
    Submitted(Vec<u8>),
    /// The message from the centre has arrived.
    Received,
    /// It has not: there is no room, or the modem cannot take messages now.
    Unreceived(Cms),
    /// There is room again (TS 24.011 RP-SMMA).
    RoomAgain,
}
