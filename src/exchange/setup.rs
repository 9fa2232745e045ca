//! A call that is being set up: an INVITE's server transaction and the client transaction to the account that rings
//! (RFC 3261 §16 and §17, RFC 6026). Accounts of a route ring one after the other.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use super::call::Side;
use super::message::Message;
use super::request::Fields;
use super::sending::Resend;

/// An INVITE from an account.
#[derive(Debug)]
pub struct Setup {
    /// Its transaction: [`transaction`](super::transaction::transaction).
    pub key: u64,
    /// As it came, with the address of its sender in the topmost Via.
    pub request: Message,
    /// Its fields.
    pub fields: Fields,
    /// Where it came from.
    pub source: SocketAddrV4,
    /// The caller's side of the dialogs.
    pub side: Side,
    /// The called sides of its early dialogs.
    pub early: Vec<Side>,
    /// The account that calls, by its index.
    pub caller: usize,
    /// The number that was dialled.
    pub number: String,
    /// When it came.
    pub began: Duration,
    /// Towards the caller.
    pub server: Server,
    /// The contact that rings, or has rung last.
    pub branch: Option<Branch>,
    /// Earlier contacts, each until its final response has come: one may still answer.
    pub earlier: Vec<Branch>,
    /// The contacts to ring after it.
    pub targets: VecDeque<Target>,
    /// What the caller gets if nobody answers: the code and its reason.
    pub verdict: (u16, &'static str),
    /// The best of the final responses that were no success (RFC 3261 §16.7).
    pub best: Option<Message>,
    /// Whether the caller has given up.
    pub cancelled: bool,
}

/// A contact to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its account, by its index.
    pub account: usize,
    /// Its URI.
    pub uri: String,
    /// Where it is.
    pub address: SocketAddrV4,
}

/// The INVITE server transaction (RFC 3261 Figure 7, RFC 6026 Figure 2).
#[derive(Debug)]
pub enum Server {
    /// The last provisional response.
    Proceeding(Vec<u8>),
    /// A final response that is no success, until its ACK.
    Completed(Vec<u8>, Resend),
    /// It is acknowledged, or the INVITE was accepted: retransmissions are absorbed until this time.
    Done(Duration),
}

/// The INVITE client transaction (RFC 3261 Figure 5, RFC 6026 Figure 1).
#[derive(Debug)]
pub struct Branch {
    /// The branch of its Via.
    pub id: String,
    /// Whom it rings.
    pub target: Target,
    /// The INVITE that was sent.
    pub invite: Message,
    /// Its state.
    pub state: Client,
    /// Whether a CANCEL is wanted, or was sent.
    pub cancel: Cancel,
}

/// Its state.
#[derive(Debug)]
pub enum Client {
    /// No response yet.
    Calling(Resend),
    /// A provisional response has come; it is cancelled at this time.
    Ringing(Duration),
    /// A final response has come; its retransmissions are answered until this time: a success is passed on, any other
    /// is acknowledged with this datagram.
    Completed(Option<Vec<u8>>, Duration),
}

/// A CANCEL may be sent only after a provisional response (RFC 3261 §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// Not wanted.
    No,
    /// As soon as a response comes.
    Wanted,
    /// Sent; without a final response the branch is given up at this time.
    Sent(Duration),
}

impl Setup {
    /// The branch with this ID.
    pub fn branch_mut(&mut self, id: &str) -> Option<&mut Branch> {
        self.branch.iter_mut().chain(&mut self.earlier).find(|branch| branch.id == id)
    }

    /// Whether nothing can follow.
    pub fn is_over(&self, now: Duration) -> bool {
        let done = matches!(self.server, Server::Done(until) if now >= until);
        done && self.branch.iter().chain(&self.earlier).all(|branch| branch.is_over(now))
    }

    /// Whether its account rings or waits for a ring.
    pub fn rings(&self, account: usize) -> bool {
        let current = self.branch.as_ref().filter(|branch| !matches!(branch.state, Client::Completed(..)));
        current.is_some_and(|branch| branch.target.account == account)
    }

    /// Whether the caller still waits for an answer.
    pub fn is_open(&self) -> bool {
        matches!(self.server, Server::Proceeding(_))
    }
}

impl Branch {
    fn is_over(&self, now: Duration) -> bool {
        matches!(self.state, Client::Completed(_, until) if now >= until)
    }
}
