//! The mobile modem's protocol in a [process of its own](crate::modem::sandbox), which also decodes messages. The
//! service keeps from it the store, the secret of the one-time codes, and the decision about a message.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::modem::mobile::{AttachContext, Memory, Mobile, OutgoingSms, Place, Report, SmsId};
use crate::modem::recovery::RecoveryStep;
use crate::modem::sandbox::{Guard, Sandboxable, Sandboxed, Violation};
use crate::paths::Paths;
use crate::record::Record;
use crate::site::{self, Pin};
use crate::sms::pdu::{Body, Deliver, Incoming};
use crate::state::Store;

/// The longest PDU and the longest error: a line of the modem.
const LONGEST_LINE: usize = 2100;
/// Octets of the longest text in one message: 160 characters of three octets of UTF-8.
const LONGEST_BODY: usize = 3 * 160;
/// The number of messages that are remembered because a process has died of them.
const DEADLY: usize = 16;

/// The configuration of the process.
#[derive(Serialize, Deserialize)]
pub struct Start {
    pin: Option<String>,
    /// The stored memory of the last PIN, as a record.
    memory: Option<String>,
    boot: String,
    hears_callers: bool,
    attach: AttachContext,
}

/// An order to the process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Send a message.
    Send(OutgoingSms),
    /// Delete a message.
    Discard(Place),
    /// Read the network's time.
    AskTime,
    /// Attach to LTE with another context.
    Attach(AttachContext),
    /// Send no more commands until a port is opened again.
    ReleasePort,
    /// Decode a message.
    Decode(String),
}

/// The answer to an order.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The order is accepted.
    Taken,
    /// The content of the message.
    Decoded(Content),
}

/// The content of a PDU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A message for the box. Its sender or the process that has decoded it can have forged it.
    Message(Deliver),
    /// The status of a message from the box.
    StatusReport,
    /// Not a message; the reason.
    Unreadable(String),
    /// Unknown: no process could decode it. The modem reports it again.
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

    /// Whether one message of the network can have this content.
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
    const NAME: &'static str = "mobile";
    type Start = Start;
    type Order = Order;
    type Answer = Answer;
    type Claim = Report;

    fn start(Start { pin, memory, boot, hears_callers, attach }: Start) -> Option<Self> {
        let pin = pin.map(|pin| pin.parse()).transpose().ok()?;
        let memory = memory.and_then(|memory| Memory::from_record(&Record::parse(&memory)));
        Some(Self::new(pin, memory, boot).that_hears_callers(hears_callers).that_attaches_with(attach))
    }

    fn obey(&mut self, order: Order) -> Answer {
        match order {
            Order::Send(sms) => self.send(sms),
            Order::Discard(place) => self.discard(place),
            Order::AskTime => self.ask_time(),
            Order::Attach(context) => self.attach_with(context),
            Order::ReleasePort => self.release_port(),
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

/// The service's side of the protocol.
#[derive(Debug)]
pub(super) struct ModemGuard {
    pin: Option<Pin>,
    hears_callers: bool,
    attach: AttachContext,
    store: Store,
    /// The ID of this boot.
    boot: String,
    /// Messages that were given to the process and not reported yet.
    outgoing: Vec<SmsId>,
    /// Messages that a process has died of: no other process gets them.
    deadly: Vec<String>,
}

impl ModemGuard {
    /// The guard for the modem of a site.
    pub fn new(role: &site::Dialer, paths: &Paths) -> Self {
        // Without a boot ID from the kernel the PIN is sent only once, ever, which is safe.
        let boot = fs::read_to_string(paths.path("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
        let store = Store::new(paths.state());
        Self {
            pin: role.modem.pin.clone(),
            hears_callers: role.missed_call.is_some(),
            attach: AttachContext::new(&role.operator),
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
    /// Without a process no command is under way, and pppd may have the port.
    const IS_IDLE_WITHOUT_PROCESS: bool = true;

    /// The memory comes from the store, so that it survives the process that has sent the PIN.
    fn start(&self) -> Start {
        Start {
            pin: self.pin.as_ref().map(|pin| pin.reveal().to_owned()),
            memory: Memory::load(&self.store).map(|memory| memory.to_record().to_string()),
            boot: self.boot.clone(),
            hears_callers: self.hears_callers,
            attach: self.attach.clone(),
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
            Report::Sent(_) | Report::NetworkTime(_) | Report::Caller(_) => true,
        };
        if let Report::Sent(id) | Report::NotSent(id, _) = &report {
            self.outgoing.retain(|outgoing| outgoing != id);
        }
        if is_possible { Ok(report) } else { Err(Violation::Claim) }
    }

    /// Only the attempt to send a PIN, once a boot, and its outcome.
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

    /// Deletes a reported message.
    pub(super) fn discard(&mut self, place: Place) {
        self.order(Order::Discard(place));
    }

    /// Reads the network's time: [`Report::NetworkTime`] or [`Report::ClockReading`] follows if the modem has it.
    pub(super) fn ask_time(&mut self) {
        self.order(Order::AskTime);
    }

    /// Attaches to LTE with this context from now on.
    pub(super) fn attach_with(&mut self, context: AttachContext) {
        if self.guard_mut().attach != context {
            self.guard_mut().attach = context.clone();
            self.order(Order::Attach(context));
        }
    }

    /// Sends no more commands until a port is opened again.
    pub(super) fn release_port(&mut self) {
        // Without a process no command is under way.
        if self.is_running() {
            self.order_without_turn(Order::ReleasePort);
        }
    }

    /// Decodes a message. One that a process has died of counts as unreadable, so that it is deleted and not read
    /// again.
    pub(super) fn decode(&mut self, pdu: &str) -> Content {
        let died = || Content::Unreadable("the modem's parser has died of it".to_owned());
        if self.guard_mut().deadly.iter().any(|deadly| deadly == pdu) {
            return died();
        }
        let was_running = self.is_running();
        match self.order_without_turn(Order::Decode(pdu.to_owned())) {
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

    fn operator() -> site::Operator {
        let text = "role='dialer'\nhostname='x'\n[operator]\nname='x'\napn='x'\n";
        let site::Role::Dialer(dialer) = site::Site::parse(text).unwrap().role else { unreachable!() };
        dialer.operator
    }

    fn guard(store: &std::path::Path) -> ModemGuard {
        ModemGuard {
            hears_callers: false,
            attach: AttachContext::new(&operator()),
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
    fn the_process_can_store_only_the_outcome_of_the_pin() {
        let dir = tempfile::tempdir().unwrap();
        let guard = guard(dir.path());
        assert_eq!(
            guard.remembers(&Record::new().with("totp", 1)),
            None,
            "the process must not store used codes"
        );
        assert_eq!(guard.remembers(&memory("yesterday", "unknown")), None);
        let (file, record) = guard.remembers(&memory("today", "unknown").with("code", "1")).unwrap();
        assert_eq!((file, record), ("sim", memory("today", "unknown")));
    }

    #[test]
    fn a_pin_is_sent_once_a_boot_by_all_processes_together() {
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

    /// Receives one request, and dies of it.
    const DIES: &str = "dd bs=20000 count=1 >/dev/null 2>&1; exit 3";

    #[test]
    fn a_message_that_a_parser_has_died_of_is_not_given_to_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut modem = Sandboxed::scripted(guard(dir.path()), DIES);
        let died = Content::Unreadable("the modem's parser has died of it".to_owned());
        assert_eq!(modem.decode("0791"), died);
        assert_eq!(modem.decode("0791"), died, "without a process");
        // No second process can be started here: that says nothing of the message.
        assert_eq!(modem.decode("0792"), Content::NotDecoded);
    }

    #[test]
    fn a_longer_content_than_the_network_can_send_is_refused() {
        let message = |length| {
            let from = "+33612345678".parse().unwrap();
            let sent = crate::sms::pdu::ServiceCentreTime::new(1_784_001_598, 8).unwrap();
            Content::Message(Deliver { from, sent, body: Body::Text("x".repeat(length)), part: None })
        };
        assert!(message(LONGEST_BODY).is_possible());
        assert!(!message(LONGEST_BODY + 1).is_possible());
        assert!(!Content::Unreadable("a\nb".to_owned()).is_possible());
        assert!(!Content::NotDecoded.is_possible(), "only the service says so");
    }

    proptest! {
        /// A reply of the process, with octets changed by an attacker who has taken it over.
        #[test]
        fn a_forged_reply_is_a_valid_message_or_refused(
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
    fn the_process_gets_the_pin_and_the_operator_s_account_and_no_other_secret() {
        let dir = tempfile::tempdir().unwrap();
        let Start { pin, memory, boot, hears_callers: _, attach: _ } = guard(dir.path()).start();
        assert_eq!((pin.as_deref(), memory, boot.as_str()), (Some("4321"), None, "today"));
    }
}
