//! Models of modems, as data. Those of mobile ones are made from [their files](super::stick).

use dialbox::site::{Placeholder, SignalCommand};
use std::ops::RangeInclusive;
use std::time::Duration;

/// A model of modem: its identification and its extended commands. Anything else gets `ERROR`.
#[derive(Debug)]
pub struct Profile {
    /// Lines of `ATI`.
    pub identification: &'static [&'static str],
    /// How many ports the computer sees.
    pub ports: usize,
    /// Extended commands by name.
    pub extended: &'static [(&'static str, Extended)],
    /// Its mobile part; `None` for a modem on an analogue line.
    pub mobile: Option<&'static Mobile>,
    /// Unsolicited lines after a start.
    pub greeting: &'static [&'static str],
    /// Unsolicited lines that it repeats.
    pub chatter: &'static [Chatter],
    /// Time until `OK` after the end of a call.
    pub hang_up_takes: Duration,
}

impl Profile {
    /// The answer to a command that always has the same; empty if it has no such command.
    pub fn text(&self, command: &str) -> &'static str {
        let text = |(name, answer): &(&str, Extended)| match answer {
            Extended::Text(text) if *name == command => Some(*text),
            _ => None,
        };
        self.extended.iter().find_map(text).unwrap_or_default()
    }
}

/// An unsolicited line.
#[derive(Debug)]
pub struct Chatter {
    /// How often.
    pub every: Duration,
    /// The line; `{signal}` stands for `<rssi>`.
    pub line: &'static str,
}

/// How a mobile modem differs from others.
#[derive(Debug)]
pub struct Mobile {
    /// The message storages, the default first, and their sizes.
    pub storages: &'static [(&'static str, usize)],
    /// Index of the first place in a storage.
    pub first_index: usize,
    /// The allowed values of each parameter of `+CNMI`.
    pub indications: [&'static [u8]; 5],
    /// Levels of `+CFUN`.
    pub functionality: &'static [u32],
    /// Names of `+CSCS`, the default first.
    pub character_sets: &'static [&'static str],
    /// Whether the network's time sets its clock even without `+CTZU`.
    pub sets_its_clock: bool,
    /// The URC for a message that finds no room.
    pub says_full: Option<&'static str>,
    /// The form of the answers to `+CMGR`.
    pub reads_as: ReadForm,
    /// The form of the answer to `+CCLK?`.
    pub tells_time_as: TimeForm,
    /// `<PDP_type>` of `+CGDCONT`.
    pub context_kinds: &'static [&'static str],
}

/// How `+CCLK?` shows the time; TS 27.007 §8.15 has `"yy/MM/dd,hh:mm:ss±zz"`, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// As the standard has it.
    Standard,
    /// Local time, a year of four digits, and neither quotation marks nor a zone.
    Bare,
    /// Universal time, and the zone all the same: Quectel EC25 after `+CTZU=1`, u-blox SARA-R4.
    Universal,
}

/// How `+CMGR` shows a message in PDU mode; TS 27.005 §4.2 has `<stat>,[<alpha>],<length>` and the PDU on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadForm {
    /// As the standard has it.
    Standard,
    /// `,,<length>`: gammu, tests/at-sms/39.dump.
    WithoutStatus,
    /// `<index>,<stat>,,<length>`: gammu, tests/at-sms/26.dump.
    IndexFirst,
    /// The PDU on the same line: ModemManager, test_cmgr_response_generic.
    OnOneLine,
    /// `ERROR`: only `+CMGL` shows messages.
    Refused,
}

/// How an extended command behaves.
#[derive(Debug, Clone)]
pub enum Extended {
    /// The action command answers with this text.
    Text(&'static str),
    /// A number that can be set, read and tested for its range; `ATZ` resets it to the start of the range.
    Number(RangeInclusive<u32>),
    /// `+CSQ`
    Signal,
    /// `_OSIGQ`
    OptionSignal,
    /// A command for a better figure of the signal.
    Quality(SignalCommand),
    /// A maker's command that names the band.
    Band,
    /// A command for the account of a context, with the values of its parameters.
    Account(&'static [Option<Placeholder>]),
    /// `+CREG`, `+CGREG`, `+CEREG`
    Registration,
    /// `+COPS`
    Operator,
    /// `+CGATT`
    Attachment,
    /// `+CGDCONT`
    Contexts,
    /// `+CPIN`
    Pin,
    /// `+CPINR`
    PinRetries,
    /// A maker's own command for the tries left: how it is given, and its answer for those of PIN and PUK.
    PinTries(Given, fn(u8, u8) -> String),
    /// `_OERCN`
    OptionPinRetries,
    /// `^CPIN`
    HuaweiPin,
    /// `+CLCK`
    FacilityLock,
    /// `+CPWD`
    Password,
    /// `_OBLS`
    OptionReady,
    /// `+CFUN`
    Functionality,
    /// `+CCLK`
    Clock,
    /// `+CSCS`
    CharacterSet,
    /// `+CSCA`
    ServiceCentre,
    /// A command about messages.
    Message(MessageCommand),
}

/// The form in which a command is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// `AT+NAME`
    Acting,
    /// `AT+NAME?`
    Reading,
    /// `AT+NAME=?`
    Testing,
    /// `AT+NAME=…`
    Setting,
}

/// TS 27.005
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageCommand {
    /// `+CSMS`
    Service,
    /// `+CMGF`
    Format,
    /// `+CPMS`
    Storage,
    /// `+CNMI`
    Indications,
    /// `+CMGL`
    List,
    /// `+CMGR`
    Read,
    /// `+CMGD`
    Delete,
    /// `+CMGS`
    Send,
    /// `+CNMA`
    Acknowledge,
}

/// A modem on an analogue telephone line.
pub const ANALOGUE: &Profile = &Profile {
    identification: &["56000"],
    ports: 1,
    extended: &[
        ("+GMI", Extended::Text("Dialbox Lab")),
        ("+GMM", Extended::Text("V.90 56K")),
        ("+FCLASS", Extended::Number(0..=1)),
        ("+VCID", Extended::Number(0..=1)),
    ],
    mobile: None,
    greeting: &[],
    chatter: &[],
    // The relay must open, and the carrier fade.
    hang_up_takes: Duration::from_millis(300),
};
