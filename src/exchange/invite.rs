//! INVITE: setting up a call (RFC 3261 §16).

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use super::best::best_of;
use super::call::{Call, Side, Who, contact};
use super::core::{Exchange, Output, Taken, forwarded};
use super::digest::Answer;
use super::following::{ack_of, like};
use super::header::name;
use super::ledger::EndedCall;
use super::message::{Message, Start};
use super::request::Fields;
use super::sdp;
use super::sending::{LIFE, Resend, Sending, T2};
use super::setup::{Branch, Cancel, Client, Server, Setup, Target};
use super::transaction::{reply_address, transaction};
use super::uri::Uri;
use crate::log::Level;

/// Calls that are set up at a time, and those that are up: more than a box with 64 accounts can have.
const MOST_SETUPS: usize = 64;
const MOST_CALLS: usize = 128;
/// As many more are kept after their end, for a transaction's life at most.
const MOST_OVER: usize = 32;
/// Reasons of the exchange's own 480 (RFC 3261 §21.4.18).
pub const NO_ANSWER: &str = "No answer";
const NOBODY: &str = "Nobody is registered there";

impl Exchange {
    pub(super) fn invite(
        &mut self,
        request: Message,
        fields: &Fields,
        number: String,
        source: SocketAddrV4,
        now: Duration,
    ) -> Taken {
        let key = transaction(&request, fields, "INVITE");
        if let Some(setup) = self.setups.iter().find(|setup| setup.key == key) {
            let to = reply_address(Some(&setup.fields.via), setup.source);
            if let Server::Proceeding(bytes) | Server::Completed(bytes, _) = &setup.server {
                self.out.push(Output::Send(to, bytes.clone()));
            }
            return Ok(());
        }
        let claimed = Uri::parse(&fields.from.uri).ok().and_then(|from| self.account(&from.user));
        let caller = match self.authenticate(&request, claimed, source, now) {
            Ok(caller) => caller,
            Err(refusal) => return Err(Box::new((request, refusal))),
        };
        let open = self.setups.iter().filter(|setup| setup.is_open()).count();
        let up = self.calls.iter().filter(|call| call.ended.is_none()).count();
        if open >= MOST_SETUPS || up >= MOST_CALLS {
            let later = Some((name::RETRY_AFTER, "30".to_owned()));
            return Err(Box::new((request, (503, "Too many calls", later))));
        }
        self.forget_surplus();
        if let Err(refusal) = self.reserve_relay(&fields.call_id, *source.ip()) {
            return Err(Box::new((request, refusal)));
        }
        let side = Side {
            account: self.site.accounts[caller].name.to_string(),
            identity: request.get(name::FROM).unwrap_or_default().to_owned(),
            tag: fields.from.tag().unwrap_or_default().to_owned(),
            address: source,
            target: contact(&request).unwrap_or_else(|| format!("sip:{source}")),
            cseq: fields.cseq.number,
        };
        let (targets, verdict) = self.targets(&number, caller);
        let trying = Message::response(&request, 100, "Trying").to_bytes();
        let to = reply_address(Some(&fields.via), source);
        self.out.push(Output::Send(to, trying.clone()));
        self.setups.push(Setup {
            key,
            request,
            fields: fields.clone(),
            source,
            side,
            early: Vec::new(),
            caller,
            number,
            began: now,
            server: Server::Proceeding(trying),
            branch: None,
            earlier: Vec::new(),
            targets,
            verdict,
            best: None,
            cancelled: false,
        });
        self.ring_next(self.setups.len() - 1, now);
        Ok(())
    }

    /// Forgets the oldest of what is over and only waits for retransmissions, if there is much of it.
    fn forget_surplus(&mut self) {
        if self.setups.len() >= MOST_SETUPS + MOST_OVER
            && let Some(at) = self.setups.iter().position(|setup| !setup.is_open())
        {
            self.setups.remove(at);
        }
        if self.calls.len() >= MOST_CALLS + MOST_OVER
            && let Some(at) = self.calls.iter().position(|call| call.ended.is_some())
        {
            self.calls.remove(at);
        }
    }

    /// The contacts to ring for a number, and what the caller gets if none answers.
    fn targets(&self, number: &str, caller: usize) -> (VecDeque<Target>, (u16, &'static str)) {
        let is_extension = |account: &crate::site::ExchangeAccount| {
            account.extension.as_ref().is_some_and(|extension| extension.as_str() == number)
        };
        let direct = self.site.accounts.iter().position(is_extension).map(|at| vec![at]);
        let routed = || self.site.routes.iter().find(|route| route.pattern.matches(number));
        let Some(accounts) = direct.or_else(|| routed().map(|route| route.to.clone())) else {
            return (VecDeque::new(), (404, "No such number"));
        };
        let others: Vec<usize> = accounts.iter().copied().filter(|account| *account != caller).collect();
        if others.is_empty() {
            return (VecDeque::new(), (486, "Busy Here"));
        }
        // The only account of a number decides itself whether it is busy; in a group a free one is found sooner.
        let free = others.iter().filter(|account| accounts.len() == 1 || !self.is_busy(**account));
        let target = |account: &usize| {
            let account = *account;
            self.peers[account].ringable().map(move |binding| Target {
                account,
                uri: binding.uri.clone(),
                address: binding.address,
            })
        };
        let targets: VecDeque<Target> = free.flat_map(target).collect();
        let is_there = others.iter().any(|account| self.peers[*account].ringable().next().is_some());
        let verdict = if is_there { (486, "Busy Here") } else { (480, NOBODY) };
        (targets, verdict)
    }

    fn is_busy(&self, account: usize) -> bool {
        let name = self.site.accounts[account].name.as_str();
        let talks = |call: &Call| {
            call.ended.is_none() && (call.caller.account == name || call.callee.account == name)
        };
        self.calls.iter().any(talks)
            || self.setups.iter().any(|setup| setup.is_open() && setup.rings(account))
    }

    /// Rings the next contact; the caller gets the verdict if there is none.
    pub(super) fn ring_next(&mut self, at: usize, now: Duration) {
        let id = self.new_branch();
        let (via, own, realm) = (self.via(&id), self.own, self.realm.clone());
        let no_answer = self.site.no_answer.get();
        let setup = &mut self.setups[at];
        if let Some(branch) = setup.branch.take() {
            setup.earlier.push(branch);
        }
        let Some(target) = setup.targets.pop_front().filter(|_| !setup.cancelled) else {
            let (code, reason) = if setup.cancelled { (487, "Request Terminated") } else { setup.verdict };
            let is_cancelled = setup.cancelled;
            let own = self.answer(&self.setups[at].request, code, reason);
            if is_cancelled {
                return self.finish(at, &own, now);
            }
            let best = best_of(self.setups[at].best.take(), own);
            self.setups[at].best = Some(best);
            return self.finish_with_best(at, now);
        };
        let mut invite = forwarded(setup.request.clone(), &target.uri, &via);
        invite.headers.retain(|header| {
            let is_ours = |answer: Answer| answer.realm == realm;
            !header.is(name::PROXY_AUTHORIZATION) || !Answer::parse(&header.value).is_some_and(is_ours)
        });
        invite.add_first(name::RECORD_ROUTE, format_args!("<sip:{own};lr>"));
        let call_id = setup.fields.call_id.clone();
        self.relay_to(&call_id, *target.address.ip());
        self.relay_body(&mut invite, &call_id, Who::Callee);
        let setup = &mut self.setups[at];
        let (to, bytes) = (target.address, invite.to_bytes());
        // A silent contact is given up as early as one that only rings.
        let mut resend = Resend::new(now, LIFE);
        resend.until = resend.until.min(now + no_answer);
        setup.branch =
            Some(Branch { id, target, invite, state: Client::Calling(resend), cancel: Cancel::No });
        self.out.push(Output::Send(to, bytes));
        self.is_changed = true;
    }

    /// A response to an INVITE that was forwarded; false if it belongs to none.
    pub(super) fn invite_response(&mut self, response: &Message, fields: &Fields, now: Duration) -> bool {
        let id = fields.via.branch();
        let Some(at) = self.setups.iter_mut().position(|setup| setup.branch_mut(id).is_some()) else {
            return false;
        };
        match response.code() {
            100..200 => self.ringing(at, id, response, fields, now),
            200..300 => self.answered(at, id, response, fields, now),
            _ => self.declined(at, id, response, now),
        }
        true
    }

    fn ringing(&mut self, at: usize, id: &str, response: &Message, fields: &Fields, now: Duration) {
        let no_answer = self.site.no_answer.get();
        let setup = &mut self.setups[at];
        let is_current = setup.branch.as_ref().is_some_and(|branch| branch.id == id);
        let Some(branch) = setup.branch_mut(id) else { return };
        let target = branch.target.clone();
        if let Client::Calling(_) = branch.state {
            branch.state = Client::Ringing(now + no_answer);
        }
        if branch.cancel == Cancel::Wanted {
            branch.cancel = Cancel::Sent(now + LIFE);
            let cancel = self.cancel_of(at, id, now);
            self.out.extend(cancel);
        } else if is_current && response.code() > 100 && self.setups[at].is_open() {
            self.note_early(at, &target, response, fields);
            let bytes = self.pass_back(at, response);
            self.setups[at].server = Server::Proceeding(bytes);
        }
    }

    /// A success is passed on at once, even of a contact that was cancelled too late, and each time that it comes
    /// (RFC 3261 §16.7, RFC 6026 §7.1).
    fn answered(&mut self, at: usize, id: &str, response: &Message, fields: &Fields, now: Duration) {
        self.pass_back(at, response);
        let setup = &mut self.setups[at];
        setup.server = Server::Done(now + LIFE);
        setup.targets.clear();
        let Some(branch) = setup.branch_mut(id) else { return };
        let is_first = !matches!(branch.state, Client::Completed(..));
        let target = branch.target.clone();
        branch.state = Client::Completed(None, now + LIFE);
        if !is_first && self.dialog(fields).is_none() {
            // The caller acknowledges it, too, and ends it (RFC 3261 §13.2.2.4).
            self.note_early(at, &target, response, fields);
        }
        if is_first {
            self.begin_call(at, id, response, fields, now);
            let others: Vec<String> = self.setups[at]
                .branch
                .iter()
                .map(|branch| branch.id.clone())
                .filter(|other| other != id)
                .collect();
            for other in others {
                self.cancel_branch(at, &other, now);
            }
        }
    }

    fn begin_call(&mut self, at: usize, id: &str, response: &Message, fields: &Fields, now: Duration) {
        let Some(target) = self.setups[at].branch_mut(id).map(|branch| branch.target.clone()) else { return };
        let mut call = self.established(at, &target, response, fields, now);
        call.refresh(response, now);
        let (from, to, codec) =
            (call.caller.account.clone(), call.callee.account.clone(), call.codec.clone());
        self.calls.push(call);
        self.is_changed = true;
        let named = codec.as_deref().unwrap_or("an unknown codec");
        self.log(Level::Info, format!("{from} is connected to {to} with {named}"));
        if codec.as_deref().is_some_and(|codec| !sdp::carries_modems(codec)) {
            self.log(Level::Warning, format!("{named} carries no modem: set G.711 in {from} and {to}"));
        }
    }

    fn declined(&mut self, at: usize, id: &str, response: &Message, now: Duration) {
        let setup = &mut self.setups[at];
        let is_current = setup.branch.as_ref().is_some_and(|branch| branch.id == id);
        let Some(branch) = setup.branch_mut(id) else { return };
        let (to, invite) = (branch.target.address, branch.invite.clone());
        if let Client::Completed(ack, _) = &branch.state {
            let again = ack.clone().map(|ack| Output::Send(to, ack));
            return self.out.extend(again);
        }
        let ack = ack_of(&invite, response).to_bytes();
        branch.state = Client::Completed(Some(ack.clone()), now + LIFE);
        self.out.push(Output::Send(to, ack));
        let setup = &mut self.setups[at];
        if !is_current || !setup.is_open() {
            return;
        }
        let mut answer = response.clone();
        answer.remove_first(name::VIA);
        // A 6xx speaks for everybody (RFC 3261 §16.7).
        if response.code() >= 600 || setup.cancelled {
            return self.finish(at, &answer, now);
        }
        setup.best = Some(best_of(setup.best.take(), answer));
        if setup.targets.is_empty() {
            return self.finish_with_best(at, now);
        }
        self.ring_next(at, now);
    }

    /// Gives the caller a final response that is no success.
    pub(super) fn finish(&mut self, at: usize, answer: &Message, now: Duration) {
        let setup = &mut self.setups[at];
        if !setup.is_open() {
            return;
        }
        let (to, bytes) = (reply_address(Some(&setup.fields.via), setup.source), answer.to_bytes());
        setup.server = Server::Completed(bytes.clone(), Resend::new(now, T2));
        let rung = setup.branch.as_ref().or(setup.earlier.last()).map(|branch| branch.target.account);
        let reason = if let Start::Response { reason, .. } = &answer.start { reason.as_str() } else { "" };
        let entry = EndedCall {
            at: i64::try_from(setup.began.as_secs()).unwrap_or(i64::MAX),
            caller: self.site.accounts[setup.caller].name.to_string(),
            number: setup.number.clone(),
            callee: rung.map(|account| self.site.accounts[account].name.to_string()),
            codec: None,
            seconds: 0,
            why: why(answer.code(), setup.cancelled, reason),
        };
        self.out.push(Output::Send(to, bytes));
        self.out.push(Output::Ended(entry));
        self.is_changed = true;
    }

    fn finish_with_best(&mut self, at: usize, now: Duration) {
        if let Some(best) = self.setups[at].best.take() {
            self.finish(at, &best, now);
        }
    }

    /// The caller hangs up before an answer.
    pub(super) fn give_up(&mut self, at: usize, now: Duration) {
        let setup = &mut self.setups[at];
        if !setup.is_open() {
            return;
        }
        setup.cancelled = true;
        setup.targets.clear();
        match setup.branch.as_ref().map(|branch| branch.id.clone()) {
            Some(id) => self.cancel_branch(at, &id, now),
            None => self.ring_next(at, now),
        }
    }

    /// Cancels a contact, now or as soon as it has answered at all.
    pub(super) fn cancel_branch(&mut self, at: usize, id: &str, now: Duration) {
        let Some(branch) = self.setups[at].branch_mut(id) else { return };
        match (&branch.state, branch.cancel) {
            (Client::Calling(_), Cancel::No) => branch.cancel = Cancel::Wanted,
            (Client::Ringing(_), Cancel::No | Cancel::Wanted) => {
                branch.cancel = Cancel::Sent(now + LIFE);
                let cancel = self.cancel_of(at, id, now);
                self.out.extend(cancel);
            }
            _ => {}
        }
    }

    /// The CANCEL of an INVITE: its Request-URI, branch, To, From, Call-ID and CSeq number (RFC 3261 §9.1).
    fn cancel_of(&mut self, at: usize, id: &str, now: Duration) -> Option<Output> {
        let branch = self.setups[at].branch_mut(id)?;
        let (to, bytes) = (branch.target.address, like(&branch.invite, "CANCEL").to_bytes());
        let resend = Resend::new(now, T2);
        self.sending.push(Sending {
            branch: id.to_owned(),
            method: "CANCEL",
            to,
            bytes: bytes.clone(),
            resend,
        });
        Some(Output::Send(to, bytes))
    }

    /// Passes a response to the caller; returns its bytes.
    fn pass_back(&mut self, at: usize, response: &Message) -> Vec<u8> {
        let mut response = response.clone();
        response.remove_first(name::VIA);
        let call_id = self.setups[at].fields.call_id.clone();
        self.relay_body(&mut response, &call_id, Who::Caller);
        let setup = &self.setups[at];
        let (to, bytes) = (reply_address(Some(&setup.fields.via), setup.source), response.to_bytes());
        self.out.push(Output::Send(to, bytes.clone()));
        bytes
    }
}

fn why(code: u16, cancelled: bool, reason: &str) -> String {
    match code {
        _ if cancelled => "the caller gave up".to_owned(),
        404 => "no such number".to_owned(),
        408 | 480 if code == 408 || reason == NO_ANSWER => "no answer".to_owned(),
        480 if reason == NOBODY => "nobody is registered there".to_owned(),
        486 | 600 => "busy".to_owned(),
        603 => "declined".to_owned(),
        code => format!("refused: {code} {reason}"),
    }
}
