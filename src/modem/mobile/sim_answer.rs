//! Processes the answers about the SIM: its state, the tries left, and the PIN.

use std::time::Duration;

use super::pin_counter::PinCounter;
use super::sim::{Memory, PinWithheld, Sim};
use super::step::{Asked, Step};
use super::{Action, Mobile, SOON};
use crate::log::Level;
use crate::modem::at::request::Request;
use crate::modem::at::response::Final;

impl Mobile {
    pub(super) fn sim(&mut self, sim: Sim, now: Duration) -> Vec<Action> {
        let was_ready = self.state.known.sim == Some(Sim::Ready);
        let state = &mut self.state;
        state.known.sim = Some(sim.clone());
        if sim == Sim::Ready {
            state.known.withheld = None;
            if !was_ready {
                state.in_vain = None;
                self.start(now);
            }
        } else if sim.wants_pin() {
            state.tries = None;
            state.plan.push_back(Step::Card);
            let counters = self.quirks().pin_counters;
            self.state.plan.extend(counters.iter().map(|counter| Step::Tries(counter)));
        } else {
            state.known.withheld = None;
            let is_in_vain = matches!(sim, Sim::Unusable(_)) && !sim.is_missing();
            return self.tolerate(is_in_vain, "the SIM cannot be read", now);
        }
        Vec::new()
    }

    /// Reads counters until one reports the tries left; then decides whether the SIM gets the PIN.
    pub(super) fn tries(
        &mut self,
        counter: &'static PinCounter,
        answer: &[String],
        now: Duration,
    ) -> Vec<Action> {
        let state = &mut self.state;
        state.tries = counter.tries(answer);
        // A late `OK` would be taken for the answer to the PIN, and a wrong PIN for a right one.
        if let Some(until) = state.late.until(now)
            && state.tries.is_some()
        {
            state.pause = Some(until);
            state.plan.push_front(Step::Tries(counter));
            return Vec::new();
        }
        let more = state.plan.iter().any(|step| matches!(step, Step::Tries(_)));
        if more && state.tries.is_none() {
            return Vec::new();
        }
        state.plan.retain(|step| !matches!(step, Step::Tries(_)));
        self.unlock()
    }

    /// Sends the PIN if the rules allow it: the memory is stored before.
    pub(super) fn unlock(&mut self) -> Vec<Action> {
        let state = &mut self.state;
        match self.pin_policy.attempt(state.tries, state.card.as_deref()) {
            Ok((pin, record)) => {
                let request = Request::from_line(format!("AT+CPIN=\"{}\"", pin.reveal()), 20);
                self.queue.push(Asked::Pin, request.shown_as("AT+CPIN=…"));
                let file = Memory::FILE;
                vec![Action::log(Level::Info, "giving the SIM its PIN"), Action::Remember { file, record }]
            }
            Err(PinWithheld::GivenThisBoot) if self.pin_policy.has_opened() => {
                vec![Action::Abandon("the SIM wants its PIN again, which it gets once a boot".to_owned())]
            }
            Err(why) => {
                let is_news = state.known.withheld.replace(why) != Some(why);
                let news = [Action::Publish, Action::log(Level::Warning, format!("SIM: {why}"))];
                news.into_iter().filter(|_| is_news).collect()
            }
        }
    }

    pub(super) fn pin(&mut self, result: &Final, now: Duration) -> Vec<Action> {
        let file = Memory::FILE;
        let record = self.pin_policy.learn(result);
        let mut actions: Vec<_> =
            record.map(|record| Action::Remember { file, record }).into_iter().collect();
        if *result != Final::Ok {
            actions.push(Action::log(Level::Error, format!("the SIM refuses its PIN: {result:?}")));
        }
        self.state.pause = Some(now + SOON);
        self.state.plan.push_back(Step::Sim);
        actions
    }
}
