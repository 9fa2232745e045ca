//! The exchange: what it knows, and what a datagram means to it.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::binding::Peer;
use super::call::Call;
use super::digest::{Answer, HashedPassword, Nonces, challenge};
use super::guesses::Guesses;
use super::header::{Via, name};
use super::ledger::EndedCall;
use super::message::{Message, Start};
use super::relay::Relay;
use super::replies::{Asked, Replies, Sender};
use super::request::{Fields, Incoming, read};
use super::sending::{LIFE, Sending};
use super::setup::{Server, Setup};
use super::transaction::{COOKIE, digest, reply_address, transaction};
use super::uri::{Refused, Uri, dialled};
use crate::log::Level;
use crate::site;

/// The methods that are answered or passed on (RFC 3261 §20.5).
const METHODS: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, UPDATE, INFO, PRACK, REFER, NOTIFY, MESSAGE";

/// Those that are taken outside of a dialog: a 405 must not name what it refuses (RFC 3261 §21.4.6).
const OUTSIDE: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER";

/// What the program has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a datagram.
    Send(SocketAddrV4, Vec<u8>),
    /// Log a message.
    Log(Level, String),
    /// Enter a call into the log; its `at` is in time since boot.
    Ended(EndedCall),
}

/// The exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(super) site: site::Exchange,
    /// The realm of the passwords, and the name in Server.
    pub(super) realm: String,
    secrets: Vec<HashedPassword>,
    pub(super) own: SocketAddrV4,
    /// One for each account of the site.
    pub(super) peers: Vec<Peer>,
    pub(super) setups: Vec<Setup>,
    pub(super) calls: Vec<Call>,
    pub(super) sending: Vec<Sending>,
    pub(super) relays: Vec<Relay>,
    nonces: Nonces,
    guesses: Guesses,
    pub(super) replies: Replies,
    /// Counts branches and probes. It begins at random, so that no answer to an earlier process is taken for one to this.
    serial: u64,
    pub(super) out: Vec<Output>,
    /// Whether there is something new to publish.
    pub(super) is_changed: bool,
}

/// Why a request is refused: code, reason, and a header field that says more.
pub type Refusal = (u16, &'static str, Option<(&'static str, String)>);

impl Exchange {
    /// An exchange for these accounts; `random` is for nonces and branches.
    pub fn new(site: &site::Exchange, realm: &str, own: SocketAddrV4, random: [u8; 40]) -> Self {
        let (key, serial) = random.split_at(32);
        let key = std::array::from_fn(|at| key[at]);
        let serial = serial.iter().fold(0, |serial, byte| serial << 8 | u64::from(*byte));
        Self {
            secrets: site.accounts.iter().map(|account| HashedPassword::new(account, realm)).collect(),
            peers: site.accounts.iter().map(|_| Peer::default()).collect(),
            site: site.clone(),
            realm: realm.to_owned(),
            own,
            setups: Vec::new(),
            calls: Vec::new(),
            sending: Vec::new(),
            relays: Vec::new(),
            nonces: Nonces::new(key),
            guesses: Guesses::default(),
            replies: Replies::default(),
            serial: serial >> 1,
            out: Vec::new(),
            is_changed: true,
        }
    }

    /// Sets the box's own address on the network, which a DHCP server may change.
    pub fn set_own(&mut self, own: SocketAddrV4) {
        self.own = own;
    }

    /// The address of a contact, if there is any.
    pub fn known_address(&self) -> Option<SocketAddrV4> {
        self.peers.iter().flat_map(|peer| &peer.bindings).map(|binding| binding.address).next()
    }

    /// Takes a datagram.
    pub fn receive(&mut self, datagram: &[u8], source: SocketAddrV4, now: Duration) {
        match read(datagram) {
            Incoming::Request(mut request, fields) => {
                request.replace_first(name::VIA, fields.via.received_from(source));
                self.request(request, &fields, source, now);
            }
            Incoming::Refused(request, code, why) => {
                // The same at each retransmission, without being kept (RFC 3261 §8.2.7).
                let to = reply_address(request.get(name::VIA).and_then(Via::parse).as_ref(), source);
                self.out.push(Output::Send(to, self.answer(&request, code, why).to_bytes()));
            }
            Incoming::Response(response, fields) => self.response(response, &fields, source, now),
            Incoming::Dropped(_) => {}
        }
    }

    /// What there is to do since the last time.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// Whether accounts or calls have changed since the last time.
    pub fn is_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    fn request(&mut self, request: Message, fields: &Fields, source: SocketAddrV4, now: Duration) {
        if request.method() == "ACK" {
            return self.ack(request, fields, source, now);
        }
        if let Some((to, bytes)) = self.replies.find(Asked::new(&request, fields, source), now) {
            return self.out.push(Output::Send(to, bytes.to_owned()));
        }
        let result = match request.method() {
            "CANCEL" => self.cancel(request, fields, source, now),
            _ => self.checked(request, fields, source, now),
        };
        if let Err((request, refusal)) = result.map_err(|refused| *refused) {
            self.refuse(&request, fields, source, refusal, now);
        }
    }

    /// A request that RFC 3261 §16.3 asks to check first.
    fn checked(&mut self, request: Message, fields: &Fields, source: SocketAddrV4, now: Duration) -> Taken {
        if let Some(unknown) = request.get(name::PROXY_REQUIRE) {
            let unsupported = Some((name::UNSUPPORTED, unknown.to_owned()));
            return Err(Box::new((request, (420, "Bad Extension", unsupported))));
        }
        let is_for_us = request.method() == "REGISTER" || is_ping(&request, fields);
        if !is_for_us
            && request.get(name::MAX_FORWARDS).is_some_and(|hops| hops.trim_start_matches('0').is_empty())
        {
            return Err(Box::new((request, (483, "Too Many Hops", None))));
        }
        // A peer of RFC 2543 may have no tag.
        if !is_for_us && (fields.to.tag().is_some() || self.dialog(fields).is_some()) {
            return self.within_call(request, fields, source, now);
        }
        match dialled(request.uri()) {
            Err(Refused::Scheme) => Err(Box::new((request, (416, "Unsupported URI Scheme", None)))),
            Err(Refused::Syntax) => Err(Box::new((request, (400, "Bad Request-URI", None)))),
            Ok(number) => match request.method() {
                "REGISTER" => self.register(request, fields, source, now),
                "INVITE" => self.invite(request, fields, number, source, now),
                "OPTIONS" => {
                    let answer = self.answer(&request, 200, "OK").with(name::ALLOW, METHODS);
                    self.reply(answer, &request, fields, source, Sender::Unknown, now);
                    Ok(())
                }
                // Only within a dialog, and there is none (RFC 3261 §15.1.2, RFC 3262 §3, RFC 3311 §5.2, RFC 6086 §4.2.2).
                "BYE" | "PRACK" | "UPDATE" | "INFO" => {
                    Err(Box::new((request, (481, "Call/Transaction Does Not Exist", None))))
                }
                _ => {
                    let allow = Some((name::ALLOW, OUTSIDE.to_owned()));
                    Err(Box::new((request, (405, "Method Not Allowed", allow))))
                }
            },
        }
    }

    /// The account that has sent a request, by its password.
    ///
    /// # Errors
    /// The request has no password, or not the right one.
    pub(super) fn authenticate(
        &mut self,
        request: &Message,
        claimed: Option<usize>,
        source: SocketAddrV4,
        now: Duration,
    ) -> Result<usize, Refusal> {
        let is_registration = request.method() == "REGISTER";
        let header = if is_registration { name::AUTHORIZATION } else { name::PROXY_AUTHORIZATION };
        let answer = request.all(header).filter_map(Answer::parse).find(|answer| answer.realm == self.realm);
        let Some(answer) = answer else { return Err(self.challenge(is_registration, claimed, false, now)) };
        let Ok(serial) = self.nonces.check(&answer.nonce, now) else {
            return Err(self.challenge(is_registration, claimed, true, now));
        };
        let named = |name: &str| self.site.accounts.iter().position(|account| account.name.as_str() == name);
        let account = named(&answer.username);
        if !self.guesses.may_try(*source.ip(), account, now) {
            return Err((403, "Too many wrong passwords", None));
        }
        let proven = account.filter(|at| self.secrets[*at].proves_for(&answer, request.method()));
        let Some(proven) = proven else {
            self.guesses.wrong(*source.ip(), account, now);
            let whose = match account.and_then(|at| self.site.accounts.get(at)) {
                Some(account) => format!("wrong password for {}", account.name),
                None => "a password for an account that does not exist".to_owned(),
            };
            self.log(Level::Warning, format!("{whose} from {}", source.ip()));
            return Err((403, "Wrong name or password", None));
        };
        match self.peers[proven].used.spend(serial, answer.count()) {
            Ok(()) => Ok(proven),
            Err(_) => Err(self.challenge(is_registration, claimed, true, now)),
        }
    }

    fn challenge(
        &mut self,
        is_registration: bool,
        claimed: Option<usize>,
        stale: bool,
        now: Duration,
    ) -> Refusal {
        // An account that does not exist is asked like one that does.
        let algorithm = claimed.map_or(site::DigestAlgorithm::Md5, |at| self.secrets[at].algorithm);
        let value = challenge(&self.realm, &self.nonces.issue(now), algorithm, stale);
        if is_registration {
            (401, "Unauthorized", Some((name::WWW_AUTHENTICATE, value)))
        } else {
            (407, "Proxy Authentication Required", Some((name::PROXY_AUTHENTICATE, value)))
        }
    }

    /// A response of the exchange's own, with a tag.
    pub(super) fn answer(&self, request: &Message, code: u16, reason: &str) -> Message {
        let mut answer = Message::response(request, code, reason);
        let to = answer.get(name::TO).unwrap_or_default();
        if code > 100 && super::header::NameAddr::parse(to).is_some_and(|to| to.tag().is_none()) {
            let tag = digest((&self.realm, request.get(name::CALL_ID), request.get(name::VIA)));
            let to = format!("{to};tag={tag:016x}");
            answer.replace_first(name::TO, to);
        }
        answer.with(name::SERVER, "dialbox")
    }

    fn refuse(
        &mut self,
        request: &Message,
        fields: &Fields,
        source: SocketAddrV4,
        (code, reason, more): Refusal,
        now: Duration,
    ) {
        let mut answer = self.answer(request, code, reason);
        if let Some((name, value)) = more {
            answer.add(name, value);
        }
        self.reply(answer, request, fields, source, Sender::Unknown, now);
    }

    /// Sends a final response of the exchange's own where the request came from, and keeps it for retransmissions. One to
    /// an INVITE is sent again only when the INVITE comes again, as by a stateless server (RFC 3261 §8.2.7).
    pub(super) fn reply(
        &mut self,
        answer: Message,
        request: &Message,
        fields: &Fields,
        source: SocketAddrV4,
        sender: Sender,
        now: Duration,
    ) {
        let (to, bytes) = (reply_address(Some(&fields.via), source), answer.to_bytes());
        self.replies.keep(Asked::new(request, fields, source), sender, to, bytes.clone(), now);
        self.out.push(Output::Send(to, bytes));
    }

    /// A new branch (RFC 3261 §8.1.1.7).
    pub(super) fn new_branch(&mut self) -> String {
        format!("{COOKIE}x{:016x}", self.next_serial())
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The exchange's own Via.
    pub(super) fn via(&self, branch: &str) -> String {
        format!("SIP/2.0/UDP {};branch={branch}", self.own)
    }

    /// The index of the account with this name.
    pub(super) fn account(&self, name: &str) -> Option<usize> {
        self.site.accounts.iter().position(|account| account.name.as_str() == name)
    }

    pub(super) fn log(&mut self, level: Level, message: String) {
        self.out.push(Output::Log(level, message));
    }

    /// An ACK ends a refused INVITE of the exchange's own; any other belongs to a call.
    fn ack(&mut self, request: Message, fields: &Fields, source: SocketAddrV4, now: Duration) {
        let key = transaction(&request, fields, "INVITE");
        if let Some(setup) = self.setups.iter_mut().find(|setup| setup.key == key)
            && matches!(setup.server, Server::Completed(..))
        {
            setup.server = Server::Done(now + LIFE / 8);
            return;
        }
        // An ACK that belongs to nothing is dropped.
        let _ = self.within_call(request, fields, source, now);
    }

    /// A CANCEL is for one hop (RFC 3261 §16.10).
    fn cancel(&mut self, request: Message, fields: &Fields, source: SocketAddrV4, now: Duration) -> Taken {
        let key = transaction(&request, fields, "INVITE");
        let is_its = |setup: &Setup| setup.key == key && setup.source.ip() == source.ip();
        let Some(at) = self.setups.iter().position(is_its) else {
            return match fields.to.tag() {
                Some(_) => self.within_call(request, fields, source, now),
                None => Err(Box::new((request, (481, "Call/Transaction Does Not Exist", None)))),
            };
        };
        let answer = self.answer(&request, 200, "OK");
        self.reply(answer, &request, fields, source, Sender::Proven, now);
        self.give_up(at, now);
        Ok(())
    }
}

/// A request that was dealt with, or is refused.
pub type Taken = Result<(), Box<(Message, Refusal)>>;

impl HashedPassword {
    fn proves_for(&self, answer: &Answer, method: &str) -> bool {
        answer.proves(self, method)
    }
}

/// An OPTIONS to the exchange itself, by which adapters see whether it is there: no hop follows, so none need be left
/// (RFC 3261 §11).
fn is_ping(request: &Message, fields: &Fields) -> bool {
    let is_outside = request.method() == "OPTIONS" && fields.to.tag().is_none();
    is_outside && Uri::parse(request.uri()).is_ok_and(|uri| uri.user.is_empty())
}

/// Prepares a request for its next hop: one hop less, and no more Route, since the exchange is the only proxy.
pub fn forwarded(mut request: Message, uri: &str, via: &str) -> Message {
    let hops = request.get(name::MAX_FORWARDS).and_then(super::header::number);
    match hops {
        Some(hops) => request.replace_first(name::MAX_FORWARDS, hops.saturating_sub(1).to_string()),
        None => request.add(name::MAX_FORWARDS, 70),
    }
    if let Start::Request { uri: target, .. } = &mut request.start {
        uri.clone_into(target);
    }
    request.remove_all(name::ROUTE);
    request.add_first(name::VIA, via);
    request
}
