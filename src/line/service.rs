//! A line of the box: its modem, and the session of the caller.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::answerer::AnswererConfig;
use super::calls::{CallEntry, Calls};
use super::login::{Admitted, PromptWords};
use super::parser::{LineGuard, Order};
use super::password_check::{Authentication, Checker, RunningCheck, authenticate};
use super::report::{Connected, Report};
use super::session::{Place, Session};
use crate::clock;
use crate::modem::config::ModemConfig;
use crate::modem::driver::Driver;
use crate::modem::lock::Lock;
use crate::modem::protocol::Protocol;
use crate::modem::sandbox::{Program, Sandbox, Sandboxed};
use crate::names;
use crate::ppp::Exit;
use crate::site::{self, DialIn, UserName};
use crate::state::Store;

/// A line, its modem and the session on it.
#[derive(Debug)]
pub struct LineService<'a> {
    number: usize,
    config: ModemConfig<'a>,
    driver: Driver<'a, Sandboxed<LineGuard>>,
    session: Current,
    program: Program<'a>,
    /// The caller's address.
    remote: Ipv4Addr,
    logins: Logins<'a>,
    /// The check of the current or last caller's password at the prompt.
    check: Option<RunningCheck>,
}

/// The users at the prompts of a box, and the check of their passwords.
#[derive(Debug, Clone, Copy)]
pub struct Logins<'a> {
    /// The words of the prompts.
    pub prompts: &'a PromptWords,
    /// The users, and what they may get.
    pub dial_in: &'a DialIn,
    /// How a hash is checked.
    pub checker: Checker,
}

/// The session on the line.
#[derive(Debug)]
enum Current {
    /// None: the modem waits for calls.
    None,
    /// A session that was started here.
    Own(Session),
    /// A call that an earlier run of this service has connected and that is still up; the modem is left alone until it
    /// ends, with its port locked.
    Resumed { session: Session, _lock: Option<Lock> },
}

impl<'a> LineService<'a> {
    /// Line `number` of the site, counted from 1, whose parser is a process of that program.
    ///
    /// # Errors
    /// `/dev` or the locks cannot be watched.
    pub fn new(
        number: usize,
        site: &site::LineConfig,
        logins: Logins<'a>,
        program: Program<'a>,
        config: ModemConfig<'a>,
    ) -> io::Result<Self> {
        let guard = LineGuard::new(AnswererConfig::new(site, logins.prompts));
        let sandbox = Sandbox::new(config.paths, program, names::line_parser_uid(number));
        let driver = Driver::new(config, Sandboxed::new(guard, sandbox))?;
        let session = match Session::resume(config.paths, number) {
            Some(session) => Current::Resumed { session, _lock: driver.lock_during_a_call() },
            None => Current::None,
        };
        Ok(Self { number, config, driver, session, program, remote: site.remote, logins, check: None })
    }

    /// The file descriptors to wait for: [`poll`](Self::poll) is due when one of them is ready.
    pub fn fds(&self) -> Vec<PollFd<'_>> {
        let ends = |pppd| PollFd::from_borrowed_fd(std::os::fd::AsFd::as_fd(pppd), PollFlags::IN);
        match &self.session {
            Current::None => {
                let check =
                    self.check.as_ref().map(|check| PollFd::from_borrowed_fd(check.fd(), PollFlags::IN));
                self.driver.fds().into_iter().chain(check).collect()
            }
            Current::Own(session) => self.driver.fds().into_iter().chain([ends(&session.process)]).collect(),
            Current::Resumed { session, .. } => vec![ends(&session.process)],
        }
    }

    /// When the next poll is due without an event, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        match self.session {
            Current::None => self.driver.deadline(),
            Current::Own(ref session) => self.driver.deadline().into_iter().chain(session.deadline()).min(),
            Current::Resumed { .. } => None,
        }
    }

    /// Whether the line only waits for calls.
    pub fn waits_for_calls(&self) -> bool {
        matches!(self.session, Current::None) && self.driver.protocol().is_idle()
    }

    /// Processes what is ready now.
    pub fn poll(&mut self, now: Duration) {
        self.poll_session(now);
        if let Current::Resumed { .. } = self.session {
            return;
        }
        if let Some(user) = self.check.as_mut().and_then(RunningCheck::result) {
            self.checked(user);
        }
        for report in self.driver.poll(now) {
            match report {
                Report::CheckPassword => self.check_password(),
                Report::Connected(connected) => {
                    self.check = None;
                    self.start_session(connected, now);
                }
                Report::Lost { caller, why } => {
                    self.check = None;
                    let call = Connected { since: now, caller, ..Connected::default() };
                    self.enter(CallEntry::of(self.number, call, now, clock::unix(), why));
                }
                Report::LoginFailed { connected, why } => {
                    self.check = None;
                    self.enter(CallEntry::of(self.number, connected, now, clock::unix(), why));
                }
            }
        }
    }

    fn check_password(&mut self) {
        let Some(credentials) = self.driver.protocol_mut().guard_mut().credentials() else { return };
        let (check, user) = match authenticate(&self.logins.dial_in.users, credentials) {
            Authentication::Done(user) => return self.checked(user),
            Authentication::Pending(check, user) => (check, user),
        };
        match RunningCheck::start(check, user, self.logins.checker) {
            Ok(check) => self.check = Some(check),
            Err(error) => {
                self.config.log.error(&format!("checking a password: {error}"));
                self.checked(None);
            }
        }
    }

    /// The caller is authenticated as this user, or not.
    fn checked(&mut self, user: Option<UserName>) {
        self.check = None;
        let offers = &self.logins.dial_in.offers;
        let admitted = user.map(|user| Admitted { offers: offers.of(&user).to_vec(), user });
        let order = admitted.as_ref().map(|Admitted { user, offers }| {
            (user.to_string(), offers.iter().map(ToString::to_string).collect())
        });
        let parser = self.driver.protocol_mut();
        parser.guard_mut().set_authenticated(admitted);
        // If the process dies from it, the next poll notices.
        parser.order(Order::Checked(order));
    }

    /// A caller is connected: starts what it gets, on the port.
    fn start_session(&mut self, connected: Connected, now: Duration) {
        let place = Place {
            paths: self.config.paths,
            line: self.number,
            program: self.program,
            dial_in: self.logins.dial_in,
        };
        let offer = connected.offer.clone();
        let started = self.driver.hand_over().and_then(|port| match port {
            Some(port) => Session::start(place, port, connected, now),
            None => Err(io::Error::other("the port has vanished")),
        });
        match started {
            Ok(session) => self.session = Current::Own(session),
            Err(error) => {
                self.config.log.error(&format!("{offer}: {error}"));
                self.free(now);
            }
        }
    }

    /// When the caller's session has ended, prepares the modem for the next call.
    fn poll_session(&mut self, now: Duration) {
        let (Current::Own(session) | Current::Resumed { session, .. }) = &mut self.session else { return };
        let exit = match session.process.ended() {
            Ok(None) => {
                session.trim_log(self.config.paths);
                match session.poll_address(self.config.paths, now) {
                    Ok(false) => {}
                    Ok(true) => {
                        let what = format!("the caller has not taken its address, {}: ending", self.remote);
                        self.config.log.info(&what);
                    }
                    Err(error) => self.config.log.warning(&format!("ending the call: {error}")),
                }
                return;
            }
            Ok(Some(exit)) => exit,
            Err(error) => {
                self.config.log.warning(&format!("the call: {error}"));
                Exit::Unseen
            }
        };
        let session = match std::mem::replace(&mut self.session, Current::None) {
            Current::None => return,
            Current::Own(session) => {
                self.free(now);
                session
            }
            Current::Resumed { session, .. } => {
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
        self.driver.protocol_mut().order(Order::HangUp);
    }

    fn enter(&self, entry: CallEntry) {
        if let Err(error) = Calls::enter(&Store::new(self.config.paths.state()), entry) {
            self.config.log.warning(&format!("the ledger of calls: {error}"));
        }
    }
}
