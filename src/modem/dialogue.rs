//! A queue of commands for a modem, one at a time, each with its deadline.

use std::collections::VecDeque;
use std::time::Duration;

use super::at::{Final, Garbage, Lines};
use super::exchange::{Exchange, Heard};

/// A command and how long the modem may take over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The command without its end of line, such as `AT+CSQ`.
    pub command: &'static str,
    /// How long to wait for its result.
    pub patience: Duration,
}

impl Request {
    /// A command, and how many seconds the modem may take over it.
    pub const fn new(command: &'static str, seconds: u64) -> Self {
        Self { command, patience: Duration::from_secs(seconds) }
    }
}

/// What happened on the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command was answered.
    Answered {
        /// The command.
        command: String,
        /// How it ended.
        result: Final,
        /// The lines before the result.
        answer: Vec<String>,
    },
    /// A command was not answered in time.
    Silence {
        /// The command.
        command: String,
    },
    /// The modem said something by itself.
    Unsolicited(String),
    /// Something came that is no line of text.
    Garbage(Garbage),
}

/// The two directions of a line to a modem.
#[derive(Debug, Default)]
pub struct Dialogue {
    lines: Lines,
    queue: VecDeque<Request>,
    open: Option<Exchange>,
}

impl Dialogue {
    /// Queues a command behind those that wait.
    pub fn ask(&mut self, request: Request) {
        self.queue.push_back(request);
    }

    /// Whether every command has been answered or given up.
    pub fn is_idle(&self) -> bool {
        self.open.is_none() && self.queue.is_empty()
    }

    /// The command to send now, if the modem is free and one waits.
    pub fn next(&mut self, now: Duration) -> Option<&'static str> {
        if self.open.is_some() {
            return None;
        }
        let Request { command, patience } = self.queue.pop_front()?;
        self.open = Some(Exchange::new(command, now + patience));
        Some(command)
    }

    /// When the command that was sent is overdue, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        self.open.as_ref().map(Exchange::deadline)
    }

    /// Takes bytes of the modem in.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Event> {
        let lines = self.lines.feed(bytes);
        lines.into_iter().filter_map(|line| self.hear_line(line)).collect()
    }

    /// Gives up the command that was sent if its deadline has passed.
    pub fn expire(&mut self, now: Duration) -> Option<Event> {
        let overdue = self.open.take_if(|open| open.deadline() <= now)?;
        self.lines.clear();
        Some(Event::Silence { command: overdue.command().to_owned() })
    }

    fn hear_line(&mut self, line: Result<String, Garbage>) -> Option<Event> {
        let line = match line {
            Ok(line) => line,
            Err(garbage) => return Some(Event::Garbage(garbage)),
        };
        let Some(open) = &mut self.open else {
            return Some(Event::Unsolicited(line));
        };
        match open.hear(line) {
            Heard::Echo | Heard::Part => None,
            Heard::Unsolicited(line) => Some(Event::Unsolicited(line)),
            Heard::Ended { result, answer } => {
                let command = open.command().to_owned();
                self.open = None;
                Some(Event::Answered { command, result, answer })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn asked(commands: &[&'static str]) -> Dialogue {
        let mut dialogue = Dialogue::default();
        for command in commands {
            dialogue.ask(Request { command, patience: SECOND });
        }
        dialogue
    }

    #[test]
    fn a_command_waits_until_the_one_before_is_answered() {
        let mut dialogue = asked(&["AT", "AT+CGMI"]);
        assert_eq!(dialogue.next(SECOND), Some("AT"));
        assert_eq!(dialogue.next(SECOND), None);
        let events = dialogue.hear(b"AT\r\r\nOK\r\n");
        assert!(matches!(&events[..], [Event::Answered { command, .. }] if command == "AT"));
        assert_eq!(dialogue.next(SECOND), Some("AT+CGMI"));
    }

    #[test]
    fn a_silent_modem_costs_the_deadline_and_no_more() {
        let mut dialogue = asked(&["AT"]);
        dialogue.next(SECOND);
        assert_eq!(dialogue.deadline(), Some(2 * SECOND));
        assert_eq!(dialogue.expire(2 * SECOND - Duration::from_millis(1)), None);
        let command = "AT".to_owned();
        assert_eq!(dialogue.expire(2 * SECOND), Some(Event::Silence { command }));
        assert!(dialogue.is_idle());
    }

    #[test]
    fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one_s_text() {
        let mut dialogue = asked(&["AT"]);
        dialogue.next(SECOND);
        dialogue.expire(3 * SECOND);
        assert_eq!(dialogue.hear(b"\r\nOK\r\n"), [Event::Unsolicited("OK".into())]);
    }

    proptest! {
        #[test]
        fn no_bytes_keep_a_command_open_beyond_its_deadline(
            bytes in prop::collection::vec(any::<u8>(), 0..300)
        ) {
            let mut dialogue = asked(&["AT"]);
            dialogue.next(SECOND);
            dialogue.hear(&bytes);
            dialogue.expire(2 * SECOND);
            prop_assert!(dialogue.is_idle());
        }
    }
}
