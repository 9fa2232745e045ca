//! What becomes due: retransmissions, time limits, probes, registrations and sessions that end.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::binding::{LOST_ENDS_CALL, ProbeStep, Reach};
use super::core::{Exchange, Output};
use super::header::name;
use super::invite::NO_ANSWER;
use super::message::Message;
use super::sending::{Due, LIFE};
use super::setup::{Cancel, Client, Server};
use super::transaction::reply_address;
use super::within::probe_branch;
use crate::log::Level;

/// Without anything due, the program looks again after this time.
const IDLE: Duration = Duration::from_secs(5);

impl Exchange {
    /// Does what is due, and returns when the next thing will be.
    pub fn tick(&mut self, now: Duration) -> Duration {
        self.replies.expire(now);
        self.expire(now);
        let deadlines =
            [self.tick_sending(now), self.tick_setups(now), self.tick_calls(now), self.tick_probes(now)];
        self.release_relays();
        deadlines.into_iter().flatten().fold(now + IDLE, Duration::min)
    }

    fn tick_sending(&mut self, now: Duration) -> Option<Duration> {
        let out = &mut self.out;
        self.sending.retain_mut(|sending| {
            let due = sending.resend.due(now);
            if due == Due::Send {
                out.push(Output::Send(sending.to, sending.bytes.clone()));
            }
            due != Due::GiveUp
        });
        self.sending.iter().map(|sending| sending.resend.deadline()).min()
    }

    fn tick_setups(&mut self, now: Duration) -> Option<Duration> {
        self.setups.retain(|setup| !setup.is_over(now));
        for at in 0..self.setups.len() {
            self.tick_server(at, now);
            let ids = |branch: &super::setup::Branch| branch.id.clone();
            let setup = &self.setups[at];
            let current = setup.branch.as_ref().map(ids);
            let earlier: Vec<String> = setup.earlier.iter().map(ids).collect();
            for id in current.into_iter().chain(earlier) {
                self.tick_branch(at, &id, now);
            }
        }
        self.setups
            .iter()
            .flat_map(|setup| {
                let server = match &setup.server {
                    Server::Proceeding(_) => None,
                    Server::Completed(_, resend) => Some(resend.deadline()),
                    Server::Done(until) => Some(*until),
                };
                let branches = setup.branch.iter().chain(&setup.earlier);
                server.into_iter().chain(branches.map(|branch| match (&branch.state, branch.cancel) {
                    (Client::Calling(resend), _) => resend.deadline(),
                    (Client::Ringing(_), Cancel::Sent(until)) => until,
                    (Client::Ringing(until) | Client::Completed(_, until), _) => *until,
                }))
            })
            // What is over is removed at the next tick.
            .map(|at| at.max(now + Duration::from_millis(10)))
            .min()
    }

    fn tick_server(&mut self, at: usize, now: Duration) {
        let setup = &mut self.setups[at];
        let Server::Completed(bytes, resend) = &mut setup.server else { return };
        match resend.due(now) {
            Due::Wait(_) => {}
            Due::Send => {
                let to = reply_address(Some(&setup.fields.via), setup.source);
                self.out.push(Output::Send(to, bytes.clone()));
            }
            Due::GiveUp => setup.server = Server::Done(now),
        }
    }

    fn tick_branch(&mut self, at: usize, id: &str, now: Duration) {
        let setup = &mut self.setups[at];
        let is_current = setup.branch.as_ref().is_some_and(|branch| branch.id == id);
        let is_open = setup.is_open();
        let Some(branch) = setup.branch_mut(id) else { return };
        let (to, bytes) = (branch.target.address, branch.invite.to_bytes());
        let is_silent = match (&mut branch.state, branch.cancel) {
            (Client::Calling(resend), _) => match resend.due(now) {
                Due::Wait(_) => return,
                Due::Send => return self.out.push(Output::Send(to, bytes)),
                Due::GiveUp => true,
            },
            // A CANCEL that nobody has answered (RFC 3261 §9.1).
            (Client::Ringing(_), Cancel::Sent(until)) if now >= until => true,
            (Client::Ringing(until), Cancel::No | Cancel::Wanted) if now >= *until => false,
            _ => return,
        };
        if is_silent {
            branch.state = Client::Completed(None, now);
        } else {
            self.cancel_branch(at, id, now);
        }
        if is_current && is_open {
            self.setups[at].verdict = (480, NO_ANSWER);
            self.ring_next(at, now);
        }
    }

    fn tick_calls(&mut self, now: Duration) -> Option<Duration> {
        self.calls.retain(|call| call.ended.is_none_or(|until| now < until));
        for at in 0..self.calls.len() {
            let call = &self.calls[at];
            if call.ended.is_none() && call.session.is_some_and(|(until, _)| now >= until) {
                self.cut(at, "the session timer expired", now);
            }
        }
        let limit = |call: &super::call::Call| call.ended.or(call.session.map(|(until, _)| until));
        self.calls.iter().filter_map(limit).min()
    }

    fn tick_probes(&mut self, now: Duration) -> Option<Duration> {
        let mut next = None;
        for at in 0..self.peers.len() {
            let name = self.site.accounts[at].name.as_str().to_owned();
            let in_call = self.calls.iter().any(|call| {
                call.ended.is_none() && (call.caller.account == name || call.callee.account == name)
            });
            for contact in 0..self.peers[at].bindings.len() {
                let number = self.next_serial();
                let step = self.peers[at].bindings[contact].step(now, in_call, number);
                let binding = &self.peers[at].bindings[contact];
                let address = binding.address;
                match step {
                    ProbeStep::Wait(until) => {
                        next = Some(next.map_or(until, |next: Duration| next.min(until)))
                    }
                    ProbeStep::Send(number) => {
                        let bytes = self.probe(number, &binding.uri).to_bytes();
                        self.out.push(Output::Send(address, bytes));
                        next = Some(now);
                    }
                    ProbeStep::Lost(times) => self.lost(at, address, times, now),
                }
            }
        }
        next.map(|next| next.max(now + Duration::from_millis(10)))
    }

    /// OPTIONS to a contact (RFC 3261 §11.1).
    fn probe(&self, number: u64, uri: &str) -> Message {
        let own = self.own;
        Message::request("OPTIONS", uri)
            .with(name::VIA, self.via(&probe_branch(number)))
            .with(name::MAX_FORWARDS, 70)
            .with(name::FROM, format_args!("<sip:{own}>;tag={number:x}"))
            .with(name::TO, format_args!("<{uri}>"))
            .with(name::CALL_ID, format_args!("{number:016x}@{}", own.ip()))
            .with(name::CSEQ, "1 OPTIONS")
            .with(name::CONTACT, format_args!("<sip:{own}>"))
            .with(name::USER_AGENT, "dialbox")
    }

    pub(super) fn probe_answered(&mut self, number: u64, source: SocketAddrV4, now: Duration) {
        let mut contacts = self.peers.iter_mut().zip(&self.site.accounts).flat_map(|(peer, account)| {
            peer.bindings.iter_mut().map(move |binding| (account.name.as_str(), binding))
        });
        let fits = |binding: &super::binding::Binding| binding.address.ip() == source.ip();
        let found = contacts.find_map(|(name, binding)| {
            let before = binding.reach;
            (fits(binding) && binding.answered(number, now)).then(|| (name.to_owned(), before))
        });
        if let Some((name, before)) = found {
            self.is_changed = true;
            if matches!(before, Reach::Lost(_)) {
                self.log(Level::Info, format!("{name} answers again"));
            }
        }
    }

    /// A probe was lost: a call with the contact ends after the second one.
    fn lost(&mut self, account: usize, address: SocketAddrV4, times: u32, now: Duration) {
        self.is_changed = true;
        let name = self.site.accounts[account].name.as_str().to_owned();
        if times == 1 {
            self.log(Level::Warning, format!("{name} at {address} does not answer"));
        }
        if times < LOST_ENDS_CALL {
            return;
        }
        for at in 0..self.calls.len() {
            let call = &self.calls[at];
            let sides = [&call.caller, &call.callee];
            let is_its = sides.iter().any(|side| side.account == name && side.address.ip() == address.ip());
            if is_its && call.ended.is_none() {
                self.cut(at, &format!("{name} no longer answered"), now);
            }
        }
    }

    /// Removes registrations that have ended.
    fn expire(&mut self, now: Duration) {
        let mut gone = Vec::new();
        for (peer, account) in self.peers.iter_mut().zip(&self.site.accounts) {
            peer.bindings.retain(|binding| {
                let ends = now >= binding.expires + LIFE / 8;
                if ends {
                    gone.push(format!(
                        "the registration of {} at {} has expired",
                        account.name, binding.address
                    ));
                }
                !ends
            });
        }
        for message in gone {
            self.is_changed = true;
            self.log(Level::Info, message);
        }
    }
}
