//! Answers calls: resets the modem, waits for rings, answers, and hangs up after the call.

mod config;
mod null_modem;
mod protocol;
mod set_up;
mod unasked;

use std::collections::VecDeque;
use std::time::Duration;

pub use config::AnswererConfig;
use null_modem::Listener;
use unasked::{Unexplained, carrier};

use super::login::{Admitted, Credentials, Login, LoginOutput, LoginResult};
use super::report::{Connected, Report};
use super::ring::Call;
use super::secret::{Registers, Secret};
use super::step::{self, Step, Task};
use crate::log::Level;
use crate::modem::at::queue::{Event, Queue};
use crate::modem::at::request::TxData;
use crate::modem::at::response::Final;
use crate::modem::protocol::ProtocolAction;
use crate::site::Offer;

/// How often an idle modem is probed (mgetty's value).
const PROBE_EVERY: Duration = Duration::from_secs(3600);
/// A modem that was just powered misses the first commands.
const RESET_TRIES: u32 = 5;
/// The number of escapes that are tried until the modem must have proven that it left data state.
const ESCAPES: u32 = 2;

type Action = ProtocolAction<Report>;

/// The dialogue with the modem of one line.
#[derive(Debug)]
pub struct Answerer {
    config: AnswererConfig,
    queue: Queue<Step>,
    phase: Phase,
    /// The next steps, in order.
    plan: VecDeque<Task>,
    /// No step is started before this time.
    pause: Option<Duration>,
    call: Call,
    calls: u32,
    connected: Connected,
    /// A name and a password that the owner is to check.
    check: Option<Credentials>,
    /// The result of the check.
    checked: Option<Option<Admitted>>,
    /// When to probe.
    probe: Option<Duration>,
    /// The source of the modem's secret.
    random: fn() -> Option<Registers>,
    /// The modem's secret since its last reset.
    secret: Option<Secret>,
    /// A call was answered, and the modem has not proven yet that it has left the call.
    in_call: bool,
    /// The port was closed for that reason.
    is_unproven: bool,
    /// Whether it was logged that the modem keeps no secret.
    has_warned: bool,
    /// For a line without a modem.
    listener: Listener,
    /// The modem has lost a command after its reset, and is given [time](step::SETTLING) from then on, whatever the
    /// site says.
    settles: bool,
    /// What the modem has said that means nothing here.
    unexplained: Unexplained,
    /// Rings since the command to answer.
    rings_on: u32,
}

#[derive(Debug)]
enum Phase {
    Resetting {
        tries: u32,
    },
    /// Reset; what it was told then is not all acknowledged.
    SettingUp,
    Ready,
    Answering,
    LoggingIn(Login),
    Connected,
    /// All input may come from the caller, except the secret.
    HangingUp {
        escapes: u32,
    },
}

impl Answerer {
    /// The answerer of one line. The modem's secrets are [`Registers::random`].
    pub fn new(config: AnswererConfig, random: fn() -> Option<Registers>) -> Self {
        Self {
            config,
            queue: Queue::default(),
            phase: Phase::Resetting { tries: 0 },
            plan: VecDeque::new(),
            pause: None,
            call: Call::default(),
            calls: 0,
            connected: Connected::default(),
            check: None,
            checked: None,
            probe: None,
            random,
            secret: None,
            in_call: false,
            is_unproven: false,
            has_warned: false,
            listener: Listener::default(),
            settles: false,
            unexplained: Unexplained::default(),
            rings_on: 0,
        }
    }

    /// The call is over or must end: the modem is made to leave it at the next poll.
    pub fn hang_up(&mut self) {
        if matches!(self.phase, Phase::Answering | Phase::LoggingIn(_) | Phase::Connected) {
            self.phase = Phase::HangingUp { escapes: 0 };
            self.queue = Queue::default();
            if self.config.null_modem {
                return self.hang_up_cable();
            }
            self.plan = step::drop_dtr();
            if self.secret.is_some() {
                self.plan.push_back(Task::Ask(Step::Prove));
            } else {
                self.plan.extend(step::escape());
                self.plan.push_back(Task::Ask(Step::HangUp));
            }
        }
    }

    /// The name and the password of [`Report::CheckPassword`].
    pub fn credentials(&mut self) -> Option<Credentials> {
        self.check.take()
    }

    /// The user of the checked name and password; `None` if they are wrong. The caller gets the answer at the next
    /// turn, unless the call is over.
    pub fn set_checked(&mut self, user: Option<Admitted>) {
        self.checked = Some(user);
    }

    /// Whether input may come from the caller: from `CONNECT` until the modem has left the call.
    fn may_be_the_caller(&self) -> bool {
        self.in_call && !matches!(self.phase, Phase::Answering)
    }

    /// The modem has not proven that it is in command state: sends `+++`, and reads the secret again.
    fn escape_again(&mut self) -> Vec<Action> {
        match &mut self.phase {
            Phase::HangingUp { escapes } if *escapes < ESCAPES => {
                *escapes += 1;
                self.plan = step::escape();
                self.plan.push_back(Task::Ask(Step::Prove));
                Vec::new()
            }
            _ => {
                self.is_unproven = true;
                vec![Action::Abandon("the modem does not prove that it has left the call".to_owned())]
            }
        }
    }

    /// Continues with the plan as far as possible.
    fn proceed(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(self.phase, Phase::Ready) && !self.config.null_modem {
            // It has just been reset, so it is too early.
            let probe = *self.probe.get_or_insert(now + PROBE_EVERY);
            if probe <= now {
                self.probe = Some(now + PROBE_EVERY);
                self.plan.push_back(Task::Ask(Step::Probe));
            }
        }
        while self.queue.is_idle() && self.pause.is_none_or(|pause| pause <= now) {
            self.pause = None;
            match self.plan.pop_front() {
                Some(Task::Wait(time)) => self.pause = Some(now + time),
                Some(Task::Dtr(dtr)) => actions.push(Action::Dtr(dtr)),
                Some(Task::Escape) => actions.push(Action::Send(step::escape_sequence())),
                Some(Task::Ask(step)) => {
                    let request = step.request();
                    self.queue.push(step, request);
                    actions.extend(self.queue.next(now).map(Action::Send));
                }
                None => break,
            }
        }
        if self.config.null_modem {
            actions.extend(self.listens_again());
        }
        actions
    }

    fn event(&mut self, event: Event<Step>, now: Duration) -> Vec<Action> {
        match event {
            Event::Unsolicited(_) | Event::Garbage(_) | Event::Delivered { .. }
                if self.may_be_the_caller() =>
            {
                Vec::new()
            }
            Event::Unsolicited(line) => self.unsolicited(&line, now),
            Event::Garbage(what) => self.unexplained(Level::Warning, format!("modem sends {what}"), now),
            Event::Delivered { header, .. } => {
                self.unexplained(Level::Info, format!("modem says {header}"), now)
            }
            Event::Silence { asked, shown, .. } => self.silence(asked, &shown),
            Event::Answered { asked, result, answer } => self.answered(asked, result, &answer, now),
        }
    }

    fn answered(&mut self, asked: Step, result: Final, answer: &[String], now: Duration) -> Vec<Action> {
        match (asked, result) {
            (Step::Reset, Final::Ok) => self.set_up(),
            (Step::Reset, _) => vec![Action::Abandon("the modem refuses ATZ".to_owned())],
            (Step::Answer, Final::Connect(words)) => self.connect(carrier(answer).unwrap_or(words), now),
            (Step::Answer, Final::Fax) => self.no_connection("a fax machine calls".to_owned()),
            (Step::Answer, result) => self.no_connection(result.to_string()),
            (Step::InitString, result) if result != Final::Ok => {
                step::init_commands().rev().for_each(|task| self.plan.push_front(task));
                Vec::new()
            }
            (Step::InitCommand(command), result) if result != Final::Ok => {
                vec![Action::log(Level::Warning, format!("the modem refuses {command}: {result}"))]
            }
            (Step::OfSite(command), result) if result != Final::Ok => {
                vec![Action::log(Level::Warning, format!("the modem refuses {command}: {result}"))]
            }
            (Step::CallerId(_), _) => self.ready(),
            (Step::ReadSecret(registers), result) => {
                self.secret = registers.kept(answer).filter(|_| result == Final::Ok);
                self.warn_of_no_secret()
            }
            (Step::Prove, Final::Ok) if self.secret.as_ref().is_some_and(|secret| secret.fits(answer)) => {
                self.plan = [Task::Ask(Step::HangUp)].into();
                Vec::new()
            }
            (Step::Prove, _) => self.escape_again(),
            // Whatever the result code: the modem accepts commands again.
            (Step::HangUp, _) => {
                self.reset();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn connect(&mut self, words: String, now: Duration) -> Vec<Action> {
        let caller = self.call.caller.clone();
        let speed = Some(words).filter(|words| !words.is_empty());
        let said = format!("connected at {}", speed.as_deref().unwrap_or("an unknown speed"));
        self.connected = Connected { since: now, caller, speed, ..Connected::default() };
        // The remaining questions would go to the caller; they are asked after the reset.
        self.plan.clear();
        (self.check, self.checked) = (None, None);
        let mut actions = vec![Action::log(Level::Info, said)];
        match &self.config.prompt {
            Some(prompt) => {
                self.phase = Phase::LoggingIn(Login::new(prompt.clone(), now));
                actions.push(Action::Publish);
            }
            None => actions.extend(self.hand_over()),
        }
        actions
    }

    /// Hands the port to pppd, or to what the caller gets in its place.
    fn hand_over(&mut self) -> [Action; 2] {
        self.phase = Phase::Connected;
        [Action::Publish, Action::Report(Report::Connected(self.connected.clone()))]
    }

    /// Executes the output of the login dialogue.
    fn perform(&mut self, output: LoginOutput) -> Vec<Action> {
        let mut actions = Vec::new();
        if !output.text.is_empty() {
            actions.push(Action::Send(TxData::to_caller(output.text)));
        }
        if output.check.is_some() {
            self.check = output.check;
            actions.push(Action::Report(Report::CheckPassword));
        }
        match output.result {
            None => {}
            Some(LoginResult::Ppp) => actions.extend(self.hand_over()),
            Some(LoginResult::Admitted(user, offer)) => {
                let got = if offer == Offer::Ppp { String::new() } else { format!(", for {offer}") };
                actions.push(Action::log(Level::Info, format!("{user} has logged in{got}")));
                (self.connected.user, self.connected.offer) = (Some(user), offer);
                actions.extend(self.hand_over());
            }
            Some(LoginResult::Refused(why)) => actions.extend(self.login_failed(why.to_string())),
        }
        actions
    }

    fn login_failed(&mut self, why: String) -> [Action; 2] {
        self.hang_up();
        let said = Action::log(Level::Info, format!("call ended: {why}"));
        [said, Action::Report(Report::LoginFailed { connected: self.connected.clone(), why })]
    }

    fn no_connection(&mut self, why: String) -> Vec<Action> {
        let caller = self.call.caller.clone();
        let said = Action::log(Level::Info, format!("no connection: {why}"));
        self.hang_up();
        vec![said, Action::Report(Report::Lost { caller, why })]
    }

    fn silence(&mut self, asked: Step, shown: &str) -> Vec<Action> {
        match (&mut self.phase, asked) {
            (Phase::Resetting { tries }, Step::Reset) if *tries + 1 < RESET_TRIES => {
                *tries += 1;
                self.plan = [Task::Ask(Step::Reset)].into();
                Vec::new()
            }
            (_, Step::CallerId(_)) => self.ready(),
            (_, Step::EscapeSequence | Step::SetSecret(_) | Step::InitCommand(_)) => Vec::new(),
            (_, asked @ (Step::InitString | Step::OfSite(_))) if !self.settles => {
                self.settles = true;
                self.plan.push_front(Task::Ask(asked));
                let what = "the modem ignores commands after its reset; from now on it is given time";
                vec![Action::log(Level::Warning, what)]
            }
            (_, Step::OfSite(command)) => {
                vec![Action::log(Level::Warning, format!("the modem does not answer {command}"))]
            }
            (_, Step::ReadSecret(_)) => self.warn_of_no_secret(),
            (_, Step::Prove) => self.escape_again(),
            // A modem that was just powered may have missed it; the reset follows.
            (Phase::Resetting { .. }, Step::HangUp) => Vec::new(),
            (_, Step::Answer) => self.no_connection("the modem does not report the result".to_owned()),
            _ => vec![Action::Abandon(format!("no answer to {shown}"))],
        }
    }
}

#[cfg(test)]
mod tests;
