//! What the answers mean, and what the modem says by itself.

use std::time::Duration;

use super::inbox::{LeftOut, Listed, Read};
use super::network::{Operator, dbm};
use super::outbox::Outcome;
use super::quirks::Quirks;
use super::radio::{self, RadioOff};
use super::registration::Registration;
use super::sim::{Sim, card_number};
use super::step::{Asked, Step};
use super::storage::Storage;
use super::{
    ATTENTION_TRIES, Action, Known, Mobile, PATIENCE, READINESS_TRIES, Report, SEARCH_PATIENCE, SOON,
};
use crate::log::Level;
use crate::modem::at::pending::TextGiven;
use crate::modem::at::queue::Event;
use crate::modem::at::response::{CommandError, Final};
use crate::modem::at::values::values;

/// What became of a message of ours, told to whom it concerns.
fn outgoing(outcome: Outcome) -> Action {
    match outcome {
        Outcome::Sent(id) => Action::Report(Report::Sent(id)),
        Outcome::NotSent(id, why) => Action::Report(Report::NotSent(id, why)),
        Outcome::Again(why, pause) => {
            let what = format!("a message was not sent: {why}; again in {} s", pause.as_secs());
            Action::log(Level::Warning, what)
        }
    }
}

/// Whether this is no name, but a piece of a message that came too late.
fn is_hexadecimal(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Mobile {
    pub(super) fn event(&mut self, event: Event<Asked>, now: Duration) -> Vec<Action> {
        match event {
            Event::Unsolicited(line) => self.unsolicited(&line, now),
            Event::Delivered { header, pdu } => self.delivered(&header, pdu),
            Event::Garbage(what) => {
                // It may have been the URC of a message.
                self.talk.inbox.look();
                vec![Action::log(Level::Warning, format!("modem sends {what}"))]
            }
            Event::Silence { asked, shown, text } => self.silence(asked, &shown, text, now),
            Event::Answered { asked, result, answer } => {
                self.talk.silent = 0;
                match asked {
                    Asked::Step(Step::Alive) => {}
                    Asked::Step(step) if !step.is_essential() => {}
                    Asked::Step(_) | Asked::Pin | Asked::Submit => self.talk.essential_silent = 0,
                }
                self.learn(asked, &result, &answer, now)
            }
        }
    }

    /// What an answer means, and what has become known by it.
    fn learn(&mut self, asked: Asked, result: &Final, answer: &[String], now: Duration) -> Vec<Action> {
        let before = self.talk.known.clone();
        let mut actions = self.answered(asked, result, answer, now);
        if self.talk.known != before {
            actions.extend([Action::log(Level::Info, self.change(&before)), Action::Publish]);
        }
        actions
    }

    /// A command that the box can do without counts as refused, and costs the modem nothing as long as it answers
    /// `AT`.
    fn silence(&mut self, asked: Asked, shown: &str, text: TextGiven, now: Duration) -> Vec<Action> {
        self.talk.late.silent(now);
        let what = format!("no answer to {shown}");
        match asked {
            Asked::Step(Step::Attention | Step::AttentionInWords) => {
                self.talk.attempts += 1;
                if self.talk.attempts < ATTENTION_TRIES {
                    return Vec::new();
                }
                return vec![Action::Abandon("no answer to AT".to_owned())];
            }
            // A modem that hangs or restarts answers none of these.
            Asked::Step(
                Step::Escape | Step::HangUp | Step::Reset | Step::Restart | Step::RadioOff | Step::RadioOn,
            ) => return Vec::new(),
            Asked::Step(_) | Asked::Pin | Asked::Submit => {}
        }
        self.talk.silent += 1;
        let mut actions = vec![Action::log(Level::Warning, what.clone())];
        match asked {
            Asked::Step(step) if step.is_essential() => {
                self.talk.essential_silent += u32::from(step != Step::Alive);
                self.talk.doubts = true;
            }
            Asked::Step(step) => {
                self.talk.doubts = true;
                self.talk.unanswered.extend(Some(step).filter(|step| step.may_be_left_out()));
                let refused = Final::Refused(CommandError::Unexplained);
                actions.extend(self.learn(asked, &refused, &[], now));
            }
            Asked::Pin | Asked::Submit => self.talk.essential_silent += 1,
        }
        if matches!(asked, Asked::Step(Step::Read(..))) {
            self.talk.inbox.look();
        }
        if asked == Asked::Submit {
            // What came in between may have been lost (a +CMTI during +CMGS).
            self.talk.inbox.look();
            let outcome = self.outbox.unanswered(text, what.clone(), now);
            actions.extend(outcome.map(outgoing));
        }
        if self.talk.silent.max(self.talk.essential_silent) >= PATIENCE {
            actions.push(Action::Abandon(what));
        }
        actions
    }

    fn answered(&mut self, asked: Asked, result: &Final, answer: &[String], now: Duration) -> Vec<Action> {
        match asked {
            Asked::Step(step) => self.step_answer(step, result, answer, now),
            Asked::Pin => self.pin(result, now),
            Asked::Submit => self.submitted(result, now),
        }
    }

    fn step_answer(&mut self, step: Step, result: &Final, answer: &[String], now: Duration) -> Vec<Action> {
        let is_ok = *result == Final::Ok;
        let text = || answer.first().filter(|text| is_ok && !is_hexadecimal(text)).cloned();
        let talk = &mut self.talk;
        let network = &mut talk.known.network;
        match step {
            Step::Attention | Step::AttentionInWords if is_ok => self.identify(now),
            Step::Attention | Step::AttentionInWords => return self.refuses_attention(now),
            // What it has not answered in time may still come, and must not be taken for the next answer.
            Step::Alive => talk.pause = Some(now + SOON),
            Step::Manufacturer => talk.known.manufacturer = text(),
            Step::Model => talk.known.model = text(),
            Step::Functionality => return self.radio(answer),
            // The SIM may start anew.
            Step::RadioOn => talk.pause = Some(now + SOON),
            Step::Sim => return self.sim(Sim::from_answer(result, answer), now),
            Step::Card => talk.card = card_number(answer).filter(|_| is_ok),
            Step::Tries(counter) => return self.tries(counter, answer, now),
            Step::Readiness => self.readiness(answer, now),
            Step::Registration => {
                network.calls = Registration::from_answer(answer, "+CREG");
                let is_in_vain = !network.lets_in();
                return self.tolerate(is_in_vain, "no network lets the modem in", now);
            }
            Step::PacketRegistration => network.packets = Registration::from_answer(answer, "+CGREG"),
            Step::LteRegistration => {
                network.lte = Registration::from_answer(answer, "+CEREG");
                // A modem of before LTE.
                talk.unanswered.extend(Some(step).filter(|_| !is_ok));
            }
            Step::Operator(_) => network.operator = Operator::from_answer(network.operator.as_ref(), answer),
            Step::Signal => network.signal = dbm(answer),
            Step::Clock => {
                return answer.iter().find_map(|line| self.time(line)).into_iter().collect();
            }
            Step::Storages => talk.inbox.storages(answer),
            Step::SetStorages(memories) => {
                talk.inbox.storages_set(memories, result);
                talk.known.storage = talk.inbox.storage();
            }
            Step::SelectStorage(memories) => talk.inbox.storage_selected(memories.read, result),
            Step::ReportOptions => talk.inbox.report_options(answer),
            Step::Cnmi(cnmi) => talk.inbox.sets_cnmi(cnmi, result),
            Step::Service => talk.inbox.service(answer),
            Step::List(storage) if is_ok => return self.listed(storage, answer),
            Step::Read(storage, index) => match talk.inbox.read(storage, index, result, answer) {
                Read::Message(place, pdu) => {
                    self.pace.progress(&step);
                    return vec![Action::Report(Report::Message { place, pdu })];
                }
                Read::Garbled => {
                    return vec![Action::log(Level::Warning, format!("message {index} comes garbled"))];
                }
                Read::Nothing => {}
            },
            Step::Delete(storage, index) => {
                if talk.inbox.deleted(storage, index, result) {
                    self.pace.progress(&step);
                    self.pace.progress(&Step::Read(storage, index));
                }
            }
            // Whatever the modem answers to these, what follows is the same.
            Step::Escape
            | Step::HangUp
            | Step::Reset
            | Step::RadioOff
            | Step::Restart
            | Step::Echo0
            | Step::ExplainErrors
            | Step::OperatorFormat(_)
            | Step::FollowTime
            | Step::ReportTime
            | Step::PduMode
            | Step::List(_)
            | Step::Acknowledge => {}
        }
        Vec::new()
    }

    fn listed(&mut self, storage: Storage, answer: &[String]) -> Vec<Action> {
        let Listed { new, left_out } = self.talk.inbox.listed(storage, answer);
        if !new.is_empty() {
            self.pace.progress(&Step::List(storage));
        }
        let name = storage.name();
        let what = match left_out {
            None => None,
            Some(LeftOut::Nothing) => Some(format!("all messages in {name} can be read again")),
            Some(LeftOut::Entries(1)) => Some(format!("a message in {name} cannot be read, and is left out")),
            Some(LeftOut::Entries(many)) => {
                Some(format!("{many} messages in {name} cannot be read, and are left out"))
            }
            Some(LeftOut::TextMode) => {
                Some(format!("messages in {name} cannot be read: the modem is in text mode"))
            }
        };
        let said = what.map(|what| Action::log(Level::Warning, what));
        let messages = new.into_iter().map(|(place, pdu)| Action::Report(Report::Message { place, pdu }));
        said.into_iter().chain(messages).collect()
    }

    /// A modem that refuses even `AT`: it is starting, or it is none.
    fn refuses_attention(&mut self, now: Duration) -> Vec<Action> {
        self.talk.attempts += 1;
        if self.talk.attempts >= ATTENTION_TRIES {
            return vec![Action::Abandon("it refuses AT".to_owned())];
        }
        self.talk.pause = Some(now + SOON * self.talk.attempts);
        Vec::new()
    }

    /// A radio that is off is switched on once. Where that may lock the SIM, not after its PIN was given: it would not
    /// get it again in this boot.
    fn radio(&mut self, answer: &[String]) -> Vec<Action> {
        let is_safe = match radio::off(answer, self.talk.known.manufacturer.as_deref()) {
            None => return Vec::new(),
            Some(RadioOff::Alone) => true,
            Some(RadioOff::WithSim) => !self.pin_policy.has_opened(),
        };
        if !is_safe || std::mem::replace(&mut self.talk.switched_on, true) {
            return vec![Action::log(Level::Warning, "the modem's radio is off")];
        }
        self.talk.plan.push_front(Step::RadioOn);
        vec![Action::log(Level::Info, "the modem's radio is off: switched on")]
    }

    fn submitted(&mut self, result: &Final, now: Duration) -> Vec<Action> {
        if let Final::Refused(why) = result {
            // 322: the storage is full, also for what comes.
            self.talk.inbox.unsolicited(&why.to_string());
        }
        self.outbox.answered(result, now).map(outgoing).into_iter().collect()
    }

    /// The SIM is open: some modems say when they have finished starting; others are configured now,
    /// and again later.
    pub(super) fn start(&mut self, now: Duration) {
        if Quirks::of(self.talk.known.manufacturer.as_deref()).reports_readiness {
            self.talk.attempts = 0;
            self.talk.plan.push_back(Step::Readiness);
        } else {
            self.configure(now);
        }
    }

    /// `_OBLS: <SIM>,<phone book>,<messages>`, each 1 when it is ready.
    fn readiness(&mut self, answer: &[String], now: Duration) {
        let states = values(answer, "_OBLS").unwrap_or_default();
        let is_waiting = states.first() == Some(&"0") || states.get(2) == Some(&"0");
        self.talk.attempts += 1;
        if is_waiting && self.talk.attempts < READINESS_TRIES {
            self.talk.pause = Some(now + SOON);
            self.talk.plan.push_back(Step::Readiness);
        } else {
            self.configure(now);
        }
    }

    /// Some things pass by themselves; what does not in a long time is a matter for the recovery.
    pub(super) fn tolerate(&mut self, is_in_vain: bool, why: &str, now: Duration) -> Vec<Action> {
        if !is_in_vain {
            self.talk.in_vain = None;
            return Vec::new();
        }
        let since = *self.talk.in_vain.get_or_insert(now);
        if now < since + SEARCH_PATIENCE {
            return Vec::new();
        }
        vec![Action::Abandon(why.to_owned())]
    }

    /// What has become known, for the log.
    fn change(&self, before: &Known) -> String {
        let known = &self.talk.known;
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let (network, network_before) = (&known.network, &before.network);
        if known.manufacturer != before.manufacturer {
            format!("manufacturer: {}", word(&known.manufacturer))
        } else if known.model != before.model {
            format!("model: {}", word(&known.model))
        } else if known.sim != before.sim {
            format!("SIM: {}", word(&known.sim.as_ref().map(Sim::to_string)))
        } else if network.signal != network_before.signal {
            format!("signal: {}", word(&network.signal.map(|dbm| format!("{dbm} dBm"))))
        } else if network.operator != network_before.operator {
            format!("operator: {}", word(&network.operator.as_ref().map(Operator::to_string)))
        } else if network.calls != network_before.calls {
            format!("registration: {}", word(&network.calls.map(|it| it.to_string())))
        } else if network.packets != network_before.packets {
            format!("registration for data: {}", word(&network.packets.map(|it| it.to_string())))
        } else if network.lte != network_before.lte {
            format!("registration for LTE: {}", word(&network.lte.map(|it| it.to_string())))
        } else if known.storage != before.storage {
            format!("messages: in {}", known.storage.map_or("unknown", super::Storage::name))
        } else {
            "modem answers".to_owned()
        }
    }
}
