//! What breaks in the field, on command.

use super::call::Call;
use super::{Modem, Output};
use std::time::Duration;

/// Something breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This line comes unasked on every port, at once.
    Says(String),
    /// This line comes before the so-many-th piece (from 0) of the next answer of the port.
    Interrupts {
        /// The port.
        port: usize,
        /// Pieces are lines of information and result codes.
        piece: usize,
        /// The line.
        line: String,
    },
    /// After so many bytes more, the port falls silent for so long.
    Stalls {
        /// The port.
        port: usize,
        /// Bytes that still go out.
        after: usize,
        /// How long.
        lasts: Duration,
    },
    /// These bytes come out of the port.
    Garbage(usize, Vec<u8>),
    /// The modem neither reads nor sends for so long.
    Hangs(Duration),
    /// At the next command line that holds this, the modem hangs for good: the line is not carried out, and nothing more
    /// is read or sent until it [restarts](Fault::Restarts).
    HangsAt(String),
    /// It restarts, by itself or because its power went and came back.
    Restarts,
    /// `ATE0` is acknowledged and forgotten.
    KeepsEcho,
    /// The call is gone, and nobody tells the computer.
    DropsCallSilently,
    /// The storage where messages arrive is full of old ones.
    StorageFull(String),
    /// `+CMGD` says `OK` and deletes nothing.
    KeepsMessages,
    /// `+CCLK?` shows this.
    WrongTime(String),
}

impl Modem {
    pub(super) fn breaks(&mut self, fault: Fault) {
        let known = |port: usize| port.min(self.ports.len() - 1);
        match fault {
            Fault::Says(line) => self.unsolicited(&line, |_| true),
            Fault::Interrupts { port, piece, line } => {
                let port = known(port);
                self.ports[port].trouble.interruption = Some((piece, line));
            }
            Fault::Stalls { port, after, lasts } => {
                let port = known(port);
                self.ports[port].trouble.stall = Some((after, lasts));
            }
            Fault::Garbage(port, bytes) => self.send(known(port), bytes),
            Fault::Hangs(lasts) => self.hang_until(self.now + lasts),
            Fault::HangsAt(command) => self.hangs_at = Some(command.to_ascii_uppercase()),
            Fault::Restarts => self.with_registration(Self::restart),
            Fault::KeepsEcho => {
                for port in &mut self.ports {
                    port.trouble.keeps_echo = true;
                    port.settings.echo = true;
                }
            }
            Fault::DropsCallSilently => {
                if std::mem::replace(&mut self.call, Call::None) != Call::None {
                    self.out.push(Output::HungUp);
                }
            }
            Fault::StorageFull(pdu) => self.storages.fill(&pdu),
            Fault::KeepsMessages => self.keeps_messages = true,
            Fault::WrongTime(shown) => self.wrong_time = Some(shown),
        }
    }
    fn hang_until(&mut self, until: Duration) {
        for port in &mut self.ports {
            (port.trouble.silent_until, port.trouble.deaf_until) = (Some(until), Some(until));
        }
    }

    /// Whether this command line is the one that the modem [hangs at](Fault::HangsAt); then it does.
    pub(super) fn hangs_at(&mut self, body: &str) -> bool {
        let hangs =
            self.hangs_at.take_if(|command| body.to_ascii_uppercase().contains(command.as_str())).is_some();
        if hangs {
            self.hang_until(Duration::MAX);
        }
        hangs
    }
}
