//! Chooses the next command, and plans the regular ones.

use std::time::Duration;

use super::step::{Asked, OperatorFormat, Step};
use super::technology::Technology;
use super::{LOOK_EVERY, Mobile, REFRESH_EVERY, Sim, State, WATCH_EVERY};
use crate::modem::at::request::Request;
use crate::site::SignalCommand;

impl Mobile {
    /// The next command, in order of importance.
    pub(super) fn choose(&mut self, now: Duration) -> Option<(Asked, Request)> {
        if self.is_releasing || self.state.pause.is_some_and(|pause| now < pause) {
            return None;
        }
        self.state.pause = None;
        if let Some(step) = self.state.remedy.pop_front() {
            return Some(self.asked(step));
        }
        if !self.state.known.answers {
            let in_words = self.state.attempts % 2 == 1;
            return Some(self.asked(if in_words { Step::AttentionInWords } else { Step::Attention }));
        }
        if std::mem::take(&mut self.state.doubts) {
            return Some(self.asked(Step::Alive));
        }
        self.leave_out_unanswered();
        if self.state.plan.is_empty() && self.state.watch.is_none_or(|watch| watch <= now) {
            self.watch(now);
            self.leave_out_unanswered();
        }
        let may_send = self.is_on_the_network() && self.state.inbox.is_set_up();
        let pace = &self.pace;
        let is_ready = |step: &Step| pace.ready_at(step) <= now;
        let State { plan, inbox, .. } = &mut self.state;
        let planned = plan.iter().position(is_ready).and_then(|at| plan.remove(at));
        if let Some(step) = planned.or_else(|| inbox.urgent(is_ready)) {
            return Some(self.asked(step));
        }
        if may_send && let Some((sms, request)) = self.outbox.next() {
            return Some((Asked::Submit(sms), request));
        }
        let next = inbox.next(is_ready)?;
        Some(self.asked(next))
    }

    pub(super) fn leave_out_unanswered(&mut self) {
        let State { plan, unanswered, .. } = &mut self.state;
        let lacks = |step: &Step| {
            step.may_be_left_out()
                && self.traits.lacks.contains(&step.name(&self.traits, self.attach.context()))
        };
        plan.retain(|step| !unanswered.contains(step) && !lacks(step));
    }

    /// The regular status check.
    pub(super) fn watch(&mut self, now: Duration) {
        let state = &mut self.state;
        state.watch = Some(now + WATCH_EVERY);
        if state.known.sim != Some(Sim::Ready) {
            state.plan.push_back(Step::Sim);
            state.plan.push_back(Step::Signal);
            // A state that only a person can change is checked less often.
            let is_withheld = state.known.withheld.is_some();
            state.watch = Some(now + if is_withheld { WATCH_EVERY } else { LOOK_EVERY });
            return;
        }
        state.plan.extend([
            Step::Registration,
            Step::PacketRegistration,
            Step::LteRegistration,
            Step::Signal,
        ]);
        if !state.known.network.lets_in() {
            state.watch = Some(now + LOOK_EVERY);
        }
        if !state.has_time {
            state.plan.push_back(Step::Clock);
        }
        state.watches += 1;
        if state.watches.is_multiple_of(REFRESH_EVERY) {
            state.unanswered.clear();
            state.plan.extend(Step::prepare(&self.traits));
            state.plan.extend([Step::Echo0, Step::Operator(OperatorFormat::Name), Step::Clock]);
            state.plan.extend(self.hears_callers.then_some(Step::ReportCallers));
            state.inbox.refresh();
        }
        // URCs get lost: a modem may send them to its data port, or within other output. Listing an empty storage is
        // fast.
        state.inbox.look();
    }

    /// The modem answers, or has restarted: plans the commands that identify it.
    pub(super) fn identify(&mut self, now: Duration) {
        let state = &mut self.state;
        state.identified = Some(now);
        state.known.answers = true;
        state.known.sim = None;
        state.attempts = 0;
        state.watch = None;
        state.plan = [
            Step::Echo0,
            Step::ExplainErrors,
            Step::Manufacturer,
            Step::Model,
            // Before the PIN: switching the radio on may lock the SIM.
            Step::Functionality,
            Step::Sim,
        ]
        .into();
    }

    /// SIM and modem are ready: plans the commands for network, time and messages.
    pub(super) fn configure(&mut self, now: Duration) {
        self.prepare_to_attach();
        let state = &mut self.state;
        state.attempts = 0;
        state.watch = Some(now + WATCH_EVERY);
        state.plan.extend(Step::prepare(&self.traits));
        state.plan.extend([
            Step::Registration,
            Step::PacketRegistration,
            Step::LteRegistration,
            Step::OperatorFormat(OperatorFormat::Number),
            Step::Operator(OperatorFormat::Number),
            Step::OperatorFormat(OperatorFormat::Name),
            Step::Operator(OperatorFormat::Name),
            Step::Signal,
            Step::FollowTime,
            Step::ReportTime,
            Step::Clock,
        ]);
        state.plan.extend(self.hears_callers.then_some(Step::ReportCallers));
        state.inbox.begin();
    }

    /// The signal is known: plans the commands for more of it.
    pub(super) fn look_closer(&mut self) {
        let is_lte = self.state.known.network.technology.is_some_and(Technology::is_lte);
        let standard = Some(SignalCommand::Cesq).filter(|_| is_lte);
        let signal = self.traits.signal.or(standard).map(Step::Quality);
        let band = Some(Step::Band).filter(|_| is_lte && self.traits.band.is_some());
        let network = &mut self.state.known.network;
        network.quality.take_if(|_| signal.is_none());
        network.band.take_if(|_| band.is_none());
        self.state.plan.extend(signal.into_iter().chain(band));
        self.leave_out_unanswered();
    }

    /// A step and its command.
    fn asked(&self, step: Step) -> (Asked, Request) {
        (Asked::Step(step), step.request(&self.traits, self.attach.context()))
    }
}
