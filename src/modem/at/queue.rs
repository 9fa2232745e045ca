//! A queue of commands for a modem, one at a time, each with its deadline.

use std::collections::VecDeque;
use std::time::Duration;

use super::pending::{Parsed, Pending, TextGiven, is_message_header};
use super::request::{Request, TxData};
use super::response::{Final, Garbage, Lines, extended_name};

/// The time a modem has to leave its prompt for a text.
const ESCAPE_SECONDS: u64 = 2;

/// What happened on the line. `T` identifies a command to its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<T> {
    /// A command was answered.
    Answered {
        /// The command.
        asked: T,
        /// How it ended.
        result: Final,
        /// The lines before the result.
        answer: Vec<String>,
    },
    /// A command has expired.
    Silence {
        /// The command.
        asked: T,
        /// The command as it may be shown.
        shown: String,
        /// Whether the modem has the text that belongs to it.
        text: TextGiven,
    },
    /// The modem sent an unsolicited result code (URC).
    Unsolicited(String),
    /// The modem delivered a PDU by itself: `+CMT`, `+CDS` or `+CBM` (TS 27.005 §3.4.1).
    Delivered {
        /// The first line.
        header: String,
        /// The second one.
        pdu: String,
    },
    /// The modem sent something other than a line of text.
    Garbage(Garbage),
}

/// The commands for a modem, and what it sends.
#[derive(Debug)]
pub struct Queue<T> {
    lines: Lines,
    queue: VecDeque<(T, Request)>,
    open: Option<(Purpose<T>, Pending)>,
    /// A text that the modem has prompted for.
    text: Option<TxData>,
    /// The modem may wait at its prompt for a text that will not come.
    stuck_in_prompt: bool,
    /// The line before a PDU that has not come yet.
    header: Option<Header>,
}

/// The line before a PDU.
#[derive(Debug)]
enum Header {
    /// The modem delivers the PDU by itself.
    Delivered(String),
    /// The PDU answers a command that has expired, and is discarded.
    Late,
}

/// Why a command was sent.
#[derive(Debug)]
enum Purpose<T> {
    Asked(T),
    /// To leave the prompt for a text.
    Escape,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            lines: Lines::default(),
            queue: VecDeque::new(),
            open: None,
            text: None,
            stuck_in_prompt: false,
            header: None,
        }
    }
}

impl<T> Queue<T> {
    /// Queues a command behind the others.
    pub fn push(&mut self, asked: T, request: Request) {
        self.queue.push_back((asked, request));
    }

    /// The commands that are not answered yet.
    pub fn unanswered(&self) -> impl Iterator<Item = &T> {
        let open = self.open.iter().filter_map(|(purpose, _)| match purpose {
            Purpose::Asked(asked) => Some(asked),
            Purpose::Escape => None,
        });
        open.chain(self.queue.iter().map(|(asked, _)| asked))
    }

    /// The commands that are not answered, each with whether the modem has the text that belongs to it.
    pub fn into_unanswered(self) -> impl Iterator<Item = (T, TextGiven)> {
        let open = self.open.and_then(|(purpose, pending)| match purpose {
            Purpose::Asked(asked) => Some((asked, pending.text_given())),
            Purpose::Escape => None,
        });
        let not_sent = self.queue.into_iter().map(|(asked, _)| (asked, TextGiven::No));
        open.into_iter().chain(not_sent)
    }

    /// Whether every command was answered or has expired.
    pub fn is_idle(&self) -> bool {
        self.open.is_none() && self.queue.is_empty() && !self.stuck_in_prompt
    }

    /// Whether [`next`](Self::next) has something to send.
    pub fn has_next(&self) -> bool {
        self.has_text() || self.open.is_none() && (self.stuck_in_prompt || !self.queue.is_empty())
    }

    /// Whether the modem has prompted for a text that is not sent yet.
    pub fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// What to send now: the text that the modem has prompted for, or the next command if none waits for its answer.
    pub fn next(&mut self, now: Duration) -> Option<TxData> {
        if let Some(text) = self.text.take() {
            return Some(text);
        }
        if self.open.is_some() {
            return None;
        }
        let (purpose, request) = if std::mem::take(&mut self.stuck_in_prompt) {
            (Purpose::Escape, Request::escape(ESCAPE_SECONDS))
        } else {
            let (asked, request) = self.queue.pop_front()?;
            (Purpose::Asked(asked), request)
        };
        let line = request.line().clone();
        self.open = Some((purpose, Pending::new(request, now)));
        Some(line)
    }

    /// When the command that waits for its answer expires, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        self.open.as_ref().map(|(_, pending)| pending.deadline())
    }

    /// Parses bytes of the modem, at this time since boot.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> Vec<Event<T>> {
        let lines = self.lines.feed(bytes);
        let events = lines.into_iter().flat_map(|line| self.receive_line(line, now)).collect();
        if let Some((_, pending)) = &mut self.open
            && pending.has_text()
            && self.lines.take_prompt()
        {
            self.text = pending.prompted(now);
        }
        events
    }

    /// Gives up the command that waits for its answer if its deadline has passed.
    pub fn expire(&mut self, now: Duration) -> Option<Event<T>> {
        let (purpose, pending) = self.open.take_if(|(_, pending)| pending.deadline() <= now)?;
        // The rest of a line that has begun is not a line of its own, and the line may be the one before a PDU.
        let is_cut = self.lines.skip_rest();
        if pending.is_within_message() || is_cut && pending.reads_messages() {
            self.header = Some(Header::Late);
        }
        self.text = None;
        self.stuck_in_prompt = pending.has_text();
        match purpose {
            Purpose::Asked(asked) => {
                let shown = pending.request().line().to_string();
                Some(Event::Silence { asked, shown, text: pending.text_given() })
            }
            Purpose::Escape => None,
        }
    }

    fn receive_line(&mut self, line: Result<String, Garbage>, now: Duration) -> Vec<Event<T>> {
        let line = match line {
            Ok(line) => line,
            Err(garbage) => return vec![Event::Garbage(garbage)],
        };
        let mut events = Vec::new();
        match self.header.take() {
            Some(Header::Delivered(header)) if is_hexadecimal(&line) => {
                return vec![Event::Delivered { header, pdu: line }];
            }
            // Text mode, or another line between the two: an answer must not be lost.
            Some(Header::Delivered(header)) => events.push(Event::Unsolicited(header)),
            // The PDU may be lost, and another line have taken its place.
            Some(Header::Late) if Final::parse(&line).is_none() && extended_name(&line).is_none() => {
                return Vec::new();
            }
            Some(Header::Late) | None => {}
        }
        events.extend(self.receive_text(line, now));
        events
    }

    fn receive_text(&mut self, line: String, now: Duration) -> Option<Event<T>> {
        let Some((purpose, mut pending)) = self.open.take() else {
            return self.unsolicited(line);
        };
        let event = match pending.receive(line) {
            Parsed::Ended { result, answer } => {
                return match purpose {
                    Purpose::Asked(asked) => Some(Event::Answered { asked, result, answer }),
                    Purpose::Escape => None,
                };
            }
            Parsed::Prompt => {
                self.text = pending.prompted(now);
                None
            }
            Parsed::Unsolicited(line) => self.unsolicited(line),
            Parsed::Echo | Parsed::Part => None,
        };
        self.open = Some((purpose, pending));
        event
    }

    fn unsolicited(&mut self, line: String) -> Option<Event<T>> {
        if ["+CMT:", "+CDS:", "+CBM:"].iter().any(|name| line.starts_with(name)) {
            self.header = Some(Header::Delivered(line));
            return None;
        }
        if is_message_header(&line) {
            self.header = Some(Header::Late);
        }
        Some(Event::Unsolicited(line))
    }
}

fn is_hexadecimal(line: &str) -> bool {
    line.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn asked(commands: &[&'static str]) -> Queue<usize> {
        let mut queue = Queue::default();
        for (index, command) in commands.iter().enumerate() {
            queue.push(index, Request::new(command, 1));
        }
        queue
    }

    fn sent(queue: &mut Queue<usize>, now: Duration) -> Option<String> {
        queue.next(now).map(|sent| sent.to_string())
    }

    fn answered(asked: usize, answer: &[&str]) -> Event<usize> {
        let answer = answer.iter().map(|line| (*line).to_owned()).collect();
        Event::Answered { asked, result: Final::Ok, answer }
    }

    #[test]
    fn a_command_waits_until_the_one_before_is_answered() {
        let mut queue = asked(&["AT", "AT+CGMI"]);
        assert_eq!(sent(&mut queue, SECOND).as_deref(), Some("AT"));
        assert_eq!(queue.next(SECOND), None);
        assert_eq!(queue.receive(b"AT\r\r\nOK\r\n", SECOND), [answered(0, &[])]);
        assert_eq!(sent(&mut queue, SECOND).as_deref(), Some("AT+CGMI"));
    }

    #[test]
    fn a_silent_modem_costs_the_deadline_and_no_more() {
        let mut queue = asked(&["AT"]);
        queue.next(SECOND);
        assert_eq!(queue.deadline(), Some(2 * SECOND));
        assert_eq!(queue.expire(2 * SECOND - Duration::from_millis(1)), None);
        let shown = "AT".to_owned();
        let text = TextGiven::No;
        assert_eq!(queue.expire(2 * SECOND), Some(Event::Silence { asked: 0, shown, text }));
        assert!(queue.is_idle());
    }

    #[test]
    fn a_late_answer_does_not_answer_the_next_command() {
        let mut queue = asked(&["AT"]);
        queue.next(SECOND);
        queue.expire(3 * SECOND);
        assert_eq!(queue.receive(b"\r\nOK\r\n", 3 * SECOND), [Event::Unsolicited("OK".into())]);
    }

    fn submitting() -> Queue<usize> {
        let mut queue = Queue::default();
        queue.push(7, Request::new("AT+CMGS=3", 5).with_text("00AABBCC".to_owned()));
        assert_eq!(sent(&mut queue, SECOND).as_deref(), Some("AT+CMGS=3"));
        queue
    }

    #[test]
    fn a_text_is_sent_at_the_prompt_and_only_once() {
        let mut queue = submitting();
        assert_eq!(queue.receive(b"AT+CMGS=3\r\r\n+CMTI: \"SM\",1\r\n", SECOND).len(), 1);
        assert_eq!(queue.next(SECOND), None);
        assert_eq!(queue.receive(b"\r\n>", SECOND), []);
        assert_eq!(sent(&mut queue, SECOND).as_deref(), Some("00AABBCC"));
        assert_eq!(queue.receive(b" ", SECOND), []);
        assert_eq!(queue.next(SECOND), None);
        let rest = queue.receive(b"00AABBCC\x1a\r\n+CMGS: 41\r\n\r\nOK\r\n", 20 * SECOND);
        assert_eq!(rest, [answered(7, &["+CMGS: 41"])]);
        assert!(queue.is_idle());
    }

    /// TS 27.005 §3.5.1 has CR, LF, `>`, space; SIM7670G and others end the prompt like a line.
    #[test]
    fn every_form_of_the_prompt_is_recognized_in_pieces_of_any_size() {
        for prompt in ["\r\n> ", "\r\n>", ">", "> \r\n", "\r\n>\r\n", "\r\n> \r\n", "\n>\n"] {
            for size in 1..=prompt.len() {
                let mut queue = submitting();
                let mut sent = Vec::new();
                for piece in prompt.as_bytes().chunks(size) {
                    assert_eq!(queue.receive(piece, SECOND), [], "{prompt:?}");
                    sent.extend(queue.next(SECOND).map(|data| data.bytes()));
                }
                assert_eq!(sent, [b"00AABBCC\x1a"], "{prompt:?} in pieces of {size}");
                let rest = queue.receive(b"\r\n+CMGS: 41\r\n\r\nOK\r\n", SECOND);
                assert_eq!(rest, [answered(7, &["+CMGS: 41"])], "{prompt:?}");
            }
        }
    }

    #[test]
    fn a_modem_that_is_silent_at_its_prompt_gets_an_escape() {
        for prompt in [&b""[..], b"\r\n> "] {
            let mut queue = submitting();
            queue.receive(prompt, SECOND);
            queue.next(SECOND);
            queue.push(8, Request::new("AT", 1));
            let now = queue.deadline().unwrap();
            let given = if prompt.is_empty() { TextGiven::No } else { TextGiven::Yes };
            assert!(
                matches!(queue.expire(now), Some(Event::Silence { asked: 7, text, .. }) if text == given)
            );
            assert_eq!(queue.next(now).unwrap().bytes(), b"\x1b");
            assert_eq!(queue.receive(b"\r\nOK\r\n", now), []);
            assert_eq!(sent(&mut queue, now).as_deref(), Some("AT"));
        }
    }

    /// A message must not be logged, nor taken for the manufacturer's name.
    #[test]
    fn a_message_that_comes_too_late_answers_no_command() {
        const PDU: &str = "0791361907002039040B913316325476F800006270413025948005E8329BFD06";
        let answer = format!("+CMGR: 0,,24\r\n{PDU}\r\n\r\nOK\r\n");
        // The command expires before the answer, within any of its lines, and between two.
        for at in 0..answer.len() - 3 {
            let mut queue = asked(&["AT+CMGR=1", "AT+CGMI"]);
            queue.next(SECOND);
            assert_eq!(queue.receive(&answer.as_bytes()[..at], SECOND), []);
            assert!(matches!(queue.expire(3 * SECOND), Some(Event::Silence { asked: 0, .. })));
            queue.next(3 * SECOND);
            let late = queue.receive(&answer.as_bytes()[at..], 4 * SECOND);
            let shown = format!("{late:?}");
            assert!(
                !PDU.as_bytes().windows(8).any(|part| shown.contains(str::from_utf8(part).unwrap())),
                "{at}: {shown}"
            );
        }
    }

    #[test]
    fn an_ok_before_the_prompt_is_another_command_s() {
        let mut queue = submitting();
        assert_eq!(queue.receive(b"\r\nOK\r\n", SECOND), [Event::Unsolicited("OK".into())]);
        queue.receive(b"\r\n> ", SECOND);
        assert_eq!(sent(&mut queue, SECOND).as_deref(), Some("00AABBCC"));
        assert_eq!(queue.receive(b"\r\nOK\r\n", SECOND), [answered(7, &[])]);
    }

    #[test]
    fn the_text_of_a_refused_message_is_not_sent() {
        let mut queue = submitting();
        let events = queue.receive(b"\r\n+CMS ERROR: 500\r\n", SECOND);
        assert!(matches!(&events[..], [Event::Answered { asked: 7, .. }]));
        assert!(queue.is_idle());
        assert_eq!(queue.receive(b"\r\n> ", SECOND), []);
        assert_eq!(queue.next(SECOND), None);
    }

    #[test]
    fn a_pdu_that_is_delivered_within_an_answer_is_not_part_of_it() {
        let mut queue = asked(&["AT+CGMI"]);
        queue.next(SECOND);
        let events = queue.receive(b"\r\n+CMT: ,24\r\n0791AA\r\nOption\r\nOK\r\n", SECOND);
        let header = "+CMT: ,24".to_owned();
        let delivered = Event::Delivered { header, pdu: "0791AA".to_owned() };
        assert_eq!(events, [delivered, answered(0, &["Option"])]);
    }

    #[test]
    fn an_answer_after_an_incomplete_delivery_is_not_lost() {
        let mut queue = asked(&["AT"]);
        queue.next(SECOND);
        let events = queue.receive(b"\r\n+CMT: ,24\r\n\r\nOK\r\n", SECOND);
        assert_eq!(events, [Event::Unsolicited("+CMT: ,24".to_owned()), answered(0, &[])]);
    }

    proptest! {
        #[test]
        fn no_bytes_keep_a_command_open_beyond_its_deadline(
            bytes in prop::collection::vec(any::<u8>(), 0..300)
        ) {
            let mut queue = asked(&["AT"]);
            queue.next(SECOND);
            queue.receive(&bytes, SECOND);
            queue.expire(2 * SECOND);
            prop_assert!(queue.is_idle());
        }
    }
}
