//! What the answers about the SIM mean: its state, the tries that are left, and the PIN.

use std::time::Duration;

use super::pin_counter::PinCounter;
use super::quirks::Quirks;
use super::sim::{Memory, PinWithheld, Sim};
use super::step::{Asked, Step};
use super::{Action, Mobile, SOON};
use crate::log::Level;
use crate::modem::at::request::Request;
use crate::modem::at::response::Final;

impl Mobile {
    pub(super) fn sim(&mut self, sim: Sim, now: Duration) -> Vec<Action> {
        let was_ready = self.talk.known.sim == Some(Sim::Ready);
        let talk = &mut self.talk;
        talk.known.sim = Some(sim.clone());
        if sim == Sim::Ready {
            talk.known.withheld = None;
            if !was_ready {
                talk.in_vain = None;
                self.start(now);
            }
        } else if sim.wants_pin() {
            talk.tries = None;
            let manufacturer = talk.known.manufacturer.as_deref();
            talk.plan.push_back(Step::Card);
            let counters = Quirks::of(manufacturer).pin_counters;
            talk.plan.extend(counters.iter().map(|counter| Step::Tries(counter)));
        } else {
            talk.known.withheld = None;
            let is_in_vain = matches!(sim, Sim::Unusable(_)) && !sim.is_missing();
            return self.tolerate(is_in_vain, "the SIM cannot be read", now);
        }
        Vec::new()
    }

    /// Counters are asked until one says; then it is known whether the PIN may be given.
    pub(super) fn tries(
        &mut self,
        counter: &'static PinCounter,
        answer: &[String],
        now: Duration,
    ) -> Vec<Action> {
        let talk = &mut self.talk;
        talk.tries = counter.tries(answer);
        // An `OK` that comes late would be taken for the PIN's, and a wrong PIN for a right one.
        if let Some(until) = talk.late.until(now)
            && talk.tries.is_some()
        {
            talk.pause = Some(until);
            talk.plan.push_front(Step::Tries(counter));
            return Vec::new();
        }
        let more = talk.plan.iter().any(|step| matches!(step, Step::Tries(_)));
        if more && talk.tries.is_none() {
            return Vec::new();
        }
        talk.plan.retain(|step| !matches!(step, Step::Tries(_)));
        self.unlock()
    }

    /// Gives the SIM its PIN, if that may be: what is remembered comes before what is said.
    pub(super) fn unlock(&mut self) -> Vec<Action> {
        let talk = &mut self.talk;
        match self.pin_policy.attempt(talk.tries, talk.card.as_deref()) {
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
                let is_news = talk.known.withheld.replace(why) != Some(why);
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
        self.talk.pause = Some(now + SOON);
        self.talk.plan.push_back(Step::Sim);
        actions
    }
}
