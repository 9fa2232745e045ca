//! What the modem says without being asked: rings, the caller's number, and what means nothing here.

use std::time::Duration;

use super::{Action, Answerer, Phase};
use crate::line::caller_id;
use crate::line::ring::News;
use crate::line::step::{Step, Task};
use crate::log::Level;
use crate::modem::at::queue::Queue;

/// So many lines without a meaning are logged within this time. Noise, or a port that is not a modem's, would displace
/// everything else in the log.
const MOST_UNEXPLAINED: u32 = 20;
const UNEXPLAINED_WITHIN: Duration = Duration::from_secs(60);
/// A ring may cross the command to answer. A modem that rings twice more has not taken it: when it has gone off the hook,
/// the exchange rings no longer (V.250 §6.3.5).
const RINGS_ON: u32 = 2;

/// Lines without a meaning that were logged.
#[derive(Debug, Default)]
pub(super) struct Unexplained {
    since: Duration,
    count: u32,
}

impl Answerer {
    /// Logs what means nothing here, unless there is much of it.
    pub(super) fn unexplained(&mut self, level: Level, what: String, now: Duration) -> Vec<Action> {
        let seen = &mut self.unexplained;
        if now.saturating_sub(seen.since) >= UNEXPLAINED_WITHIN {
            *seen = Unexplained { since: now, count: 0 };
        }
        seen.count = seen.count.saturating_add(1);
        match seen.count {
            ..=MOST_UNEXPLAINED => vec![Action::log(level, what)],
            count if count == MOST_UNEXPLAINED + 1 => {
                vec![Action::log(Level::Warning, "the modem says more, which is not logged for a minute")]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn unsolicited(&mut self, line: &str, now: Duration) -> Vec<Action> {
        let what = match self.call.receive(line, now) {
            Some(News::NewCall) => {
                self.calls += 1;
                format!("{}, a new call", self.call.shown_ring())
            }
            Some(News::Ring) => {
                format!("{}, number {} of this call", self.call.shown_ring(), self.call.rings)
            }
            Some(News::Caller) => {
                format!("caller {}", self.call.caller.as_deref().unwrap_or("unknown"))
            }
            None => return self.unexplained(Level::Info, format!("modem says {line}"), now),
        };
        let mut refused = None;
        let mut actions = Vec::new();
        if matches!(self.phase, Phase::SettingUp | Phase::Ready)
            && self.call.rings >= u32::from(self.config.rings)
        {
            refused = self.answer();
            // Caller ID is handled first, then record and log.
            actions = self.proceed(now);
        }
        actions.extend([Action::Publish, Action::log(Level::Info, what)]);
        actions.extend(refused);
        actions.extend(self.answer_again(now));
        actions
    }

    /// After enough rings the call is answered, unless the caller is not on the list.
    fn answer(&mut self) -> Option<Action> {
        if let Some(callers) = &self.config.callers {
            let Some(number) = &self.call.caller else {
                let is_first = self.call.rings == u32::from(self.config.rings);
                return is_first.then(|| Action::log(Level::Info, "not answered: no caller number received"));
            };
            if !callers.iter().any(|listed| caller_id::is_same(listed, number)) {
                return Some(Action::log(Level::Info, format!("not answered: {number} is not on the list")));
            }
        }
        self.phase = Phase::Answering;
        self.rings_on = 0;
        self.in_call = true;
        // It is too late for caller ID, but not for the secret.
        self.plan.retain(|task| !matches!(task, Task::Ask(Step::CallerId(_))));
        self.plan.push_back(Task::Ask(Step::Answer));
        None
    }

    /// The call still rings: the modem has lost the command to answer it, perhaps while it reported a ring.
    fn answer_again(&mut self, now: Duration) -> Vec<Action> {
        if !matches!(self.phase, Phase::Answering) || !self.queue.unanswered().any(|it| *it == Step::Answer) {
            return Vec::new();
        }
        self.rings_on += 1;
        if self.rings_on <= RINGS_ON {
            return Vec::new();
        }
        self.rings_on = 0;
        self.queue = Queue::default();
        self.plan = [Task::Ask(Step::Answer)].into();
        let mut actions = self.proceed(now);
        actions.push(Action::log(Level::Warning, "the modem still rings: it is told to answer again"));
        actions
    }
}

/// The speed of the telephone line, where a modem says it before a CONNECT with that of the serial one: Rockwell's `W1`
/// (`CARRIER 31200`, then `CONNECT 115200`; mgetty's cnd.c).
pub(super) fn carrier(answer: &[String]) -> Option<String> {
    let words = answer.iter().find_map(|line| line.strip_prefix("CARRIER "))?;
    let words = words.trim();
    (!words.is_empty()).then(|| words.to_owned())
}
