//! Models of mobile modems: one file each, on the box in [`DIRECTORY`], where any file of an image or of a layer can be.
//!
//! The box takes from it the ports and the commands of the modem with these USB ids, the builder the kernel's modules and
//! the mode switch, and the lab the modem that it simulates. docs/modems.md describes the keys.

pub mod simulated;
pub mod simulated_usb;

use std::fmt;

use super::account_command::AccountCommand;
use super::at::AtCommand;
use super::dial_init;
use super::error::{Checked, Problem, SiteError, problem};
use super::modem_model::Words;
use super::table::{Value, Written, integer, tables, word};
use super::text::{Invalid, Text};
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The directory of the models on the box.
pub const DIRECTORY: &str = "/usr/share/dialbox/modems";

/// A model of mobile modem.
#[derive(Clone, Debug, PartialEq)]
pub struct MobileModel {
    /// Its name for people.
    pub name: String,
    /// Its ids, once it is a modem; none for a model that stands for no certain modem.
    pub usb: Vec<UsbId>,
    /// The kernel's module for its ports.
    pub driver: String,
    /// Its port for commands.
    pub command: Option<PortId>,
    /// Its port for data calls.
    pub data: Option<PortId>,
    /// Its mode switch, if usb-modeswitch-data does not have it.
    pub switch: Option<ModeSwitch>,
    /// Its commands.
    pub traits: ModemTraits,
}

/// What differs between the commands of modems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModemTraits {
    /// The maker whose own commands it has, as `+CGMI` names it, if it names another one.
    pub like: Option<String>,
    /// Commands once the SIM is ready; a refusal does not matter.
    pub init: Vec<String>,
    /// Commands of the standard that it does not have: `+CEREG`.
    pub lacks: Vec<String>,
    /// The command for a better figure of the signal than `+CSQ`.
    pub signal: Option<SignalCommand>,
    /// The command whose answer names the band.
    pub band: Option<String>,
    /// The command for the account of a context, if it is not the standard's.
    pub account: Option<AccountCommand>,
}

/// A command for the signal, by the form of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalCommand {
    /// TS 27.007 §8.69
    Cesq,
    /// Huawei's `AT^HCSQ?`
    Hcsq,
    /// Quectel's `AT+QCSQ`
    Qcsq,
}

/// `idVendor` and `idProduct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbId(pub u16, pub u16);

/// A port of a USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortId {
    /// The port of this `bInterfaceNumber`.
    Interface(u8),
    /// The port of this `hsotype`, of the driver hso, which has several ports at one interface.
    Hso(String),
}

/// The message that makes a modem of a CD-ROM drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeSwitch {
    /// The ids of the drive.
    pub from: UsbId,
    /// A SCSI command block, in hexadecimal, as `MessageContent` of usb_modeswitch.
    pub message: String,
}

impl SignalCommand {
    /// The command.
    pub fn at(self) -> &'static str {
        match self {
            Self::Cesq => "AT+CESQ",
            Self::Hcsq => "AT^HCSQ?",
            Self::Qcsq => "AT+QCSQ",
        }
    }
}

tables! {
    struct File {
        name: Words,
        source: Words,
        usb: Option<Spanned<Vec<UsbId>>>,
        driver: KernelModule,
        command: Option<Spanned<PortId>>,
        data: Option<PortId>,
        switch: Option<ModeSwitch>,
        like: Option<Words>,
        init: Option<Vec<ModelCommand>>,
        lacks: Option<Vec<CommandName>>,
        signal: Option<SignalCommand>,
        band: Option<ModelCommand>,
        account: Option<AccountCommand>,
        simulated: Option<Simulated>,
    }

    struct Switch {
        from: UsbId,
        message: Message,
    }
}

impl MobileModel {
    /// Parses a file. What the lab reads of it, `[simulated]`, is not checked here.
    ///
    /// # Errors
    /// A key is unknown, missing or has an invalid value: line and column.
    pub fn parse(text: &str) -> Result<Self, SiteError> {
        read(text).map_err(|problem| SiteError::new(*problem, text))
    }
}

fn read(text: &str) -> Checked<MobileModel> {
    let document = DeTable::parse(text).map_err(|error| Problem::from_syntax(&error))?;
    let raw = File::read(&Spanned::new(0..0, DeValue::Table(document.into_inner())))?;
    if raw.source.0.is_empty() {
        return problem("no source for what it says", "name the manual, or whose transcript", 0..0);
    }
    // Only its form is checked here.
    let Simulated = raw.simulated.unwrap_or(Simulated);
    if let (Some(command), None) = (&raw.command, &raw.data) {
        return problem(
            "`command` without `data`",
            "add `data`, or name the only port `data`",
            command.span(),
        );
    }
    if let Some(command) = raw.command.as_ref().filter(|command| Some(command.get_ref()) == raw.data.as_ref())
    {
        return problem(
            "`command` and `data` are the same port",
            "remove `command`: without it, `data` is for both",
            command.span(),
        );
    }
    let usb = raw.usb.map(Spanned::into_inner).unwrap_or_default();
    Ok(MobileModel {
        name: raw.name.0,
        usb,
        driver: raw.driver.0,
        command: raw.command.map(Spanned::into_inner),
        data: raw.data,
        switch: raw.switch,
        traits: ModemTraits {
            like: raw.like.map(|maker| maker.0),
            init: raw.init.into_iter().flatten().map(|line| line.0).collect(),
            lacks: raw.lacks.into_iter().flatten().map(|name| name.0).collect(),
            signal: raw.signal,
            band: raw.band.map(|line| line.0),
            account: raw.account,
        },
    })
}

impl UsbId {
    /// From the hexadecimal digits of sysfs, `idVendor` and `idProduct`.
    pub fn from_hex(vendor: &str, product: &str) -> Option<Self> {
        let number = |digits: &str| match digits.len() {
            4 if !digits.starts_with('+') => u16::from_str_radix(digits, 16).ok(),
            _ => None,
        };
        Some(Self(number(vendor)?, number(product)?))
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.0, self.1)
    }
}

impl Text for UsbId {
    const EXPECTED: &'static str = "USB ids";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let id = text.split_once(':').and_then(|(vendor, product)| Self::from_hex(vendor, product));
        let wrong =
            || Invalid::new(format!("{text:?} is no pair of USB ids"), "write \"12d1:1001\", as lsusb does");
        id.ok_or_else(wrong)
    }
}

pub(super) struct KernelModule(String);

impl Text for KernelModule {
    const EXPECTED: &'static str = "a module of the kernel";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        match (1..=40).contains(&text.len()) && text.bytes().all(is_name) {
            true => Ok(Self(text.to_owned())),
            false => Err(Invalid::new(format!("{text:?} is no module"), "write its name, as in \"option\"")),
        }
    }
}

/// A command line that leaves the modem as the box needs it.
pub(super) struct ModelCommand(String);

impl Text for ModelCommand {
    const EXPECTED: &'static str = AtCommand::EXPECTED;

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let command = AtCommand::from_text(text)?;
        dial_init::check(command.as_str()).map(|()| Self(command.as_str().to_owned()))
    }
}

/// The name of an extended command.
pub(super) struct CommandName(String);

impl Text for CommandName {
    const EXPECTED: &'static str = "a command";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        match text.strip_prefix('+') {
            Some(rest) if (2..=16).contains(&rest.len()) && rest.bytes().all(is_name) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Invalid::new(
                format!("{text:?} is no command of the standard"),
                "write the name, as in \"+CEREG\"",
            )),
        }
    }
}

pub(super) struct Message(String);

impl Text for Message {
    const EXPECTED: &'static str = "a message for usb_modeswitch";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        // USB Mass Storage Bulk-Only Transport §5.1: a command block wrapper has 31 bytes and begins with "USBC".
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_hex && text.len() == 62 && text.starts_with("55534243") {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(Invalid::new(
                "this is no command block",
                "write the 31 bytes in hexadecimal, as in `MessageContent` of usb_modeswitch: \"55534243…\"",
            )),
        }
    }
}

impl Value for ModeSwitch {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let Switch { from, message } = Switch::read(value)?;
        Ok(Self { from, message: message.0 })
    }
}

/// The kernel's names: `hso_serial_type` and `hsotype_show` of drivers/net/usb/hso.c.
const HSO_TYPES: &[(&str, &str)] = &[
    ("Control", "Control"),
    ("Application", "Application"),
    ("Modem", "Modem"),
    ("Application2", "Application2"),
];

impl Value for PortId {
    fn read(value: &Written<'_>) -> Checked<Self> {
        if let DeValue::String(_) = value.get_ref() {
            return Ok(Self::Hso(word(value, "a port of the driver hso", HSO_TYPES)?.to_owned()));
        }
        let number = integer(value, "the number of an interface, 0 to 31")?;
        match u8::try_from(number) {
            Ok(number @ 0..=31) => Ok(Self::Interface(number)),
            _ => problem(format!("{number} is no interface"), "write 0 to 31", value.span()),
        }
    }
}

impl Value for SignalCommand {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let all = [Self::Cesq, Self::Hcsq, Self::Qcsq].map(|command| (command.at(), command));
        word(value, "a command for the signal", &all)
    }
}

/// What only the lab reads.
pub(super) struct Simulated;

impl Value for Simulated {
    fn read(value: &Written<'_>) -> Checked<Self> {
        match value.get_ref() {
            DeValue::Table(_) => Ok(Self),
            _ => problem("`simulated` is a table", "write [simulated] and its keys below", value.span()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "name = 'Acme 4G'\nsource = 'its manual'\nusb = ['1234:abcd']\ndriver = 'option'\n";

    #[test]
    fn a_file_says_what_a_modem_needs() {
        let text = format!(
            "{FILE}command = 2\ndata = 3\nlike = 'ZTE'\ninit = ['AT+X=1']\nlacks = ['+CEREG']\n\
             signal = 'AT+CESQ'\nband = 'AT+BAND?'\n[switch]\nfrom = '1234:0001'\n\
             message = '5553424312345678000000000000061B000000020000000000000000000000'\n[simulated]\nany = 1\n"
        );
        let model = MobileModel::parse(&text).unwrap();
        assert_eq!(model.usb, [UsbId(0x1234, 0xabcd)]);
        assert_eq!((model.command, model.data), (Some(PortId::Interface(2)), Some(PortId::Interface(3))));
        assert_eq!(model.traits.signal, Some(SignalCommand::Cesq));
        assert_eq!(model.switch.unwrap().from.to_string(), "1234:0001");
    }

    #[test]
    fn the_example_of_the_documentation_is_valid() {
        let page = include_str!("../../docs/modems.md");
        let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        assert_eq!(MobileModel::parse(example).unwrap().traits.signal, Some(SignalCommand::Cesq));
    }

    #[test]
    fn an_error_names_file_line_and_column() {
        for (line, expected) in [
            ("comand = 2", "acme.toml:5:1: unknown key `comand`; did you mean `command`?"),
            ("command = 2", "acme.toml:5:11: `command` without `data`"),
            ("command = 3\ndata = 3", "acme.toml:5:11: `command` and `data` are the same port"),
            ("data = 99", "acme.toml:5:8: 99 is no interface"),
            ("data = 'Modm'", "acme.toml:5:8: unknown value `Modm`; did you mean `Modem`?"),
            ("lacks = ['AT+CREG']", "acme.toml:5:10: \"AT+CREG\" is no command of the standard"),
            ("init = ['X']", "acme.toml:5:9: \"X\" is not an AT command"),
            (
                "init = ['AT+CPIN=1234']",
                "acme.toml:5:9: `+CPIN` cannot be in `init`: a wrong PIN would lock the SIM; \
                 the box gives `pin` of [modem], once",
            ),
            (
                "init = ['ATQ1']",
                "acme.toml:5:9: `Q1` cannot be in `init`: without result codes there is no OK",
            ),
            ("band = 'ATA'", "acme.toml:5:8: `A` cannot be in `init`: it answers a call, and has no OK"),
            ("account = 'AT+CGAUTH=1'", "acme.toml:5:11: this is no command for an account"),
            ("signal = 'AT+CSQ'", "acme.toml:5:10: unknown value `AT+CSQ`; did you mean `AT+CESQ`?"),
            ("simulated = 1", "acme.toml:5:13: `simulated` is a table"),
            ("switch = { from = '1234:0001', message = '00' }", "acme.toml:5:42: this is no command block"),
            ("usb = []", "acme.toml:5:1: this key is given twice"),
        ] {
            let error = MobileModel::parse(&format!("{FILE}{line}\n")).unwrap_err().in_file("acme.toml");
            assert_eq!(error.headline(), expected);
        }
        let error = MobileModel::parse("name = 'x'\n").unwrap_err();
        assert!(error.reason().contains("`source` is missing"), "{error}");
        let ids = FILE.replace("1234:abcd", "+123:abcd");
        assert!(MobileModel::parse(&ids).unwrap_err().reason().contains("is no pair of USB ids"));
    }
}
