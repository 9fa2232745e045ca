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

/// The messages that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<QueuedSms>,
}

/// A message of the [`Outbox`]. While it is being sent, the command that sends it owns it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QueuedSms {
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
        self.waiting.push_back(QueuedSms { sms, until: None, pause: None, refusals: 0 });
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes and returns the messages that have waited too long. Ends the pauses that are over.
    pub fn expire(&mut self, now: Duration) -> Vec<SmsId> {
        for waiting in &mut self.waiting {
            waiting.until.get_or_insert(now + LASTS);
            waiting.pause = waiting.pause.filter(|pause| now < *pause);
        }
        let is_late = |waiting: &QueuedSms| waiting.until.is_some_and(|until| until <= now);
        let late =
            self.waiting.iter().filter(|waiting| is_late(waiting)).map(|waiting| waiting.sms.id).collect();
        self.waiting.retain(|waiting| !is_late(waiting));
        late
    }

    /// When the next message expires, or its pause ends.
    pub fn deadline(&self) -> Option<Duration> {
        self.waiting.iter().flat_map(|waiting| [waiting.until, waiting.pause]).flatten().min()
    }

    /// Takes the next message, with the command that sends it (TS 27.005 §4.3): the first without a pause and without an
    /// earlier one to the same number, which must arrive first.
    pub fn next(&mut self) -> Option<(QueuedSms, Request)> {
        let to = |at: usize| self.waiting.get(at).map(|waiting| waiting.sms.message.to());
        let may_go =
            |at: &usize| self.waiting[*at].pause.is_none() && !(0..*at).any(|earlier| to(earlier) == to(*at));
        let at = (0..self.waiting.len()).find(may_go)?;
        let next = self.waiting.remove(at)?;
        let (pdu, length) = next.sms.message.encode();
        Some((next, Request::from_line(format!("AT+CMGS={length}"), PROMPT_SECONDS).with_text(pdu)))
    }

    /// The modem has answered. `OK` alone is enough: not every modem sends the reference of TS 27.005 §3.5.1, and a
    /// message that the network has accepted must not be sent twice.
    pub fn answered(&mut self, sms: QueuedSms, result: &Final, now: Duration) -> Outcome {
        match result {
            Final::Ok => Outcome::Sent(sms.sms.id),
            Final::Refused(why) => self.refused(sms, why.to_string(), now),
            other => self.refused(sms, other.to_string(), now),
        }
    }

    /// The modem has not answered. Without the text the message was certainly not sent; with the text it may have been,
    /// and must not be sent again.
    pub fn unanswered(&mut self, sms: QueuedSms, text: TextGiven, why: String, now: Duration) -> Outcome {
        match text {
            TextGiven::No => self.refused(sms, why, now),
            TextGiven::Yes => Outcome::NotSent(sms.sms.id, why),
        }
    }

    /// The port was closed before the modem answered. Returns the number of a message that may have been sent.
    pub fn lose(&mut self, sms: QueuedSms, text: TextGiven) -> Option<SmsId> {
        match text {
            TextGiven::No => {
                self.waiting.push_front(sms);
                None
            }
            TextGiven::Yes => Some(sms.sms.id),
        }
    }

    fn refused(&mut self, mut refused: QueuedSms, why: String, now: Duration) -> Outcome {
        let pause = PAUSES[refused.refusals.min(PAUSES.len() - 1)];
        let until = now + pause;
        if refused.until.is_some_and(|end| end <= until) {
            return Outcome::NotSent(refused.sms.id, why);
        }
        refused.pause = Some(until);
        refused.refusals += 1;
        self.waiting.push_front(refused);
        Outcome::Again(why, pause)
    }
}
