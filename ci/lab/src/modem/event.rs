//! Events that a modem receives, and its outputs.

use super::cell::Cell;
use super::fault::Fault;
use super::refusal::Cms;

/// An event for a modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Time,
    /// The computer sent bytes to a port.
    Typed(usize, Vec<u8>),
    /// The computer raised or dropped DTR of a port.
    Dtr(usize, bool),
    /// An incoming call, with this caller ID, if any. It rings until it is answered or [`Event::RingingEnds`].
    Rings(Option<String>),
    /// The caller gave up.
    RingingEnds,
    /// The two modems have trained: data passes at this many bits per second.
    Connected(u32),
    /// The call could not be made.
    Failed(Failure),
    /// The other end hung up, or the network dropped the call.
    CarrierLost,
    /// Data from the other end.
    FromPeer(Vec<u8>),
    /// A message from the SMS centre: a PDU in hex, with the centre's address first.
    Message(String),
    /// The network's result for the message that was [submitted](Output::Submitted).
    MessageTaken(Result<(), Cms>),
    /// The radio conditions have changed.
    Radio(Cell),
    /// A fault.
    Breaks(Fault),
}

/// Why a call could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The called line is busy.
    Busy,
    /// The line is dead.
    NoDialtone,
    /// There is no such number, or no carrier answered.
    NoCarrier,
}

/// An output of the modem.
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
    /// The ringing call is answered.
    Answered,
    /// The computer ended the call.
    HungUp,
    /// A message for the SMS centre: the octets of a SMS-SUBMIT.
    Submitted(Vec<u8>),
    /// The message from the centre was accepted.
    Received,
    /// It was not accepted: there is no room, or the modem cannot take messages now.
    Unreceived(Cms),
    /// There is room again (TS 24.011 RP-SMMA).
    RoomAgain,
}
