//! Parses what a modem sends: bytes in, lines and result codes out. ITU-T V.250, 3GPP TS 27.007.

use std::fmt;
use std::mem;

/// The longest line: a PDU of 176 octets in hexadecimal, or the list of operators of `+COPS=?`, with room to spare.
pub const LONGEST_LINE: usize = 2048;

/// What the modem sent instead of a line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Garbage {
    /// A line with bytes that are not printable ASCII: wrong speed, or noise.
    NotText {
        /// How many bytes the line had.
        length: usize,
    },
    /// More than [`LONGEST_LINE`] bytes without an end of line.
    TooLong,
}

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText { length } => write!(f, "{length} bytes that are not text"),
            Self::TooLong => write!(f, "a line of more than {LONGEST_LINE} bytes"),
        }
    }
}

/// Cuts bytes into lines. Any mixture of CR and LF ends a line; empty lines are dropped.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    too_long: bool,
    /// The rest of this line is not read.
    skips: bool,
}

impl Lines {
    /// Processes bytes and returns the lines that are complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Result<String, Garbage>> {
        bytes.iter().filter_map(|byte| self.push(*byte)).collect()
    }

    /// Whether the modem prompts for a text: `>` at the start of an incomplete line (TS 27.005 §3.5.1). Removes the
    /// prompt.
    pub fn take_prompt(&mut self) -> bool {
        let is_prompt = self.line.first() == Some(&b'>');
        if is_prompt {
            self.clear();
        }
        is_prompt
    }

    /// Discards an incomplete line.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Discards an incomplete line, and its rest when it comes. Returns whether there is one.
    pub fn skip_rest(&mut self) -> bool {
        *self = Self { skips: self.skips || !self.line.is_empty(), ..Self::default() };
        self.skips
    }

    fn push(&mut self, byte: u8) -> Option<Result<String, Garbage>> {
        match byte {
            b'\r' | b'\n' if mem::take(&mut self.skips) => None,
            b'\r' | b'\n' => self.end(),
            _ if self.skips => None,
            // Adapters put NUL on the line at power-on and when they change speed; Ctrl-Z and ESC are echoes of the end
            // of a text; XON and XOFF come from a modem that is not set to RTS/CTS yet (V.250 §6.2.12).
            0 | XON | XOFF | 0x1a | 0x1b => None,
            _ if self.line.len() == LONGEST_LINE => {
                self.too_long = true;
                None
            }
            _ => {
                self.line.push(byte);
                None
            }
        }
    }

    fn end(&mut self) -> Option<Result<String, Garbage>> {
        let Self { line, too_long, .. } = mem::take(self);
        if too_long {
            return Some(Err(Garbage::TooLong));
        }
        let is_printable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
        let length = line.len();
        let text: String = line
            .iter()
            .map(|byte| if is_printable(byte) { char::from(*byte) } else { UNPRINTABLE })
            .collect();
        let text = text.trim();
        // A line may hold a name in the modem's own character set and be readable otherwise.
        let is_readable = line.iter().all(is_printable) || has_name(text);
        match is_readable {
            true => (!text.is_empty()).then(|| Ok(text.to_owned())),
            false => Some(Err(Garbage::NotText { length })),
        }
    }
}

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// Replaces a byte that is not printable ASCII.
const UNPRINTABLE: char = '?';

/// Whether a line starts with `+NAME:`.
fn has_name(line: &str) -> bool {
    extended_name(line).is_some_and(|name| name.len() > 1 && line[name.len()..].starts_with(':'))
}

/// The final result code of a command or a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Final {
    /// `OK`, or `0` from a modem with `V0`.
    Ok,
    /// `ERROR`, `+CME ERROR` or `+CMS ERROR`.
    Refused(CommandError),
    /// `CONNECT`, with the modem's text about the connection.
    Connect(String),
    /// `NO CARRIER`
    NoCarrier,
    /// `BUSY`
    Busy,
    /// `NO ANSWER`
    NoAnswer,
    /// `NO DIALTONE`
    NoDialtone,
    /// A fax machine calls: `FAX` (class 1 with `+FAE=1`), `+FCO` (class 2.0, T.32 §8.4.1), `+FCON` (class 2), `CONNECT
    /// FAX` (older ones; HylaFAX's ClassModem.c++), or it did and has gone: `+FHS:` and `+FHNG:` (mgetty's mgetty.c).
    Fax,
}

/// Why a modem refused a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// `ERROR`, without a reason.
    Unexplained,
    /// `+CME ERROR: <what>`, a number or words (TS 27.007 section 9.2).
    Equipment(String),
    /// `+CMS ERROR: <what>`, a number or words (TS 27.005 section 3.2.5).
    Messages(String),
    /// The words of [another maker](REFUSALS).
    InOtherWords(String),
}

/// How modems refuse a command besides the standards' three forms: the line starts with these words, or equals them.
/// Sources: ModemManager, mm-serial-parsers.c (a Samsung Z810 says `NA`); gammu, protocol/at/at.c (Motorola's
/// `MODEM ERROR`, `COMMAND NOT SUPPORT`); oFono, gatchat.c (`+EXT ERROR`) and plugins/huawei.c (`TOO MANY PARAMETERS`).
const REFUSALS: &[Refusal] = &[
    Refusal { words: "COMMAND NOT SUPPORT", may_go_on: true },
    Refusal { words: "TOO MANY PARAMETERS", may_go_on: false },
    Refusal { words: "NA", may_go_on: false },
    Refusal { words: "MODEM ERROR:", may_go_on: true },
    Refusal { words: "+EXT ERROR:", may_go_on: true },
];

/// One of the [REFUSALS].
struct Refusal {
    words: &'static str,
    /// Whether a number or further words may follow.
    may_go_on: bool,
}

impl Refusal {
    fn is(&self, line: &str) -> bool {
        if self.may_go_on { line.starts_with(self.words) } else { line == self.words }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexplained => f.write_str("ERROR"),
            Self::Equipment(what) => write!(f, "+CME ERROR: {what}"),
            Self::Messages(what) => write!(f, "+CMS ERROR: {what}"),
            Self::InOtherWords(what) => f.write_str(what),
        }
    }
}

/// As the modem sends it.
impl fmt::Display for Final {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Connect(words) => write!(f, "CONNECT {words}"),
            Self::NoCarrier => f.write_str("NO CARRIER"),
            Self::Busy => f.write_str("BUSY"),
            Self::NoAnswer => f.write_str("NO ANSWER"),
            Self::NoDialtone => f.write_str("NO DIALTONE"),
            Self::Fax => f.write_str("FAX"),
        }
    }
}

impl Final {
    /// Parses a final result code; `None` for any other line.
    pub fn parse(line: &str) -> Option<Self> {
        let words = |prefix| line.strip_prefix(prefix).map(|rest: &str| rest.trim().to_owned());
        match line {
            "OK" | "0" => Some(Self::Ok),
            "ERROR" | "4" => Some(Self::Refused(CommandError::Unexplained)),
            "NO CARRIER" | "3" => Some(Self::NoCarrier),
            "NO DIALTONE" | "NO DIAL TONE" | "6" => Some(Self::NoDialtone),
            "BUSY" | "7" => Some(Self::Busy),
            "NO ANSWER" | "8" => Some(Self::NoAnswer),
            "FAX" | "+FCO" | "+FCON" | "CONNECT FAX" => Some(Self::Fax),
            _ if line.starts_with("+FHS:") || line.starts_with("+FHNG:") => Some(Self::Fax),
            "CONNECT" | "1" => Some(Self::Connect(String::new())),
            _ => words("+CME ERROR:")
                .map(|what| Self::Refused(CommandError::Equipment(what)))
                .or_else(|| words("+CMS ERROR:").map(|w| Self::Refused(CommandError::Messages(w))))
                .or_else(|| words("CONNECT ").map(Self::Connect))
                // 300 bit/s have no number at U.S. Robotics, but what else there is (`&A2`).
                .or_else(|| words("CONNECT/").map(Self::Connect))
                .or_else(|| REFUSALS.iter().any(|refusal| refusal.is(line)).then(|| in_other_words(line))),
        }
    }
}

fn in_other_words(line: &str) -> Final {
    Final::Refused(CommandError::InOtherWords(line.to_owned()))
}

/// Whether a line is about a call that rings: `RING` in any form, and what networks report of the caller (V.253 §9.2.3;
/// what modems have made of it is in mgetty's cnd.c). It answers no command, whenever it comes.
pub fn is_about_a_call(line: &str) -> bool {
    const KEYS: [&str; 15] = [
        "NMBR",
        "NBR",
        "DDN_NMBR",
        "NAME",
        "DATE",
        "TIME",
        "MESG",
        "CALLER NUMBER",
        "CALLER'S NUMBER",
        "CALLER NAME",
        "CALLED NUMBER",
        "CALLERID",
        "REASON FOR NO CALLER NUMBER",
        "FM",
        "+CLIP",
    ];
    let key = line.split_once(['=', ':']).map(|(key, _)| key.trim());
    line.starts_with("RING")
        || key.is_some_and(|key| KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)))
}

/// The name of a command or of the line that answers it: `+CSQ` of `AT+CSQ` and of `+CSQ: 17,99`,
/// `^RSSI` of `^RSSI:17`. Plain text and basic commands have none.
pub fn extended_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("AT").unwrap_or(line);
    if !line.starts_with(['+', '^', '_', '*', '$', '%', '#']) {
        return None;
    }
    let end = line[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    Some(end.map_or(line, |end| &line[..=end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8]) -> Vec<Result<String, Garbage>> {
        Lines::default().feed(bytes)
    }

    fn text(lines: &[&str]) -> Vec<Result<String, Garbage>> {
        lines.iter().map(|line| Ok((*line).to_owned())).collect()
    }

    #[test]
    fn every_form_of_line_end_is_parsed() {
        let table: &[(&[u8], &[&str])] = &[
            (b"\r\nOK\r\n", &["OK"]),           // V1, the usual one
            (b"0\r", &["0"]),                   // V0
            (b"AT\r\r\nOK\r\n", &["AT", "OK"]), // with echo
            (b"OK\n", &["OK"]),                 // S3 and S4 changed
            (b"\r\n+CSQ: 17,99\r\n\r\nOK\r\n", &["+CSQ: 17,99", "OK"]),
            (b"\0\0\r\nRING\r\n", &["RING"]), // an adapter at power-on
            (b"\r\n  \r\n", &[]),
            (b"OK", &[]), // not yet complete
        ];
        for (bytes, expected) in table {
            assert_eq!(lines(bytes), text(expected), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn noise_is_reported_and_the_next_line_is_read() {
        assert_eq!(
            lines(b"\xff\x80\x01\r\nOK\r\n"),
            [Err(Garbage::NotText { length: 3 }), Ok("OK".to_owned())]
        );
    }

    #[test]
    fn a_name_in_another_character_set_does_not_make_its_line_unreadable() {
        let table: &[(&[u8], &str)] = &[
            (b"+CMGL: 1,1,\"Zo\xeb\",30\r\n", "+CMGL: 1,1,\"Zo?\",30"),
            ("+COPS: 0,0,\"Z\u{fc}rich\",2\r\n".as_bytes(), "+COPS: 0,0,\"Z??rich\",2"),
        ];
        for (bytes, expected) in table {
            assert_eq!(lines(bytes), text(&[expected]), "{}", bytes.escape_ascii());
        }
        assert_eq!(lines(b"+\xeb: 1\r\n"), [Err(Garbage::NotText { length: 5 })]);
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory_than_allowed() {
        let mut reader = Lines::default();
        for _ in 0..100 {
            assert_eq!(reader.feed(&[b'x'; 1000]), []);
            assert!(reader.line.len() <= LONGEST_LINE);
        }
        let end = reader.feed(b"\r\nOK\r\n");
        assert_eq!(end, [Err(Garbage::TooLong), Ok("OK".to_owned())]);
    }

    #[test]
    fn only_final_result_codes_are_parsed_as_such() {
        let cme = |what: &str| Final::Refused(CommandError::Equipment(what.to_owned()));
        let table = [
            ("OK", Some(Final::Ok)),
            ("0", Some(Final::Ok)),
            ("ERROR", Some(Final::Refused(CommandError::Unexplained))),
            ("+CME ERROR: 10", Some(cme("10"))),
            ("+CME ERROR: SIM not inserted", Some(cme("SIM not inserted"))),
            ("+CME ERROR:10", Some(cme("10"))),
            ("+CMS ERROR: 322", Some(Final::Refused(CommandError::Messages("322".into())))),
            ("COMMAND NOT SUPPORT", Some(in_other_words("COMMAND NOT SUPPORT"))),
            ("TOO MANY PARAMETERS", Some(in_other_words("TOO MANY PARAMETERS"))),
            ("MODEM ERROR: 4", Some(in_other_words("MODEM ERROR: 4"))),
            ("+EXT ERROR: 1", Some(in_other_words("+EXT ERROR: 1"))),
            ("NA", Some(in_other_words("NA"))),
            ("NANO", None),
            ("TOO MANY PARAMETERS FOR ME", None),
            ("CONNECT", Some(Final::Connect(String::new()))),
            ("CONNECT 31200/ARQ/V34", Some(Final::Connect("31200/ARQ/V34".into()))),
            ("NO CARRIER", Some(Final::NoCarrier)),
            ("BUSY", Some(Final::Busy)),
            ("NO ANSWER", Some(Final::NoAnswer)),
            ("NO DIALTONE", Some(Final::NoDialtone)),
            ("FAX", Some(Final::Fax)),
            ("+FCON", Some(Final::Fax)),
            ("+FCO", Some(Final::Fax)),
            ("CONNECT FAX", Some(Final::Fax)),
            ("+FHNG:10", Some(Final::Fax)),
            ("+FHS:20", Some(Final::Fax)),
            ("DATA", None), // CONNECT follows
            ("+FCLASS: 0", None),
            ("RING", None),
            ("OKAY", None),
            ("CONNECTION", None),
            ("+CSQ: 0,0", None),
            ("Option", None),
        ];
        for (line, expected) in table {
            assert_eq!(Final::parse(line), expected, "{line}");
        }
    }

    #[test]
    fn a_command_and_its_answer_have_the_same_name() {
        let table = [
            ("AT+CSQ", Some("+CSQ")),
            ("+CSQ: 17,99", Some("+CSQ")),
            ("AT+CPIN?", Some("+CPIN")),
            ("AT+CMEE=1", Some("+CMEE")),
            ("^RSSI:17", Some("^RSSI")),
            ("AT_OBLS", Some("_OBLS")),
            ("_OSIGQ: 9,0", Some("_OSIGQ")),
            ("ATZ", None),
            ("RING", None),
            ("+", Some("+")),
            ("", None),
        ];
        for (line, expected) in table {
            assert_eq!(extended_name(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn bytes_in_any_portions_give_the_same_lines(
            bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 1usize..20
        ) {
            let mut reader = Lines::default();
            let pieces: Vec<_> = bytes.chunks(cut).flat_map(|piece| reader.feed(piece)).collect();
            prop_assert_eq!(pieces, lines(&bytes));
        }

        #[test]
        fn no_line_makes_the_parsers_panic(line in "\\PC*") {
            let _ = (Final::parse(&line), extended_name(&line));
        }
    }
}
