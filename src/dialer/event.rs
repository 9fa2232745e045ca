//! What goes into the [`Dialer`](super::Dialer) and what comes out.

use super::parser::Content;
use crate::control;
use crate::log::Level;
use crate::modem::mobile::{ClockReading, OutgoingSms, Place, SmsId};
use crate::ppp;
use crate::sms::command::Command;
use crate::sms::past::Past;
use crate::sms::pdu::Address;

/// Who wants something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requester {
    /// A telephone, by SMS.
    Phone(Address),
    /// A program on the box, by the control socket.
    Local(control::ClientId),
}

/// Something that is to be done, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub command: Command,
    /// For whom.
    pub requester: Requester,
}

/// What waits until what must be remembered is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// An order by SMS.
    Order(Order),
    /// The answer to a program that has set the counter of the codes.
    Counter(control::ClientId),
}

/// What happens to the dialer.
#[derive(Debug)]
pub enum Event {
    /// A message has come, which stays where it is until it is [discarded](Effect::Discard).
    Message(Place, Content),
    /// The network has taken a message.
    Sent(SmsId),
    /// A message was not sent, as far as is known; why.
    NotSent(SmsId, String),
    /// The time that the network tells, in seconds since 1970.
    NetworkTime(i64),
    /// The same, told by a clock that may mean one of two times.
    ClockReading(ClockReading),
    /// What had to be remembered before has survived.
    Stored(Pending),
    /// It could not be stored.
    NotStored(Pending),
    /// A program on the box wants something.
    Asked(control::ClientId, control::Request),
    /// Something has happened to a link.
    Link(ppp::Event),
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store this, and only then say [`Event::Stored`].
    Store {
        /// What must survive before.
        remember: Past,
        /// What waits for that.
        pending: Pending,
    },
    /// Send a message.
    Send(OutgoingSms),
    /// Delete a message that the modem has stored.
    Discard(Place),
    /// Something about the link.
    Link(ppp::SessionEffect),
    /// Set the clock that can be set, to seconds since 1970.
    SetClock(i64),
    /// Ask the modem what time it is.
    AskTime,
    /// Answer a program on the box.
    Answer(control::ClientId, control::Reply),
    /// Restart the box.
    Reboot,
    /// Tell the log.
    Log(Level, String),
}

impl Effect {
    pub(super) fn log(level: Level, what: impl Into<String>) -> Self {
        Self::Log(level, what.into())
    }
}
