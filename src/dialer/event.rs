//! The input and output of the [`Dialer`](super::Dialer).

use std::net::Ipv4Addr;

use super::lines::Which;
use super::liveness::Question;
use super::parser::Content;
use super::teller::Telling;
use crate::control;
use crate::log;
use crate::modem::mobile::{ClockReading, OutgoingSms, Place, SmsId};
use crate::ppp;
use crate::record::Record;
use crate::site::{Level, Site, TimeSpan};
use crate::sms::command::Command;
use crate::sms::past::Past;
use crate::sms::pdu::Address;

/// The sender of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requester {
    /// A telephone, by SMS.
    Phone(Address),
    /// A program on the box, by the control socket.
    Local(control::ClientId),
}

/// A command and its requester.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The command.
    pub command: Command,
    /// Who gets the answer.
    pub requester: Requester,
}

/// An output that is to be switched.
#[derive(Debug, Clone, PartialEq)]
pub struct Switching {
    /// Its place in the site.
    pub output: usize,
    /// Its new level.
    pub level: Level,
    /// After this time it gets the other one.
    pub time: Option<TimeSpan>,
    /// Who has asked for it; `None` at the end of that time.
    pub requester: Option<Requester>,
}

/// What waits for a record to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Pending {
    /// An order by SMS.
    Order(Order),
    /// The answer to a program that has set the counter of the codes.
    Counter(control::ClientId),
}

/// An event for the dialer.
#[derive(Debug)]
pub enum Event {
    /// A message has come. It stays in the modem until it is [discarded](Effect::Discard).
    Message(Place, Content),
    /// The network has accepted a message.
    Sent(SmsId),
    /// A message was probably not sent; the reason.
    NotSent(SmsId, String),
    /// The network's time, in seconds since 1970.
    NetworkTime(i64),
    /// The same, from a clock that may show one of two times.
    ClockReading(ClockReading),
    /// The record is stored.
    Stored(Pending),
    /// The record could not be stored.
    NotStored(Pending),
    /// A program on the box has sent a request.
    Asked(control::ClientId, control::Request),
    /// The received bytes of the VPN's interface; `None` if there is none.
    TunnelCounter(Option<u64>),
    /// Whether one of the operator's name servers has answered in time.
    NameServer(bool),
    /// The address of the name of the VPN's endpoint; `None` if it has none, or no name server answers.
    Resolved(Option<Ipv4Addr>),
    /// A call rings, from this number.
    Caller(Address),
    /// The files of [`Effect::UseSite`] could not be written.
    SiteNotUsed,
    /// An output was switched, or not; the reason.
    Switched(Switching, Result<(), String>),
    /// The levels of these lines, or why they are not known.
    LinesRead(Vec<(Which, Result<Level, String>)>, Requester),
    /// It is stored that these texts are told.
    Told(Vec<String>),
    /// An event of the link.
    Link(ppp::Event),
}

/// An action of the dialer, to be carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Store this, and then report [`Event::Stored`].
    Store {
        /// The record of a trial, which is stored first.
        trial: Option<Record>,
        /// The past of the gate.
        remember: Past,
        /// What waits for it.
        pending: Pending,
    },
    /// Store what is kept and what is on trial.
    StoreTrial(Record),
    /// From now on this is the site.
    UseSite(Box<Site>),
    /// Store what is told, and then report [`Event::Told`].
    Tell(Telling),
    /// Send a message.
    Send(OutgoingSms),
    /// Delete a message that the modem has stored.
    Discard(Place),
    /// An effect of the session.
    Link(ppp::SessionEffect),
    /// Set the clock to seconds since 1970.
    SetClock(i64),
    /// Read the modem's clock.
    AskTime,
    /// Find this out, and report [`Event::TunnelCounter`], [`Event::NameServer`] or [`Event::Resolved`].
    Ask(Question),
    /// From now on the VPN has this endpoint.
    UseEndpoint(String),
    /// Make the interface of the VPN again, over this link.
    RenewTunnel(ppp::Interface),
    /// Switch an output, and report [`Event::Switched`].
    Switch(Switching),
    /// Read these lines for a requester, and report [`Event::LinesRead`].
    ReadLines(Vec<Which>, Requester),
    /// Restart the modem before it is used again.
    RestartModem,
    /// Answer a program on the box.
    Answer(control::ClientId, control::Reply),
    /// Restart the box.
    Reboot,
    /// Write to the log.
    Log(log::Level, String),
}

impl Effect {
    pub(super) fn log(level: log::Level, what: impl Into<String>) -> Self {
        Self::Log(level, what.into())
    }
}
