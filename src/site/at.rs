//! The parts of a site that are sent to a modem.

use super::text::{Invalid, Text, checked_string};

checked_string! {
    /// An access point name: dotted labels, 100 characters at most (3GPP TS 23.003 §9.1).
    Apn,
    /// The number after `ATDT`: digits and dial modifiers (ITU-T V.250 §6.3.1) without `;`, which would make it a voice
    /// call.
    DialNumber,
    /// A whole AT command line: `AT` and printable ASCII.
    AtCommand
}

impl Text for Apn {
    const EXPECTED: &'static str = "an access point name";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if text.len() <= 100 && text.split('.').all(label) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not an access point name"),
            "use letters, digits and hyphens between dots, as in \"internet.example\"",
        ))
    }
}

/// Every mobile modem takes them for emergency calls (3GPP TS 22.101 §10.1.1).
const EMERGENCY: [&str; 2] = ["112", "911"];

impl Text for DialNumber {
    const EXPECTED: &'static str = "a number to dial";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let digits = text.replace([',', 'W'], "");
        if EMERGENCY.contains(&digits.as_str()) {
            return Err(Invalid::new(
                format!("{text} calls for help"),
                "write the operator's number for data, as in \"*99#\"",
            ));
        }
        let dialled = |byte: u8| byte.is_ascii_digit() || b"*#+,ABCDW".contains(&byte);
        if (1..=40).contains(&text.len()) && text.bytes().all(dialled) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} cannot be dialled"),
            "use up to 40 of the characters 0-9 * # + , A B C D W, as in \"*99#\"",
        ))
    }
}

impl DialNumber {
    /// The packet service with the first free context (3GPP TS 27.007 §10.2.1.1).
    pub(super) fn packet_service() -> Self {
        Self("*99#".to_owned())
    }
}

impl AtCommand {
    /// Wakes the modem, resets it, and sets: result codes in words, echo, no automatic answer, DCD that shows the
    /// carrier, hang up on DTR, data instead of fax.
    pub(super) fn usual_init() -> Vec<Self> {
        ["AT", "ATZ", "ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0"].map(|at| Self(at.to_owned())).to_vec()
    }
}

/// V.250 leaves the length of the command line to the modem; small modems store 256 characters, and a line of a chat
/// file holds 1024, with up to four for every escaped character (chat.c, `STR_LEN`).
const LONGEST_COMMAND: usize = 200;

impl Text for AtCommand {
    const EXPECTED: &'static str = "an AT command";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let attention = text.as_bytes().get(..2).is_some_and(|at| at.eq_ignore_ascii_case(b"AT"));
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if attention && printable && text.len() <= LONGEST_COMMAND {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not an AT command"),
            format!("start with AT and use at most {LONGEST_COMMAND} printable ASCII characters"),
        ))
    }
}
