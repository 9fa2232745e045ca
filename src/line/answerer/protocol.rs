//! The answerer as a protocol of the modem driver.

use std::time::Duration;

use super::{Action, Answerer, Phase};
use crate::line::report::Report;
use crate::line::step::{self, Step, Task};
use crate::modem::at::queue::Queue;
use crate::modem::protocol::Protocol;
use crate::modem::recovery::RecoveryStep;
use crate::published::{LineCall, LineState, LineStatus, Published};
use crate::record::Record;

impl Protocol for Answerer {
    type Report = Report;

    /// A reset comes first in any case. From the second recovery step on, or if a call may still be up, the call is
    /// ended before.
    ///
    /// A modem that has not proven that it left the call must still do so. From the step Restart on it need not:
    /// one that has lost its power, and the secret with it, would never work again.
    fn on_open(&mut self, step: Option<RecoveryStep>, _now: Duration) -> Vec<Action> {
        let in_call = self.in_call || step.is_some_and(|step| step > RecoveryStep::Repeat);
        let must_prove = self.is_unproven && step < Some(RecoveryStep::Restart);
        self.queue = Queue::default();
        self.pause = None;
        self.probe = None;
        self.reset();
        if in_call && !self.config.null_modem {
            self.in_call = true;
            let steps = if must_prove { &[Step::Prove][..] } else { &[Step::HangUp, Step::Reset] };
            self.plan = step::escape();
            self.plan.extend(steps.iter().cloned().map(Task::Ask));
        }
        Vec::new()
    }

    fn on_close(&mut self) -> Vec<Report> {
        let before = std::mem::replace(&mut self.phase, Phase::Resetting { tries: 0 });
        let why = "the modem has vanished".to_owned();
        match before {
            Phase::Answering => vec![Report::Lost { caller: self.call.caller.clone(), why }],
            Phase::LoggingIn(_) => vec![Report::LoginFailed { connected: self.connected.clone(), why }],
            Phase::Resetting { .. }
            | Phase::SettingUp
            | Phase::Ready
            | Phase::Connected
            | Phase::HangingUp { .. } => Vec::new(),
        }
    }

    fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Ready) && self.queue.is_idle() && self.plan.is_empty()
    }

    fn on_bytes(&mut self, bytes: &[u8], now: Duration) -> Vec<Action> {
        let mut actions: Vec<_> = match &mut self.phase {
            Phase::Connected => return Vec::new(), // pppd has the port and notices
            Phase::LoggingIn(login) => {
                let output = login.receive(bytes, now);
                self.perform(output)
            }
            _ if self.config.null_modem => self.listen(bytes, now),
            _ => {
                let events = self.queue.receive(bytes, now);
                events.into_iter().flat_map(|e| self.event(e, now)).collect()
            }
        };
        actions.extend(self.proceed(now));
        actions
    }

    fn on_time(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = match (&mut self.phase, self.queue.expire(now)) {
            (Phase::LoggingIn(login), _) => {
                let output = match self.checked.take() {
                    Some(user) => login.checked(user, now),
                    None => login.tick(now),
                };
                self.perform(output)
            }
            (_, Some(event)) => self.event(event, now),
            (_, None) => Vec::new(),
        };
        actions.extend(self.proceed(now));
        actions
    }

    fn next_deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::LoggingIn(login) => Some(login.deadline()),
            _ => self.queue.deadline().or(self.pause).or(self.probe),
        }
    }

    fn answers(&self) -> bool {
        !matches!(self.phase, Phase::Resetting { .. })
    }

    fn works(&self) -> bool {
        self.answers() && !matches!(self.phase, Phase::SettingUp | Phase::HangingUp { .. })
    }

    fn record(&self) -> Record {
        let call = || LineCall {
            since: self.connected.since,
            speed: self.connected.speed.clone(),
            user: self.connected.user.clone(),
            offer: self.connected.offer.clone(),
        };
        let status = LineStatus {
            state: match self.phase {
                Phase::Resetting { .. } | Phase::SettingUp => LineState::Resetting,
                Phase::Ready => LineState::Ready,
                Phase::Answering => LineState::Answering,
                Phase::LoggingIn(_) => LineState::LoggingIn,
                Phase::Connected => LineState::Connected,
                Phase::HangingUp { .. } => LineState::HangingUp,
            },
            calls: self.calls.into(),
            rings: self.call.rings.into(),
            caller: self.call.caller.clone(),
            call: matches!(self.phase, Phase::Connected).then(call),
        };
        status.to_record()
    }
}
