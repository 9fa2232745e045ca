//! The mobile modem's protocol in a [process of its own](crate::modem::sandbox), which also decodes messages, and what the
//! service keeps from it: the store, the secret of the one-time codes, and what a message may do.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::modem::mobile::{Memory, Mobile, OutgoingSms, Place, Report, SmsId};
use crate::modem::recovery::RecoveryStep;
use crate::modem::sandbox::{Guard, Sandboxable, Sandboxed, Violation};
use crate::paths::Paths;
use crate::record::Record;
use crate::site::{self, Pin};
use crate::sms::pdu::{Body, Deliver, Incoming};
use crate::state::Store;

/// The longest PDU, and the longest text about a message: a line of the modem.
const LONGEST_LINE: usize = 2100;
/// Octets of the longest text in one message: 160 characters of three octets of UTF-8.
const LONGEST_BODY: usize = 3 * 160;
/// So many messages that a process has died of are remembered.
const DEADLY: usize = 16;

/// What the process is given.
#[derive(Serialize, Deserialize)]
pub struct Start {
    pin: Option<String>,
    /// What is remembered of the last PIN that was given, as a record.
    memory: Option<String>,
    boot: String,
}

/// What the process is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Send a message.
    Send(OutgoingSms),
    /// Delete a message.
    Discard(Place),
    /// Ask for the network's time.
    AskTime,
    /// Ask nothing more until a port is opened again.
    MakeWay,
    /// Decode a message.
    Decode(String),
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It will be done.
    Taken,
    /// What the message is.
    Decoded(Content),
}

/// What the octets of a message are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A message for the box. It can be forged, by its sender and by the process that has decoded it.
    Message(Deliver),
    /// What became of one from the box.
    StatusReport,
    /// No message, and why.
    Unreadable(String),
    /// Not known: there was no process that could decode it. The modem reports it again.
    NotDecoded,
}

impl Content {
    fn decode(pdu: &str) -> Self {
        match Incoming::decode(pdu) {
            Ok(Incoming::Deliver(message)) => Self::Message(message),
            Ok(Incoming::StatusReport(_)) => Self::StatusReport,
            Err(why) => Self::Unreadable(why.to_string()),
        }
    }

    /// Whether it can be what one message of the network holds.
    fn is_possible(&self) -> bool {
        match self {
            Self::Message(Deliver { body: Body::Text(text), .. }) => text.len() <= LONGEST_BODY,
            Self::Message(Deliver { body: Body::Binary(octets), .. }) => octets.len() <= LONGEST_BODY,
            Self::Unreadable(why) => is_line(why),
            Self::StatusReport => true,
            Self::NotDecoded => false,
        }
    }
}

fn is_line(text: &str) -> bool {
    text.len() <= LONGEST_LINE && !text.contains(char::is_control)
}

impl Sandboxable for Mobile {
    type Start = Start;
    type Order = Order;
    type Answer = Answer;
    type Claim = Report;

    fn start(Start { pin, memory, boot }: Start) -> Option<Self> {
        let pin = pin.map(|pin| pin.parse()).transpose().ok()?;
        let memory = memory.and_then(|memory| Memory::from_record(&Record::parse(&memory)));
        Some(Self::new(pin, memory, boot))
    }

    fn obey(&mut self, order: Order) -> Answer {
        match order {
            Order::Send(sms) => self.send(sms),
            Order::Discard(place) => self.discard(place),
            Order::AskTime => self.ask_time(),
            Order::MakeWay => self.make_way(),
            Order::Decode(pdu) => return Answer::Decoded(Content::decode(&pdu)),
        }
        Answer::Taken
    }

    fn claim(&mut self, report: Report) -> Report {
        report
    }

    fn has_pending_orders(&self) -> bool {
        Mobile::has_pending_orders(self)
    }
}

/// What the service keeps of the protocol.
#[derive(Debug)]
pub(super) struct ModemGuard {
    pin: Option<Pin>,
    store: Store,
    /// The name of this boot.
    boot: String,
    /// Messages that the process was given and has not said to be sent or not.
    outgoing: Vec<SmsId>,
    /// Messages that a process has died of: no other one is given them.
    deadly: Vec<String>,
}

impl ModemGuard {
    /// Of the modem of a site.
    pub fn new(modem: &site::Modem, paths: &Paths) -> Self {
        // A kernel that does not name its boots leaves it at one PIN for ever, which is safe.
        let boot = fs::read_to_string(paths.path("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
        let store = Store::new(paths.state());
        Self {
            pin: modem.pin.clone(),
            store,
            boot: boot.trim().to_owned(),
            outgoing: Vec::new(),
            deadly: Vec::new(),
        }
    }
}

impl Guard for ModemGuard {
    type Parser = Mobile;
    type Report = Report;
    /// pppd may have the port of a modem that nobody talks to.
    const IS_IDLE_WITHOUT_PROCESS: bool = true;

    /// The store knows whether a PIN was given, whatever became of the process that has given it.
    fn start(&self) -> Start {
        Start {
            pin: self.pin.as_ref().map(|pin| pin.reveal().to_owned()),
            memory: Memory::load(&self.store).map(|memory| memory.to_record().to_string()),
            boot: self.boot.clone(),
        }
    }

    fn step_after_restart(&self, step: Option<RecoveryStep>) -> Option<RecoveryStep> {
        step
    }

    fn accept(&mut self, report: Report, _now: Duration) -> Result<Report, Violation> {
        let is_possible = match &report {
            Report::Message { pdu, .. } => is_line(pdu),
            Report::NotSent(_, why) => is_line(why),
            Report::ClockReading(reading) => reading.is_possible(),
            Report::Sent(_) | Report::NetworkTime(_) => true,
        };
        if let Report::Sent(id) | Report::NotSent(id, _) = &report {
            self.outgoing.retain(|outgoing| outgoing != id);
        }
        if is_possible { Ok(report) } else { Err(Violation::Claim) }
    }

    /// Only that a PIN is about to be given, once a boot, and what became of it.
    fn remembers(&self, record: &Record) -> Option<(&'static str, Record)> {
        let memory = Memory::from_record(record)?;
        let before = Memory::load(&self.store);
        memory.may_follow(before.as_ref(), &self.boot).then(|| (Memory::FILE, memory.to_record()))
    }

    fn lost(&mut self, _record: &Record, _now: Duration) -> Vec<Report> {
        let lost = std::mem::take(&mut self.outgoing).into_iter();
        lost.map(|id| Report::NotSent(id, "the modem's parser has died".to_owned())).collect()
    }
}

impl Sandboxed<ModemGuard> {
    /// Sends a message as soon as the modem is registered. [`Report::Sent`] or [`Report::NotSent`] follows.
    pub(super) fn send(&mut self, sms: OutgoingSms) {
        self.guard_mut().outgoing.push(sms.id);
        self.order(Order::Send(sms));
    }

    /// A message that was reported is not needed any more: it is deleted.
    pub(super) fn discard(&mut self, place: Place) {
        self.order(Order::Discard(place));
    }

    /// Asks for the network's time: [`Report::NetworkTime`] or [`Report::ClockReading`] follows if it has any.
    pub(super) fn ask_time(&mut self) {
        self.order(Order::AskTime);
    }

    /// Asks nothing more of the modem until a port is opened again.
    pub(super) fn make_way(&mut self) {
        // Without a process no answer is awaited.
        if self.is_running() {
            self.order_without_turn(Order::MakeWay);
        }
    }

    /// What a message is. One that a process has died of is unreadable: so it is deleted, and not read again for ever.
    pub(super) fn decode(&mut self, pdu: &str) -> Content {
        let died = || Content::Unreadable("the modem's parser has died of it".to_owned());
        if self.guard_mut().deadly.iter().any(|deadly| deadly == pdu) {
            return died();
        }
        let was_running = self.is_running();
        match self.order(Order::Decode(pdu.to_owned())) {
            Some(Answer::Decoded(content)) if content.is_possible() => content,
            Some(_) => {
                self.end_for(Violation::Claim);
                Content::NotDecoded
            }
            None if was_running => {
                let deadly = &mut self.guard_mut().deadly;
                deadly.truncate(DEADLY - 1);
                deadly.insert(0, pdu.to_owned());
                died()
            }
            None => Content::NotDecoded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guard(store: &std::path::Path) -> ModemGuard {
        ModemGuard {
            pin: Some("4321".parse().unwrap()),
            store: Store::new(store),
            boot: "today".to_owned(),
            outgoing: Vec::new(),
            deadly: Vec::new(),
        }
    }

    fn memory(boot: &str, outcome: &str) -> Record {
        Record::new()
            .with("pin", "0123456789abcdef")
            .with("tries", 3)
            .with("boot", boot)
            .with("outcome", outcome)
    }

    #[test]
    fn the_process_can_store_what_became_of_the_pin_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let guard = guard(dir.path());
        assert_eq!(guard.remembers(&Record::new().with("totp", 1)), None, "used codes are not its business");
        assert_eq!(guard.remembers(&memory("yesterday", "unknown")), None);
        let (file, record) = guard.remembers(&memory("today", "unknown").with("code", "1")).unwrap();
        assert_eq!((file, record), ("sim", memory("today", "unknown")));
    }

    #[test]
    fn a_pin_is_given_once_a_boot_by_whatever_process() {
        let dir = tempfile::tempdir().unwrap();
        let guard = guard(dir.path());
        let store = |record: &Record| guard.store.replace(Memory::FILE, &record.to_string()).unwrap();
        store(&memory("yesterday", "accepted"));
        let (_, given) = guard.remembers(&memory("today", "unknown")).unwrap();
        store(&given);
        assert_eq!(guard.remembers(&memory("today", "unknown")), None, "a second time");
        let known = guard.start().memory.unwrap();
        assert_eq!(Record::parse(&known), given, "the next process knows it");
        let (_, refused) = guard.remembers(&memory("today", "refused")).unwrap();
        store(&refused);
        for outcome in ["unknown", "accepted", "refused"] {
            assert_eq!(guard.remembers(&memory("today", outcome)), None, "{outcome}, once it is known");
        }
    }

    #[test]
    fn a_message_that_was_given_to_a_dead_process_is_reported_as_not_sent() {
        let dir = tempfile::tempdir().unwrap();
        let mut guard = guard(dir.path());
        guard.outgoing = vec![SmsId(1), SmsId(2), SmsId(3)];
        guard.accept(Report::Sent(SmsId(2)), Duration::ZERO).unwrap();
        let lost = guard.lost(&Record::new(), Duration::ZERO);
        let lost = lost.iter().map(|report| match report {
            Report::NotSent(SmsId(id), _) => *id,
            _ => panic!("{report:?}"),
        });
        assert_eq!(lost.collect::<Vec<_>>(), [1, 3]);
        assert_eq!(guard.lost(&Record::new(), Duration::ZERO), []);
    }

    /// Hears one request, and dies of it.
    const DIES: &str = "dd bs=20000 count=1 >/dev/null 2>&1; exit 3";

    #[test]
    fn a_message_of_which_a_parser_has_died_is_not_given_to_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut modem = Sandboxed::scripted(guard(dir.path()), DIES);
        let died = Content::Unreadable("the modem's parser has died of it".to_owned());
        assert_eq!(modem.decode("0791"), died);
        assert_eq!(modem.decode("0791"), died, "without a process");
        // No second process can be started here: that says nothing of the message.
        assert_eq!(modem.decode("0792"), Content::NotDecoded);
    }

    #[test]
    fn a_message_is_no_longer_than_one_of_the_network() {
        let message = |length| {
            let from = "+33612345678".parse().unwrap();
            let sent = crate::sms::pdu::ServiceCentreTime::new(1_784_001_598, 8).unwrap();
            Content::Message(Deliver { from, sent, body: Body::Text("x".repeat(length)), part: None })
        };
        assert!(message(LONGEST_BODY).is_possible());
        assert!(!message(LONGEST_BODY + 1).is_possible());
        assert!(!Content::Unreadable("a\nb".to_owned()).is_possible());
        assert!(!Content::NotDecoded.is_possible(), "the service alone says so");
    }

    proptest! {
        /// Octets of a message that the process has sent, changed by somebody who has taken it over.
        #[test]
        fn a_forged_message_is_a_legal_one_or_none(
            changes in prop::collection::vec((0_usize..100, any::<u8>()), 1..6),
        ) {
            let from = "+33612345678".parse().unwrap();
            let sent = crate::sms::pdu::ServiceCentreTime::new(1_784_001_598, 8).unwrap();
            let body = Body::Text("connect 30m 94287082".to_owned());
            let honest = Content::Message(Deliver { from, sent, body, part: None });
            let mut octets = [0; 100];
            let length = postcard::to_slice(&honest, &mut octets).unwrap().len();
            for (at, octet) in changes {
                octets[at % length] = octet;
            }
            let Ok(forged) = postcard::from_bytes::<Content>(&octets[..length]) else { return Ok(()) };
            if let Content::Message(message) = forged
                && let Ok((pdu, _)) = message.encode(None)
            {
                prop_assert!(matches!(Content::decode(&pdu), Content::Message(_)), "{message:?}");
            }
        }
    }

    #[test]
    fn the_process_is_given_the_pin_and_no_other_secret() {
        let dir = tempfile::tempdir().unwrap();
        let Start { pin, memory, boot } = guard(dir.path()).start();
        assert_eq!((pin.as_deref(), memory, boot.as_str()), (Some("4321"), None, "today"));
    }
}
