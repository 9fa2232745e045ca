//! A line of the box: its modem, and the caller who is connected.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::answerer::Answerer;
use super::calls::{CallEntry, Calls};
use super::login::LoginConfig;
use super::ppp_session::PppSession;
use super::report::{Connected, Report};
use crate::clock;
use crate::modem::config::ModemConfig;
use crate::modem::driver::Driver;
use crate::modem::protocol::Protocol;
use crate::ppp::Exit;
use crate::site;
use crate::state::Store;

/// A line and whoever uses it.
#[derive(Debug)]
pub struct LineService<'a> {
    number: usize,
    config: ModemConfig<'a>,
    driver: Driver<'a, Answerer<'a>>,
    user: User,
}

/// Who uses the line.
#[derive(Debug)]
enum User {
    /// Nobody: the modem waits for calls.
    Nobody,
    /// A caller.
    Caller(PppSession),
    /// A caller whom an earlier run of this service has let in: its call goes on, and the modem is
    /// left alone as long.
    Inherited(PppSession),
}

impl<'a> LineService<'a> {
    /// Line `number` of the site, counted from 1, at its config. The login_config is for those who log in at a
    /// prompt, if the line has one.
    ///
    /// # Errors
    /// `/dev` or the locks cannot be watched.
    pub fn new(
        number: usize,
        site: &site::LineConfig,
        login_config: LoginConfig<'a>,
        config: ModemConfig<'a>,
    ) -> io::Result<Self> {
        let driver = Driver::new(config, Answerer::new(site, site.login.then_some(login_config)))?;
        let user = PppSession::inherit(config.paths, number).map_or(User::Nobody, User::Inherited);
        Ok(Self { number, config, driver, user })
    }

    /// What to wait for: a turn is due when one of them is ready.
    pub fn fds(&self) -> Vec<PollFd<'_>> {
        let ends = |pppd| PollFd::from_borrowed_fd(std::os::fd::AsFd::as_fd(pppd), PollFlags::IN);
        match &self.user {
            User::Nobody => self.driver.fds(),
            User::Caller(session) => self.driver.fds().into_iter().chain([ends(&session.pppd)]).collect(),
            User::Inherited(session) => vec![ends(&session.pppd)],
        }
    }

    /// When a turn is due if nothing happens, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        match self.user {
            User::Nobody | User::Caller(_) => self.driver.deadline(),
            User::Inherited(_) => None,
        }
    }

    /// Whether nothing is to be done but to wait for a call.
    pub fn waits_for_calls(&self) -> bool {
        matches!(self.user, User::Nobody) && self.driver.protocol().is_idle()
    }

    /// Does what can be done now.
    pub fn poll(&mut self, now: Duration) {
        self.look_after_user(now);
        if let User::Inherited(_) = self.user {
            return;
        }
        for report in self.driver.poll(now) {
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
        let begun = self.driver.lend().and_then(|port| match port {
            Some(port) => PppSession::begin(self.config.paths, self.number, port, connected),
            None => Err(io::Error::other("the port has vanished")),
        });
        match begun {
            Ok(session) => self.user = User::Caller(session),
            Err(error) => {
                self.config.log.error(&format!("pppd: {error}"));
                self.free(now);
            }
        }
    }

    /// If the caller's pppd has ended, the modem is made ready for the next call.
    fn look_after_user(&mut self, now: Duration) {
        let (User::Caller(session) | User::Inherited(session)) = &mut self.user else { return };
        let exit = match session.pppd.ended() {
            Ok(None) => return session.goes_on(self.config.paths),
            Ok(Some(exit)) => exit,
            Err(error) => {
                self.config.log.warning(&format!("pppd: {error}"));
                Exit::Unseen
            }
        };
        let session = match std::mem::replace(&mut self.user, User::Nobody) {
            User::Nobody => return,
            User::Caller(session) => {
                self.free(now);
                session
            }
            User::Inherited(session) => {
                self.driver.leave_a_call_first();
                session
            }
        };
        let entry = session.end(self.config.paths, exit, now);
        self.config.log.info(&format!("call ended: {}", entry.why));
        self.enter(entry);
    }

    fn free(&mut self, now: Duration) {
        self.driver.reclaim(now);
        self.driver.protocol_mut().hang_up();
    }

    fn enter(&self, entry: CallEntry) {
        if let Err(error) = Calls::enter(&Store::new(self.config.paths.state()), entry) {
            self.config.log.warning(&format!("the ledger of calls: {error}"));
        }
    }
}
