//! The commands for the modem of a line, and their order.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use super::secret::{self, Registers};
use crate::modem::at::request::{Request, TxData};
use crate::modem::serial::Dtr;

/// A modem may ignore a change of DTR for this long (V.250 §6.2.9 leaves it to S25, usually 50 ms; mgetty waits as
/// long).
const DTR_LOW: Duration = Duration::from_millis(500);
/// Silence before and after `+++`: V.250 leaves it to the modem, S12 is usually one second, and a busy modem may be a
/// little late.
const GUARD_TIME: Duration = Duration::from_millis(1200);

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Resets the settings (`ATZ`).
    Reset,
    /// Result codes in words, no echo, no automatic answer; DCD shows the carrier (`&C1`), and without DTR the modem
    /// hangs up and answers no call (`&D2`).
    InitString,
    /// One command of it, for a modem that refuses the whole line: V.250 §5.4.3 leaves open what of it has then been
    /// carried out.
    InitCommand(&'static str),
    /// A command of the modem's model or of the site, before the [init string](Step::InitString).
    OfSite(String),
    /// `+++` leaves a call, with a second of silence around it (S2 and S12 as Hayes had them).
    EscapeSequence,
    /// Sets the secret.
    SetSecret(Registers),
    /// Checks that the modem keeps it.
    ReadSecret(Registers),
    /// Caller ID, if modem and network support it: by this command, [usually](CALLER_ID) that of ITU-T V.253.
    CallerId(Cow<'static, str>),
    /// Checks that the modem still responds.
    Probe,
    /// Answers the call.
    Answer,
    /// Reads the secret after a call: only the modem in command state can answer.
    Prove,
    /// Hangs up.
    HangUp,
}

impl Step {
    /// The command, and its time limit. That of answering is mgetty's: two modems that do not understand each other
    /// give up earlier by S7, after 60 s at most.
    pub fn request(&self) -> Request {
        match self {
            Self::Reset => Request::new("ATZ", 3),
            Self::InitString => Request::new("ATQ0V1E0S0=0&C1&D2", 2),
            Self::InitCommand(command) => Request::new(command, 2),
            Self::OfSite(command) => Request::from_line(command.clone(), 2),
            Self::EscapeSequence => Request::new("ATS2=43S12=50", 2),
            Self::SetSecret(registers) => registers.set(),
            Self::ReadSecret(_) | Self::Prove => secret::ask(),
            Self::CallerId(command) => Request::from_line(command.clone().into_owned(), 2),
            Self::Probe => Request::new("AT", 2),
            Self::Answer => Request::new("ATA", 80),
            Self::HangUp => Request::new("ATH", 3),
        }
    }
}

/// Turns on the caller's number (ITU-T V.253 §9.2.3).
pub const CALLER_ID: Cow<'static, str> = Cow::Borrowed("AT+VCID=1");

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Send nothing for this long.
    Wait(Duration),
    /// Set DTR.
    Dtr(Dtr),
    /// Send `+++`. Its `OK` is not awaited: one that comes before the silence after it is over is the caller's, and a
    /// command at that moment would break the silence.
    Escape,
    /// Send a command, and wait for its answer.
    Ask(Step),
}

/// The commands of the [init string](Step::InitString), one by one.
pub fn init_commands() -> impl DoubleEndedIterator<Item = Task> {
    ["ATQ0", "ATV1", "ATE0", "ATS0=0", "AT&C1", "AT&D2"].into_iter().map(Step::InitCommand).map(Task::Ask)
}

/// What a modem may need after the `OK` of its reset until it takes commands. Hayes' programming guide asks for 600 ms,
/// Silicon Labs' AN93 for 300 ms; most need none.
pub const SETTLING: Duration = Duration::from_millis(600);

/// `+++`
pub fn escape_sequence() -> TxData {
    Request::new("+++", 0).without_end_of_line().line().clone()
}

/// Ends the call on a modem that reacts to DTR.
pub fn drop_dtr() -> VecDeque<Task> {
    [Task::Dtr(Dtr::Low), Task::Wait(DTR_LOW), Task::Dtr(Dtr::High)].into()
}

/// Leaves data state on a modem that does not react to DTR.
pub fn escape() -> VecDeque<Task> {
    [Task::Wait(GUARD_TIME), Task::Escape, Task::Wait(GUARD_TIME)].into()
}
