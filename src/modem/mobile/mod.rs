//! The protocol of a mobile modem: its SIM, its network, its messages.
//!
//! [`Mobile::choose`] picks the next command whenever none is under way, in order of importance. Everything that
//! arrives meanwhile only adds commands.

mod answer;
mod attach;
mod attach_context;
mod cnmi;
mod inbox;
mod late;
mod listing;
mod network;
mod outbox;
mod pace;
mod pin_counter;
mod plan;
mod quality;
mod quirks;
mod radio;
mod registration;
mod sim;
mod sim_answer;
mod step;
mod storage;
mod technology;
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
use crate::site::{ModemTraits, Pin};
use crate::sms::pdu::Address;

pub use attach_context::AttachContext;
pub(crate) use network::dbm;
pub use outbox::{OutgoingSms, SmsId};
pub(crate) use pin_counter::Subject;
pub(crate) use quirks::Quirks;
pub use registration::Registration;
pub use sim::Memory;
pub(crate) use sim::{PinPolicy, PinWithheld, Sim, card_number};
pub use storage::{Place, Storage};
pub use time::{ClockReading, Meaning};

use attach::Attach;
use inbox::Inbox;
use late::Late;
use network::Network;
use outbox::Outbox;
use pace::Pace;
use step::{Asked, Step};

/// How often network and signal are checked once the modem is configured.
const WATCH_EVERY: Duration = Duration::from_secs(60);
/// The settings are repeated at every so many status checks.
const REFRESH_EVERY: u32 = 10;
/// How often a SIM that is not ready is checked, and a registration that has failed.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The interval between checks of a SIM that was just unlocked, or of a modem that is starting.
const SOON: Duration = Duration::from_secs(1);
/// A modem that was just plugged in or reset may lose or garble the first commands.
const ATTENTION_TRIES: u32 = 5;
/// An Option stick that is not ready after so many checks never reports that it is.
const READINESS_TRIES: u32 = 30;
/// After so many consecutive commands without an answer the modem hangs, or its port is the wrong one.
const PATIENCE: u32 = 3;
/// A modem without a network for this long, or whose SIM cannot be read, is recovered.
const SEARCH_PATIENCE: Duration = Duration::from_secs(600);
/// A modem does not restart again within this time, whatever it reports.
const RESTART_TAKES: Duration = Duration::from_secs(10);
/// Silence before `+++`: Hayes' one second and a margin (V.250 leaves it to the modem).
const GUARD_TIME: Duration = Duration::from_millis(1200);

/// A report of a mobile modem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// A message has come. It stays in the modem until it is [discarded](Mobile::discard), and is reported again if the
    /// port was closed in between.
    Message {
        /// Where it is.
        place: Place,
        /// In hexadecimal, with the address of the service centre (TS 27.005 §3.1, `<pdu>`).
        pdu: String,
    },
    /// The network has accepted a message.
    Sent(SmsId),
    /// A message was probably not sent; the reason.
    NotSent(SmsId, String),
    /// The network's time, in seconds since 1970.
    NetworkTime(i64),
    /// The same, from a clock that may show one of two times.
    ClockReading(ClockReading),
    /// A call rings, from this number. It is never answered; each ring may report it again.
    Caller(Address),
}

type Action = ProtocolAction<Report>;

/// The protocol of a mobile modem.
#[derive(Debug)]
pub struct Mobile {
    queue: Queue<Asked>,
    /// What differs between this modem's commands and those of the standard.
    traits: ModemTraits,
    pin_policy: PinPolicy,
    outbox: Outbox,
    attach: Attach,
    state: State,
    pace: Pace,
    /// The next command must be chosen as soon as one may be sent: the owner has requested something, or the
    /// [pace](Pace::free_since) has delayed the choice.
    must_choose: bool,
    /// Whether the numbers of callers are to be reported.
    hears_callers: bool,
    /// No more commands: another program is to have the port.
    is_releasing: bool,
}

/// The state since a port was opened.
#[derive(Debug, Default)]
struct State {
    /// Commands of the recovery step, which come first, whether the modem answers or not.
    remedy: VecDeque<Step>,
    /// Waiting commands, in order.
    plan: VecDeque<Step>,
    inbox: Inbox,
    known: Known,
    /// No command before this time.
    pause: Option<Duration>,
    /// When to check SIM, network and signal again.
    watch: Option<Duration>,
    watches: u32,
    /// Tries of the first command, or checks of a modem that is starting.
    attempts: u32,
    /// Consecutive commands without an answer.
    silent: u32,
    /// Consecutive essential commands without an answer, although the modem answers others.
    essential_silent: u32,
    /// Whether to check first that the modem still answers.
    doubts: bool,
    /// Commands that the modem does not answer; they are tried again at the next refresh.
    unanswered: Vec<Step>,
    late: Late,
    tries: Option<u32>,
    card: Option<String>,
    /// Since when the modem has had no network, or could not read its SIM.
    in_vain: Option<Duration>,
    has_time: bool,
    /// The radio was switched on. Once only: a person may have a reason to switch it off.
    switched_on: bool,
    /// When the modem was identified.
    identified: Option<Duration>,
    /// The kinds of unknown URCs so far.
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
    /// A modem whose SIM may get this PIN; `memory` is [what is stored](Memory::load) about the last PIN, and `boot`
    /// identifies this boot of the box.
    pub fn new(pin: Option<Pin>, memory: Option<Memory>, boot: impl Into<String>) -> Self {
        Self {
            queue: Queue::default(),
            traits: ModemTraits::default(),
            pin_policy: PinPolicy::new(pin, memory, boot.into()),
            outbox: Outbox::default(),
            attach: Attach::default(),
            state: State::default(),
            pace: Pace::default(),
            must_choose: false,
            hears_callers: false,
            is_releasing: false,
        }
    }

    /// The same; the modem reports the number of every caller, if the network has it.
    #[must_use]
    pub fn that_hears_callers(self, hears_callers: bool) -> Self {
        Self { hears_callers, ..self }
    }

    /// Sends a message as soon as the modem is registered. [`Report::Sent`] or [`Report::NotSent`]
    /// follows.
    pub fn send(&mut self, sms: OutgoingSms) {
        self.outbox.push(sms);
        self.must_choose = true;
    }

    /// Deletes a reported message.
    pub fn discard(&mut self, place: Place) {
        self.state.inbox.discard(place);
        self.must_choose = true;
    }

    /// Reads the network's time as soon as no command is under way: [`Report::NetworkTime`] or [`Report::ClockReading`]
    /// follows if the modem has it.
    pub fn ask_time(&mut self) {
        if !self.state.plan.contains(&Step::Clock) {
            self.state.plan.push_back(Step::Clock);
        }
        self.must_choose = true;
    }

    /// Sends no more commands until a port is opened again: the port is free after the current answer.
    pub fn release_port(&mut self) {
        self.is_releasing = true;
    }

    /// Whether a request by [`send`](Self::send), [`discard`](Self::discard) or [`attach_with`](Self::attach_with) is
    /// not carried out yet.
    pub fn has_pending_orders(&self) -> bool {
        let is_sending = self.queue.unanswered().any(|asked| matches!(asked, Asked::Submit(_)));
        let is_sending = is_sending || !self.outbox.is_empty();
        is_sending || self.state.inbox.has_discarded() || self.attach.has_pending_order()
    }

    /// Whether the modem can send and receive messages now.
    pub fn is_on_the_network(&self) -> bool {
        self.state.known.sim == Some(Sim::Ready) && self.state.known.network.lets_in()
    }
}

impl Protocol for Mobile {
    type Report = Report;

    fn is_of(&mut self, traits: ModemTraits) {
        self.traits = traits;
    }

    fn on_open(&mut self, step: Option<RecoveryStep>, now: Duration) -> Vec<Action> {
        self.queue = Queue::default();
        self.state = State::default();
        self.is_releasing = false;
        self.attach.restart();
        self.state.remedy = match step {
            Some(RecoveryStep::HangUp) => {
                self.state.pause = Some(now + GUARD_TIME);
                [Step::Escape, Step::HangUp, Step::Reset].into()
            }
            // A restart would lock a SIM that cannot get its PIN again in this boot.
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
        let unanswered = std::mem::take(&mut self.queue).into_unanswered();
        let lost = unanswered.filter_map(|(asked, text)| match asked {
            Asked::Submit(sms) => self.outbox.lose(sms, text),
            Asked::Step(_) | Asked::Pin => None,
        });
        lost.map(|id| Report::NotSent(id, "the modem is gone".to_owned())).collect()
    }

    fn next_deadline(&self) -> Option<Duration> {
        if self.queue.has_next() {
            return Some(self.pace.free_since());
        }
        if !self.queue.is_idle() {
            return self.queue.deadline();
        }
        if self.is_releasing {
            return self.outbox.deadline();
        }
        if self.must_choose {
            return Some(self.pace.free_since());
        }
        let State { pause, watch, plan, inbox, .. } = &self.state;
        let ready = plan.iter().copied().chain(inbox.waiting()).map(|step| self.pace.ready_at(&step));
        let ready = ready.min().map(|ready| ready.max(self.pace.free_since()));
        let watch = Some(watch.unwrap_or_default()).filter(|_| plan.is_empty());
        let watch = watch.map(|watch| watch.max(self.pace.free_since()));
        let next = pause.or(ready.into_iter().chain(watch).min());
        next.into_iter().chain(self.outbox.deadline()).min()
    }

    fn is_idle(&self) -> bool {
        self.queue.is_idle() && (self.state.pause.is_none() || self.is_releasing)
    }

    fn answers(&self) -> bool {
        self.state.known.answers
    }

    /// The recovery cannot help a SIM that needs a person.
    fn works(&self) -> bool {
        let State { known, plan, .. } = &self.state;
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
        let Known { answers, sim, withheld, .. } = &self.state.known;
        let is_withheld = withheld.is_some_and(|why| why != PinWithheld::GivenThisBoot);
        let is_locked = |sim: &Sim| matches!(sim, Sim::Wants(_)) && !sim.wants_pin();
        *answers && (is_withheld || sim.as_ref().is_some_and(|sim| sim.is_missing() || is_locked(sim)))
    }

    /// A modem that answers, with a SIM that is ready, has only its registration to begin again: after a denial it does
    /// not try that network before its next start (TS 24.008 §4.4.4.7). The USB device and the box are in order.
    fn last_step(&self) -> RecoveryStep {
        if self.lacks_network() { RecoveryStep::Restart } else { RecoveryStep::Reboot }
    }

    fn lacks_network(&self) -> bool {
        let Known { answers, sim, network, .. } = &self.state.known;
        *answers && *sim == Some(Sim::Ready) && !network.lets_in()
    }

    fn record(&self) -> Record {
        let Known { manufacturer, model, sim, withheld, network, storage, .. } = &self.state.known;
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
    /// Sends the next command, if none is under way.
    fn next_command(&mut self, now: Duration) -> Option<Action> {
        let is_free = self.pace.free_since() <= now;
        if self.queue.is_idle() {
            self.must_choose = !is_free;
            if is_free && let Some((asked, request)) = self.choose(now) {
                let step = match &asked {
                    Asked::Step(step) => Some(*step),
                    Asked::Pin | Asked::Submit(_) => None,
                };
                self.pace.begin(step, now);
                self.queue.push(asked, request);
            }
        }
        // A modem at its prompt gets the text.
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
