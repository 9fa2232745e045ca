//! Outgoing messages, sent one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::modem::at::pending::TextGiven;
use crate::modem::at::request::Request;
use crate::modem::at::response::Final;
use crate::sms::pdu::Submit;

/// How long a message waits to be sent. It is a reply, which is of no use later.
const LASTS: Duration = Duration::from_secs(3600);
/// The pauses after a refusal; the last one repeats. A network that is out of order (`+CMS ERROR: 38`, TS 24.011 annex
/// E-2) stays so for more than seconds.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
];
/// Until the modem prompts for the text.
const PROMPT_SECONDS: u64 = 10;

/// The number of an outgoing message, chosen by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SmsId(pub u64);

/// An outgoing message, which fits into one SMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingSms {
    /// Identifies the message in the modem's report about it.
    pub id: SmsId,
    /// The recipient and the text.
    pub message: Submit,
}

/// The waiting messages, and the one that is being sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    sending: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    sms: OutgoingSms,
    /// Known once the first tick has seen it.
    until: Option<Duration>,
    /// It was refused, and is not sent again before this time.
    pause: Option<Duration>,
    refusals: usize,
}

/// The outcome of the message that was being sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The network has accepted it.
    Sent(SmsId),
    /// It was not sent, for this reason, and is sent again after this time.
    Again(String, Duration),
    /// It is given up, for this reason.
    NotSent(SmsId, String),
}

impl Outbox {
    /// Queues a message.
    pub fn push(&mut self, sms: OutgoingSms) {
        self.waiting.push_back(Waiting { sms, until: None, pause: None, refusals: 0 });
    }

    /// Whether no message waits or is being sent.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sending.is_none()
    }

    /// Removes and returns the messages that have waited too long. Ends the pauses that are over.
    pub fn expire(&mut self, now: Duration) -> Vec<SmsId> {
        for waiting in &mut self.waiting {
            waiting.until.get_or_insert(now + LASTS);
            waiting.pause = waiting.pause.filter(|pause| now < *pause);
        }
        let is_late = |waiting: &Waiting| waiting.until.is_some_and(|until| until <= now);
        let late =
            self.waiting.iter().filter(|waiting| is_late(waiting)).map(|waiting| waiting.sms.id).collect();
        self.waiting.retain(|waiting| !is_late(waiting));
        late
    }

    /// When the next message expires, or its pause ends.
    pub fn deadline(&self) -> Option<Duration> {
        self.waiting.iter().flat_map(|waiting| [waiting.until, waiting.pause]).flatten().min()
    }

    /// Sends the next message (TS 27.005 §4.3): the first without a pause and without an earlier one to the same
    /// number, which must arrive first.
    pub fn next(&mut self) -> Option<Request> {
        let to = |at: usize| self.waiting.get(at).map(|waiting| waiting.sms.message.to());
        let may_go =
            |at: &usize| self.waiting[*at].pause.is_none() && !(0..*at).any(|earlier| to(earlier) == to(*at));
        let at = (0..self.waiting.len()).find(may_go)?;
        let next = self.waiting.remove(at)?;
        let (pdu, length) = next.sms.message.encode();
        self.sending = Some(next);
        Some(Request::from_line(format!("AT+CMGS={length}"), PROMPT_SECONDS).with_text(pdu))
    }

    /// The modem has answered. `OK` alone is enough: not every modem sends the reference of TS 27.005 §3.5.1, and a
    /// message that the network has accepted must not be sent twice.
    pub fn answered(&mut self, result: &Final, now: Duration) -> Option<Outcome> {
        match result {
            Final::Ok => Some(Outcome::Sent(self.sending.take()?.sms.id)),
            Final::Refused(why) => self.refused(why.to_string(), now),
            other => self.refused(other.to_string(), now),
        }
    }

    /// The modem has not answered. Without the text the message was certainly not sent; with the text it may have been,
    /// and must not be sent again.
    pub fn unanswered(&mut self, text: TextGiven, why: String, now: Duration) -> Option<Outcome> {
        match text {
            TextGiven::No => self.refused(why, now),
            TextGiven::Yes => Some(Outcome::NotSent(self.sending.take()?.sms.id, why)),
        }
    }

    /// The port is closed. Returns the message that may have been sent.
    pub fn lose(&mut self, text: TextGiven) -> Option<SmsId> {
        let lost = self.sending.take()?;
        match text {
            TextGiven::No => {
                self.waiting.push_front(lost);
                None
            }
            TextGiven::Yes => Some(lost.sms.id),
        }
    }

    fn refused(&mut self, why: String, now: Duration) -> Option<Outcome> {
        let mut refused = self.sending.take()?;
        let pause = PAUSES[refused.refusals.min(PAUSES.len() - 1)];
        let until = now + pause;
        if refused.until.is_some_and(|end| end <= until) {
            return Some(Outcome::NotSent(refused.sms.id, why));
        }
        refused.pause = Some(until);
        refused.refusals += 1;
        self.waiting.push_front(refused);
        Some(Outcome::Again(why, pause))
    }
}
