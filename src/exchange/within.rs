//! Requests and responses within a call: forwarded without state of their own between its two sides (RFC 3261 §16.11).
//! The sides repeat what gets lost, and a call goes on after a restart of the exchange.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::call::{Who, contact};
use super::core::{Exchange, Output, Taken, forwarded};
use super::dialog::Dialog;
use super::header::{NameAddr, Via, name};
use super::ledger::EndedCall;
use super::message::Message;
use super::request::Fields;
use super::sdp;
use super::sending::{Resend, Sending, T2};
use super::transaction::{COOKIE, digest, reply_address, transaction};
use super::uri::Uri;
use crate::log::Level;

impl Exchange {
    pub(super) fn within_call(
        &mut self,
        request: Message,
        fields: &Fields,
        source: SocketAddrV4,
        now: Duration,
    ) -> Taken {
        let own = self.own;
        let found = self.dialog(fields);
        let Some((dialog, who)) =
            found.filter(|(dialog, who)| self.side_mut(*dialog, *who).address.ip() == source.ip())
        else {
            return Err(Box::new((request, (481, "Call/Transaction Does Not Exist", None))));
        };
        let side = self.side_mut(dialog, who);
        side.cseq = side.cseq.max(fields.cseq.number);
        // A new Contact is where the next requests go (RFC 3261 §12.2.1.2).
        if ["INVITE", "UPDATE"].contains(&request.method()) {
            side.address = source;
            if let Some(target) = contact(&request) {
                side.target = target;
            }
        }
        let other = self.side_mut(dialog, who.other());
        let (uri, to) = next_hop(&request, own, &other.target, other.address);
        let is_bye = request.method() == "BYE";
        let key = digest((transaction(&request, fields, "INVITE"), "within"));
        let via = self.via(&format!("{COOKIE}s{key:016x}"));
        let mut request = forwarded(request, &uri, &via);
        self.relay_body(&mut request, &fields.call_id, who.other());
        let bytes = request.to_bytes();
        self.out.push(Output::Send(to, bytes));
        if let (true, Dialog::Up(at)) = (is_bye, dialog) {
            let why = match who {
                Who::Caller => "the caller hung up",
                Who::Callee => "the called side hung up",
            };
            self.end_call(at, why, now);
        }
        Ok(())
    }

    pub(super) fn response(
        &mut self,
        mut response: Message,
        fields: &Fields,
        source: SocketAddrV4,
        now: Duration,
    ) {
        let branch = fields.via.branch();
        let is_final = response.code() >= 200;
        let method = fields.cseq.method.as_str();
        if let Some(number) = probe_of(branch) {
            return self.probe_answered(number, source, now);
        }
        let is_ours = |sending: &Sending| sending.branch == branch && sending.method == method;
        if let Some(at) = self.sending.iter().position(is_ours) {
            if is_final {
                self.sending.swap_remove(at);
            }
            return;
        }
        if method == "CANCEL" && !branch.starts_with(&format!("{COOKIE}s")) {
            return;
        }
        if method == "INVITE" && self.invite_response(&response, fields, now) {
            return;
        }
        let Some((dialog, who)) = self.dialog(fields) else { return };
        response.remove_first(name::VIA);
        let Some(via) = response.get(name::VIA).and_then(Via::parse) else { return };
        let to = return_address(&via, self.side_mut(dialog, who).address);
        self.relay_body(&mut response, &fields.call_id, who);
        self.out.push(Output::Send(to, response.to_bytes()));
        if (200..300).contains(&response.code()) && ["INVITE", "UPDATE"].contains(&method) {
            if let Some(target) = contact(&response) {
                self.side_mut(dialog, who.other()).target = target;
            }
            if let Dialog::Up(at) = dialog {
                self.accepted(at, &response, now);
            }
        }
    }

    /// A re-INVITE or UPDATE was accepted.
    fn accepted(&mut self, at: usize, response: &Message, now: Duration) {
        let call = &mut self.calls[at];
        call.refresh(response, now);
        let codec = sdp::codec(&response.body).or_else(|| call.codec.clone());
        if codec != call.codec {
            call.codec = codec;
            let named = call.codec.clone().unwrap_or_default();
            let words = format!("{} and {} now use {named}", call.caller.account, call.callee.account);
            self.is_changed = true;
            self.log(Level::Info, words);
        }
    }

    /// Notes the end of a call.
    pub(super) fn end_call(&mut self, at: usize, why: &str, now: Duration) {
        let call = &mut self.calls[at];
        if call.ended.is_some() {
            return;
        }
        call.end(now);
        let entry = EndedCall {
            at: i64::try_from(call.since.as_secs()).unwrap_or(i64::MAX),
            caller: call.caller.account.clone(),
            number: call.number.clone(),
            callee: Some(call.callee.account.clone()),
            codec: call.codec.clone(),
            seconds: now.saturating_sub(call.since).as_secs(),
            why: why.to_owned(),
        };
        let words = format!("{} and {}: {why}", entry.caller, call.callee.account);
        self.out.push(Output::Ended(entry));
        self.log(Level::Info, words);
        self.is_changed = true;
    }

    /// Ends a call by a BYE to each side, as if the other one had sent it.
    pub(super) fn cut(&mut self, at: usize, why: &str, now: Duration) {
        for from in [Who::Caller, Who::Callee] {
            let branch = self.new_branch();
            let via = self.via(&branch);
            let call = &self.calls[at];
            let receiver = call.side(from.other());
            let (_, to) = next_hop(
                &Message::request("BYE", &receiver.target),
                self.own,
                &receiver.target,
                receiver.address,
            );
            let bytes = call.bye(from, &via, why).to_bytes();
            self.out.push(Output::Send(to, bytes.clone()));
            self.sending.push(Sending { branch, method: "BYE", to, bytes, resend: Resend::new(now, T2) });
        }
        self.end_call(at, why, now);
    }
}

/// Request-URI and address of the next hop: the URI's own address if it is the other side's host, and else where the
/// other side has sent from, so that no side can have the box send elsewhere. A strict router (RFC 3261 §16.4) has put
/// the exchange itself there, and the target last in Route.
fn next_hop(
    request: &Message,
    own: SocketAddrV4,
    target: &str,
    address: SocketAddrV4,
) -> (String, SocketAddrV4) {
    let mut uri = request.uri().to_owned();
    if Uri::parse(&uri).ok().and_then(|uri| uri.address()) == Some(own) {
        let last = request.all(name::ROUTE).last().and_then(NameAddr::parse).map(|route| route.uri);
        uri = last
            .filter(|last| Uri::parse(last).ok().and_then(|uri| uri.address()) != Some(own))
            .unwrap_or_else(|| target.to_owned());
    }
    let named = Uri::parse(&uri).ok().and_then(|uri| uri.address());
    let to = named.filter(|named| named.ip() == address.ip() && *named != own).unwrap_or(address);
    (uri, to)
}

/// Where a side gets the response to its request: the Via is the one that the exchange has given the address that the
/// request came from (RFC 3581 §4), so `rport` is a port of that side's host.
fn return_address(via: &Via, side: SocketAddrV4) -> SocketAddrV4 {
    let port = via.params.get("rport").and_then(|port| port.parse().ok());
    let seen = SocketAddrV4::new(*side.ip(), port.unwrap_or(side.port()));
    reply_address(Some(via), seen)
}

/// The number of a probe, from its branch.
fn probe_of(branch: &str) -> Option<u64> {
    u64::from_str_radix(branch.strip_prefix(COOKIE)?.strip_prefix('p')?, 16).ok()
}

/// The branch of a probe.
pub fn probe_branch(number: u64) -> String {
    format!("{COOKIE}p{number:016x}")
}
