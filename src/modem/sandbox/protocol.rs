//! A protocol whose parser is a process. To the driver it is a protocol like any other.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::message::{Action, Reply, Request, State, Violation};
use super::process::{Failure, Process, Sandbox, Wakes};
use super::{Guard, Sandboxable};
use crate::modem::at::request::TxData;
use crate::modem::probe::{Probe, ProbeEvent, ProbeState};
use crate::modem::protocol::{Protocol, ProtocolAction};
use crate::modem::recovery::RecoveryStep;
use crate::record::Record;
use crate::site::ModemTraits;

/// The longest record, of some ten fields.
const LONGEST_RECORD: usize = 4 << 10;

type Asked<G> =
    Request<<<G as Guard>::Parser as Sandboxable>::Start, <<G as Guard>::Parser as Sandboxable>::Order>;
type Replied<G> =
    Reply<<<G as Guard>::Parser as Sandboxable>::Claim, <<G as Guard>::Parser as Sandboxable>::Answer>;
type Actions<G> = Vec<ProtocolAction<<G as Guard>::Report>>;

/// A protocol in a process of its own.
pub struct Sandboxed<G: Guard> {
    guard: G,
    sandbox: Sandbox,
    /// `None` until it is needed, and after it has died.
    process: Option<Process>,
    state: State,
    record: Record,
    /// Why the last process has died, until that is reported to the driver.
    failure: Option<String>,
    /// Reports of what was lost with it.
    lost: Vec<G::Report>,
    /// A process has died since a port was opened.
    has_died: bool,
    /// The commands of the modem of the next port.
    traits: ModemTraits,
    /// An order is to be carried out at the next turn.
    is_asked: bool,
    wakes: Wakes,
    /// When the last request was sent.
    now: Duration,
}

impl<G: Guard> fmt::Debug for Sandboxed<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandboxed").field("process", &self.process).field("state", &self.state).finish()
    }
}

impl<G: Guard> Sandboxed<G> {
    /// Starts no process yet.
    pub fn new(guard: G, sandbox: Sandbox) -> Self {
        Self {
            state: State { is_idle: G::IS_IDLE_WITHOUT_PROCESS, ..State::default() },
            guard,
            sandbox,
            process: None,
            record: Record::new(),
            failure: None,
            lost: Vec::new(),
            has_died: false,
            traits: ModemTraits::default(),
            is_asked: false,
            wakes: Wakes::default(),
            now: Duration::ZERO,
        }
    }

    /// The service's side of the protocol.
    pub fn guard_mut(&mut self) -> &mut G {
        &mut self.guard
    }

    /// Whether there is a process.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Kills the process for its answer to an [order](Self::order).
    pub fn end_for(&mut self, violation: Violation) {
        self.fail::<()>(violation.into());
    }

    /// Whether something is still to be done of what was asked for.
    pub fn has_pending_orders(&self) -> bool {
        self.state.has_pending_orders
    }

    /// Sends an order, which is carried out at the next turn. `None` if the process has died of it.
    pub fn order(
        &mut self,
        order: <G::Parser as Sandboxable>::Order,
    ) -> Option<<G::Parser as Sandboxable>::Answer> {
        self.is_asked = true;
        self.order_without_turn(order)
    }

    /// Sends an order that needs no turn of its own: the service may send it at every turn.
    pub fn order_without_turn(
        &mut self,
        order: <G::Parser as Sandboxable>::Order,
    ) -> Option<<G::Parser as Sandboxable>::Answer> {
        match self.ask(&Request::Order(order)) {
            Some(Reply::Answered { answer, state }) => self.believe(state).map(|()| answer),
            Some(_) => self.fail(Violation::WrongReply.into()),
            None => None,
        }
    }

    /// Sends a request to the process, which is started if there is none; `None` if it has died.
    fn ask(&mut self, request: &Asked<G>) -> Option<Replied<G>> {
        if self.process.is_none() {
            self.start()?;
        }
        match self.process.as_mut()?.ask::<Replied<G>>(request).and_then(|reply| Ok(reply.checked()?)) {
            Ok(Reply::Panicked(place)) => {
                self.die(&format!("the modem's parser has panicked at {place}"));
                None
            }
            Ok(reply) => Some(reply),
            Err(failure) => self.fail(failure),
        }
    }

    fn start(&mut self) -> Option<()> {
        match Process::start(&self.sandbox, G::Parser::NAME) {
            Ok(process) => self.process = Some(process),
            Err(error) => return self.fail(Failure::NotStarted(error)),
        }
        let first: Asked<G> = Request::Start(self.guard.start());
        match self.process.as_mut()?.ask::<Replied<G>>(&first) {
            Ok(Reply::Did { state, .. }) => self.believe(state),
            Ok(_) => self.fail(Violation::WrongReply.into()),
            Err(failure) => self.fail(failure),
        }
    }

    fn believe(&mut self, mut state: State) -> Option<()> {
        if let Some(text) = state.record.take() {
            if text.len() > LONGEST_RECORD {
                return self.fail(Violation::TooMuch.into());
            }
            self.record = Record::parse(&text);
        }
        self.state = state;
        Some(())
    }

    /// Sends a request and returns the accepted actions.
    fn act(&mut self, request: &Asked<G>, now: Duration) -> Actions<G> {
        self.now = now;
        let done = match self.ask(request) {
            Some(Reply::Did { actions, state }) => {
                let actions = actions.into_iter().map(|action| self.accept(action, now));
                let actions = actions.collect::<Result<Actions<G>, Violation>>();
                self.believe(state).and_then(|()| match actions {
                    Ok(actions) => Some(actions),
                    Err(violation) => self.fail(violation.into()),
                })
            }
            Some(_) => self.fail(Violation::WrongReply.into()),
            None => None,
        };
        done.unwrap_or_else(|| self.give_up())
    }

    fn accept(
        &mut self,
        action: Action<<G::Parser as Sandboxable>::Claim>,
        now: Duration,
    ) -> Result<ProtocolAction<G::Report>, Violation> {
        Ok(match action {
            Action::Send(text) => ProtocolAction::Send(TxData::unshown(text)),
            Action::Dtr(dtr) => ProtocolAction::Dtr(dtr),
            Action::Log(level, what) => ProtocolAction::Log(level, what),
            Action::Publish => ProtocolAction::Publish,
            Action::Remember(text) => {
                let remembered = self.guard.remembers(&Record::parse(&text));
                let (file, record) = remembered.ok_or(Violation::Claim)?;
                ProtocolAction::Remember { file, record }
            }
            Action::Claim(claim) => ProtocolAction::Report(self.guard.accept(claim, now)?),
            Action::Abandon(why) => ProtocolAction::Abandon(why),
        })
    }

    /// Kills the process, or what is left of it.
    fn fail<T>(&mut self, failure: Failure) -> Option<T> {
        let id = self.process.as_ref().map(Process::id).unwrap_or_default();
        let status = self.process.take().and_then(Process::end);
        self.die(&match failure {
            Failure::NotStarted(error) => format!("the modem's parser cannot be started: {error}"),
            Failure::Ended => {
                let how = status.map_or_else(|| "it ended".to_owned(), |status| status.to_string());
                format!("the modem's parser ({id}) is gone: {how}")
            }
            Failure::Silent => format!("the modem's parser ({id}) is killed: it does not reply"),
            Failure::Socket(error) => format!("the modem's parser ({id}) is killed: {error}"),
            Failure::Violation(what) => format!("the modem's parser ({id}) is killed: it {what}"),
        });
        None
    }

    fn die(&mut self, why: &str) {
        self.process = None;
        self.state = State { is_idle: G::IS_IDLE_WITHOUT_PROCESS, ..State::default() };
        self.lost.extend(self.guard.lost(&self.record, self.now));
        self.record = Record::new();
        self.has_died = true;
        self.failure = Some(why.to_owned());
    }

    /// Makes the driver close the port of a modem whose process has died.
    fn give_up(&mut self) -> Actions<G> {
        self.failure.take().map(ProtocolAction::Abandon).into_iter().collect()
    }
}

impl<G: Guard> Protocol for Sandboxed<G> {
    type Report = G::Report;

    fn is_of(&mut self, traits: ModemTraits) {
        self.traits = traits;
    }

    fn on_open(&mut self, step: Option<RecoveryStep>, now: Duration) -> Actions<G> {
        let news = self.failure.take().map(|why| ProtocolAction::log(crate::log::Level::Warning, why));
        let has_died = std::mem::take(&mut self.has_died);
        let step = if has_died { self.guard.step_after_restart(step) } else { step };
        self.is_asked = true;
        let traits = std::mem::take(&mut self.traits);
        let actions = self.act(&Request::Open { traits, step, now }, now);
        news.into_iter().chain(actions).collect()
    }

    fn on_bytes(&mut self, bytes: &[u8], now: Duration) -> Actions<G> {
        match self.failure {
            Some(_) => self.give_up(),
            None => self.act(&Request::Bytes { bytes: bytes.to_owned(), now }, now),
        }
    }

    /// Between its deadlines the process gets a request only if it has something to do: a service with many lines has
    /// many processes.
    fn on_time(&mut self, now: Duration) -> Actions<G> {
        if let Some(Err(failure)) = self.process.as_ref().map(Process::look) {
            self.fail::<()>(failure);
        }
        if self.failure.is_some() {
            return self.give_up();
        }
        if std::mem::take(&mut self.is_asked) {
            return self.act(&Request::Time { now }, now);
        }
        if self.state.deadline.is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        let actions = self.act(&Request::Time { now }, now);
        if let Err(violation) = self.wakes.count(1 + actions.len(), now) {
            self.fail::<()>(violation.into());
            return self.give_up();
        }
        actions
    }

    fn on_close(&mut self) -> Vec<G::Report> {
        // The driver closes a port without a time: that of the last turn is as good.
        let actions = match self.process {
            Some(_) => self.act(&Request::Close, self.now),
            None => Vec::new(),
        };
        let mut reports = Vec::new();
        for action in actions {
            match action {
                ProtocolAction::Report(report) => reports.push(report),
                // The next opening of a port reports it.
                ProtocolAction::Abandon(why) => self.failure = Some(why),
                _ => {}
            }
        }
        reports.append(&mut self.lost);
        reports
    }

    fn next_deadline(&self) -> Option<Duration> {
        if self.failure.is_some() || self.is_asked { Some(Duration::ZERO) } else { self.state.deadline }
    }

    fn is_idle(&self) -> bool {
        self.state.is_idle
    }

    fn answers(&self) -> bool {
        self.state.answers
    }

    fn works(&self) -> bool {
        self.state.works
    }

    fn needs_a_person(&self) -> bool {
        self.state.needs_a_person
    }

    fn last_step(&self) -> RecoveryStep {
        self.state.last_step
    }

    fn record(&self) -> Record {
        self.record.clone()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.process.as_ref().map(Process::fd)
    }
}

impl<G: Guard> Probe for Sandboxed<G> {
    /// A process that dies of a port's input has found no modem.
    fn on_event(&mut self, event: ProbeEvent, now: Duration) -> ProbeState {
        match self.ask(&Request::Probe { event, now }) {
            Some(Reply::Probed(state)) => return state,
            Some(_) => self.fail(Violation::WrongReply.into()).unwrap_or_default(),
            None => {}
        }
        ProbeState { answering: Some(Vec::new()), ..ProbeState::default() }
    }

    fn failure(&mut self) -> Option<String> {
        self.failure.take()
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
