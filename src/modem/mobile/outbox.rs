//! Messages to be sent, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::modem::at::request::Request;
use crate::modem::at::response::Final;
use crate::modem::at::values::values;
use crate::sms::pdu::Submit;

/// A message that could not be sent for so long is not wanted any more: it answers a question that
/// somebody has asked.
const LASTS: Duration = Duration::from_secs(600);
/// Until the modem asks for the text.
const PROMPT_SECONDS: u64 = 10;

/// The number of an outgoing message, chosen by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SmsId(pub u64);

/// A message to be sent. Only one that fits into an SMS can be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingSms {
    /// The modem reports by it what became of the message.
    pub id: SmsId,
    /// To whom, and what it says.
    pub message: Submit,
}

/// Messages that wait, and the one that is being sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    sending: Option<SmsId>,
}

#[derive(Debug)]
struct Waiting {
    sms: OutgoingSms,
    /// Known once the first tick has seen it.
    until: Option<Duration>,
}

impl Outbox {
    /// One more, behind those that wait.
    pub fn push(&mut self, sms: OutgoingSms) {
        self.waiting.push_back(Waiting { sms, until: None });
    }

    /// Whether nothing waits, and nothing is being sent.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sending.is_none()
    }

    /// Those that have waited too long.
    pub fn expire(&mut self, now: Duration) -> Vec<SmsId> {
        for waiting in &mut self.waiting {
            waiting.until.get_or_insert(now + LASTS);
        }
        let is_late = |waiting: &Waiting| waiting.until.is_some_and(|until| until <= now);
        let late =
            self.waiting.iter().filter(|waiting| is_late(waiting)).map(|waiting| waiting.sms.id).collect();
        self.waiting.retain(|waiting| !is_late(waiting));
        late
    }

    /// When the first of them has waited too long.
    pub fn deadline(&self) -> Option<Duration> {
        self.waiting.iter().filter_map(|waiting| waiting.until).min()
    }

    /// The next one to send (TS 27.005 §4.3).
    pub fn next(&mut self) -> Option<Request> {
        let OutgoingSms { id, message } = self.waiting.pop_front()?.sms;
        self.sending = Some(id);
        let (pdu, length) = message.encode();
        Some(Request::from_line(format!("AT+CMGS={length}"), PROMPT_SECONDS).with_text(pdu))
    }

    /// What became of the one that was being sent.
    pub fn sent(&mut self, result: &Final, answer: &[String]) -> Option<(SmsId, Result<(), String>)> {
        let outcome = match result {
            Final::Ok if values(answer, "+CMGS").is_some() => Ok(()),
            Final::Ok => Err("the modem gives no reference".to_owned()),
            Final::Refused(why) => Err(why.to_string()),
            other => Err(format!("{other:?}")),
        };
        Some((self.sending.take()?, outcome))
    }

    /// No answer will come about the one that was being sent.
    pub fn lose(&mut self) -> Option<SmsId> {
        self.sending.take()
    }
}
