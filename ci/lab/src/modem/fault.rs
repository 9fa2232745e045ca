//! What breaks in the field, on command.

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
