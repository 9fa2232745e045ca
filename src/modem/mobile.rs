//! A mobile modem under watch: who it is, what its SIM says, how well it hears the network.
//!
//! No PIN is ever sent from here: a SIM that wants one is reported, and left alone.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::at::{Final, Refusal};
use super::attendant::{self, Attendant};
use super::dialogue::{Dialogue, Event};
use super::request::Request;
use crate::log::Level;
use crate::record::Record;

/// How often the signal is asked for once all is known.
const SIGNAL_EVERY: Duration = Duration::from_secs(60);
/// How often everything is asked again while the SIM is not ready.
const SIM_EVERY: Duration = Duration::from_secs(10);
/// A modem that was just plugged in or reset may swallow or garble the first commands.
const ATTENTION_TRIES: u32 = 5;
/// So many commands in a row without an answer: the modem hangs, or its port is the wrong one.
const PATIENCE: u32 = 3;

type Action = attendant::Action<Infallible>;

/// What the modem is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Attention,
    /// For a modem that was left with result codes off (`Q1`) or as numbers (`V0`).
    AttentionInWords,
    Plain,
    ExplainErrors,
    Manufacturer,
    Model,
    /// The SIM may still be starting.
    Sim,
    Signal,
}

impl Step {
    const fn request(self) -> Request {
        match self {
            Self::Attention => Request::new("AT", 1),
            Self::AttentionInWords => Request::new("ATQ0V1", 1),
            Self::Plain => Request::new("ATE0V1", 2),
            Self::ExplainErrors => Request::new("AT+CMEE=1", 2),
            Self::Manufacturer => Request::new("AT+CGMI", 5),
            Self::Model => Request::new("AT+CGMM", 5),
            Self::Sim => Request::new("AT+CPIN?", 10),
            Self::Signal => Request::new("AT+CSQ", 5),
        }
    }
}

/// What `+CPIN?` says (TS 27.007 section 8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sim {
    /// It can be used.
    Ready,
    /// It waits for something, such as `SIM PIN` or `SIM PUK`.
    Wants(String),
    /// There is none, or the modem cannot tell; why, in the modem's words.
    Unusable(String),
}

impl fmt::Display for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Wants(what) => write!(f, "wants {what}"),
            Self::Unusable(why) => write!(f, "unusable: {why}"),
        }
    }
}

impl Sim {
    fn from_answer(result: &Final, answer: &[String]) -> Self {
        let said = answer.iter().find_map(|line| line.strip_prefix("+CPIN:"));
        match (result, said.map(str::trim)) {
            (Final::Ok, Some("READY")) => Self::Ready,
            (Final::Ok, Some(what)) => Self::Wants(what.to_owned()),
            // TS 27.007 section 9.2.1
            (Final::Refused(Refusal::Equipment(code)), _) => Self::Unusable(match code.as_str() {
                "10" => "no SIM".to_owned(),
                "13" => "SIM failure".to_owned(),
                "14" => "SIM busy".to_owned(),
                "15" => "wrong SIM".to_owned(),
                other => other.to_owned(),
            }),
            _ => Self::Unusable("no answer to +CPIN?".to_owned()),
        }
    }
}

/// Received signal strength in dBm, from `+CSQ` (TS 27.007 section 8.5). 99 means unknown.
fn dbm(answer: &[String]) -> Option<i32> {
    let values = answer.iter().find_map(|line| line.strip_prefix("+CSQ:"))?;
    let rssi: i32 = values.split(',').next()?.trim().parse().ok()?;
    (0..=31).contains(&rssi).then(|| 2 * rssi - 113)
}

/// Keeps a mobile modem under watch.
#[derive(Debug, Default)]
pub struct Mobile {
    dialogue: Dialogue<Step>,
    known: Known,
    /// Tries of the first command that got no answer.
    attempts: u32,
    /// Commands in a row that got no answer.
    silent: u32,
    /// When to ask again, in time since boot.
    again: Option<Duration>,
}

/// What is known of the modem.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Known {
    answers: bool,
    manufacturer: Option<String>,
    model: Option<String>,
    sim: Option<Sim>,
    signal: Option<i32>,
}

impl Attendant for Mobile {
    type Report = Infallible;

    fn begin(&mut self, _now: Duration) -> Vec<Action> {
        *self = Self::default();
        Vec::new()
    }

    fn end(&mut self) -> Vec<Action> {
        Vec::new()
    }

    fn is_idle(&self) -> bool {
        self.dialogue.is_idle()
    }

    fn hear(&mut self, bytes: &[u8], now: Duration) -> Vec<Action> {
        let events = self.dialogue.hear(bytes, now);
        let mut actions: Vec<_> = events.into_iter().flat_map(|e| self.event(e, now)).collect();
        actions.extend(self.send_next(now));
        actions
    }

    fn tick(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = match self.dialogue.expire(now) {
            Some(event) => self.event(event, now),
            None => Vec::new(),
        };
        if self.dialogue.is_idle() && self.again.is_none_or(|again| again <= now) {
            self.ask_again(now);
        }
        actions.extend(self.send_next(now));
        actions
    }

    fn wake(&self) -> Option<Duration> {
        self.dialogue.deadline().or(self.again)
    }

    fn answers(&self) -> bool {
        self.known.answers
    }

    fn record(&self) -> Record {
        let Known { manufacturer, model, sim, signal, .. } = &self.known;
        Record::new()
            .with_known("manufacturer", manufacturer.as_ref())
            .with_known("model", model.as_ref())
            .with_known("sim", sim.as_ref())
            .with_known("signal-dbm", *signal)
    }
}

impl Mobile {
    fn send_next(&mut self, now: Duration) -> Option<Action> {
        self.dialogue.next(now).map(Action::Send)
    }

    fn ask(&mut self, step: Step) {
        self.dialogue.ask(step, step.request());
    }

    fn ask_again(&mut self, now: Duration) {
        if !self.known.answers {
            self.ask(Step::Attention);
            return;
        }
        if self.known.sim != Some(Sim::Ready) {
            self.ask(Step::Sim);
        }
        self.ask(Step::Signal);
        self.again = Some(now + SIGNAL_EVERY);
    }

    fn event(&mut self, event: Event<Step>, now: Duration) -> Vec<Action> {
        match event {
            Event::Unsolicited(line) => vec![Action::say(Level::Info, format!("modem says {line}"))],
            Event::Garbage(what) => vec![Action::say(Level::Warning, format!("modem sends {what}"))],
            Event::Delivered { header, .. } => {
                vec![Action::say(Level::Info, format!("modem says {header}"))]
            }
            Event::Silence { shown, .. } => self.silence(&shown),
            Event::Answered { asked, result, answer } => {
                self.silent = 0;
                self.answered(asked, &result, &answer, now)
            }
        }
    }

    fn silence(&mut self, shown: &str) -> Vec<Action> {
        if !self.known.answers {
            self.attempts += 1;
            if self.attempts >= ATTENTION_TRIES {
                return vec![Action::Abandon("no answer to AT".to_owned())];
            }
            let in_words = self.attempts % 2 == 1;
            self.ask(if in_words { Step::AttentionInWords } else { Step::Attention });
            return Vec::new();
        }
        self.silent += 1;
        let what = format!("no answer to {shown}");
        if self.silent >= PATIENCE {
            return vec![Action::Abandon(what)];
        }
        vec![Action::say(Level::Warning, what)]
    }

    fn answered(&mut self, asked: Step, result: &Final, answer: &[String], now: Duration) -> Vec<Action> {
        let before = self.known.clone();
        let text = || answer.first().cloned().filter(|_| *result == Final::Ok);
        match asked {
            Step::Manufacturer => self.known.manufacturer = text(),
            Step::Model => self.known.model = text(),
            Step::Sim => {
                self.known.sim = Some(Sim::from_answer(result, answer));
                if self.known.sim != Some(Sim::Ready) {
                    self.again = Some(now + SIM_EVERY);
                }
            }
            Step::Signal => self.known.signal = dbm(answer),
            _ if !self.known.answers && *result == Final::Ok => self.introduce(now),
            _ => {}
        }
        if self.known == before {
            return Vec::new();
        }
        vec![Action::Publish, Action::say(Level::Info, self.change(&before))]
    }

    /// The modem answers: now all that is asked once.
    fn introduce(&mut self, now: Duration) {
        self.known.answers = true;
        self.again = Some(now + SIGNAL_EVERY);
        for step in
            [Step::Plain, Step::ExplainErrors, Step::Manufacturer, Step::Model, Step::Sim, Step::Signal]
        {
            self.ask(step);
        }
    }

    /// What has become known, for the log.
    fn change(&self, before: &Known) -> String {
        let known = &self.known;
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        if known.manufacturer != before.manufacturer {
            format!("manufacturer: {}", word(&known.manufacturer))
        } else if known.model != before.model {
            format!("model: {}", word(&known.model))
        } else if known.sim != before.sim {
            format!("SIM: {}", word(&known.sim.as_ref().map(Sim::to_string)))
        } else if known.signal != before.signal {
            format!("signal: {}", word(&known.signal.map(|dbm| format!("{dbm} dBm"))))
        } else {
            "modem answers".to_owned()
        }
    }
}

#[cfg(test)]
#[path = "mobile_tests.rs"]
mod tests;
