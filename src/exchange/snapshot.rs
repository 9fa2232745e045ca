//! What the exchange publishes, in a text of one line for each contact and call. `dialctl` shows it, and the exchange
//! reads it after a restart. Times are since boot. It holds no secret.

use std::time::Duration;

use super::binding::{Binding, Probe, Reach};
use super::call::{Call, Side};
use super::core::Exchange;
use super::relay::Relay;
use crate::record::Record;

const PEER: &str = "peer";
const CALL: &str = "call";
/// The key of a call's relay.
const RELAY: &str = "relay";

/// A registered contact as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPeer {
    /// The account.
    pub account: String,
    /// Where it is.
    pub address: String,
    /// What the adapter calls itself.
    pub agent: String,
    /// When its registration ends.
    pub expires: Duration,
    /// `Some(0)` and more: it has answered after so many milliseconds.
    pub answers_ms: Option<u64>,
    /// Whether it no longer answers.
    pub is_lost: bool,
}

/// A call that is up, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCall {
    /// The calling account.
    pub caller: String,
    /// The number that was dialled.
    pub number: String,
    /// The account that has answered.
    pub callee: String,
    /// The codec.
    pub codec: Option<String>,
    /// When it was answered.
    pub since: Duration,
    /// Packets of media from each side that have passed through the box, if they do.
    pub relayed: Option<[u64; 2]>,
}

/// The contacts of a published text.
pub fn peers(text: &str) -> Vec<ShownPeer> {
    records(text, PEER).filter_map(|record| shown_peer(&record)).collect()
}

/// The calls of a published text.
pub fn calls(text: &str) -> Vec<ShownCall> {
    let call = |record: Record| {
        let call = read_call(&record)?;
        let relayed = read_relay(&record, &call).map(|relay| relay.packets);
        Some(ShownCall { relayed, ..ShownCall::of(call) })
    };
    records(text, CALL).filter_map(call).collect()
}

impl ShownCall {
    fn of(call: Call) -> Self {
        Self {
            caller: call.caller.account,
            number: call.number,
            callee: call.callee.account,
            codec: call.codec,
            since: call.since,
            relayed: None,
        }
    }
}

fn records<'a>(text: &'a str, kind: &'a str) -> impl Iterator<Item = Record> + 'a {
    let lines = text.lines().filter(move |line| line.split('\t').next() == Some(&format!("kind={kind}")));
    lines.map(Record::from_line)
}

fn shown_peer(record: &Record) -> Option<ShownPeer> {
    let binding = read_binding(record)?;
    Some(ShownPeer {
        account: record.get("account")?.to_owned(),
        address: binding.address.to_string(),
        agent: binding.agent,
        expires: binding.expires,
        answers_ms: record.number("ms"),
        is_lost: record.get("lost").is_some(),
    })
}

impl Exchange {
    /// The text for [`record::EXCHANGE`](crate::names::record::EXCHANGE).
    pub fn snapshot(&self) -> String {
        let accounts = self.site.accounts.iter().zip(&self.peers);
        let peers = accounts.flat_map(|(account, peer)| {
            peer.bindings.iter().map(|binding| write_binding(account.name.as_str(), binding).to_line())
        });
        let up = self.calls.iter().filter(|call| call.ended.is_none());
        let call = |call: &Call| {
            let relay = self.relays().iter().find(|relay| relay.call_id == call.call_id);
            write_call(call).with_known(RELAY, relay.map(Relay::to_words)).to_line()
        };
        peers.chain(up.map(call)).collect()
    }

    /// Takes over the contacts and calls of an earlier process. Accounts that the site no longer has are left out; each
    /// contact is asked at once.
    pub fn restore(&mut self, text: &str, now: Duration) {
        for record in records(text, PEER) {
            let account = record.get("account").and_then(|name| self.account(name));
            if let (Some(account), Some(binding)) = (account, read_binding(&record)) {
                self.peers[account].bind(Binding { probe: Probe::Due(now), ..binding });
            }
        }
        for record in records(text, CALL) {
            let Some(call) = read_call(&record) else { continue };
            self.relays.extend(read_relay(&record, &call).filter(|_| self.site.rtp_relay));
            self.calls.push(call);
        }
    }
}

fn write_binding(account: &str, binding: &Binding) -> Record {
    let (ms, lost) = match binding.reach {
        Reach::Unknown => (None, None),
        Reach::Answers(after) => (Some(after.as_millis()), None),
        Reach::Lost(times) => (None, Some(times)),
    };
    Record::new()
        .with("kind", PEER)
        .with("account", account)
        .with("address", binding.address)
        .with("contact", &binding.uri)
        .with("agent", &binding.agent)
        .with("expires", binding.expires.as_secs())
        .with("call-id", &binding.call_id)
        .with("cseq", binding.cseq)
        .with_known("ms", ms)
        .with_known("lost", lost)
}

fn read_binding(record: &Record) -> Option<Binding> {
    Some(Binding {
        uri: record.get("contact")?.to_owned(),
        address: record.get("address")?.parse().ok()?,
        call_id: record.get("call-id")?.to_owned(),
        cseq: u32::try_from(record.number("cseq")?).ok()?,
        expires: Duration::from_secs(record.number("expires")?),
        agent: record.get("agent").unwrap_or_default().to_owned(),
        reach: Reach::Unknown,
        probe: Probe::Due(Duration::ZERO),
    })
}

/// Keys of the two sides.
const CALLER: [&str; 6] =
    ["caller", "caller-identity", "caller-tag", "caller-address", "caller-contact", "caller-cseq"];
const CALLEE: [&str; 6] =
    ["callee", "callee-identity", "callee-tag", "callee-address", "callee-contact", "callee-cseq"];

fn write_call(call: &Call) -> Record {
    let record = Record::new()
        .with("kind", CALL)
        .with("call-id", &call.call_id)
        .with("number", &call.number)
        .with("since", call.since.as_secs())
        .with_known("codec", call.codec.as_ref())
        .with_known("session", call.session.map(|(_, interval)| interval.as_secs()))
        .with_known("until", call.session.map(|(until, _)| until.as_secs()));
    let record = write_side(record, &CALLER, &call.caller);
    write_side(record, &CALLEE, &call.callee)
}

fn read_relay(record: &Record, call: &Call) -> Option<Relay> {
    record.get(RELAY).and_then(|words| Relay::from_words(words, call))
}

fn write_side(record: Record, keys: &[&str; 6], side: &Side) -> Record {
    record
        .with(keys[0], &side.account)
        .with(keys[1], &side.identity)
        .with(keys[2], &side.tag)
        .with(keys[3], side.address)
        .with(keys[4], &side.target)
        .with(keys[5], side.cseq)
}

fn read_call(record: &Record) -> Option<Call> {
    let seconds = |key| record.number(key).map(Duration::from_secs);
    Some(Call {
        call_id: record.get("call-id")?.to_owned(),
        caller: read_side(record, &CALLER)?,
        callee: read_side(record, &CALLEE)?,
        number: record.get("number")?.to_owned(),
        codec: record.get("codec").map(str::to_owned),
        since: seconds("since")?,
        session: seconds("until").zip(seconds("session")),
        ended: None,
    })
}

fn read_side(record: &Record, keys: &[&str; 6]) -> Option<Side> {
    Some(Side {
        account: record.get(keys[0])?.to_owned(),
        identity: record.get(keys[1])?.to_owned(),
        tag: record.get(keys[2])?.to_owned(),
        address: record.get(keys[3])?.parse().ok()?,
        target: record.get(keys[4])?.to_owned(),
        cseq: u32::try_from(record.number(keys[5])?).ok()?,
    })
}
