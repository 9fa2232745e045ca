//! The protocol for a modem, as a state machine without port, clock or file.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::at::request::TxData;
use super::recovery::RecoveryStep;
use super::serial::Dtr;
use crate::log::Level;
use crate::record::Record;

/// What a protocol wants done, in this order. `R` is what it reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolAction<R> {
    /// Write this to the modem.
    Send(TxData),
    /// Move the wire that a modem hangs up by.
    Dtr(Dtr),
    /// Tell the log.
    Log(Level, String),
    /// Publish the [record](Protocol::record) again.
    Publish,
    /// Put a record into the store. What follows is done only when it has survived.
    Remember {
        /// The file of the [store](crate::state::Store).
        file: &'static str,
        /// Its new content.
        record: Record,
    },
    /// Something for the driver's owner.
    Report(R),
    /// Close the port and start over, for this reason.
    Abandon(String),
}

impl<R> ProtocolAction<R> {
    /// Tell the log.
    pub fn log(level: Level, what: impl Into<String>) -> Self {
        Self::Log(level, what.into())
    }
}

/// One side of a dialogue with a modem. It holds no port and no clock: bytes and the time since
/// boot come in, actions go out. It outlives its port: the modem may vanish and come back.
pub trait Protocol {
    /// What it reports to the driver's owner.
    type Report;
    /// A port was opened: everything known of the modem is asked again. If it has failed before,
    /// this step of the recovery is to be tried.
    fn on_open(&mut self, step: Option<RecoveryStep>, now: Duration) -> Vec<ProtocolAction<Self::Report>>;
    /// Bytes came from the modem.
    fn on_bytes(&mut self, bytes: &[u8], now: Duration) -> Vec<ProtocolAction<Self::Report>>;
    /// The time has come that [`next_deadline`](Self::next_deadline) had named; also called when nothing happened.
    fn on_time(&mut self, now: Duration) -> Vec<ProtocolAction<Self::Report>>;
    /// The port is closed: no answer will come. What was lost by that is reported.
    fn on_close(&mut self) -> Vec<Self::Report>;
    /// When to be called again if nothing comes, in time since boot.
    fn next_deadline(&self) -> Option<Duration>;
    /// Whether no answer is awaited and nothing is to be said now: others may have the port.
    fn is_idle(&self) -> bool;
    /// Whether the modem has answered since the port was opened.
    fn answers(&self) -> bool;
    /// Whether the modem does what it is for, or only a person could help.
    fn works(&self) -> bool;
    /// Whether only a person could help this modem: another one, if there is any, is worth a try.
    fn needs_a_person(&self) -> bool {
        false
    }
    /// What is known of the modem, for `dialctl status`.
    fn record(&self) -> Record;
    /// When this is readable, [`on_time`](Self::on_time) is due, whatever the deadline says.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
