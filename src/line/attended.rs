//! A line of the box: its modem, and the caller who is connected.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::answering::Answering;
use super::calls::{CallEntry, Calls};
use super::login::Door;
use super::report::{Connected, Report};
use super::visit::Visit;
use crate::clock;
use crate::link::Exit;
use crate::modem::attendant::Attendant;
use crate::modem::post::Post;
use crate::modem::seat::Seat;
use crate::site;
use crate::state::Store;

/// A line and whoever uses it.
#[derive(Debug)]
pub struct Line<'a> {
    number: usize,
    post: Post<'a>,
    seat: Seat<'a, Answering<'a>>,
    user: User,
}

/// Who uses the line.
#[derive(Debug)]
enum User {
    /// Nobody: the modem waits for calls.
    Nobody,
    /// A caller.
    Caller(Visit),
    /// A caller whom an earlier run of this service has let in: its call goes on, and the modem is
    /// left alone as long.
    Inherited(Visit),
}

impl<'a> Line<'a> {
    /// Line `number` of the site, counted from 1, at its post. The door is for those who log in at a
    /// prompt, if the line has one.
    ///
    /// # Errors
    /// `/dev` or the locks cannot be watched.
    pub fn new(number: usize, site: &site::Line, door: Door<'a>, post: Post<'a>) -> io::Result<Self> {
        let seat = Seat::new(post, Answering::new(site, site.login.then_some(door)))?;
        let user = Visit::inherit(post.places, number).map_or(User::Nobody, User::Inherited);
        Ok(Self { number, post, seat, user })
    }

    /// What to wait for: a turn is due when one of them is ready.
    pub fn fds(&self) -> Vec<PollFd<'_>> {
        let ends = |pppd| PollFd::from_borrowed_fd(std::os::fd::AsFd::as_fd(pppd), PollFlags::IN);
        match &self.user {
            User::Nobody => self.seat.fds(),
            User::Caller(visit) => self.seat.fds().into_iter().chain([ends(&visit.pppd)]).collect(),
            User::Inherited(visit) => vec![ends(&visit.pppd)],
        }
    }

    /// When a turn is due if nothing happens, in time since boot.
    pub fn wake(&self) -> Option<Duration> {
        match self.user {
            User::Nobody | User::Caller(_) => self.seat.wake(),
            User::Inherited(_) => None,
        }
    }

    /// Whether nothing is to be done but to wait for a call.
    pub fn waits_for_calls(&self) -> bool {
        matches!(self.user, User::Nobody) && self.seat.attendant().is_idle()
    }

    /// Does what can be done now.
    pub fn turn(&mut self, now: Duration) {
        self.look_after_user(now);
        if let User::Inherited(_) = self.user {
            return;
        }
        for report in self.seat.turn(now) {
            match report {
                Report::Connected(connected) => self.let_in(connected, now),
                Report::Lost { caller, why } => {
                    let call = Connected { since: now, caller, ..Connected::default() };
                    self.enter(CallEntry::of(self.number, call, now, clock::unix(), why));
                }
                Report::TurnedAway { connected, why } => {
                    self.enter(CallEntry::of(self.number, connected, now, clock::unix(), why));
                }
            }
        }
    }

    /// A caller is connected: pppd takes over.
    fn let_in(&mut self, connected: Connected, now: Duration) {
        let begun = self.seat.lend().and_then(|port| match port {
            Some(port) => Visit::begin(self.post.places, self.number, port, connected),
            None => Err(io::Error::other("the port has vanished")),
        });
        match begun {
            Ok(visit) => self.user = User::Caller(visit),
            Err(error) => {
                self.post.log.error(&format!("pppd: {error}"));
                self.free(now);
            }
        }
    }

    /// If the caller's pppd has ended, the modem is made ready for the next call.
    fn look_after_user(&mut self, now: Duration) {
        let (User::Caller(visit) | User::Inherited(visit)) = &mut self.user else { return };
        let exit = match visit.pppd.ended() {
            Ok(None) => return visit.goes_on(self.post.places),
            Ok(Some(exit)) => exit,
            Err(error) => {
                self.post.log.warning(&format!("pppd: {error}"));
                Exit::Unseen
            }
        };
        let visit = match std::mem::replace(&mut self.user, User::Nobody) {
            User::Nobody => return,
            User::Caller(visit) => {
                self.free(now);
                visit
            }
            User::Inherited(visit) => {
                self.seat.leave_a_call_first();
                visit
            }
        };
        let entry = visit.end(self.post.places, exit, now);
        self.post.log.info(&format!("call ended: {}", entry.why));
        self.enter(entry);
    }

    fn free(&mut self, now: Duration) {
        self.seat.reclaim(now);
        self.seat.attendant_mut().hang_up();
    }

    fn enter(&self, entry: CallEntry) {
        if let Err(error) = Calls::enter(&Store::new(self.post.places.state()), entry) {
            self.post.log.warning(&format!("the ledger of calls: {error}"));
        }
    }
}
