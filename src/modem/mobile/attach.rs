//! The context that LTE attaches with: its APN, kind of IP and account (TS 27.007 §10.1.1, §10.1.31).
//!
//! On LTE a modem has a context before any call (TS 23.401 §5.3.2.1): what `chat` sets when it dials comes too late for
//! an operator that admits only its own APN or account. So the context is read once the modem shows that it has LTE,
//! set where it differs, and read back; a modem that has attached with another one attaches anew.

use std::time::Duration;

use super::attach_context::{AttachContext, AttachStep, account_command};
use super::registration::Registration;
use super::step::Step;
use super::{Action, Mobile};
use crate::log::Level;
use crate::modem::at::response::Final;
use crate::site::AccountCommand;

/// How long a modem may take to attach. Until then a link that was requested is not dialled.
const ATTACH_TAKES: Duration = Duration::from_secs(30);
/// A modem that forgets its context at every start attaches anew only so often.
const ANEW_EVERY: Duration = Duration::from_secs(3600);

/// What the modem attaches with, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Attach {
    wanted: Option<AttachContext>,
    progress: Progress,
    /// The context was changed while the modem was in use: it attaches anew in any case, since no modem shows whether
    /// its password is another one.
    is_ordered: bool,
    /// When the modem was last made to attach anew.
    anew: Option<Duration>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing is to be done.
    #[default]
    Settled,
    /// As soon as the modem shows that it has LTE.
    Due,
    /// Commands are under way; whether the modem has attached with another context.
    Setting { differs: bool },
    /// The radio was switched off and on.
    Attaching { since: Duration },
}

impl Attach {
    /// The port was opened again.
    pub fn restart(&mut self) {
        self.progress = Progress::Settled;
    }

    /// Whether a changed context is not in use yet.
    pub fn has_pending_order(&self) -> bool {
        self.is_ordered && self.progress != Progress::Settled
    }

    /// The context.
    pub fn context(&self) -> Option<&AttachContext> {
        self.wanted.as_ref()
    }

    fn differs(&mut self) {
        if let Progress::Setting { differs } = &mut self.progress {
            *differs = true;
        }
    }

    fn settle(&mut self) {
        self.progress = Progress::Settled;
        self.is_ordered = false;
    }
}

impl Mobile {
    /// The same; on LTE the modem attaches with this context.
    #[must_use]
    pub fn that_attaches_with(mut self, context: AttachContext) -> Self {
        self.attach.wanted = Some(context);
        self
    }

    /// The modem attaches with this context from now on; [`has_pending_orders`](Self::has_pending_orders) until it does.
    pub fn attach_with(&mut self, context: AttachContext) {
        if self.attach.wanted.as_ref() == Some(&context) {
            return;
        }
        self.attach.wanted = Some(context);
        if self.state.known.network.lte.is_some() {
            self.attach.is_ordered = true;
            self.attach.progress = Progress::Due;
            self.state.plan.push_back(Step::LteRegistration);
            self.must_choose = true;
        }
    }

    /// The modem is configured: the context is to be read as soon as it shows that it has LTE.
    pub(super) fn prepare_to_attach(&mut self) {
        if self.attach.wanted.is_some() {
            self.attach.progress = Progress::Due;
        }
    }

    /// `+CEREG?` was answered, or refused by a modem without LTE.
    pub(super) fn lte_is_known(&mut self, now: Duration) {
        let lte = self.state.known.network.lte;
        match (self.attach.progress, lte) {
            (Progress::Due, Some(_)) => {
                self.attach.progress = Progress::Setting { differs: false };
                self.state.plan.push_back(Step::Attach(AttachStep::Read));
            }
            (Progress::Due, None) => self.attach.settle(),
            (Progress::Attaching { since }, lte) => {
                let is_attached = lte.is_some_and(Registration::lets_in);
                if is_attached || since + ATTACH_TAKES <= now {
                    self.attach.settle();
                } else {
                    self.state.plan.push_back(Step::LteRegistration);
                }
            }
            (Progress::Settled | Progress::Setting { .. }, _) => {}
        }
    }

    pub(super) fn attach_answer(
        &mut self,
        step: AttachStep,
        result: &Final,
        answer: &[String],
        now: Duration,
    ) -> Vec<Action> {
        let Some(wanted) = &self.attach.wanted else { return Vec::new() };
        let is_ok = *result == Final::Ok;
        let has_account = wanted.has_account();
        let (is_in, has_account_in) = (wanted.is_in(answer), wanted.has_account_in(answer));
        let warning = |what: &str| vec![Action::log(Level::Warning, what)];
        match step {
            AttachStep::Read if is_ok && !is_in => {
                self.attach.differs();
                self.state.plan.extend([AttachStep::Set, AttachStep::ReadBack].map(Step::Attach));
                Vec::new()
            }
            AttachStep::Read => self.go_on_with_account(now),
            AttachStep::Set => Vec::new(),
            AttachStep::ReadBack => {
                let said =
                    if is_in { Vec::new() } else { warning("the modem does not keep the APN for LTE") };
                [said, self.go_on_with_account(now)].concat()
            }
            AttachStep::ReadAccount if !has_account && (has_account_in || !is_ok) => self.end_of_setting(now),
            AttachStep::ReadAccount => {
                if is_ok && !has_account_in {
                    self.attach.differs();
                }
                let read_back = Some(AttachStep::ReadAccountBack).filter(|_| is_ok);
                let steps = [AttachStep::SetAccount].into_iter().chain(read_back);
                self.state.plan.extend(steps.map(Step::Attach));
                Vec::new()
            }
            AttachStep::SetAccount => {
                let said = match result {
                    Final::Ok => Vec::new(),
                    _ => warning("the modem refuses user and password for LTE"),
                };
                let is_read_back = self.state.plan.contains(&Step::Attach(AttachStep::ReadAccountBack));
                if is_read_back { said } else { [said, self.end_of_setting(now)].concat() }
            }
            AttachStep::ReadAccountBack => {
                let said = if has_account_in {
                    Vec::new()
                } else {
                    warning("the modem does not keep the user for LTE")
                };
                [said, self.end_of_setting(now)].concat()
            }
        }
    }

    fn go_on_with_account(&mut self, now: Duration) -> Vec<Action> {
        let has_account = self.attach.wanted.as_ref().is_some_and(|wanted| wanted.has_account());
        let next = match account_command(&self.traits) {
            // Quectel's answer shows the password: only the standard's is read.
            Some(command) if command.name() == AccountCommand::STANDARD_NAME => AttachStep::ReadAccount,
            Some(_) if has_account => AttachStep::SetAccount,
            Some(_) => return self.end_of_setting(now),
            None => {
                let what = "this modem has no command for user and password on LTE";
                let said = has_account.then(|| Action::log(Level::Warning, what));
                return said.into_iter().chain(self.end_of_setting(now)).collect();
            }
        };
        self.state.plan.push_back(Step::Attach(next));
        Vec::new()
    }

    /// A modem that has attached with another context, or that is denied, attaches anew; the SIM stays unlocked. One that
    /// is not on LTE uses the context when it comes there.
    fn end_of_setting(&mut self, now: Duration) -> Vec<Action> {
        let differs = self.attach.progress == Progress::Setting { differs: true };
        let lte = self.state.known.network.lte.filter(|lte| *lte != Registration::Off);
        let has_account = self.attach.wanted.as_ref().is_some_and(|wanted| wanted.has_account());
        let is_denied = has_account && lte == Some(Registration::Denied);
        let is_too_soon = self.attach.anew.is_some_and(|anew| now < anew + ANEW_EVERY);
        let is_needed = self.attach.is_ordered || (differs || is_denied) && !is_too_soon;
        if lte.is_none() || !is_needed {
            self.attach.settle();
            return Vec::new();
        }
        self.attach.anew = Some(now);
        self.attach.progress = Progress::Attaching { since: now };
        self.state.plan.extend([Step::RadioOff, Step::RadioOn, Step::LteRegistration]);
        vec![Action::log(Level::Info, "the modem attaches to LTE anew, with the site's APN and account")]
    }
}
