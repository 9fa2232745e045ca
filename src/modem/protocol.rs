//! The interface between the driver and a protocol: a state machine without port, clock or file.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::at::request::TxData;
use super::recovery::RecoveryStep;
use super::serial::Dtr;
use crate::log::Level;
use crate::record::Record;
use crate::site::ModemTraits;

/// An action of a protocol, to be carried out in order. `R` is its report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolAction<R> {
    /// Write this to the modem.
    Send(TxData),
    /// Set the line by which a modem hangs up.
    Dtr(Dtr),
    /// Tell the log.
    Log(Level, String),
    /// Publish the [record](Protocol::record) again.
    Publish,
    /// Store a record. The actions after it are carried out only once it is stored.
    Remember {
        /// The file of the [store](crate::state::Store).
        file: &'static str,
        /// Its new content.
        record: Record,
    },
    /// A report for the driver's owner.
    Report(R),
    /// Close the port and recover the modem, for this reason.
    Abandon(String),
}

impl<R> ProtocolAction<R> {
    /// Tell the log.
    pub fn log(level: Level, what: impl Into<String>) -> Self {
        Self::Log(level, what.into())
    }
}

/// The protocol of a modem. It holds no port and no clock: bytes and the time since boot come in, actions go out. It
/// outlives its port: the modem may vanish and return.
pub trait Protocol {
    /// The reports for the driver's owner.
    type Report;
    /// The modem of the port that is opened next: what its model's file says of its commands.
    fn is_of(&mut self, _traits: ModemTraits) {}
    /// A port was opened: the protocol identifies the modem again, after this step of the recovery if there is one.
    fn on_open(&mut self, step: Option<RecoveryStep>, now: Duration) -> Vec<ProtocolAction<Self::Report>>;
    /// The modem has sent bytes.
    fn on_bytes(&mut self, bytes: &[u8], now: Duration) -> Vec<ProtocolAction<Self::Report>>;
    /// Checks the time; due at [`next_deadline`](Self::next_deadline), and allowed at any time.
    fn on_time(&mut self, now: Duration) -> Vec<ProtocolAction<Self::Report>>;
    /// The port is closed: no answer will come. Reports what is lost by that.
    fn on_close(&mut self) -> Vec<Self::Report>;
    /// When [`on_time`](Self::on_time) is due if nothing is received, in time since boot.
    fn next_deadline(&self) -> Option<Duration>;
    /// Whether no command is under way or due: others may have the port.
    fn is_idle(&self) -> bool;
    /// Whether the modem has answered since the port was opened.
    fn answers(&self) -> bool;
    /// Whether the modem works, or only a person could fix it.
    fn works(&self) -> bool;
    /// Whether only a person could fix this modem: then the driver tries another one, if there is one.
    fn needs_a_person(&self) -> bool {
        false
    }
    /// The last step of the recovery that could help the modem as it is now.
    fn last_step(&self) -> RecoveryStep {
        RecoveryStep::Reboot
    }
    /// The status of the modem, for `dialctl status`.
    fn record(&self) -> Record;
    /// When this is readable, [`on_time`](Self::on_time) is due, whatever the deadline says.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
