//! The commands for the modem of a line, and their order.

use std::collections::VecDeque;
use std::time::Duration;

use super::secret::{self, Registers};
use crate::modem::at::request::{Request, TxData};
use crate::modem::serial::Dtr;

/// A modem may ignore the wire for so long before it believes it (V.250 §6.2.9 leaves it to S25,
/// usually 50 ms; mgetty waits as long).
const DTR_LOW: Duration = Duration::from_millis(500);
/// Silence before `+++` and after it: V.250 leaves it to the modem, S12 says one second, and a busy
/// modem may be a little late.
const GUARD_TIME: Duration = Duration::from_millis(1200);

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// As it was when it was switched on.
    Reset,
    /// Result codes in words, no echo, no answer before we say so; the wires tell the truth: carrier
    /// (`&C1`) as it is, and it hangs up and takes no call without DTR (`&D2`).
    InitString,
    /// `+++` leads out of a call, with a second of silence around it (S2 and S12 as Hayes had them).
    EscapeSequence,
    /// Tells the modem what no caller knows.
    SetSecret(Registers),
    /// Whether it keeps that.
    ReadSecret(Registers),
    /// Caller ID, where the modem and the network have it (ITU-T V.253 §9.2.3).
    CallerId,
    /// Whether it still listens.
    Probe,
    /// Take the call.
    Answer,
    /// The secret again: who gives it is the modem, in command state.
    Prove,
    /// Leave the call.
    HangUp,
}

impl Step {
    /// The command, and how long the modem may take. For an answer that is mgetty's value: two
    /// modems that do not understand each other give up by S7 earlier, 60 s at most.
    pub fn request(self) -> Request {
        match self {
            Self::Reset => Request::new("ATZ", 3),
            Self::InitString => Request::new("ATQ0V1E0S0=0&C1&D2", 2),
            Self::EscapeSequence => Request::new("ATS2=43S12=50", 2),
            Self::SetSecret(registers) => registers.set(),
            Self::ReadSecret(_) | Self::Prove => secret::ask(),
            Self::CallerId => Request::new("AT+VCID=1", 2),
            Self::Probe => Request::new("AT", 2),
            Self::Answer => Request::new("ATA", 80),
            Self::HangUp => Request::new("ATH", 3),
        }
    }
}

/// What is to be done in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Send nothing for this long.
    Wait(Duration),
    /// Move the wire.
    Dtr(Dtr),
    /// Send `+++`. Its `OK` is not waited for: who sends one sooner than the silence after it is over
    /// is the caller, and a command at that moment would break the silence.
    Escape,
    /// Give a command, and hear its answer.
    Ask(Step),
}

/// `+++`
pub fn escape_sequence() -> TxData {
    Request::new("+++", 0).without_end_of_line().line().clone()
}

/// Makes a modem that sees the wire leave the call.
pub fn drop_dtr() -> VecDeque<Task> {
    [Task::Dtr(Dtr::Low), Task::Wait(DTR_LOW), Task::Dtr(Dtr::High)].into()
}

/// Leads a modem that does not see the wire out of data state.
pub fn escape() -> VecDeque<Task> {
    [Task::Wait(GUARD_TIME), Task::Escape, Task::Wait(GUARD_TIME)].into()
}
