//! Models of modems, as data.

use super::cell::Cell;
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

/// An unsolicited line.
#[derive(Debug)]
pub struct Chatter {
    /// How often.
    pub every: Duration,
    /// The line.
    pub line: fn(&Cell) -> String,
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

/// The Option ICON 225 (GlobeTrotter HSUPA), with its ports Modem, Application and Control. (Its Diagnostic port does
/// not answer `AT`.)
pub const ICON_225: &Profile = &Profile {
    identification: &["Manufacturer: Option N.V.", "Model: GlobeTrotter HSUPA Modem", "Revision: 2.5.21Hd"],
    ports: 3,
    extended: &[
        ("+CGMI", Extended::Text("Option N.V.")),
        ("+CGMM", Extended::Text("GlobeTrotter HSUPA Modem")),
        ("+CGMR", Extended::Text("2.5.21Hd")),
        ("+CGSN", Extended::Text("004401100000001")),
        ("+CIMI", Extended::Text("208150000000001")),
        ("+CMEE", Extended::Number(0..=2)),
        ("+FCLASS", Extended::Number(0..=1)),
        ("+CSQ", Extended::Signal),
        ("+CREG", Extended::Registration),
        ("+CGREG", Extended::Registration),
        ("+COPS", Extended::Operator),
        ("+CGATT", Extended::Attachment),
        ("+CGDCONT", Extended::Contexts),
        ("+CPIN", Extended::Pin),
        ("+CLCK", Extended::FacilityLock),
        ("+CPWD", Extended::Password),
        ("+CFUN", Extended::Functionality),
        ("+CCLK", Extended::Clock),
        ("+CTZU", Extended::Number(0..=1)),
        ("+CLIP", Extended::Number(0..=1)),
        ("+CSCS", Extended::CharacterSet),
        ("+CSMS", Extended::Message(MessageCommand::Service)),
        ("+CSCA", Extended::ServiceCentre),
        ("+CMGF", Extended::Message(MessageCommand::Format)),
        ("+CPMS", Extended::Message(MessageCommand::Storage)),
        ("+CNMI", Extended::Message(MessageCommand::Indications)),
        ("+CMGL", Extended::Message(MessageCommand::List)),
        ("+CMGR", Extended::Message(MessageCommand::Read)),
        ("+CMGD", Extended::Message(MessageCommand::Delete)),
        ("+CMGS", Extended::Message(MessageCommand::Send)),
        ("+CNMA", Extended::Message(MessageCommand::Acknowledge)),
        ("_OBLS", Extended::OptionReady),
        ("_OERCN", Extended::OptionPinRetries),
        ("_OSIGQ", Extended::OptionSignal),
    ],
    mobile: Some(&Mobile {
        storages: &[("SM", 20), ("ME", 100)],
        first_index: 1,
        indications: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1, 2], &[0, 1]],
        functionality: &[0, 1, 4],
        character_sets: &["IRA", "GSM", "UCS2"],
        sets_its_clock: false,
        says_full: None,
        reads_as: ReadForm::Standard,
        tells_time_as: TimeForm::Standard,
        context_kinds: &["IP"],
    }),
    greeting: &[],
    chatter: &[],
    hang_up_takes: Duration::ZERO,
};

/// One port of the same stick: on some of them only the Modem port answers (raspberrypi/linux#633).
pub const ICON_225_ONE_PORT: &Profile = &Profile { ports: 1, ..*ICON_225 };

/// A Huawei-like stick with one port, which sends many URCs.
pub const HUAWEI: &Profile = &Profile {
    identification: &[
        "Manufacturer: huawei",
        "Model: E160",
        "Revision: 11.608.12.00.00",
        "IMEI: 353000000000002",
    ],
    ports: 1,
    extended: &[
        ("+CGMI", Extended::Text("huawei")),
        ("+CGMM", Extended::Text("E160")),
        ("+CGMR", Extended::Text("11.608.12.00.00")),
        ("+CGSN", Extended::Text("353000000000002")),
        ("+CIMI", Extended::Text("208150000000002")),
        ("+CMEE", Extended::Number(0..=2)),
        ("+FCLASS", Extended::Number(0..=1)),
        ("+CSQ", Extended::Signal),
        ("+CREG", Extended::Registration),
        ("+CGREG", Extended::Registration),
        ("+COPS", Extended::Operator),
        ("+CGATT", Extended::Attachment),
        ("+CGDCONT", Extended::Contexts),
        ("+CPIN", Extended::Pin),
        ("^CPIN", Extended::HuaweiPin),
        ("^CURC", Extended::Number(0..=1)),
        ("^PORTSEL", Extended::Number(0..=1)),
        ("+CLCK", Extended::FacilityLock),
        ("+CPWD", Extended::Password),
        ("+CFUN", Extended::Functionality),
        ("+CCLK", Extended::Clock),
        ("+CSCS", Extended::CharacterSet),
        ("+CSMS", Extended::Message(MessageCommand::Service)),
        ("+CSCA", Extended::ServiceCentre),
        ("+CMGF", Extended::Message(MessageCommand::Format)),
        ("+CPMS", Extended::Message(MessageCommand::Storage)),
        ("+CNMI", Extended::Message(MessageCommand::Indications)),
        ("+CMGL", Extended::Message(MessageCommand::List)),
        ("+CMGR", Extended::Message(MessageCommand::Read)),
        ("+CMGD", Extended::Message(MessageCommand::Delete)),
        ("+CMGS", Extended::Message(MessageCommand::Send)),
        ("+CNMA", Extended::Message(MessageCommand::Acknowledge)),
    ],
    mobile: Some(&Mobile {
        storages: &[("SM", 10)],
        first_index: 0,
        indications: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2, 3], &[0, 2], &[0]],
        functionality: &[0, 1, 4, 5, 6, 7],
        character_sets: &["IRA", "UCS2", "GSM"],
        sets_its_clock: true,
        says_full: Some("^SMMEMFULL: \"SM\""),
        reads_as: ReadForm::Standard,
        tells_time_as: TimeForm::Standard,
        context_kinds: &["IP"],
    }),
    greeting: &["^SIMST:1", "^SRVST:2"],
    chatter: &[
        Chatter { every: Duration::from_secs(20), line: |_| "^BOOT:27710117,0,0,0,75".to_owned() },
        Chatter { every: Duration::from_secs(30), line: |cell| format!("^RSSI:{}", cell.signal) },
    ],
    hang_up_takes: Duration::ZERO,
};

/// A generic stick on cdc-acm: it implements little more than the standards require.
pub const CDC_ACM: &Profile = &Profile {
    identification: &["Generic ACM modem"],
    ports: 1,
    extended: &[
        ("+CGMI", Extended::Text("Generic")),
        ("+CGMM", Extended::Text("ACM")),
        ("+CMEE", Extended::Number(0..=1)),
        // Data is class 0: ITU-T T.31 §8.2. wvdial and the box's own `init` set it.
        ("+FCLASS", Extended::Number(0..=0)),
        ("+CSQ", Extended::Signal),
        ("+CREG", Extended::Registration),
        ("+COPS", Extended::Operator),
        ("+CGDCONT", Extended::Contexts),
        ("+CPIN", Extended::Pin),
        ("+CPINR", Extended::PinRetries),
        ("+CLCK", Extended::FacilityLock),
        ("+CFUN", Extended::Functionality),
        ("+CSCA", Extended::ServiceCentre),
        ("+CMGF", Extended::Message(MessageCommand::Format)),
        ("+CPMS", Extended::Message(MessageCommand::Storage)),
        ("+CNMI", Extended::Message(MessageCommand::Indications)),
        ("+CMGL", Extended::Message(MessageCommand::List)),
        ("+CMGR", Extended::Message(MessageCommand::Read)),
        ("+CMGD", Extended::Message(MessageCommand::Delete)),
        ("+CMGS", Extended::Message(MessageCommand::Send)),
    ],
    mobile: Some(&Mobile {
        storages: &[("ME", 5)],
        first_index: 1,
        indications: [&[0, 2], &[0, 1], &[0], &[0], &[0]],
        functionality: &[0, 1],
        character_sets: &["IRA"],
        sets_its_clock: false,
        says_full: None,
        reads_as: ReadForm::Standard,
        tells_time_as: TimeForm::Standard,
        context_kinds: &["IP"],
    }),
    greeting: &[],
    chatter: &[],
    hang_up_takes: Duration::ZERO,
};

/// The same with a port for commands and one for calls, as sticks with the driver `option` have.
pub const GENERIC_TWO_PORTS: &Profile = &Profile { ports: 2, ..*CDC_ACM };

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
