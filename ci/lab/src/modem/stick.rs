//! Mobile modems, made from the files that the box has of its modems.

use super::makers::MAKERS;
use super::profile::{Chatter, Extended, MessageCommand, Mobile, Profile, ReadForm, TimeForm};
use dialbox::site::{
    AccountCommand, MobileModel, PortId, SignalCommand, SimulatedUsb, Simulation, SiteError,
};
use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

/// A model: what the box has of it, and the modem that the lab makes of it.
#[derive(Debug, Clone)]
pub struct Stick {
    /// What the box reads.
    pub model: MobileModel,
    /// The modem.
    pub profile: &'static Profile,
    /// The descriptors of the USB device that it is in.
    pub usb: Option<SimulatedUsb>,
}

/// The directory of the files in the checkout.
pub const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../overlay/usr/share/dialbox/modems");

/// All of them, by the name of the file without `.toml`.
static STICKS: LazyLock<BTreeMap<String, Stick>> = LazyLock::new(|| read_all(Path::new(DIRECTORY)));

/// All models of the checkout, by name.
pub fn sticks() -> &'static BTreeMap<String, Stick> {
    &STICKS
}

/// The modem of this name.
///
/// # Panics
/// The checkout has no such file.
pub fn stick(name: &str) -> &'static Profile {
    sticks().get(name).unwrap_or_else(|| panic!("{DIRECTORY} has no {name}.toml")).profile
}

/// The Option ICON 225 (GlobeTrotter HSUPA), with its ports Modem, Application and Control. (Its Diagnostic port does
/// not answer `AT`.)
pub fn icon_225() -> &'static Profile {
    stick("option-icon-225")
}

/// One port of the same stick: on some of them only the Modem port answers (raspberrypi/linux#633).
pub fn icon_225_one_port() -> &'static Profile {
    static PROFILE: LazyLock<&'static Profile> =
        LazyLock::new(|| Box::leak(Box::new(Profile { ports: 1, ..*icon_225() })));
    *PROFILE
}

/// A stick that sends many URCs.
pub fn huawei() -> &'static Profile {
    stick("huawei-e1550")
}

/// A generic stick: it implements little more than the standards require.
pub fn cdc_acm() -> &'static Profile {
    stick("generic-cdc-acm")
}

/// A module for LTE.
pub fn ec25() -> &'static Profile {
    stick("quectel-ec25")
}

fn read_all(directory: &Path) -> BTreeMap<String, Stick> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let files = entries.flatten().map(|entry| entry.path());
    files
        .filter_map(|file| {
            let name = file.file_name()?.to_str()?.strip_suffix(".toml")?.to_owned();
            let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
            let stick = Stick::parse(&text).unwrap_or_else(|error| panic!("{}", error.in_file(&name)));
            Some((name, stick))
        })
        .collect()
}

impl Stick {
    /// Parses a file. The model lasts as long as the program.
    ///
    /// # Errors
    /// The file is invalid.
    pub fn parse(text: &str) -> Result<Self, SiteError> {
        let (model, simulation) = Simulation::parse(text)?;
        let usb = simulation.usb.clone();
        let profile = Box::leak(Box::new(profile(&model, simulation)));
        Ok(Self { model, profile, usb })
    }
}

fn profile(model: &MobileModel, simulation: Simulation) -> Profile {
    let maker = keep(simulation.maker.clone().unwrap_or_else(|| "Generic".to_owned()));
    let product = keep(simulation.model.clone().unwrap_or_else(|| model.name.clone()));
    let revision = keep(simulation.revision.clone().unwrap_or_else(|| "1.0".to_owned()));
    let identification = simulation.identification.clone().unwrap_or_else(|| {
        vec![format!("Manufacturer: {maker}"), format!("Model: {product}"), format!("Revision: {revision}")]
    });
    let mut extended = vec![
        ("+CGMI", Extended::Text(maker)),
        ("+CGMM", Extended::Text(product)),
        ("+CGMR", Extended::Text(revision)),
    ];
    extended.extend(STANDARD.iter().cloned());
    let standard = AccountCommand::standard();
    let account = model.traits.account.as_ref().unwrap_or(&standard);
    let parameters = Vec::leak(account.parameters());
    extended.push((keep(account.name().to_owned()), Extended::Account(parameters)));
    extended.retain(|(name, _)| !model.traits.lacks.iter().any(|lacked| lacked == name));
    for (name, largest) in &simulation.largest {
        let command = extended.iter_mut().find(|(known, _)| known == name);
        if let Some((_, Extended::Number(range))) = command {
            *range = 0..=*largest;
        }
    }
    extended.extend(own_commands(maker));
    let switches = simulation.switches.iter().cloned();
    extended.extend(switches.map(|name| (keep(name), Extended::Number(0..=1))));
    if let Some(command @ (SignalCommand::Hcsq | SignalCommand::Qcsq)) = model.traits.signal {
        extended.push((name_of(command.at()), Extended::Quality(command)));
    }
    extended.extend(model.traits.band.as_ref().map(|line| (name_of(line), Extended::Band)));
    let ports = match (&model.command, &model.data) {
        (Some(PortId::Hso(_)), _) => 3,
        (command, data) if command.is_some() && command != data => 2,
        _ => 1,
    };
    let chatter = simulation.chatter.iter().cloned();
    let chatter = chatter.map(|(every, line)| Chatter { every, line: keep(line) }).collect();
    Profile {
        identification: keep_all(identification),
        ports,
        extended: Vec::leak(extended),
        greeting: keep_all(simulation.greeting.clone()),
        chatter: Vec::leak(chatter),
        hang_up_takes: Duration::ZERO,
        mobile: Some(Box::leak(Box::new(mobile(simulation)))),
    }
}

fn mobile(simulation: Simulation) -> Mobile {
    let storages = simulation.storages.unwrap_or_else(|| vec![("SM".to_owned(), 20), ("ME".to_owned(), 100)]);
    let storages = storages.into_iter().map(|(name, size)| (keep(name), size)).collect();
    let indications = simulation
        .indications
        .unwrap_or_else(|| [vec![0, 1, 2], vec![0, 1, 2, 3], vec![0, 2], vec![0, 1, 2], vec![0, 1]]);
    let names = |names: Option<Vec<String>>, usual: &[&str]| {
        keep_all(names.unwrap_or_else(|| usual.iter().map(|name| (*name).to_owned()).collect()))
    };
    Mobile {
        storages: Vec::leak(storages),
        first_index: simulation.first_index.unwrap_or(1),
        indications: indications.map(|values| &*Vec::leak(values)),
        functionality: Vec::leak(simulation.functionality.unwrap_or_else(|| vec![0, 1, 4])),
        character_sets: names(simulation.character_sets, &["IRA", "GSM", "UCS2"]),
        sets_its_clock: simulation.sets_its_clock,
        says_full: simulation.says_full.map(keep),
        reads_as: ReadForm::Standard,
        tells_time_as: if simulation.has_universal_clock { TimeForm::Universal } else { TimeForm::Standard },
        context_kinds: names(simulation.context_kinds, &["IP"]),
    }
}

const fn number(range: RangeInclusive<u32>) -> Extended {
    Extended::Number(range)
}

/// The commands of TS 27.007, TS 27.005 and ITU-T V.250 that the lab has.
const STANDARD: &[(&str, Extended)] = &[
    ("+CGSN", Extended::Text("353000000000002")),
    ("+CIMI", Extended::Text("208150000000001")),
    ("+CMEE", number(0..=2)),
    // Data is class 0: ITU-T T.31 §8.2. wvdial and the box's own `init` set it.
    ("+FCLASS", number(0..=0)),
    ("+CSQ", Extended::Signal),
    ("+CESQ", Extended::Quality(SignalCommand::Cesq)),
    ("+CREG", Extended::Registration),
    ("+CGREG", Extended::Registration),
    ("+CEREG", Extended::Registration),
    ("+COPS", Extended::Operator),
    ("+CGATT", Extended::Attachment),
    ("+CGDCONT", Extended::Contexts),
    ("+CPIN", Extended::Pin),
    ("+CPINR", Extended::PinRetries),
    ("+CLCK", Extended::FacilityLock),
    ("+CPWD", Extended::Password),
    ("+CFUN", Extended::Functionality),
    ("+CCLK", Extended::Clock),
    ("+CTZU", number(0..=1)),
    ("+CTZR", number(0..=2)),
    ("+CLIP", number(0..=1)),
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
];

/// A maker's own commands.
fn own_commands(maker: &str) -> Vec<(&'static str, Extended)> {
    match maker {
        "Option N.V." => vec![
            ("_OBLS", Extended::OptionReady),
            ("_OERCN", Extended::OptionPinRetries),
            ("_OSIGQ", Extended::OptionSignal),
        ],
        "huawei" => vec![("^CPIN", Extended::HuaweiPin)],
        _ => MAKERS
            .iter()
            .find(|known| known.name.starts_with(maker))
            .map(|it| it.counter.clone())
            .into_iter()
            .collect(),
    }
}

/// The name of a command line's only command.
fn name_of(line: &str) -> &'static str {
    let name = line.trim_start_matches("AT").trim_end_matches("=?").trim_end_matches('?');
    keep(name.to_owned())
}

/// Models last as long as the program.
fn keep(text: String) -> &'static str {
    text.leak()
}

fn keep_all(texts: Vec<String>) -> &'static [&'static str] {
    Vec::leak(texts.into_iter().map(keep).collect())
}
