//! How the driver finds its port.

use std::io;
use std::time::Duration;

use super::port::OpenPort;
use super::{Driver, LONGEST_PAUSE, LOOK_EVERY, Probe, ProbeEvent, ProbeState, Probed, Protocol, State};
use crate::modem::lock::Names;
use crate::modem::models;
use crate::modem::ports::{self, Candidate, Ports};
use crate::modem::recovery::RecoveryStep;
use crate::modem::{router, usb};
use crate::site::{MobileModel, Port};

impl<A: Protocol + Probe> Driver<'_, A> {
    /// Opens every port where the modem may be.
    pub(super) fn seek(&mut self, now: Duration, reports: &mut Vec<A::Report>) -> State {
        if self.bind_a_driver() {
            return State::Seeking { again: now + LOOK_EVERY };
        }
        let candidates = ports::candidates(self.config.paths, self.config.port);
        let candidates = self.passed_over.leave_out(candidates);
        let models = self.models(&candidates);
        let candidates = match self.distrusts_models {
            true => candidates,
            false => ports::narrow(candidates, &models),
        };
        if candidates.is_empty() {
            return self.recover(self.no_modem(), RecoveryStep::Reboot, now);
        }
        let (mut open, mut locked, mut trouble) = (Vec::new(), Vec::new(), String::new());
        for candidate in &candidates {
            let names = self.names(candidate);
            match OpenPort::open(&self.config, candidate, &names) {
                Ok(port) => open.push(port),
                Err(error) => {
                    trouble = format!("{}: {error}", candidate.device.display());
                    if error.kind() == io::ErrorKind::WouldBlock {
                        locked.push(names);
                    }
                }
            }
        }
        self.failed_opens = if open.is_empty() { self.failed_opens.saturating_add(1) } else { 0 };
        self.status.trying(open.iter().map(|port| port.candidate.to_string()).collect());
        if open.len() > 1 {
            let begun = self.protocol.on_event(ProbeEvent::Begin(open.len()), now);
            return self.probe(Probed { candidates, open, deadline: begun.deadline }, now, reports);
        }
        match open.pop() {
            Some(port) => {
                let answering = [port.candidate.clone()];
                self.choose(vec![port], &candidates, &answering, now, reports)
            }
            None if locked.is_empty() => match self.recover(trouble, RecoveryStep::Reboot, now) {
                State::Seeking { .. } => State::Seeking { again: now + pause(self.failed_opens) },
                other => other,
            },
            None => {
                self.failed_opens = 0;
                self.status.trouble(trouble);
                State::until_free(locked, now)
            }
        }
    }

    /// The models of these ports' modems.
    fn models(&self, candidates: &[Candidate]) -> Vec<MobileModel> {
        let mut ids: Vec<_> = candidates.iter().filter_map(Candidate::id).collect();
        ids.dedup();
        models::of(&ids, self.config.paths, self.config.log)
    }

    /// Whether a device has got its driver that has a model, and no driver because it is newer than the kernel.
    fn bind_a_driver(&mut self) -> bool {
        let mut ids = usb::without_driver(self.config.paths);
        ids.retain(|id| !self.bound.contains(id));
        let models = models::of(&ids, self.config.paths, self.config.log);
        let ports = ports::candidates(self.config.paths, &Port::Auto);
        let found = ids.iter().find_map(|id| {
            let model = models.iter().find(|it| it.usb.contains(id))?;
            // What a driver leaves out of a device that it knows is no serial port: a network interface, or adb.
            let is_known = ports.iter().any(|port| port.is_of(*id, &model.driver));
            (!is_known).then_some((*id, model))
        });
        let Some((id, model)) = found else { return false };
        self.bound.push(id);
        let MobileModel { name, driver, .. } = model;
        self.config.log.info(&format!("{id} is {name}: the driver {driver} is told its ids"));
        let done = usb::bind(self.config.paths, model, id);
        let has_succeeded = done.is_ok();
        self.status.warn_if_failed(&format!("telling the driver {driver} the ids {id}"), done);
        has_succeeded
    }

    fn no_modem(&self) -> String {
        match router::find(self.config.paths) {
            Some(stick) => format!("no modem found: {stick} is a router, which has no port for commands"),
            None => "no modem found".to_owned(),
        }
    }

    pub(super) fn names(&self, candidate: &Candidate) -> Names {
        Names::for_port(self.config.paths, &candidate.device, self.status.link())
    }

    pub(super) fn probe(
        &mut self,
        mut probing: Probed,
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> State {
        let mut outcome = ProbeState::default();
        for (number, port) in probing.open.iter_mut().enumerate() {
            outcome = match port.probe(number, &mut self.protocol, now) {
                Ok(outcome) => outcome,
                Err(_) => self.protocol.on_event(ProbeEvent::Lost(number), now),
            };
        }
        let Some(answering) = outcome.answering else {
            probing.deadline = outcome.deadline;
            return State::Probing(probing);
        };
        if let Some(why) = self.protocol.failure() {
            return self.recover(why, RecoveryStep::Reboot, now);
        }
        let Probed { candidates, open, .. } = probing;
        let mut answering: Vec<_> =
            answering.iter().filter_map(|port| Some(open.get(*port)?.candidate.clone())).collect();
        // A modem that was left in a call answers only the commands of the recovery.
        let first = open.first().filter(|_| answering.is_empty() && self.step.is_some());
        answering.extend(first.map(|port| port.candidate.clone()));
        self.choose(open, &candidates, &answering, now, reports)
    }

    /// Keeps the command port, and closes the others.
    fn choose(
        &mut self,
        open: Vec<OpenPort>,
        all: &[Candidate],
        answering: &[Candidate],
        now: Duration,
        reports: &mut Vec<A::Report>,
    ) -> State {
        let Some(Ports { command, data }) = ports::choose(all, answering, self.status.linked(all)) else {
            self.distrusts_models ^= true;
            return self.recover("no port answers AT".to_owned(), RecoveryStep::Reboot, now);
        };
        match open.into_iter().find(|port| port.candidate == command) {
            Some(port) => {
                let models = self.models(std::slice::from_ref(&command));
                let traits = command.model(&models).map(|model| model.traits.clone());
                self.protocol.is_of(traits.unwrap_or_default());
                self.device = command.usb_device().map(str::to_owned).or(self.device.take());
                let actions = self.protocol.on_open(self.step.take(), now);
                self.exchange(port, data, actions, now, reports)
            }
            None => self.recover("no port answers AT".to_owned(), RecoveryStep::Reboot, now),
        }
    }
}

impl State {
    /// Other programs have the ports with these lock names. One that uses flock(2) alone has no lock file, whose removal
    /// could be reported.
    pub(super) fn until_free(locks: Vec<Names>, now: Duration) -> Self {
        let again = now + LOOK_EVERY;
        match locks.iter().all(|names| names.holder().is_some()) {
            true => Self::Waiting { locks, again },
            false => Self::Seeking { again },
        }
    }
}

/// The pause after so many searches in a row in which no port could be opened: a tty whose device is gone, or that
/// another program has for itself (TIOCEXCL), may stay so for long.
fn pause(failed: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failed.saturating_sub(1)).and_then(|times| LOOK_EVERY.checked_mul(times));
    doubled.map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}
