//! One command and its answer. Unsolicited lines may come anywhere in between.

use std::time::Duration;

use super::request::{Request, TxData};
use super::response::{Final, extended_name};

/// The most lines of an answer that are kept: two for each message of a storage of 1000.
const MOST_LINES: usize = 2000;

/// A command that has been sent, until it is answered or its deadline passes.
#[derive(Debug)]
pub struct Pending {
    request: Request,
    deadline: Duration,
    prompt: Prompt,
    answer: Vec<String>,
}

/// How far a command is that has a text to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    /// It has none.
    None,
    /// The modem has not asked for it yet.
    Awaited,
    /// The modem was given it.
    Served,
}

/// Whether the modem was given the text that it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextGiven {
    /// Not, or the command has none.
    No,
    /// It may have done with it what the command asks.
    Yes,
}

/// What a line meant while a command was waiting for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// The echo of the command: the modem has not been told `E0` yet.
    Echo,
    /// A part of the answer; more follows.
    Part,
    /// Something the modem says by itself.
    Unsolicited(String),
    /// The end of the answer.
    Ended {
        /// How the command ended.
        result: Final,
        /// The lines before the result.
        answer: Vec<String>,
    },
}

impl Pending {
    /// The command has been sent at this time since boot.
    pub fn new(request: Request, now: Duration) -> Self {
        let prompt = if request.text().is_some() { Prompt::Awaited } else { Prompt::None };
        Self { deadline: now + request.patience(), request, prompt, answer: Vec::new() }
    }

    /// What was sent.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// When to give up waiting, in time since boot.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether this line is the prompt for the text: some modems end it like a line, `\r\n>\r\n`
    /// (SIM7670G), where TS 27.005 §3.5.1 has no end.
    pub fn is_prompt(&self, line: &str) -> bool {
        self.prompt == Prompt::Awaited && line == ">"
    }

    /// Whether the modem may be waiting for a text, and must be freed from that.
    pub fn has_prompt(&self) -> bool {
        self.prompt != Prompt::None
    }

    /// Whether the modem was given the text.
    pub fn text_given(&self) -> TextGiven {
        if self.prompt == Prompt::Served { TextGiven::Yes } else { TextGiven::No }
    }

    /// Whether the next line may be the second half of a message's listing or reading.
    pub fn is_within_message(&self) -> bool {
        self.answer.last().is_some_and(|line| is_message_header(line))
    }

    /// Whether the answer holds messages.
    pub fn reads_messages(&self) -> bool {
        let name = extended_name(self.request.line().text()).unwrap_or_default();
        MESSAGE_HEADERS.iter().any(|header| header.trim_end_matches(':') == name)
    }

    /// The modem asks for a text: here it is, if there is one that it was not given yet.
    pub fn prompted(&mut self, now: Duration) -> Option<TxData> {
        if self.prompt != Prompt::Awaited {
            return None;
        }
        let (text, patience) = self.request.text()?;
        self.prompt = Prompt::Served;
        self.deadline = now + patience;
        Some(text)
    }

    /// Takes a line of the modem in.
    pub fn receive(&mut self, line: String) -> Parsed {
        if self.is_echo(&line) {
            return Parsed::Echo;
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

    fn is_echo(&self, line: &str) -> bool {
        let text = || self.request.text().is_some_and(|(text, _)| text.text() == line);
        line == self.request.line().text() || self.prompt == Prompt::Served && text()
    }

    /// What happens to a call answers only the commands that make one. `OK` before the text was given
    /// is the late answer to another command: the message would not be sent.
    fn can_end_with(&self, result: &Final) -> bool {
        if self.prompt == Prompt::Awaited && *result == Final::Ok {
            return false;
        }
        let calls = ["ATD", "ATA", "ATO"];
        matches!(result, Final::Ok | Final::Refused(_))
            || calls.iter().any(|call| self.request.line().text().starts_with(call))
    }

    /// A line `+NAME: …` answers `AT+NAME…`; plain text such as a manufacturer's name answers
    /// whatever was asked, as long as it is not a ring.
    fn belongs(&self, line: &str) -> bool {
        match extended_name(line) {
            Some(name) => extended_name(self.request.line().text()) == Some(name),
            None => line != "RING",
        }
    }
}

/// What stands before a message that was asked for (TS 27.005 §4.1, §4.2).
const MESSAGE_HEADERS: [&str; 2] = ["+CMGR:", "+CMGL:"];

/// Whether the next line is a message.
pub fn is_message_header(line: &str) -> bool {
    MESSAGE_HEADERS.iter().any(|name| line.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, lines: &[&str]) -> Vec<Parsed> {
        let mut exchange = Pending::new(Request::new(command, 1), Duration::ZERO);
        let lines = lines.iter().map(|line| (*line).to_owned());
        lines.map(|line| exchange.receive(line)).collect()
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
    fn a_message_that_arrives_within_an_answer_is_told_apart() {
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
    }
}
