//! The commands for a mobile modem.

use super::attach_context::{AttachContext, AttachStep};
use super::cnmi::Cnmi;
use super::outbox::QueuedSms;
use super::pin_counter::PinCounter;
use super::storage::{Memories, Selection, Storage};
use crate::modem::at::request::Request;
use crate::modem::probe::{ATTENTION, ATTENTION_IN_WORDS};
use crate::site::{ModemTraits, SignalCommand};

/// One command, by its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Attention,
    AttentionInWords,
    /// Checks that the modem still answers after a command that has expired.
    Alive,
    /// Leaves a data call that a program has left open (V.250 §6.3.5: the escape sequence).
    Escape,
    HangUp,
    Reset,
    /// Radio off and on; the SIM stays unlocked.
    RadioOff,
    RadioOn,
    /// The modem restarts (TS 27.007 §8.2).
    Restart,
    Echo0,
    ExplainErrors,
    Manufacturer,
    Model,
    /// Whether the radio is on (TS 27.007 §8.2).
    Functionality,
    /// Whether an Option stick has started: SIM, phone book, messages.
    Readiness,
    Sim,
    /// The number of the SIM card.
    Card,
    /// How many tries the PIN has left.
    Tries(&'static PinCounter),
    Registration,
    PacketRegistration,
    LteRegistration,
    /// The context that LTE attaches with.
    Attach(AttachStep),
    /// The operator by number, or by name.
    OperatorFormat(OperatorFormat),
    Operator(OperatorFormat),
    Signal,
    /// A better figure of the signal.
    Quality(SignalCommand),
    /// The band; for models that have a command for it.
    Band,
    /// A command of the model's file, by its place there.
    Prepare(usize),
    /// The modem follows the network's clock (TS 27.007 §8.40).
    FollowTime,
    /// The modem reports the network's time zone (TS 27.007 §8.41).
    ReportTime,
    Clock,
    /// The modem answers no call, and reports its caller (V.250 §6.3.8; TS 27.007 §7.11).
    ReportCallers,
    PduMode,
    Storages,
    /// Sets where new messages are stored, read and deleted.
    SetStorages(Memories),
    /// Selects where messages are read and deleted for now. It names all three storages: some modems refuse fewer
    /// (gammu/gammu#908).
    SelectStorage(Selection),
    ReportOptions,
    /// Sets where new messages go, and how they are reported.
    Cnmi(Cnmi),
    /// Whether messages that are not stored must be acknowledged.
    Service,
    List(Storage),
    Read(Storage, u16),
    Delete(Storage, u16),
    Acknowledge,
}

/// The purpose of a command, which gives its answer a meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Step(Step),
    /// The SIM was given its PIN.
    Pin,
    /// This message was given to the modem.
    Submit(QueuedSms),
}

/// `<format>` of `+COPS` (TS 27.007 §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperatorFormat {
    Number,
    Name,
}

impl Step {
    /// Whether the box needs the answer. All other commands may stay unanswered.
    pub fn is_essential(self) -> bool {
        let is_attention = matches!(self, Self::Attention | Self::AttentionInWords | Self::Alive);
        is_attention || matches!(self, Self::Sim | Self::List(_) | Self::Read(..) | Self::Delete(..))
    }

    /// Whether it is repeated regularly, and optional. Once it stays unanswered it is left out until the next refresh.
    pub fn may_be_left_out(self) -> bool {
        let is_registration =
            matches!(self, Self::Registration | Self::PacketRegistration | Self::LteRegistration);
        let is_clock = matches!(self, Self::FollowTime | Self::ReportTime | Self::Clock);
        is_registration
            || is_clock
            || matches!(self, Self::OperatorFormat(_) | Self::Operator(_))
            || matches!(self, Self::Signal | Self::Quality(_) | Self::Band)
    }

    /// Whether it has a pause before a repetition. The others have tries and pauses of their own, or follow a step with
    /// a pause.
    pub fn is_paced(self) -> bool {
        let is_recovery = matches!(
            self,
            Self::Escape | Self::HangUp | Self::Reset | Self::RadioOff | Self::RadioOn | Self::Restart
        );
        let is_attention = matches!(self, Self::Attention | Self::AttentionInWords | Self::Alive);
        let follows =
            matches!(self, Self::SelectStorage(_) | Self::Tries(_) | Self::Card | Self::Acknowledge);
        !(is_recovery || is_attention || follows || self == Self::Readiness)
    }

    /// The commands of the model's file.
    pub fn prepare(traits: &ModemTraits) -> impl Iterator<Item = Self> + use<> {
        (0..traits.init.len()).map(Self::Prepare)
    }

    /// The name of the command, as `+CREG`.
    pub fn name(self, traits: &ModemTraits, context: Option<&AttachContext>) -> String {
        let line = self.request(traits, context).line().to_string();
        let name = line.strip_prefix("AT").unwrap_or(&line);
        name.split(['=', '?']).next().unwrap_or_default().to_owned()
    }

    /// The command.
    pub fn request(self, traits: &ModemTraits, context: Option<&AttachContext>) -> Request {
        match self {
            Self::Attention => ATTENTION,
            Self::AttentionInWords => ATTENTION_IN_WORDS,
            Self::Alive => Request::new("AT", 5),
            Self::Escape => Request::new("+++", 2).without_end_of_line(),
            Self::HangUp => Request::new("ATH", 5),
            Self::Reset => Request::new("ATZ", 5),
            Self::RadioOff => Request::new("AT+CFUN=4", 15),
            Self::RadioOn => Request::new("AT+CFUN=1", 15),
            Self::Restart => Request::new("AT+CFUN=1,1", 5),
            Self::Echo0 => Request::new("ATE0V1", 2),
            Self::ExplainErrors => Request::new("AT+CMEE=1", 2),
            Self::Manufacturer => Request::new("AT+CGMI", 5),
            Self::Model => Request::new("AT+CGMM", 5),
            Self::Functionality => Request::new("AT+CFUN?", 5),
            Self::Readiness => Request::new("AT_OBLS", 5),
            // The SIM may still be starting.
            Self::Sim => Request::new("AT+CPIN?", 10),
            Self::Card => Request::new("AT+CCID", 5),
            Self::Tries(counter) => counter.request(),
            Self::Registration => Request::new("AT+CREG?", 5),
            Self::PacketRegistration => Request::new("AT+CGREG?", 5),
            Self::LteRegistration => Request::new("AT+CEREG?", 5),
            Self::Attach(step) => context.map_or(ATTENTION, |context| context.request(step, traits)),
            Self::OperatorFormat(OperatorFormat::Number) => Request::new("AT+COPS=3,2", 5),
            Self::OperatorFormat(OperatorFormat::Name) => Request::new("AT+COPS=3,0", 5),
            Self::Operator(_) => Request::new("AT+COPS?", 10),
            Self::Signal => Request::new("AT+CSQ", 5),
            Self::Quality(command) => Request::new(command.at(), 5),
            Self::Band => own(traits.band.as_ref()),
            Self::Prepare(place) => own(traits.init.get(place)),
            Self::FollowTime => Request::new("AT+CTZU=1", 5),
            Self::ReportTime => Request::new("AT+CTZR=1", 5),
            Self::Clock => Request::new("AT+CCLK?", 5),
            Self::ReportCallers => Request::new("ATS0=0+CLIP=1", 15),
            Self::PduMode => Request::new("AT+CMGF=0", 5),
            Self::Storages => Request::new("AT+CPMS=?", 10),
            Self::SetStorages(memories) => set_storages(memories),
            Self::SelectStorage(selection) => set_storages(selection.memories()),
            Self::ReportOptions => Request::new("AT+CNMI=?", 5),
            Self::Service => Request::new("AT+CSMS?", 5),
            // A SIM with 50 messages reads them one by one.
            Self::List(_) => Request::new("AT+CMGL=4", 30),
            Self::Read(_, index) => Request::from_line(format!("AT+CMGR={index}"), 10),
            Self::Delete(_, index) => Request::from_line(format!("AT+CMGD={index}"), 10),
            Self::Acknowledge => Request::new("AT+CNMA", 5),
            Self::Cnmi(cnmi) => Request::from_line(format!("AT+CNMI={cnmi}"), 5),
        }
    }
}

/// A command of the model's file. If the file has none, which the plan excludes, the modem is greeted.
fn own(line: Option<&String>) -> Request {
    line.map_or(ATTENTION, |line| Request::from_line(line.clone(), 5))
}

fn set_storages(memories: Memories) -> Request {
    Request::from_line(format!("AT+CPMS={memories}"), 10)
}
