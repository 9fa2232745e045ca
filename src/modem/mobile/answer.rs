//! Processes the answers of the modem.

use std::time::Duration;

use super::inbox::{LeftOut, Listed, Read};
use super::network::{Operator, dbm};
use super::outbox::{Outcome, QueuedSms};
use super::quality::{self, Quality};
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

/// Reports or logs the outcome of an outgoing message.
fn report(outcome: Outcome) -> Action {
    match outcome {
        Outcome::Sent(id) => Action::Report(Report::Sent(id)),
        Outcome::NotSent(id, why) => Action::Report(Report::NotSent(id, why)),
        Outcome::Again(why, pause) => {
            let what = format!("a message was not sent: {why}; again in {} s", pause.as_secs());
            Action::log(Level::Warning, what)
        }
    }
}

/// Whether this is not a name, but part of a message that came too late.
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
                self.state.inbox.look();
                vec![Action::log(Level::Warning, format!("modem sends {what}"))]
            }
            Event::Silence { asked, shown, text } => self.silence(asked, &shown, text, now),
            Event::Answered { asked, result, answer } => {
                self.state.silent = 0;
                match &asked {
                    Asked::Step(Step::Alive) => {}
                    Asked::Step(step) if !step.is_essential() => {}
                    Asked::Step(_) | Asked::Pin | Asked::Submit(_) => self.state.essential_silent = 0,
                }
                self.answered(asked, &result, &answer, now)
            }
        }
    }

    /// Processes an answer, and logs and publishes what it changes.
    fn answered(&mut self, asked: Asked, result: &Final, answer: &[String], now: Duration) -> Vec<Action> {
        let before = self.state.known.clone();
        let mut actions = match asked {
            Asked::Step(step) => self.step_answer(step, result, answer, now),
            Asked::Pin => self.pin(result, now),
            Asked::Submit(sms) => vec![self.submitted(sms, result, now)],
        };
        if self.state.known != before {
            actions.extend([Action::log(Level::Info, self.change(&before)), Action::Publish]);
        }
        actions
    }

    /// A command has expired. One that is not essential counts as refused, as long as the modem still answers `AT`.
    fn silence(&mut self, asked: Asked, shown: &str, text: TextGiven, now: Duration) -> Vec<Action> {
        self.state.late.silent(now);
        let what = format!("no answer to {shown}");
        match &asked {
            Asked::Step(Step::Attention | Step::AttentionInWords) => {
                self.state.attempts += 1;
                if self.state.attempts < ATTENTION_TRIES {
                    return Vec::new();
                }
                return vec![Action::Abandon("no answer to AT".to_owned())];
            }
            // A modem that hangs or restarts does not answer these.
            Asked::Step(
                Step::Escape | Step::HangUp | Step::Reset | Step::Restart | Step::RadioOff | Step::RadioOn,
            ) => return Vec::new(),
            Asked::Step(_) | Asked::Pin | Asked::Submit(_) => {}
        }
        self.state.silent += 1;
        let mut actions = vec![Action::log(Level::Warning, what.clone())];
        match asked {
            Asked::Step(step) if step.is_essential() => {
                self.state.essential_silent += u32::from(step != Step::Alive);
                self.state.doubts = true;
                if matches!(step, Step::Read(..)) {
                    self.state.inbox.look();
                }
            }
            Asked::Step(step) => {
                self.state.doubts = true;
                self.state.unanswered.extend(Some(step).filter(|step| step.may_be_left_out()));
                let refused = Final::Refused(CommandError::Unexplained);
                actions.extend(self.answered(Asked::Step(step), &refused, &[], now));
            }
            Asked::Pin => self.state.essential_silent += 1,
            Asked::Submit(sms) => {
                self.state.essential_silent += 1;
                // A URC may have been lost in between (a +CMTI during +CMGS).
                self.state.inbox.look();
                actions.push(report(self.outbox.unanswered(sms, text, what.clone(), now)));
            }
        }
        if self.state.silent.max(self.state.essential_silent) >= PATIENCE {
            actions.push(Action::Abandon(what));
        }
        actions
    }

    fn step_answer(&mut self, step: Step, result: &Final, answer: &[String], now: Duration) -> Vec<Action> {
        let is_ok = *result == Final::Ok;
        let text = || answer.first().filter(|text| is_ok && !is_hexadecimal(text)).cloned();
        let state = &mut self.state;
        let network = &mut state.known.network;
        match step {
            Step::Attention | Step::AttentionInWords if is_ok => self.identify(now),
            Step::Attention | Step::AttentionInWords => return self.refuses_attention(now),
            // A late answer may still come, and must not be taken for that of the next command.
            Step::Alive => state.pause = Some(now + SOON),
            Step::Manufacturer => state.known.manufacturer = text(),
            Step::Model => state.known.model = text(),
            Step::Functionality => return self.radio(answer),
            // The SIM may restart.
            Step::RadioOn => state.pause = Some(now + SOON),
            Step::Sim => return self.sim(Sim::from_answer(result, answer), now),
            Step::Card => state.card = card_number(answer).filter(|_| is_ok),
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
                // A modem without LTE.
                state.unanswered.extend(Some(step).filter(|_| !is_ok));
                self.lte_is_known(now);
            }
            Step::Attach(step) => return self.attach_answer(step, result, answer, now),
            Step::Operator(_) => network.is_with_operator(answer),
            Step::Signal => {
                network.signal = dbm(answer);
                self.look_closer();
            }
            Step::Quality(command) => {
                network.quality = Quality::from_answer(command, answer);
                state.unanswered.extend(Some(step).filter(|_| !is_ok));
            }
            Step::Band => network.band = quality::band(answer),
            Step::Clock => {
                return answer.iter().find_map(|line| self.time(line)).into_iter().collect();
            }
            Step::Storages => state.inbox.storages(answer),
            Step::SetStorages(memories) => {
                state.inbox.storages_set(memories, result);
                state.known.storage = state.inbox.storage();
            }
            Step::SelectStorage(selection) => state.inbox.storage_selected(selection, result),
            Step::ReportOptions => state.inbox.report_options(answer),
            Step::Cnmi(cnmi) => state.inbox.sets_cnmi(cnmi, result),
            Step::Service => state.inbox.service(answer),
            Step::List(storage) if is_ok => return self.listed(storage, answer),
            Step::Read(storage, index) => match state.inbox.read(storage, index, result, answer) {
                Read::Message(place, pdu) => {
                    self.pace.progress(&step);
                    return vec![Action::Report(Report::Message { place, pdu })];
                }
                Read::Garbled => {
                    return vec![Action::log(Level::Warning, format!("message {index} is garbled"))];
                }
                Read::Nothing => {}
            },
            Step::Delete(storage, index) => {
                if state.inbox.deleted(storage, index, result) {
                    self.pace.progress(&step);
                    self.pace.progress(&Step::Read(storage, index));
                }
            }
            // Nothing depends on the answers to these.
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
            | Step::ReportCallers
            | Step::Prepare(_)
            | Step::PduMode
            | Step::List(_)
            | Step::Acknowledge => {}
        }
        Vec::new()
    }

    fn listed(&mut self, storage: Storage, answer: &[String]) -> Vec<Action> {
        let Listed { new, left_out } = self.state.inbox.listed(storage, answer);
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

    /// A device that refuses even `AT` is starting, or is not a modem.
    fn refuses_attention(&mut self, now: Duration) -> Vec<Action> {
        self.state.attempts += 1;
        if self.state.attempts >= ATTENTION_TRIES {
            return vec![Action::Abandon("it refuses AT".to_owned())];
        }
        self.state.pause = Some(now + SOON * self.state.attempts);
        Vec::new()
    }

    /// Switches on a radio that is off, once. If that may lock the SIM, not after its PIN was given: the SIM would not
    /// get it again in this boot.
    fn radio(&mut self, answer: &[String]) -> Vec<Action> {
        let is_safe = match radio::off(answer, self.state.known.manufacturer.as_deref()) {
            None => return Vec::new(),
            Some(RadioOff::Alone) => true,
            Some(RadioOff::WithSim) => !self.pin_policy.has_opened(),
        };
        if !is_safe || std::mem::replace(&mut self.state.switched_on, true) {
            return vec![Action::log(Level::Warning, "the modem's radio is off")];
        }
        self.state.plan.push_front(Step::RadioOn);
        vec![Action::log(Level::Info, "the modem's radio is off: switched on")]
    }

    fn submitted(&mut self, sms: QueuedSms, result: &Final, now: Duration) -> Action {
        if let Final::Refused(why) = result {
            // 322: the storage is full, also for incoming messages.
            self.state.inbox.unsolicited(&why.to_string());
        }
        report(self.outbox.answered(sms, result, now))
    }

    /// The SIM is unlocked. Some modems report when they have started; others are configured now, and again later.
    pub(super) fn start(&mut self, now: Duration) {
        if self.quirks().reports_readiness {
            self.state.attempts = 0;
            self.state.plan.push_back(Step::Readiness);
        } else {
            self.configure(now);
        }
    }

    /// Those of its maker.
    pub(super) fn quirks(&self) -> &'static Quirks {
        Quirks::of(self.traits.like.as_deref().or(self.state.known.manufacturer.as_deref()))
    }

    /// `_OBLS: <SIM>,<phone book>,<messages>`, each 1 when it is ready.
    fn readiness(&mut self, answer: &[String], now: Duration) {
        let states = values(answer, "_OBLS").unwrap_or_default();
        let is_waiting = states.first() == Some(&"0") || states.get(2) == Some(&"0");
        self.state.attempts += 1;
        if is_waiting && self.state.attempts < READINESS_TRIES {
            self.state.pause = Some(now + SOON);
            self.state.plan.push_back(Step::Readiness);
        } else {
            self.configure(now);
        }
    }

    /// Tolerates a failure that may pass by itself, and starts the recovery if it lasts.
    pub(super) fn tolerate(&mut self, is_in_vain: bool, why: &str, now: Duration) -> Vec<Action> {
        if !is_in_vain {
            self.state.in_vain = None;
            return Vec::new();
        }
        let since = *self.state.in_vain.get_or_insert(now);
        if now < since + SEARCH_PATIENCE {
            return Vec::new();
        }
        vec![Action::Abandon(why.to_owned())]
    }

    /// The change, for the log.
    fn change(&self, before: &Known) -> String {
        let known = &self.state.known;
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
        } else if network.quality != network_before.quality {
            format!("signal: {}", word(&network.quality.map(|it| it.to_string())))
        } else if network.band != network_before.band {
            format!("band: {}", word(&network.band.map(|band| band.to_string())))
        } else if network.operator != network_before.operator {
            format!("operator: {}", word(&network.operator.as_ref().map(Operator::to_string)))
        } else if network.technology != network_before.technology {
            format!("technology: {}", word(&network.technology.map(|it| it.to_string())))
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
