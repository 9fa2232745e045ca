//! The exit status of chat(8), shared by the `ABORT` strings of the rendered chat scripts and the reader of the status.

use std::fmt;
use std::mem;

use crate::equipment_error::EquipmentError;

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

/// Result codes of a call that fails (ITU-T V.250 §5.7, 3GPP TS 27.007 §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The number is busy.
    Busy,
    /// A command is refused.
    Error,
    /// No answer.
    NoAnswer,
    /// There was no carrier, or it is lost.
    NoCarrier,
    /// No dial tone: of a mobile modem, no network.
    NoDialtone,
    /// The modem does not dial this number for a while, as some countries require after many failures.
    Blocked,
    /// `+CME ERROR` and its reason.
    Equipment(EquipmentError),
}

/// Ends the dialogue when the modem says it.
#[derive(Debug)]
pub struct Abort {
    /// The string to find. It includes the end of the previous line if it must start a line: `ERROR` is also in an
    /// unsolicited `+CMS ERROR: 322`.
    pub words: &'static str,
    failure: Failure,
}

const fn abort(words: &'static str, failure: Failure) -> Abort {
    Abort { words, failure }
}

/// The result code of an [`EquipmentError`], without its reason.
const EQUIPMENT: &str = "+CME ERROR:";

/// All strings, in the order of the `ABORT` lines of every chat script: the exit status of `chat` is the number of the
/// line, and it accepts at most 50 (chat.c, `MAX_ABORTS`). Besides V.250's own words: `NO DIAL TONE` of
/// Sierra's and others', `COMMAND NOT SUPPORT` and `TOO MANY PARAMETERS` of Huawei's, `MODEM ERROR` of
/// Motorola's, `NA` of Samsung's (ModemManager, mm-serial-parsers.c), `DELAYED` and `BLACKLISTED` of
/// analogue ones.
pub const ABORTS: &[Abort] = &[
    abort("\nBUSY", Failure::Busy),
    abort("\nERROR", Failure::Error),
    abort("NO ANSWER", Failure::NoAnswer),
    abort("NO CARRIER", Failure::NoCarrier),
    abort("NO DIALTONE", Failure::NoDialtone),
    abort("NO DIAL TONE", Failure::NoDialtone),
    abort("COMMAND NOT SUPPORT", Failure::Error),
    abort("TOO MANY PARAMETERS", Failure::Error),
    abort("\nMODEM ERROR", Failure::Error),
    abort("\nNA\r", Failure::Error),
    abort("\nDELAYED", Failure::Blocked),
    abort("\nBLACKLISTED", Failure::Blocked),
    abort(EQUIPMENT, Failure::Equipment(EquipmentError::UNKNOWN)),
];

/// The string for chat's `REPORT`: `chat` then reads the rest of the line and writes it to standard error (chat.c,
/// `terminate`).
pub const REPORTED: &str = EQUIPMENT;

/// The status of the first `ABORT` string (chat(8), TERMINATION CODES).
const FIRST_ABORT: u8 = 4;

impl DialFailure {
    /// Parses the exit status of `chat`: 3 after a time-out, from 4 on for the `ABORT` strings. `reported` is its
    /// output.
    pub fn from_chat_status(status: u8, reported: &str) -> Self {
        let aborted = status.checked_sub(FIRST_ABORT).and_then(|number| ABORTS.get(usize::from(number)));
        match (status, aborted.map(|abort| abort.failure)) {
            (_, Some(Failure::Equipment(_))) => {
                let reason = reported.lines().rev().find_map(|line| Some(line.split_once(EQUIPMENT)?.1));
                Self::Said(Failure::Equipment(reason.map_or(EquipmentError::UNKNOWN, EquipmentError::parse)))
            }
            (_, Some(failure)) => Self::Said(failure),
            (3, None) => Self::Silent,
            _ => Self::Broken,
        }
    }

    /// The exit status of `chat` for this failure, and its output.
    pub fn chat_status(self) -> (u8, String) {
        let Self::Said(failure) = self else {
            return (if self == Self::Silent { 3 } else { 2 }, String::new());
        };
        let is_it = |abort: &&Abort| mem::discriminant(&abort.failure) == mem::discriminant(&failure);
        let reported = match failure {
            Failure::Equipment(error) => format!("{EQUIPMENT} {}", error.code()),
            _ => String::new(),
        };
        let status = (FIRST_ABORT..).zip(ABORTS).find(|(_, abort)| is_it(abort));
        (status.map_or(2, |(status, _)| status), reported)
    }
}

impl fmt::Display for DialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("the modem does not answer"),
            Self::Said(Failure::Busy) => f.write_str("the number is busy"),
            Self::Said(Failure::Error) => f.write_str("the modem refuses a command: check apn and init"),
            Self::Said(Failure::NoAnswer) => f.write_str("the call is not answered"),
            Self::Said(Failure::NoCarrier) => f.write_str("no carrier: the network gives no data call"),
            Self::Said(Failure::NoDialtone) => f.write_str("no dial tone: the modem has no network"),
            Self::Said(Failure::Blocked) => f.write_str("the modem does not dial this number for a while"),
            Self::Said(Failure::Equipment(error)) => write!(f, "the modem refuses to dial: {error}"),
            Self::Broken => f.write_str("the dialling script failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How chat handles its `ABORT` strings: it finds the first one that the bytes so far end with (chat.c,
    /// `get_string`), and then reads the rest of the line for its `REPORT`.
    fn told(said: &str) -> String {
        let ended = (1..=said.len()).find_map(|end| {
            let at = ABORTS.iter().position(|abort| said[..end].ends_with(abort.words))?;
            let line = said[..end].rfind('\n').map_or(0, |at| at + 1);
            let reported = said[line..].lines().next().unwrap_or_default();
            Some((FIRST_ABORT + u8::try_from(at).unwrap(), format!("chat:  Nov 28 09:10:11 {reported}")))
        });
        let failure = ended.map(|(status, reported)| DialFailure::from_chat_status(status, &reported));
        failure.map_or("goes on".to_owned(), |failure| failure.to_string())
    }

    /// Output of modems after `ATDT*99#`, with sources, framed as in V.250 §5.7.1.
    #[test]
    fn every_dial_result_ends_the_dialogue_with_its_cause_and_nothing_else_does() {
        let no_dialtone = "no dial tone: the modem has no network";
        let refused = "the modem refuses a command: check apn and init";
        for (said, cause) in [
            // ITU-T V.250 §5.7
            ("BUSY", "the number is busy"),
            ("NO ANSWER", "the call is not answered"),
            ("NO CARRIER", "no carrier: the network gives no data call"),
            ("NO DIALTONE", no_dialtone),
            ("ERROR", refused),
            // Sierra's and others': two words. chat scripts of distributions have both.
            ("NO DIAL TONE", no_dialtone),
            // ModemManager, mm-serial-parsers.c: Huawei, Motorola EZX, Samsung Z810
            ("COMMAND NOT SUPPORT", refused),
            ("TOO MANY PARAMETERS", refused),
            ("MODEM ERROR: 4", refused),
            ("NA", refused),
            // Analogue modems, also in chat scripts: ppp-project/ppp#347, wdoekes/asterisk-chan-dongle#134
            ("DELAYED", "the modem does not dial this number for a while"),
            ("BLACKLISTED", "the modem does not dial this number for a while"),
            // TS 27.007 §9.2, in figures and in words
            ("+CME ERROR: 30", "the modem refuses to dial: no network service"),
            ("+CME ERROR: 3", "the modem refuses to dial: operation not allowed"),
            ("+CME ERROR: no network service", "the modem refuses to dial: no network service"),
            ("+CME ERROR: 148", "the modem refuses to dial: unspecified GPRS error"),
            ("+CME ERROR:133", "the modem refuses to dial: requested service option not subscribed"),
            ("+CME ERROR: 4711", "the modem refuses to dial: error 4711"),
            ("+CME ERROR: out of luck", "the modem refuses to dial: unknown"),
            // A successful call, and URCs.
            ("CONNECT", "goes on"),
            ("CONNECT 7200000", "goes on"),
            ("+CMS ERROR: 322", "goes on"),
            ("+CMS ERROR: memory full", "goes on"),
            ("+CMTI: \"SM\",3", "goes on"),
            ("^BOOT:27710117,0,0,0,75", "goes on"),
            ("^RSSI:17", "goes on"),
            ("+CREG: 2,\"00NA\",\"BUSY\"", "goes on"),
            ("+COPS: 0,0,\"NA\",2", "goes on"),
            ("RING", "goes on"),
        ] {
            for echo in ["", "ATDT*99#\r", "ATDT*99#\r\r\n+CMTI: \"SM\",1\r\n"] {
                assert_eq!(told(&format!("{echo}\r\n{said}\r\n")), cause, "{echo:?} {said}");
            }
        }
    }

    #[test]
    fn the_exit_status_of_chat_names_the_failure_and_back() {
        for status in [1, 2, 200] {
            assert_eq!(DialFailure::from_chat_status(status, ""), DialFailure::Broken, "{status}");
        }
        let said = |number| DialFailure::from_chat_status(number, "chat:  Nov 28 09:10:11 +CME ERROR: 30");
        let all = (2..FIRST_ABORT + u8::try_from(ABORTS.len()).unwrap()).map(said);
        for failure in all {
            let (status, reported) = failure.chat_status();
            assert_eq!(DialFailure::from_chat_status(status, &reported), failure, "{status} {reported}");
        }
        assert_eq!(said(3), DialFailure::Silent);
        assert_eq!(said(7), DialFailure::Said(Failure::NoCarrier));
    }

    /// chat.c: `MAX_ABORTS`
    #[test]
    fn chat_accepts_as_many_strings_and_each_is_there_once() {
        assert!(ABORTS.len() <= 50);
        for abort in ABORTS {
            let same = ABORTS.iter().filter(|other| abort.words.contains(other.words));
            assert_eq!(same.count(), 1, "{:?} never ends the dialogue", abort.words);
        }
    }
}
