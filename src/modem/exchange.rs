//! One command and its answer. Unsolicited lines may come anywhere in between.

use std::time::Duration;

use super::at::{Final, extended_name};

/// A command that has been sent, until it is answered or its deadline passes.
#[derive(Debug)]
pub struct Exchange {
    command: String,
    deadline: Duration,
    answer: Vec<String>,
}

/// What a line meant while a command was waiting for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
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

impl Exchange {
    /// The command has been sent and must be answered until the deadline (time since boot).
    pub fn new(command: &str, deadline: Duration) -> Self {
        Self { command: command.to_owned(), deadline, answer: Vec::new() }
    }

    /// The command, as it was sent, without its end of line.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// When to give up waiting, in time since boot.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Takes a line of the modem in.
    pub fn hear(&mut self, line: String) -> Heard {
        if line == self.command {
            return Heard::Echo;
        }
        match Final::parse(&line) {
            Some(result) if self.can_end_with(&result) => {
                Heard::Ended { result, answer: std::mem::take(&mut self.answer) }
            }
            Some(_) => Heard::Unsolicited(line),
            None if self.belongs(&line) => {
                self.answer.push(line);
                Heard::Part
            }
            None => Heard::Unsolicited(line),
        }
    }

    /// What happens to a call answers only the commands that make one.
    fn can_end_with(&self, result: &Final) -> bool {
        let calls = ["ATD", "ATA", "ATO"];
        matches!(result, Final::Ok | Final::Refused(_))
            || calls.iter().any(|call| self.command.starts_with(call))
    }

    /// A line `+NAME: …` answers `AT+NAME…`; plain text such as a manufacturer's name answers
    /// whatever was asked, as long as it is not a ring.
    fn belongs(&self, line: &str) -> bool {
        match extended_name(line) {
            Some(name) => extended_name(&self.command) == Some(name),
            None => line != "RING",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(command: &str, lines: &[&str]) -> Vec<Heard> {
        let mut exchange = Exchange::new(command, Duration::from_secs(1));
        let lines = lines.iter().map(|line| (*line).to_owned());
        lines.map(|line| exchange.hear(line)).collect()
    }

    fn ended(result: Final, answer: &[&str]) -> Heard {
        let answer = answer.iter().map(|line| (*line).to_owned()).collect();
        Heard::Ended { result, answer }
    }

    fn unsolicited(line: &str) -> Heard {
        Heard::Unsolicited(line.to_owned())
    }

    #[test]
    fn an_echo_is_no_answer() {
        assert_eq!(
            hear("AT+CGMI", &["AT+CGMI", "Option N.V.", "OK"]),
            [Heard::Echo, Heard::Part, ended(Final::Ok, &["Option N.V."])]
        );
    }

    #[test]
    fn a_message_that_arrives_within_an_answer_is_told_apart() {
        assert_eq!(
            hear("AT+CSQ", &["+CMTI: \"SM\",3", "+CSQ: 17,99", "^RSSI:17", "RING", "OK"]),
            [
                unsolicited("+CMTI: \"SM\",3"),
                Heard::Part,
                unsolicited("^RSSI:17"),
                unsolicited("RING"),
                ended(Final::Ok, &["+CSQ: 17,99"]),
            ]
        );
    }

    #[test]
    fn the_end_of_a_call_answers_only_commands_that_make_one() {
        assert_eq!(hear("AT+CSQ", &["NO CARRIER"]), [unsolicited("NO CARRIER")]);
        assert_eq!(hear("ATDT*99#", &["NO CARRIER"]), [ended(Final::NoCarrier, &[])]);
    }
}
