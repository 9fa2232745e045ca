//! The exit status of chat(8), shared by the `ABORT` strings of the rendered chat scripts and the reader of the status.

use std::fmt;

/// Why there was no `CONNECT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialFailure {
    /// The modem did not answer in time.
    Silent,
    /// The modem sent a result code.
    Said(Failure),
    /// `chat` itself failed: its script, the port, or a signal.
    Broken,
}

/// Result codes of a call that fails (ITU-T V.250 §5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// `BUSY`
    Busy,
    /// `ERROR`
    Error,
    /// `NO ANSWER`
    NoAnswer,
    /// `NO CARRIER`
    NoCarrier,
}

impl Failure {
    /// All of them, in the order of the `ABORT` lines of every chat script: `chat` reports the number of the line.
    pub const ALL: [Self; 4] = [Self::Busy, Self::Error, Self::NoAnswer, Self::NoCarrier];

    /// The result code as text.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Busy => "BUSY",
            Self::Error => "ERROR",
            Self::NoAnswer => "NO ANSWER",
            Self::NoCarrier => "NO CARRIER",
        }
    }
}

impl DialFailure {
    /// Reads the exit status of `chat`: 3 after a time-out, 4 and more for the first and the
    /// further `ABORT` strings (chat(8), TERMINATION CODES).
    pub fn from_chat_status(status: u8) -> Self {
        let aborted = status.checked_sub(4).and_then(|number| Failure::ALL.get(usize::from(number)));
        match (status, aborted) {
            (_, Some(failure)) => Self::Said(*failure),
            (3, None) => Self::Silent,
            _ => Self::Broken,
        }
    }

    /// The exit status of `chat` for this failure.
    pub fn chat_status(self) -> u8 {
        match self {
            Self::Broken => 2,
            Self::Silent => 3,
            Self::Said(Failure::Busy) => 4,
            Self::Said(Failure::Error) => 5,
            Self::Said(Failure::NoAnswer) => 6,
            Self::Said(Failure::NoCarrier) => 7,
        }
    }
}

impl fmt::Display for DialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("the modem does not answer"),
            Self::Said(Failure::Busy) => f.write_str("the number is busy"),
            Self::Said(Failure::Error) => f.write_str("the modem refuses a command: check apn and init"),
            Self::Said(Failure::NoAnswer) => f.write_str("nobody answers the call"),
            Self::Said(Failure::NoCarrier) => f.write_str("no carrier: the network gives no data call"),
            Self::Broken => f.write_str("the dialling script failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_of_chat_names_the_failure() {
        for (status, expected) in [
            (1, DialFailure::Broken),
            (2, DialFailure::Broken),
            (3, DialFailure::Silent),
            (4, DialFailure::Said(Failure::Busy)),
            (5, DialFailure::Said(Failure::Error)),
            (6, DialFailure::Said(Failure::NoAnswer)),
            (7, DialFailure::Said(Failure::NoCarrier)),
            (8, DialFailure::Broken),
        ] {
            assert_eq!(DialFailure::from_chat_status(status), expected, "{status}");
            assert_eq!(DialFailure::from_chat_status(expected.chat_status()), expected);
        }
    }
}
