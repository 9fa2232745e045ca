//! The steps of a trial.

use std::time::Duration;

use super::{
    AFTER_START, ASK_EVERY, Action, Begin, DIAL_AGAIN, LINK_TIME, LinkEnd, MESSAGE_TIME, MOST_STARTS,
    Running, Trial, Trials,
};
use crate::site::TimeSpan;
use crate::sms::trial_news::{Confirmation, NotKept, TrialNews};

fn time_for(confirmation: Confirmation) -> TimeSpan {
    match confirmation {
        Confirmation::FarSide | Confirmation::Link => LINK_TIME,
        Confirmation::Message => MESSAGE_TIME,
    }
}

/// Numbers are tried without a link.
fn needs_link(confirmation: Confirmation) -> bool {
    confirmation != Confirmation::Message
}

impl Trials {
    /// Replaces a trial that runs: its values were not confirmed, so they do not count.
    pub(super) fn set(&mut self, begin: Begin, now: Duration) -> Vec<Action> {
        let Begin { trial, confirmation, has_link } = begin;
        let before = self.running.take();
        let has_opened = !has_link || before.is_some_and(|before| before.has_opened);
        let time = time_for(confirmation);
        let begins = TrialNews::Begins { keys: trial.changes.to_string(), confirmation, time };
        let told = Action::Tell(trial.from.clone(), begins);
        self.running = Some(Running {
            trial,
            confirmation,
            until: now + time.get(),
            dial_at: None,
            ask_at: now,
            has_opened: has_opened && needs_link(confirmation),
        });
        // The answer comes first: a modem of one port sends none while the link is up.
        let dial = needs_link(confirmation).then_some(Action::Dial);
        [Action::Use, told].into_iter().chain(dial).collect()
    }

    pub(super) fn start(&mut self, begin: Begin, now: Duration) -> Vec<Action> {
        let Begin { trial, confirmation, has_link } = begin;
        let starts = trial.starts.saturating_add(1);
        self.running = Some(Running {
            trial: Trial { starts, ..trial },
            confirmation,
            until: now + time_for(confirmation).get(),
            dial_at: (needs_link(confirmation) && !has_link).then_some(now + AFTER_START),
            ask_at: now,
            has_opened: !has_link && needs_link(confirmation),
        });
        if starts > MOST_STARTS {
            return self.take_back(NotKept::Starts);
        }
        let dial = (has_link && needs_link(confirmation)).then_some(Action::Dial);
        [Action::Store].into_iter().chain(dial).collect()
    }

    pub(super) fn pass(&mut self, is_up: bool, now: Duration) -> Vec<Action> {
        let Some(running) = &mut self.running else { return Vec::new() };
        if is_up && running.confirmation == Confirmation::Link {
            return self.confirm_if(|_| true);
        }
        if running.until <= now {
            let time = time_for(running.confirmation);
            return self.take_back(NotKept::Time(time));
        }
        let mut actions = Vec::new();
        if running.dial_at.is_some_and(|at| at <= now) {
            running.dial_at = None;
            actions.push(Action::Dial);
        }
        if is_up && running.confirmation == Confirmation::FarSide && running.ask_at <= now {
            running.ask_at = now + ASK_EVERY;
            actions.push(Action::Ask);
        }
        actions
    }

    pub(super) fn want_link(&mut self) -> Vec<Action> {
        self.running.iter_mut().for_each(|running| running.has_opened = false);
        Vec::new()
    }

    pub(super) fn end_link(&mut self, end: LinkEnd, now: Duration) -> Vec<Action> {
        let Some(running) = self.running.as_mut().filter(|running| needs_link(running.confirmation)) else {
            return Vec::new();
        };
        // A link that the trial did not open has ended: nothing is left to give back.
        running.has_opened = true;
        match end {
            LinkEnd::MayPass => {
                running.dial_at = Some(now + DIAL_AGAIN);
                Vec::new()
            }
            LinkEnd::Hopeless(why) => self.take_back(NotKept::NoLink(why)),
            LinkEnd::Asked => self.take_back(NotKept::Asked),
            LinkEnd::Stopping => Vec::new(),
        }
    }

    pub(super) fn confirm_if(&mut self, is_confirmed: impl FnOnce(&Running) -> bool) -> Vec<Action> {
        let Some(Running { trial, .. }) = self.running.take_if(|running| is_confirmed(running)) else {
            return Vec::new();
        };
        self.kept = self.kept.then(&trial.changes);
        let told = Action::Tell(trial.from, TrialNews::Kept(trial.changes.to_string()));
        // What may be used instead of these values counts again: the other endpoints and APNs.
        vec![Action::Store, Action::Use, told]
    }

    pub(super) fn take_back(&mut self, why: NotKept) -> Vec<Action> {
        let Some(Running { trial, confirmation, has_opened, .. }) = self.running.take() else {
            return Vec::new();
        };
        let told = Action::Tell(trial.from, TrialNews::TakenBack(trial.changes.to_string(), why));
        let link = match (needs_link(confirmation), has_opened) {
            (false, _) => None,
            (true, true) => Some(Action::Close),
            (true, false) => Some(Action::Dial),
        };
        [Action::Store, Action::Use].into_iter().chain(link).chain([told]).collect()
    }
}
