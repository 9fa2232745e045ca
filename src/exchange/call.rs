//! A call that is up: a dialog (RFC 3261 §12) as its proxy knows it.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::header::{NameAddr, name, number};
use super::message::Message;
use super::sending::LIFE;

/// The least value of Session-Expires in seconds (RFC 4028 §4).
const SHORTEST_SESSION: u32 = 90;

/// A dialog between two accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its identifier, together with both tags.
    pub call_id: String,
    /// The calling side.
    pub caller: Side,
    /// The called side.
    pub callee: Side,
    /// The number that was dialled.
    pub number: String,
    /// The codec of the last answer.
    pub codec: Option<String>,
    /// When it was answered, in time since boot.
    pub since: Duration,
    /// When it ends unless it is refreshed (RFC 4028), and the interval.
    pub session: Option<(Duration, Duration)>,
    /// When the call is forgotten after its end: until then an answer to its BYE may come.
    pub ended: Option<Duration>,
}

/// One side of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The account.
    pub account: String,
    /// The value of From or To, with the tag.
    pub identity: String,
    /// The tag.
    pub tag: String,
    /// Where it sends from.
    pub address: SocketAddrV4,
    /// Its Contact.
    pub target: String,
    /// The highest CSeq that it has used.
    pub cseq: u32,
}

/// Which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// It has dialled.
    Caller,
    /// It has answered.
    Callee,
}

impl Call {
    /// Which side sends a request with these fields, if it belongs to this call.
    pub fn sender(&self, call_id: &str, from: Option<&str>, to: Option<&str>) -> Option<Who> {
        if self.call_id != call_id {
            return None;
        }
        who_sends(&self.caller.tag, &self.callee.tag, from, to)
    }

    /// A side.
    pub fn side(&self, who: Who) -> &Side {
        match who {
            Who::Caller => &self.caller,
            Who::Callee => &self.callee,
        }
    }

    /// A side, to be changed.
    pub fn side_mut(&mut self, who: Who) -> &mut Side {
        match who {
            Who::Caller => &mut self.caller,
            Who::Callee => &mut self.callee,
        }
    }

    /// The BYE that one side would send to the other.
    pub fn bye(&self, from: Who, via: &str, reason: &str) -> Message {
        let (sender, receiver) = (self.side(from), self.side(from.other()));
        Message::request("BYE", &receiver.target)
            .with(name::VIA, via)
            .with(name::MAX_FORWARDS, 70)
            .with(name::FROM, &sender.identity)
            .with(name::TO, &receiver.identity)
            .with(name::CALL_ID, &self.call_id)
            .with(name::CSEQ, format!("{} BYE", sender.cseq.saturating_add(1)))
            // RFC 3326: why this request was sent.
            .with(name::REASON, format!("SIP;cause=408;text=\"{reason}\""))
    }

    /// Notes the session timer of a 2xx to INVITE or UPDATE; one without it has none (RFC 4028 §8.2), and a shorter one
    /// than is allowed is a fault of the adapters that ends no call.
    pub fn refresh(&mut self, answer: &Message, now: Duration) {
        let value =
            answer.get(name::SESSION_EXPIRES).map(|value| value.split(';').next().unwrap_or_default());
        let seconds =
            value.and_then(|value| number(value.trim())).filter(|seconds| *seconds >= SHORTEST_SESSION);
        let interval = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        self.session = interval.map(|interval| (now + interval, interval));
    }

    /// Marks the end: the call stays known as long as a transaction lives.
    pub fn end(&mut self, now: Duration) {
        self.ended = Some(now + LIFE);
    }
}

impl Who {
    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// Which side sends a request with these tags. A peer of RFC 2543 may have none, which counts as the empty one
/// (RFC 3261 §12.1).
pub fn who_sends(caller: &str, callee: &str, from: Option<&str>, to: Option<&str>) -> Option<Who> {
    let tags = (from.unwrap_or_default(), to.unwrap_or_default());
    match () {
        () if tags == (caller, callee) => Some(Who::Caller),
        () if tags == (callee, caller) => Some(Who::Callee),
        () => None,
    }
}

/// The URI of the first Contact.
pub fn contact(message: &Message) -> Option<String> {
    let first = message.get(name::CONTACT).and_then(|value| super::header::list(value).first().copied());
    first.and_then(NameAddr::parse).map(|contact| contact.uri)
}
