//! The exchange as its adapters see it: datagrams in, datagrams out, and a clock that the test sets.

mod calls;
mod early;
mod forking;
mod odd;
mod registration;
mod relay;
mod restart;
mod retransmission;
mod torture;

use std::net::SocketAddrV4;
use std::time::Duration;

use super::core::{Exchange, Output};
use super::header::{NameAddr, name};
use super::ledger::EndedCall;
use super::message::Message;
use crate::site::{Role, Site};

const OWN: &str = "192.0.2.1:5060";
const SDP: &str = "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio 4000 RTP/AVP 8 0\r\na=silenceSupp:off - - - -\r\n";

/// An exchange with a console, three modems in a group for any number, and its clock.
struct Bench {
    exchange: Exchange,
    now: Duration,
    sent: Vec<(SocketAddrV4, Message)>,
    logged: Vec<String>,
    ended: Vec<EndedCall>,
    serial: u32,
}

/// A telephone: the last part of its address, and its account.
#[derive(Clone, Copy)]
struct Phone(u8, &'static str);

const CONSOLE: Phone = Phone(10, "console");
const MODEM1: Phone = Phone(11, "modem1");
const MODEM2: Phone = Phone(12, "modem2");
const MODEM3: Phone = Phone(13, "modem3");

impl Phone {
    fn address(self) -> SocketAddrV4 {
        SocketAddrV4::new([192, 0, 2, self.0].into(), 5060)
    }

    fn contact(self) -> String {
        format!("<sip:{}@{}>", self.1, self.address())
    }
}

fn site() -> crate::site::Exchange {
    let account = |name: &str, more: &str| {
        format!("[[exchange.account]]\nname='{name}'\npassword='key-{name}'\n{more}\n")
    };
    let text = [
        "role='dial-in'\nhostname='box'\n[lan]\naddress='192.0.2.1/24'\n[[line]]\nport='auto'\nlocal='192.168.1.1'\n",
        "remote='192.168.1.2'\n[[user]]\nname='u'\npassword='p'\n[exchange]\nno-answer='20s'\n",
        &account("console", ""),
        &account("modem1", "extension='101'"),
        &account("modem2", "extension='102'"),
        &account("modem3", "digest='sha-256'"),
        "[[exchange.route]]\npattern='_9X'\nto=['modem3']\n",
        "[[exchange.route]]\npattern='_X!'\nto=['modem1','modem2']\n",
    ]
    .concat();
    match Site::parse(&text).unwrap().role {
        Role::DialIn(dial_in) => *dial_in.exchange.unwrap(),
        Role::Dialer(_) => unreachable!("the role is dial-in"),
    }
}

impl Bench {
    fn new() -> Self {
        Self::with_key(7)
    }

    /// An exchange with this randomness.
    fn with_key(key: u8) -> Self {
        let exchange = Exchange::new(&site(), "box", OWN.parse().unwrap(), [key; 40]);
        let now = Duration::from_secs(100);
        Self { exchange, now, sent: Vec::new(), logged: Vec::new(), ended: Vec::new(), serial: 0 }
    }

    fn registered(phones: &[Phone]) -> Self {
        let mut bench = Self::new();
        for phone in phones {
            assert_eq!(bench.register(*phone, 3600), 200);
        }
        bench
    }

    fn drain(&mut self) {
        for output in self.exchange.outputs() {
            match output {
                Output::Send(to, bytes) => self.sent.push((to, Message::parse(&bytes).unwrap())),
                Output::Log(_, message) => self.logged.push(message),
                Output::Ended(call) => self.ended.push(call),
            }
        }
    }

    fn receive(&mut self, from: Phone, message: &Message) {
        self.exchange.receive(&message.to_bytes(), from.address(), self.now);
        self.drain();
    }

    /// Lets time pass, doing what becomes due at its time.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = self.exchange.tick(self.now);
            self.drain();
            if next >= end {
                self.now = end;
                return;
            }
            assert!(next > self.now, "a deadline in the past at {:?}", self.now);
            self.now = next;
        }
    }

    /// What a phone has got since the last time, without probes.
    fn got(&mut self, by: Phone) -> Vec<Message> {
        let (own, others) =
            std::mem::take(&mut self.sent).into_iter().partition(|(to, _)| *to == by.address());
        self.sent = others;
        let own: Vec<(SocketAddrV4, Message)> = own;
        own.into_iter().map(|(_, message)| message).filter(|message| message.method() != "OPTIONS").collect()
    }

    fn only(&mut self, by: Phone) -> Message {
        let mut got = self.got(by);
        assert_eq!(got.len(), 1, "{got:#?}");
        got.remove(0)
    }

    /// A request out of a dialog.
    fn request(&mut self, from: Phone, method: &str, uri: &str, to: &str, call_id: &str) -> Message {
        self.serial += 1;
        Message::request(method, uri)
            .with(
                name::VIA,
                format_args!("SIP/2.0/UDP {};branch=z9hG4bK-{}-{}", from.address(), from.0, self.serial),
            )
            .with(name::MAX_FORWARDS, 70)
            .with(name::FROM, format_args!("\"{0}\" <sip:{0}@box>;tag=t{1}", from.1, from.0))
            .with(name::TO, to)
            .with(name::CALL_ID, call_id)
            .with(name::CSEQ, format_args!("{} {method}", self.serial))
            .with(name::CONTACT, from.contact())
    }

    /// Registers with the right password, and returns the code of the answer.
    fn register(&mut self, phone: Phone, seconds: u32) -> u16 {
        let uri = format!("<sip:{}@box>", phone.1);
        let plain = self.request(phone, "REGISTER", "sip:box", &uri, &format!("reg-{}", phone.1));
        let plain = plain.with(name::EXPIRES, seconds).with(name::USER_AGENT, "HT801");
        self.receive(phone, &plain);
        let challenge = self.only(phone);
        assert_eq!(challenge.code(), 401);
        let mut again = self.request(phone, "REGISTER", "sip:box", &uri, &format!("reg-{}", phone.1));
        again.add(name::EXPIRES, seconds);
        again.add(name::USER_AGENT, "HT801");
        let key = format!("key-{}", phone.1);
        again.add(name::AUTHORIZATION, answer(&challenge, name::WWW_AUTHENTICATE, phone.1, &key, "REGISTER"));
        self.receive(phone, &again);
        self.only(phone).code()
    }

    /// An INVITE with the right password, after its challenge.
    fn dial(&mut self, from: Phone, number: &str, call_id: &str) -> Message {
        let (uri, to) = (format!("sip:{number}@box"), format!("<sip:{number}@box>"));
        self.got(from);
        let plain = self.request(from, "INVITE", &uri, &to, call_id);
        self.receive(from, &plain);
        let challenge = self.only(from);
        assert_eq!(challenge.code(), 407);
        let mut invite = self.request(from, "INVITE", &uri, &to, call_id);
        let key = format!("key-{}", from.1);
        invite.add(
            name::PROXY_AUTHORIZATION,
            answer(&challenge, name::PROXY_AUTHENTICATE, from.1, &key, "INVITE"),
        );
        invite.add(name::CONTENT_TYPE, "application/sdp");
        invite.body = SDP.into();
        self.receive(from, &invite);
        invite
    }

    /// What a phone answers to a request that it has got.
    fn respond(&mut self, by: Phone, request: &Message, code: u16) -> Message {
        let mut response = Message::response(request, code, "Words");
        for route in request.all(name::RECORD_ROUTE) {
            response.add(name::RECORD_ROUTE, route);
        }
        let to = response.get(name::TO).unwrap().to_owned();
        if NameAddr::parse(&to).unwrap().tag().is_none() {
            response.replace_first(name::TO, format!("{to};tag=callee{}", by.0));
        }
        response.add(name::CONTACT, by.contact());
        if code == 200 && request.method() == "INVITE" {
            response.add(name::CONTENT_TYPE, "application/sdp");
            let host = by.address();
            response.body =
                format!("v=0\r\nc=IN IP4 {}\r\nm=audio 4002 RTP/AVP 8\r\n", host.ip()).into_bytes();
        }
        self.receive(by, &response);
        response
    }

    /// A call that is up: the INVITE that the callee got, and its answer.
    fn talk(&mut self, from: Phone, number: &str, to: Phone) -> (Message, Message) {
        self.dial(from, number, &format!("call-{number}"));
        let invite = self.only(to);
        let answer = self.respond(to, &invite, 200);
        let codes: Vec<u16> = self.got(from).iter().map(Message::code).collect();
        assert_eq!(codes, [100, 200]);
        let ack = self.within(from, "ACK", &answer, false);
        self.receive(from, &ack);
        assert_eq!(self.only(to).method(), "ACK");
        (invite, answer)
    }

    /// A request within the call that this answer has established.
    fn within(&mut self, from: Phone, method: &str, answer: &Message, by_callee: bool) -> Message {
        let (own, other) = if by_callee { (name::TO, name::FROM) } else { (name::FROM, name::TO) };
        let target =
            if by_callee { CONSOLE.contact() } else { answer.get(name::CONTACT).unwrap().to_owned() };
        let uri = target.trim_matches(['<', '>']).to_owned();
        let mut request =
            self.request(from, method, &uri, answer.get(other).unwrap(), answer.get(name::CALL_ID).unwrap());
        request.replace_first(name::FROM, answer.get(own).unwrap().to_owned());
        request.add(name::ROUTE, format!("<sip:{OWN};lr>"));
        request
    }

    fn whys(&self) -> Vec<&str> {
        self.ended.iter().map(|call| call.why.as_str()).collect()
    }
}

/// The answer of a client to a challenge (RFC 2617 §3.2.2, RFC 8760).
fn answer(challenge: &Message, header: &str, user: &str, password: &str, method: &str) -> String {
    use md5::Md5;
    use sha2::{Digest, Sha256};
    let value = challenge.get(header).unwrap();
    let params = super::header::Params::parse(value.strip_prefix("Digest ").unwrap(), ',').unwrap();
    let (realm, nonce) = (params.get("realm").unwrap(), params.get("nonce").unwrap());
    let algorithm = params.get("algorithm").unwrap();
    let hash = |text: String| -> String {
        let bytes = match algorithm {
            "MD5" => Md5::digest(text).to_vec(),
            _ => Sha256::digest(text).to_vec(),
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (first, second) = (hash(format!("{user}:{realm}:{password}")), hash(format!("{method}:sip:box")));
    let response = hash(format!("{first}:{nonce}:00000001:abc:auth:{second}"));
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"sip:box\", algorithm={algorithm}, \
         qop=auth, nc=00000001, cnonce=\"abc\", response=\"{response}\""
    )
}
