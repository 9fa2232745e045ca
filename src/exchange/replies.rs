//! Final responses of the exchange's own, kept for retransmissions of their requests (RFC 3261 §17.2.2): over UDP any
//! request may come twice, and the second one must get the same response, not a new challenge or a second wrong guess.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::message::Message;
use super::request::Fields;
use super::sending::LIFE;
use super::transaction::{digest, transaction};

/// Bytes of responses that are kept: those to requests with a right password, and as many to all others.
const MOST_BYTES: usize = 64 * 1024;

/// What a response belongs to: a transaction, and the address that it came from, so that no other one gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    transaction: u64,
    source: SocketAddrV4,
}

/// Whether the sender of a request has proven a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// An account.
    Proven,
    /// Not known, or not yet.
    Unknown,
}

/// The responses of the last 32 s. Strangers cannot displace those to accounts, and each address its own first.
#[derive(Debug, Default)]
pub struct Replies {
    proven: Store,
    unknown: Store,
}

impl Asked {
    /// Of a request.
    pub fn new(request: &Message, fields: &Fields, source: SocketAddrV4) -> Self {
        // A retransmission has Call-ID and CSeq of the first one. A client that uses a branch for two requests, against
        // RFC 3261 §8.1.1.7, still gets an answer to each.
        let transaction = transaction(request, fields, request.method());
        Self { transaction: digest((transaction, &fields.call_id, fields.cseq.number)), source }
    }
}

impl Replies {
    /// Keeps a response, and the address it was sent to.
    pub fn keep(&mut self, asked: Asked, sender: Sender, to: SocketAddrV4, bytes: Vec<u8>, now: Duration) {
        let store = match sender {
            Sender::Proven => &mut self.proven,
            Sender::Unknown => &mut self.unknown,
        };
        // Timer J: 64 × T1 over UDP (RFC 3261 §17.2.2).
        store.push(Reply { asked, to, bytes, until: now + LIFE });
    }

    /// The response to a request that was answered before, and where it goes.
    pub fn find(&self, asked: Asked, now: Duration) -> Option<(SocketAddrV4, &[u8])> {
        let mut all = self.proven.kept.iter().chain(&self.unknown.kept);
        let reply = all.find(|reply| reply.asked == asked && now < reply.until)?;
        Some((reply.to, &reply.bytes))
    }

    /// Forgets what is too old.
    pub fn expire(&mut self, now: Duration) {
        for store in [&mut self.proven, &mut self.unknown] {
            while store.kept.front().is_some_and(|reply| now >= reply.until) {
                store.forget(0);
            }
        }
    }
}

/// A response.
#[derive(Debug)]
struct Reply {
    asked: Asked,
    to: SocketAddrV4,
    bytes: Vec<u8>,
    until: Duration,
}

/// Responses, the oldest first, and how many bytes each address has of them.
#[derive(Debug, Default)]
struct Store {
    kept: VecDeque<Reply>,
    bytes: BTreeMap<Ipv4Addr, usize>,
}

impl Store {
    fn push(&mut self, reply: Reply) {
        *self.bytes.entry(*reply.asked.source.ip()).or_default() += reply.bytes.len();
        self.kept.push_back(reply);
        while self.bytes.values().sum::<usize>() > MOST_BYTES {
            let most = self.bytes.iter().max_by_key(|(_, bytes)| **bytes).map(|(address, _)| *address);
            let oldest = self.kept.iter().position(|reply| Some(*reply.asked.source.ip()) == most);
            self.forget(oldest.unwrap_or_default());
        }
    }

    fn forget(&mut self, at: usize) {
        let Some(reply) = self.kept.remove(at) else { return };
        let address = *reply.asked.source.ip();
        if let Some(bytes) = self.bytes.get_mut(&address) {
            *bytes -= reply.bytes.len();
            if *bytes == 0 {
                self.bytes.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn asked(host: u8, transaction: u64) -> Asked {
        Asked { transaction, source: SocketAddrV4::new([192, 0, 2, host].into(), 5060) }
    }

    fn keep(replies: &mut Replies, asked: Asked, sender: Sender) {
        replies.keep(asked, sender, asked.source, vec![b'x'; 500], SECOND);
    }

    fn most_bytes(replies: &Replies) -> usize {
        let bytes = |store: &Store| store.kept.iter().map(|reply| reply.bytes.len()).sum::<usize>();
        bytes(&replies.proven).max(bytes(&replies.unknown))
    }

    #[test]
    fn a_response_is_kept_for_32_seconds_for_the_address_that_asked() {
        let mut replies = Replies::default();
        keep(&mut replies, asked(10, 1), Sender::Unknown);
        assert!(replies.find(asked(10, 1), 32 * SECOND).is_some());
        assert_eq!(replies.find(asked(11, 1), SECOND), None);
        assert_eq!(replies.find(asked(10, 2), SECOND), None);
        assert_eq!(replies.find(asked(10, 1), 33 * SECOND), None);
        replies.expire(33 * SECOND);
        assert_eq!((most_bytes(&replies), replies.unknown.bytes.len()), (0, 0));
    }

    #[test]
    fn a_flood_from_one_address_displaces_no_response_to_another() {
        let mut replies = Replies::default();
        keep(&mut replies, asked(10, 1), Sender::Unknown);
        for transaction in 0..10_000 {
            keep(&mut replies, asked(66, transaction), Sender::Unknown);
        }
        assert!(replies.find(asked(10, 1), SECOND).is_some());
        assert!(replies.find(asked(66, 9_999), SECOND).is_some());
        assert!(most_bytes(&replies) <= MOST_BYTES);
    }

    #[test]
    fn a_flood_from_many_addresses_displaces_no_response_to_an_account() {
        let mut replies = Replies::default();
        keep(&mut replies, asked(10, 1), Sender::Proven);
        for transaction in 0..10_000 {
            let stranger = SocketAddrV4::new(Ipv4Addr::from_bits(transaction as u32), 5060);
            keep(&mut replies, Asked { transaction, source: stranger }, Sender::Unknown);
        }
        assert!(replies.find(asked(10, 1), SECOND).is_some());
        assert!(most_bytes(&replies) <= MOST_BYTES);
    }
}
