//! The commands for the modem of a line, and their order.

use std::collections::VecDeque;
use std::time::Duration;

use crate::modem::at::request::Request;
use crate::modem::serial::Dtr;

/// A modem may ignore the wire for so long before it believes it (V.250 §6.2.9 leaves it to S25,
/// usually 50 ms; mgetty waits as long).
const DTR_LOW: Duration = Duration::from_millis(500);
/// Silence before `+++` (V.250 leaves it to the modem; Hayes' one second, and a little more).
const GUARD_TIME: Duration = Duration::from_millis(1200);

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// As it was when it was switched on.
    Reset,
    /// Result codes in words, no echo, no answer before we say so; the wires tell the truth: carrier
    /// (`&C1`) as it is, and it hangs up and takes no call without DTR (`&D2`).
    InitString,
    /// Caller ID, where the modem and the network have it (ITU-T V.253 §9.2.3).
    CallerId,
    /// Whether it still listens.
    Probe,
    /// Take the call.
    Answer,
    /// Out of data mode, back to commands.
    Escape,
    /// Leave the call.
    HangUp,
    /// The same after [`Escape`](Self::Escape): there is nothing milder left.
    HangUpAfterEscape,
}

impl Step {
    /// The command, and how long the modem may take. For an answer that is mgetty's value: two
    /// modems that do not understand each other give up by S7 earlier, 60 s at most.
    pub const fn request(self) -> Request {
        match self {
            Self::Reset => Request::new("ATZ", 3),
            Self::InitString => Request::new("ATQ0V1E0S0=0&C1&D2", 2),
            Self::CallerId => Request::new("AT+VCID=1", 2),
            Self::Probe => Request::new("AT", 2),
            Self::Answer => Request::new("ATA", 80),
            Self::Escape => Request::new("+++", 3).without_end_of_line(),
            Self::HangUp | Self::HangUpAfterEscape => Request::new("ATH", 3),
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
    /// Give a command, and hear its answer.
    Ask(Step),
}

/// Ends a call, however the other program has left it.
pub fn hang_up() -> VecDeque<Task> {
    [Task::Dtr(Dtr::Low), Task::Wait(DTR_LOW), Task::Dtr(Dtr::High), Task::Ask(Step::HangUp)].into()
}

/// Ends a call over a modem that does not see the wire: `ATH` has gone to the caller as data.
pub fn escape() -> VecDeque<Task> {
    [Task::Wait(GUARD_TIME), Task::Ask(Step::Escape), Task::Ask(Step::HangUpAfterEscape)].into()
}
