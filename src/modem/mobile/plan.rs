//! What is asked next, and what is asked now and then.

use std::time::Duration;

use super::step::{Asked, OperatorFormat, Step};
use super::{LOOK_EVERY, Mobile, REFRESH_EVERY, Sim, Talk, WATCH_EVERY};
use crate::modem::at::request::Request;

impl Mobile {
    /// What to say next. The order is that of importance.
    pub(super) fn choose(&mut self, now: Duration) -> Option<(Asked, Request)> {
        if self.makes_way || self.talk.pause.is_some_and(|pause| now < pause) {
            return None;
        }
        self.talk.pause = None;
        if let Some(step) = self.talk.remedy.pop_front() {
            return Some(asked(step));
        }
        if !self.talk.known.answers {
            let in_words = self.talk.attempts % 2 == 1;
            return Some(asked(if in_words { Step::AttentionInWords } else { Step::Attention }));
        }
        if std::mem::take(&mut self.talk.doubts) {
            return Some(asked(Step::Alive));
        }
        self.leave_out_unanswered();
        if self.talk.plan.is_empty() && self.talk.watch.is_none_or(|watch| watch <= now) {
            self.watch(now);
            self.leave_out_unanswered();
        }
        let may_send = self.is_on_the_network() && self.talk.inbox.is_set_up();
        let pace = &self.pace;
        let is_ready = |step: &Step| pace.ready_at(step) <= now;
        let Talk { plan, inbox, .. } = &mut self.talk;
        let planned = plan.iter().position(is_ready).and_then(|at| plan.remove(at));
        if let Some(step) = planned.or_else(|| inbox.urgent(is_ready)) {
            return Some(asked(step));
        }
        if may_send && let Some(request) = self.outbox.next() {
            return Some((Asked::Submit, request));
        }
        inbox.next(is_ready).map(asked)
    }

    pub(super) fn leave_out_unanswered(&mut self) {
        let Talk { plan, unanswered, .. } = &mut self.talk;
        plan.retain(|step| !unanswered.contains(step));
    }

    /// What is asked now and then.
    pub(super) fn watch(&mut self, now: Duration) {
        let talk = &mut self.talk;
        talk.watch = Some(now + WATCH_EVERY);
        if talk.known.sim != Some(Sim::Ready) {
            talk.plan.push_back(Step::Sim);
            talk.plan.push_back(Step::Signal);
            // What only a person can change is not looked at so often.
            let is_withheld = talk.known.withheld.is_some();
            talk.watch = Some(now + if is_withheld { WATCH_EVERY } else { LOOK_EVERY });
            return;
        }
        talk.plan.extend([Step::Registration, Step::PacketRegistration, Step::LteRegistration, Step::Signal]);
        if !talk.known.network.lets_in() {
            talk.watch = Some(now + LOOK_EVERY);
        }
        if !talk.has_time {
            talk.plan.push_back(Step::Clock);
        }
        talk.watches += 1;
        if talk.watches.is_multiple_of(REFRESH_EVERY) {
            talk.unanswered.clear();
            talk.plan.extend([Step::Echo0, Step::Operator(OperatorFormat::Name), Step::Clock]);
            talk.inbox.refresh();
        }
        // URCs get lost: those of a modem that tells them to its other port, which is busy with
        // data; those that came in the middle of something else. An empty storage is soon read.
        talk.inbox.look();
    }

    /// The modem answers, or has restarted: all that is asked once.
    pub(super) fn identify(&mut self, now: Duration) {
        let talk = &mut self.talk;
        talk.identified = Some(now);
        talk.known.answers = true;
        talk.known.sim = None;
        talk.attempts = 0;
        talk.watch = None;
        talk.plan = [
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

    /// The SIM is ready, and so is the modem: network, time and messages.
    pub(super) fn configure(&mut self, now: Duration) {
        let talk = &mut self.talk;
        talk.attempts = 0;
        talk.watch = Some(now + WATCH_EVERY);
        talk.plan.extend([
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
        talk.inbox.begin();
    }
}

/// A step and its command.
pub(super) fn asked(step: Step) -> (Asked, Request) {
    (Asked::Step(step), step.request())
}
