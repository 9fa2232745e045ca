//! Messages to be sent, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use crate::modem::at::Final;
use crate::modem::request::Request;
use crate::modem::values::values;

/// A message that could not be sent for so long is not wanted any more: it answers a question that
/// somebody has asked.
const LASTS: Duration = Duration::from_secs(600);
/// Until the modem asks for the text.
const PROMPT_SECONDS: u64 = 10;

/// Tells messages to be sent apart; chosen by who sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Messages that wait, and the one that is being sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Letter>,
    sending: Option<Ticket>,
}

#[derive(Debug)]
struct Letter {
    ticket: Ticket,
    pdu: String,
    length: usize,
    /// Known once the first tick has seen it.
    until: Option<Duration>,
}

impl Outbox {
    /// One more, behind those that wait.
    pub fn push(&mut self, ticket: Ticket, pdu: String, length: usize) {
        self.waiting.push_back(Letter { ticket, pdu, length, until: None });
    }

    /// Whether nothing waits, and nothing is being sent.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sending.is_none()
    }

    /// Those that have waited too long.
    pub fn expire(&mut self, now: Duration) -> Vec<Ticket> {
        for letter in &mut self.waiting {
            letter.until.get_or_insert(now + LASTS);
        }
        let is_late = |letter: &Letter| letter.until.is_some_and(|until| until <= now);
        let late = self.waiting.iter().filter(|letter| is_late(letter)).map(|letter| letter.ticket).collect();
        self.waiting.retain(|letter| !is_late(letter));
        late
    }

    /// When the first of them has waited too long.
    pub fn wake(&self) -> Option<Duration> {
        self.waiting.iter().filter_map(|letter| letter.until).min()
    }

    /// The next one to send (TS 27.005 §4.3).
    pub fn next(&mut self) -> Option<Request> {
        let Letter { ticket, pdu, length, .. } = self.waiting.pop_front()?;
        self.sending = Some(ticket);
        Some(Request::of(format!("AT+CMGS={length}"), PROMPT_SECONDS).with_text(pdu))
    }

    /// What became of the one that was being sent.
    pub fn sent(&mut self, result: &Final, answer: &[String]) -> Option<(Ticket, Result<(), String>)> {
        let outcome = match result {
            Final::Ok if values(answer, "+CMGS").is_some() => Ok(()),
            Final::Ok => Err("the modem gives no reference".to_owned()),
            Final::Refused(why) => Err(why.to_string()),
            other => Err(format!("{other:?}")),
        };
        Some((self.sending.take()?, outcome))
    }

    /// No answer will come about the one that was being sent.
    pub fn lose(&mut self) -> Option<Ticket> {
        self.sending.take()
    }
}
