//! The conversation with a mobile modem: its SIM, its network, its messages.
//!
//! The next command is chosen whenever the modem is free ([`Mobile::choose`]): what must come
//! first stands first, and what arrives in between only adds to what is to be done.

mod answer;
mod cnmi;
mod inbox;
mod late;
mod listing;
mod network;
mod outbox;
mod pace;
mod pin_counter;
mod plan;
mod quirks;
mod radio;
mod registration;
mod sim;
mod sim_answer;
mod step;
mod storage;
mod time;
mod urc;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::at::queue::Queue;
use super::protocol::{Protocol, ProtocolAction};
use super::recovery::RecoveryStep;
use crate::published::{ModemStatus, Published};
use crate::record::Record;
use crate::site::Pin;

pub(crate) use network::dbm;
pub use outbox::{OutgoingSms, SmsId};
pub(crate) use pin_counter::Subject;
pub(crate) use quirks::Quirks;
pub use registration::Registration;
pub use sim::Memory;
pub(crate) use sim::{PinPolicy, PinWithheld, Sim, card_number};
pub use storage::{Place, Storage};
pub use time::{ClockReading, Meaning};

use inbox::Inbox;
use late::Late;
use network::Network;
use outbox::Outbox;
use pace::Pace;
use step::{Asked, Step};

/// How often the signal is asked for once all is known.
const WATCH_EVERY: Duration = Duration::from_secs(60);
/// Every so many status checks the settings are made again.
const REFRESH_EVERY: u32 = 10;
/// How often a SIM that is not ready is looked at, and a network that does not let the modem in.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Between two looks at a SIM that was just opened, or a modem that is starting.
const SOON: Duration = Duration::from_secs(1);
/// A modem that was just plugged in or reset may swallow or garble the first commands.
const ATTENTION_TRIES: u32 = 5;
/// An Option stick that is still not done with its start after so many looks never says so.
const READINESS_TRIES: u32 = 30;
/// So many commands in a row without an answer: the modem hangs, or its port is the wrong one.
const PATIENCE: u32 = 3;
/// A modem that has found no network for so long, or whose SIM cannot be read, is put on the recovery.
const SEARCH_PATIENCE: Duration = Duration::from_secs(600);
/// A modem that has restarted does not do it again so soon, whatever it says.
const RESTART_TAKES: Duration = Duration::from_secs(10);
/// Silence before `+++` (V.250 leaves it to the modem; Hayes' one second, and a little more).
const GUARD_TIME: Duration = Duration::from_millis(1200);

/// What a mobile modem has to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// A message has come. It stays where it is until it is [discarded](Mobile::discard), and is
    /// reported again when the port was closed in between.
    Message {
        /// Where it is.
        place: Place,
        /// In hexadecimal, with the address of the service centre (TS 27.005 §3.1, `<pdu>`).
        pdu: String,
    },
    /// The network has taken a message.
    Sent(SmsId),
    /// A message was not sent, as far as is known; why.
    NotSent(SmsId, String),
    /// The time that the network tells, in seconds since 1970.
    NetworkTime(i64),
    /// The same, told by a clock that may mean one of two times.
    ClockReading(ClockReading),
}

type Action = ProtocolAction<Report>;

/// Talks to a mobile modem.
#[derive(Debug)]
pub struct Mobile {
    queue: Queue<Asked>,
    pin_policy: PinPolicy,
    outbox: Outbox,
    talk: Talk,
    pace: Pace,
    /// The next command is to be chosen as soon as one may be sent: something was asked for from outside, or the
    /// [pace](Pace::free_since) has put the choice off.
    must_choose: bool,
    /// Nothing more is asked: another program is to have the port.
    makes_way: bool,
}

/// What must be asked again after a port was opened.
#[derive(Debug, Default)]
struct Talk {
    /// What the recovery wants to be done first, answer or not.
    remedy: VecDeque<Step>,
    /// Commands that wait, in order.
    plan: VecDeque<Step>,
    inbox: Inbox,
    known: Known,
    /// Nothing is said before.
    pause: Option<Duration>,
    /// When to look at SIM, network and signal again.
    watch: Option<Duration>,
    watches: u32,
    /// Tries of the first command, or looks at a modem that is starting.
    attempts: u32,
    /// Commands in a row that got no answer.
    silent: u32,
    /// Essential commands in a row that got none, although the modem answers others.
    essential_silent: u32,
    /// Whether to find out first whether the modem still answers.
    doubts: bool,
    /// Commands that the modem does not answer; they are asked again at the next refresh.
    unanswered: Vec<Step>,
    late: Late,
    tries: Option<u32>,
    card: Option<String>,
    /// Since when the modem has no network, or cannot read its SIM.
    in_vain: Option<Duration>,
    has_time: bool,
    /// The radio was switched on; once is enough, since a person may have a reason to switch it off.
    switched_on: bool,
    /// When the modem was asked who it is.
    identified: Option<Duration>,
    /// Kinds of lines that the modem says unasked.
    unknown_urc: BTreeSet<String>,
}

/// What is known of the modem.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Known {
    answers: bool,
    manufacturer: Option<String>,
    model: Option<String>,
    sim: Option<Sim>,
    withheld: Option<PinWithheld>,
    network: Network,
    storage: Option<Storage>,
}

impl Mobile {
    /// A modem whose SIM may be given this PIN, with what is [remembered](Memory::load) of the last
    /// one that was given, in this boot of the box, by whatever name.
    pub fn new(pin: Option<Pin>, memory: Option<Memory>, boot: impl Into<String>) -> Self {
        Self {
            queue: Queue::default(),
            pin_policy: PinPolicy::new(pin, memory, boot.into()),
            outbox: Outbox::default(),
            talk: Talk::default(),
            pace: Pace::default(),
            must_choose: false,
            makes_way: false,
        }
    }

    /// Sends a message as soon as the modem is registered. [`Report::Sent`] or [`Report::NotSent`]
    /// follows.
    pub fn send(&mut self, sms: OutgoingSms) {
        self.outbox.push(sms);
        self.must_choose = true;
    }

    /// A message that was reported is not needed any more: it is deleted.
    pub fn discard(&mut self, place: Place) {
        self.talk.inbox.discard(place);
        self.must_choose = true;
    }

    /// Asks for the network's time as soon as the modem is free: [`Report::NetworkTime`] or
    /// [`Report::ClockReading`] follows if it has any.
    pub fn ask_time(&mut self) {
        if !self.talk.plan.contains(&Step::Clock) {
            self.talk.plan.push_back(Step::Clock);
        }
        self.must_choose = true;
    }

    /// Asks nothing more until a port is opened again: whoever waits for the port has it after the present answer.
    pub fn make_way(&mut self) {
        self.makes_way = true;
    }

    /// Whether something is still to be done of what was asked for by [`send`](Self::send) and
    /// [`discard`](Self::discard).
    pub fn has_errands(&self) -> bool {
        !self.outbox.is_empty() || self.talk.inbox.has_discarded()
    }

    /// Whether messages can be sent and received now.
    pub fn is_on_the_network(&self) -> bool {
        self.talk.known.sim == Some(Sim::Ready) && self.talk.known.network.lets_in()
    }
}

impl Protocol for Mobile {
    type Report = Report;

    fn on_open(&mut self, step: Option<RecoveryStep>, now: Duration) -> Vec<Action> {
        self.queue = Queue::default();
        self.talk = Talk::default();
        self.makes_way = false;
        self.talk.remedy = match step {
            Some(RecoveryStep::HangUp) => {
                self.talk.pause = Some(now + GUARD_TIME);
                [Step::Escape, Step::HangUp, Step::Reset].into()
            }
            // A restart would lock a SIM that cannot have its PIN again in this boot.
            Some(RecoveryStep::Restart) if self.pin_policy.has_opened() => {
                [Step::RadioOff, Step::RadioOn].into()
            }
            Some(RecoveryStep::Restart) => [Step::Restart].into(),
            _ => VecDeque::new(),
        };
        Vec::new()
    }

    fn on_bytes(&mut self, bytes: &[u8], now: Duration) -> Vec<Action> {
        let events = self.queue.receive(bytes, now);
        let mut actions: Vec<_> = events.into_iter().flat_map(|event| self.event(event, now)).collect();
        actions.extend(self.next_command(now));
        actions
    }

    fn on_time(&mut self, now: Duration) -> Vec<Action> {
        let overdue = self.queue.expire(now);
        let mut actions: Vec<_> = overdue.into_iter().flat_map(|event| self.event(event, now)).collect();
        let late = self.outbox.expire(now).into_iter();
        let not_sent = |id| Action::Report(Report::NotSent(id, "no network for too long".to_owned()));
        actions.extend(late.map(not_sent));
        actions.extend(self.next_command(now));
        actions
    }

    fn on_close(&mut self) -> Vec<Report> {
        let lost = self.outbox.lose(self.queue.text_given()).into_iter();
        lost.map(|id| Report::NotSent(id, "the modem is gone".to_owned())).collect()
    }

    fn next_deadline(&self) -> Option<Duration> {
        if self.queue.has_next() {
            return Some(self.pace.free_since());
        }
        if !self.queue.is_idle() {
            return self.queue.deadline();
        }
        if self.makes_way {
            return self.outbox.deadline();
        }
        if self.must_choose {
            return Some(self.pace.free_since());
        }
        let Talk { pause, watch, plan, inbox, .. } = &self.talk;
        let ready = plan.iter().copied().chain(inbox.waiting()).map(|step| self.pace.ready_at(&step));
        let ready = ready.min().map(|ready| ready.max(self.pace.free_since()));
        let watch = Some(watch.unwrap_or_default()).filter(|_| plan.is_empty());
        let watch = watch.map(|watch| watch.max(self.pace.free_since()));
        let next = pause.or(ready.into_iter().chain(watch).min());
        next.into_iter().chain(self.outbox.deadline()).min()
    }

    fn is_idle(&self) -> bool {
        self.queue.is_idle() && (self.talk.pause.is_none() || self.makes_way)
    }

    fn answers(&self) -> bool {
        self.talk.known.answers
    }

    /// A SIM that only a person can help is no matter for the recovery.
    fn works(&self) -> bool {
        let Talk { known, plan, .. } = &self.talk;
        let sim_is_settled = match &known.sim {
            Some(Sim::Ready) => known.network.lets_in(),
            Some(Sim::Wants(_)) => {
                known.withheld.is_some() && known.withheld != Some(PinWithheld::GivenThisBoot)
            }
            Some(sim) => sim.is_missing(),
            None => false,
        };
        known.answers && plan.is_empty() && sim_is_settled
    }

    fn needs_a_person(&self) -> bool {
        let Known { answers, sim, withheld, .. } = &self.talk.known;
        let is_withheld = withheld.is_some_and(|why| why != PinWithheld::GivenThisBoot);
        let is_locked = |sim: &Sim| matches!(sim, Sim::Wants(_)) && !sim.wants_pin();
        *answers && (is_withheld || sim.as_ref().is_some_and(|sim| sim.is_missing() || is_locked(sim)))
    }

    fn record(&self) -> Record {
        let Known { manufacturer, model, sim, withheld, network, storage, .. } = &self.talk.known;
        let sim = withheld.map(|why| why.to_string()).or_else(|| sim.as_ref().map(Sim::to_string));
        let modem = ModemStatus {
            manufacturer: manufacturer.clone(),
            model: model.clone(),
            sim,
            storage: storage.map(|storage| storage.name().to_owned()),
            ..ModemStatus::default()
        };
        network.describe(modem).to_record()
    }
}

impl Mobile {
    /// Says what is next, if the modem is free.
    fn next_command(&mut self, now: Duration) -> Option<Action> {
        let is_free = self.pace.free_since() <= now;
        if self.queue.is_idle() {
            self.must_choose = !is_free;
            if is_free && let Some((asked, request)) = self.choose(now) {
                let step = match asked {
                    Asked::Step(step) => Some(step),
                    Asked::Pin | Asked::Submit => None,
                };
                self.pace.begin(step, now);
                self.queue.push(asked, request);
            }
        }
        // A modem that waits for a text gets it.
        if !is_free && !self.queue.has_text() {
            return None;
        }
        let sent = self.queue.next(now)?;
        self.pace.sent(now);
        Some(Action::Send(sent))
    }
}

#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
