//! Faults seen in the field, on command.

use super::Sending;
use std::time::Duration;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Sends this unsolicited line on every port at once.
    Says(String),
    /// Sends this line before the n-th piece (from 0) of the port's next answer.
    Interrupts {
        /// The port.
        port: usize,
        /// Pieces are lines of information and result codes.
        piece: usize,
        /// The line.
        line: String,
    },
    /// After this many more bytes, the port sends nothing for this long.
    Stalls {
        /// The port.
        port: usize,
        /// Bytes that are still sent.
        after: usize,
        /// How long.
        lasts: Duration,
    },
    /// At the next command line that contains this, it sends so many more bytes, and then nothing for so long.
    HoldsBack {
        /// Part of the command line.
        command: String,
        /// Bytes that are still sent.
        after: usize,
        /// How long.
        lasts: Duration,
    },
    /// Sends these bytes.
    Garbage(usize, Vec<u8>),
    /// The modem neither reads nor sends for this long.
    Hangs(Duration),
    /// At the next command line that contains this, the modem hangs: the line is not executed, and nothing is read or
    /// sent until it [restarts](Fault::Restarts).
    HangsAt(String),
    /// From now on a command line that is just this, without its `AT`, gets these lines instead of an answer, the
    /// final one included; `None` for no answer at all. Nothing is executed.
    Answers {
        /// The command line, such as `+CTZU=1`.
        command: String,
        /// What is sent for it.
        lines: Option<&'static [&'static str]>,
    },
    /// It restarts, by itself or after a power cycle.
    Restarts,
    /// `ATE0` is answered with `OK` and ignored.
    KeepsEcho,
    /// The call is lost, and the computer is not informed.
    DropsCallSilently,
    /// The storage for received messages is full of old ones.
    StorageFull(String),
    /// `+CMGD` says `OK` and deletes nothing.
    KeepsMessages,
    /// It takes messages to send in this way from now on.
    Sends(Sending),
    /// At every dial command from now on, it first says the first line by itself, and then the second one instead of
    /// dialling.
    Dials(Option<String>, Option<String>),
    /// `+CCLK?` shows this.
    WrongTime(String),
}
