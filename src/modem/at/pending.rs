//! One command and its answer. Unsolicited lines may come anywhere between its lines.

use std::time::Duration;

use super::request::{Request, TxData};
use super::response::{Final, extended_name, is_about_a_call};

/// The most lines of an answer that are kept: two for each message of a storage of 1000.
const MOST_LINES: usize = 2000;

/// A command that waits for its answer, until its deadline.
#[derive(Debug)]
pub struct Pending {
    request: Request,
    deadline: Duration,
    text: Option<Text>,
    answer: Vec<String>,
}

/// The text that follows a command.
#[derive(Debug)]
struct Text {
    data: TxData,
    /// How long the modem may take over it.
    patience: Duration,
    given: TextGiven,
}

/// Whether the modem has the text that belongs to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextGiven {
    /// It has not, or the command has no text.
    No,
    /// It has, and may have carried out the command.
    Yes,
}

/// What a line means to a command that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// The echo of the command: `E0` is not set yet.
    Echo,
    /// The prompt for the text.
    Prompt,
    /// A part of the answer; more follows.
    Part,
    /// An unsolicited line.
    Unsolicited(String),
    /// The final result code.
    Ended {
        /// How the command ended.
        result: Final,
        /// The lines before the result.
        answer: Vec<String>,
    },
}

impl Pending {
    /// A command that is sent at this time since boot.
    pub fn new(request: Request, now: Duration) -> Self {
        let text = request.text().map(|(data, patience)| Text { data, patience, given: TextGiven::No });
        Self { deadline: now + request.patience(), request, text, answer: Vec::new() }
    }

    /// What was sent.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// When to give up waiting, in time since boot.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether the command has a text: the modem may wait for it at its prompt.
    pub fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// Whether the modem has the text.
    pub fn text_given(&self) -> TextGiven {
        self.text.as_ref().map_or(TextGiven::No, |text| text.given)
    }

    /// Whether the next line may be the PDU of a message.
    pub fn is_within_message(&self) -> bool {
        self.answer.last().is_some_and(|line| is_message_header(line))
    }

    /// Whether the answer holds messages.
    pub fn reads_messages(&self) -> bool {
        let name = extended_name(self.request.line().text()).unwrap_or_default();
        MESSAGE_HEADERS.iter().any(|header| header.trim_end_matches(':') == name)
    }

    /// The modem prompts for a text: returns it, once.
    pub fn prompted(&mut self, now: Duration) -> Option<TxData> {
        let text = self.text.as_mut().filter(|text| text.given == TextGiven::No)?;
        text.given = TextGiven::Yes;
        self.deadline = now + text.patience;
        Some(text.data.clone())
    }

    /// Parses a line of the modem.
    pub fn receive(&mut self, line: String) -> Parsed {
        if self.is_echo(&line) {
            return Parsed::Echo;
        }
        // Some modems end the prompt like a line, `\r\n>\r\n` (SIM7670G); TS 27.005 §3.5.1 has no end.
        if self.awaits_prompt() && line == ">" {
            return Parsed::Prompt;
        }
        match Final::parse(&line) {
            Some(result) if self.can_end_with(&result) => {
                Parsed::Ended { result, answer: std::mem::take(&mut self.answer) }
            }
            Some(_) => Parsed::Unsolicited(line),
            None if self.belongs(&line) => {
                if self.answer.len() < MOST_LINES {
                    self.answer.push(line);
                }
                Parsed::Part
            }
            None => Parsed::Unsolicited(line),
        }
    }

    fn awaits_prompt(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.given == TextGiven::No)
    }

    fn is_echo(&self, line: &str) -> bool {
        let given = self.text.as_ref().filter(|text| text.given == TextGiven::Yes);
        line == self.request.line().text() || given.is_some_and(|text| text.data.text() == line)
    }

    /// The result code of a call ends only a command that makes a call. `OK` before the prompt is the late answer to
    /// another command: the message would not be sent.
    fn can_end_with(&self, result: &Final) -> bool {
        if self.awaits_prompt() && *result == Final::Ok {
            return false;
        }
        let starts = |command: &str| self.request.line().text().starts_with(command);
        match result {
            // Some modems confirm the command first, and connect later.
            Final::Ok => !starts("ATA"),
            Final::Refused(_) => true,
            _ => ["ATD", "ATA", "ATO"].into_iter().any(starts),
        }
    }

    /// A line `+NAME: …` answers `AT+NAME…`. Plain text other than `RING`, such as a manufacturer's name, answers any
    /// command.
    fn belongs(&self, line: &str) -> bool {
        match extended_name(line) {
            Some(name) => extended_name(self.request.line().text()) == Some(name),
            None => !is_about_a_call(line),
        }
    }
}

/// The names of the lines before a PDU that a command reads (TS 27.005 §4.1, §4.2).
const MESSAGE_HEADERS: [&str; 2] = ["+CMGR:", "+CMGL:"];

/// Whether the next line is the PDU of a message.
pub fn is_message_header(line: &str) -> bool {
    MESSAGE_HEADERS.iter().any(|name| line.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, lines: &[&str]) -> Vec<Parsed> {
        let mut pending = Pending::new(Request::new(command, 1), Duration::ZERO);
        let lines = lines.iter().map(|line| (*line).to_owned());
        lines.map(|line| pending.receive(line)).collect()
    }

    fn ended(result: Final, answer: &[&str]) -> Parsed {
        let answer = answer.iter().map(|line| (*line).to_owned()).collect();
        Parsed::Ended { result, answer }
    }

    fn unsolicited(line: &str) -> Parsed {
        Parsed::Unsolicited(line.to_owned())
    }

    #[test]
    fn an_echo_is_no_answer() {
        assert_eq!(
            parse("AT+CGMI", &["AT+CGMI", "Option N.V.", "OK"]),
            [Parsed::Echo, Parsed::Part, ended(Final::Ok, &["Option N.V."])]
        );
    }

    #[test]
    fn an_unsolicited_line_within_an_answer_is_not_part_of_it() {
        assert_eq!(
            parse("AT+CSQ", &["+CMTI: \"SM\",3", "+CSQ: 17,99", "^RSSI:17", "RING", "OK"]),
            [
                unsolicited("+CMTI: \"SM\",3"),
                Parsed::Part,
                unsolicited("^RSSI:17"),
                unsolicited("RING"),
                ended(Final::Ok, &["+CSQ: 17,99"]),
            ]
        );
    }

    #[test]
    fn the_end_of_a_call_answers_only_commands_that_make_one() {
        assert_eq!(parse("AT+CSQ", &["NO CARRIER"]), [unsolicited("NO CARRIER")]);
        assert_eq!(parse("ATDT*99#", &["NO CARRIER"]), [ended(Final::NoCarrier, &[])]);
        assert_eq!(parse("ATA", &["FAX"]), [ended(Final::Fax, &[])]);
        assert_eq!(parse("AT", &["FAX"]), [unsolicited("FAX")]);
    }

    #[test]
    fn a_call_is_answered_only_when_its_result_is_there() {
        let connected = Final::Connect("33600".to_owned());
        assert_eq!(parse("ATA", &["OK", "CONNECT 33600"]), [unsolicited("OK"), ended(connected, &[])]);
        assert_eq!(parse("AT", &["OK"]), [ended(Final::Ok, &[])]);
    }

    #[test]
    fn what_is_said_about_a_caller_answers_no_command() {
        for line in ["RING 1", "RING;0555", "NMBR = 0555", "NAME=X", "CALLER NUMBER: 0555", "MESG = 8000"] {
            assert_eq!(parse("ATS8?S6?", &[line]), [unsolicited(line)], "{line}");
        }
        assert_eq!(parse("ATS8?S6?", &["002"]), [Parsed::Part]);
    }
}
