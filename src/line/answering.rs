//! A modem that waits for calls: reset, then listen. It does not answer by itself.

use std::convert::Infallible;
use std::time::Duration;

use super::ring::{Call, News};
use crate::log::Level;
use crate::modem::at::Final;
use crate::modem::attendant::{self, Attendant};
use crate::modem::dialogue::{Dialogue, Event};
use crate::modem::ladder::Rung;
use crate::modem::request::Request;
use crate::record::Record;

/// How often an idle modem must prove that it still listens (mgetty's value).
const PROBE_EVERY: Duration = Duration::from_secs(3600);
/// A modem that is just powered misses the first commands.
const RESET_TRIES: u32 = 5;

/// A line has nothing to report but what it publishes.
type Action = attendant::Action<Infallible>;

/// What the modem is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Reset,
    /// Result codes in words, no echo, and no answer before we say so.
    Manners,
    /// Caller ID, where the modem and the network have it (ITU-T V.253).
    CallerId,
    Probe,
}

impl Step {
    const fn request(self) -> Request {
        match self {
            Self::Reset => Request::new("ATZ", 3),
            Self::Manners => Request::new("ATQ0V1E0S0=0", 2),
            Self::CallerId => Request::new("AT+VCID=1", 2),
            Self::Probe => Request::new("AT", 2),
        }
    }
}

/// Attends a line.
#[derive(Debug, Default)]
pub struct Answering {
    dialogue: Dialogue<Step>,
    phase: Phase,
    call: Call,
    calls: u32,
    /// When to probe or reset, in time since boot.
    again: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Resetting { tries: u32 },
    Ready,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Resetting { tries: 0 }
    }
}

impl Attendant for Answering {
    type Report = Infallible;

    /// A reset comes first in any case: no rung asks for more.
    fn begin(&mut self, _rung: Option<Rung>, _now: Duration) -> Vec<Action> {
        *self = Self { calls: self.calls, ..Self::default() };
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
        actions.extend(self.dialogue.next(now).map(Action::Send));
        actions
    }

    fn tick(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = match self.dialogue.expire(now) {
            Some(event) => self.event(event, now),
            None => Vec::new(),
        };
        if self.dialogue.is_idle() && self.again.is_none_or(|again| again <= now) {
            self.again = Some(now + PROBE_EVERY);
            self.ask(if self.answers() { Step::Probe } else { Step::Reset });
        }
        actions.extend(self.dialogue.next(now).map(Action::Send));
        actions
    }

    fn wake(&self) -> Option<Duration> {
        self.dialogue.deadline().or(self.again)
    }

    fn answers(&self) -> bool {
        self.phase == Phase::Ready
    }

    fn works(&self) -> bool {
        self.answers()
    }

    fn record(&self) -> Record {
        Record::new()
            .with("line", if self.answers() { "ready" } else { "resetting" })
            .with("calls", self.calls)
            .with("rings", self.call.rings)
            .with_known("caller", self.call.caller.as_ref())
    }
}

impl Answering {
    fn ask(&mut self, step: Step) {
        self.dialogue.ask(step, step.request());
    }

    fn event(&mut self, event: Event<Step>, now: Duration) -> Vec<Action> {
        match event {
            Event::Unsolicited(line) => self.unsolicited(&line, now),
            Event::Garbage(what) => {
                vec![Action::say(Level::Warning, format!("modem sends {what}"))]
            }
            Event::Delivered { header, .. } => {
                vec![Action::say(Level::Info, format!("modem says {header}"))]
            }
            Event::Silence { asked, shown } => self.silence(asked, &shown),
            Event::Answered { asked: Step::Reset, result, .. } => self.reset(&result),
            // Caller ID and even the manners may be unknown to a modem that works all the same.
            Event::Answered { .. } => Vec::new(),
        }
    }

    fn reset(&mut self, result: &Final) -> Vec<Action> {
        if *result != Final::Ok {
            return vec![Action::Abandon("the modem refuses ATZ".to_owned())];
        }
        self.phase = Phase::Ready;
        self.ask(Step::Manners);
        self.ask(Step::CallerId);
        vec![Action::Publish, Action::say(Level::Info, "modem reset, waiting for calls")]
    }

    fn silence(&mut self, asked: Step, shown: &str) -> Vec<Action> {
        match &mut self.phase {
            Phase::Resetting { tries } if *tries + 1 < RESET_TRIES => {
                *tries += 1;
                self.ask(Step::Reset);
                Vec::new()
            }
            Phase::Ready if asked == Step::CallerId => Vec::new(),
            _ => vec![Action::Abandon(format!("no answer to {shown}"))],
        }
    }

    fn unsolicited(&mut self, line: &str, now: Duration) -> Vec<Action> {
        let what = match self.call.hear(line, now) {
            Some(News::NewCall) => {
                self.calls += 1;
                "RING, a new call".to_owned()
            }
            Some(News::Ring) => format!("RING {}", self.call.rings),
            Some(News::Caller) => {
                format!("caller {}", self.call.caller.as_deref().unwrap_or("unknown"))
            }
            None => return vec![Action::say(Level::Info, format!("modem says {line}"))],
        };
        vec![Action::Publish, Action::say(Level::Info, what)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn send(step: Step) -> Action {
        Action::Send(step.request().line().clone())
    }

    fn ready() -> Answering {
        let mut line = Answering::default();
        assert_eq!(line.tick(SECOND), [send(Step::Reset)]);
        let reset = line.hear(b"ATZ\r\r\nOK\r\n", SECOND);
        assert_eq!(reset.last(), Some(&send(Step::Manners)));
        let manners = line.hear(b"ATQ0V1E0S0=0\r\r\nOK\r\n", SECOND);
        assert_eq!(manners, [send(Step::CallerId)]);
        assert_eq!(line.hear(b"\r\nERROR\r\n", SECOND), []);
        line
    }

    fn said(actions: &[Action]) -> Vec<&str> {
        let says = actions.iter().filter_map(|action| match action {
            Action::Say(_, what) => Some(what.as_str()),
            _ => None,
        });
        says.collect()
    }

    #[test]
    fn a_line_that_was_reset_waits_without_a_word_for_an_hour() {
        let mut line = ready();
        assert_eq!(line.wake(), Some(3601 * SECOND));
        assert_eq!(line.tick(3600 * SECOND), []);
        assert_eq!(line.tick(3601 * SECOND), [send(Step::Probe)]);
        assert_eq!(line.hear(b"OK\r\n", 3601 * SECOND), []);
    }

    #[test]
    fn rings_and_the_caller_are_logged_and_published_and_not_answered() {
        let mut line = ready();
        assert_eq!(said(&line.hear(b"\r\nRING\r\n", 10 * SECOND)), ["RING, a new call"]);
        assert_eq!(said(&line.hear(b"\r\nNMBR = 0555\r\n", 12 * SECOND)), ["caller 0555"]);
        let actions = line.hear(b"\r\nRING\r\n", 15 * SECOND);
        assert_eq!(said(&actions), ["RING 2"]);
        assert!(actions.contains(&Action::Publish));
        assert!(!actions.iter().any(|action| matches!(action, Action::Send(_))));
        insta::assert_snapshot!(line.record(), @"
        line=ready
        calls=1
        rings=2
        caller=0555
        ");
    }

    #[test]
    fn a_modem_that_cannot_be_reset_is_given_up_after_five_tries() {
        let mut line = Answering::default();
        let mut resets = 0;
        for second in 0..60 {
            for action in line.tick(second * SECOND) {
                match action {
                    Action::Send(command) => {
                        assert_eq!(command.bytes(), b"ATZ\r");
                        resets += 1;
                    }
                    Action::Abandon(_) => return assert_eq!(resets, 5),
                    other => panic!("{other:?}"),
                }
            }
        }
        panic!("never given up");
    }

    #[test]
    fn a_modem_that_no_longer_answers_its_probe_is_given_up() {
        let mut line = ready();
        line.tick(3601 * SECOND);
        let actions = line.tick(3603 * SECOND);
        assert_eq!(actions, [Action::Abandon("no answer to AT".into())]);
    }
}
