//! `[simulated.usb]` of a model's file: the USB device that the lab makes of it, as `lsusb -v` shows the real one.

use super::{Checked, Invalid, ModeSwitch, Text, UsbId, Value, Words, Written, problem, tables};

/// A USB device by its descriptors.
#[derive(Clone, Debug)]
pub struct SimulatedUsb {
    /// Its ids, of a model that has none.
    pub ids: Option<UsbId>,
    /// Class, subclass and protocol of the whole device.
    pub class: [u8; 3],
    /// `bcdDevice`
    pub release: u16,
    /// Manufacturer and product.
    pub names: [String; 2],
    /// Its interfaces, in the order of their numbers.
    pub interfaces: Vec<UsbInterface>,
    /// What it is before its mode switch.
    pub drive: Option<Drive>,
}

/// An interface, in its first alternate setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbInterface {
    /// `bInterfaceNumber`
    pub number: u8,
    /// Descriptors before its own, as an interface association.
    pub before: Vec<u8>,
    /// Its class, subclass and protocol.
    pub class: [u8; 3],
    /// Descriptors of the class or maker behind its own.
    pub extra: Vec<u8>,
    /// Its endpoints, in the order of their descriptors.
    pub endpoints: Vec<UsbEndpoint>,
}

/// An endpoint: a bulk one of 64 bytes, as all have at full speed, or an interrupt endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbEndpoint {
    /// `bEndpointAddress`
    pub address: u8,
    /// `wMaxPacketSize` and `bInterval` of an interrupt endpoint.
    pub interrupt: Option<(u8, u8)>,
}

/// A CD-ROM drive that becomes the modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drive {
    /// Its ids, and the beginning of the SCSI command that switches it; those of the model's `[switch]` if it has one.
    pub switch: Option<(UsbId, Vec<u8>)>,
    /// Vendor, product and revision as the answer to INQUIRY has them: 8, 16 and 4 bytes.
    pub inquiry: String,
    /// Its interfaces.
    pub interfaces: Vec<UsbInterface>,
}

tables! {
    struct File {
        source: Words,
        ids: Option<UsbId>,
        class: Option<Class>,
        release: Option<Release>,
        names: Vec<Words>,
        interfaces: Vec<UsbInterface>,
        drive: Option<Drive>,
    }

    struct DriveTable {
        ids: Option<UsbId>,
        inquiry: Words,
        command: Option<Bytes>,
        interfaces: Vec<UsbInterface>,
    }
}

impl Value for SimulatedUsb {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let File { source, ids, class, release, names, interfaces, drive } = File::read(value)?;
        let [Words(maker), Words(product)] = &names[..] else {
            return problem("two names are wanted", "write manufacturer and product", value.span());
        };
        if source.0.is_empty() {
            return problem("no source for what it says", "name whose `lsusb -v` it is", value.span());
        }
        Ok(Self {
            ids,
            class: class.map_or([0; 3], |it| it.0),
            release: release.map_or(0, |it| it.0),
            names: [maker.clone(), product.clone()],
            interfaces,
            drive,
        })
    }
}

impl Drive {
    /// The switch of the model's file in the place of its own.
    pub(super) fn switched_by(&mut self, switch: &ModeSwitch) {
        /// The wrapper of a command block has it after 15 bytes (USB Mass Storage Bulk-Only Transport §5.1).
        const WRAPPED: usize = 2 * 15;
        let command = switch.message.get(WRAPPED..).and_then(bytes).unwrap_or_default();
        self.switch = Some((switch.from, command));
    }
}

impl Value for Drive {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let DriveTable { ids, inquiry, command, interfaces } = DriveTable::read(value)?;
        let switch = ids.zip(command.map(|it| it.0));
        Ok(Self { switch, inquiry: inquiry.0, interfaces })
    }
}

/// Three bytes as in `ff/00/00`.
pub(super) struct Class([u8; 3]);

impl Text for Class {
    const EXPECTED: &'static str = "a class";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let bytes = text.split('/').map(byte).collect::<Option<Vec<u8>>>();
        let class = bytes.and_then(|bytes| bytes.try_into().ok());
        class.map(Self).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is no class"),
                "write class, subclass and protocol, as in \"ff/00/00\"",
            )
        })
    }
}

/// `bcdDevice` as in `03.18`.
pub(super) struct Release(u16);

impl Text for Release {
    const EXPECTED: &'static str = "a release";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let parts = text.split_once('.').and_then(|(high, low)| Some([byte(high)?, byte(low)?]));
        let wrong = || Invalid::new(format!("{text:?} is no release"), "write it as in \"03.18\"");
        parts.map(|parts| Self(u16::from_be_bytes(parts))).ok_or_else(wrong)
    }
}

/// Bytes in hexadecimal.
pub(super) struct Bytes(Vec<u8>);

impl Text for Bytes {
    const EXPECTED: &'static str = "bytes in hexadecimal";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new(format!("{text:?} are no bytes"), "write them as in \"1b0000\"");
        bytes(text).filter(|bytes| !bytes.is_empty()).map(Self).ok_or_else(wrong)
    }
}

impl Text for UsbInterface {
    const EXPECTED: &'static str = "an interface";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        interface(text).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is no interface"),
                "write number, class and endpoints, as in \"1 ff/00/00 83:10:32 82 02\"",
            )
        })
    }
}

/// Descriptors, the number, the class, descriptors, endpoints.
fn interface(text: &str) -> Option<UsbInterface> {
    let mut words = text.split_ascii_whitespace().peekable();
    let before = std::iter::from_fn(|| words.next_if(|word| word.len() > 2));
    let before = before.map(descriptor).collect::<Option<Vec<_>>>()?.concat();
    let number = words.next()?.parse().ok().filter(|number| *number < 32)?;
    let class = Class::from_text(words.next()?).ok()?.0;
    let extra = std::iter::from_fn(|| words.next_if(|word| word.len() > 2 && !word.contains(':')));
    let extra = extra.map(descriptor).collect::<Option<Vec<_>>>()?.concat();
    let endpoints = words.map(endpoint).collect::<Option<Vec<_>>>()?;
    Some(UsbInterface { number, before, class, extra, endpoints })
}

/// A whole descriptor: its first byte is its length.
fn descriptor(text: &str) -> Option<Vec<u8>> {
    bytes(text).filter(|bytes| bytes.first().is_some_and(|length| usize::from(*length) == bytes.len()))
}

/// `82`, or `83:10:32` with the size and the interval of an interrupt endpoint.
fn endpoint(text: &str) -> Option<UsbEndpoint> {
    let mut parts = text.split(':');
    let address = byte(parts.next()?).filter(|address| address & 0x70 == 0 && address & 0x0f != 0)?;
    let numbers =
        parts.map(|part| part.parse().ok().filter(|number| *number > 0)).collect::<Option<Vec<u8>>>()?;
    let interrupt = match numbers[..] {
        [] => None,
        [size @ ..=64, interval] => Some((size, interval)),
        _ => return None,
    };
    Some(UsbEndpoint { address, interrupt })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| str::from_utf8(pair).ok().and_then(byte)).collect()
}

/// Two digits.
fn byte(text: &str) -> Option<u8> {
    let is_hex = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::SiteError;
    use super::super::simulated::Simulation;
    use super::*;

    fn parse(usb: &str) -> Result<SimulatedUsb, SiteError> {
        let file = "name = 'x'\nsource = 'x'\ndriver = 'option'\n[simulated.usb]\nsource = 'x'\n";
        let (_, simulation) = Simulation::parse(&format!("{file}names = ['a', 'b']\n{usb}\n"))?;
        Ok(simulation.usb.unwrap())
    }

    #[test]
    fn an_interface_is_written_as_lsusb_shows_it() {
        let usb = parse(
            "release = '03.18'\ninterfaces = ['080b000202020100 0 02/02/01 0524001001 04240202 82:10:32', \
             '3 ff/ff/ff 81 0f']\ndrive = { ids = '12d1:1446', inquiry = 'x', command = '1106', \
             interfaces = [] }",
        )
        .unwrap();
        assert_eq!((usb.release, usb.class), (0x0318, [0; 3]));
        let [first, second] = &usb.interfaces[..] else { panic!("{usb:?}") };
        assert_eq!((first.number, first.class, first.before.len()), (0, [2, 2, 1], 8));
        assert_eq!(first.extra, [5, 0x24, 0, 0x10, 1, 4, 0x24, 2, 2]);
        assert_eq!(first.endpoints, [UsbEndpoint { address: 0x82, interrupt: Some((10, 32)) }]);
        let bulk = |address| UsbEndpoint { address, interrupt: None };
        assert_eq!((second.number, &second.endpoints[..]), (3, &[bulk(0x81), bulk(0x0f)][..]));
        assert_eq!(usb.drive.unwrap().switch, Some((UsbId(0x12d1, 0x1446), vec![0x11, 0x06])));
    }

    #[test]
    fn the_example_of_the_documentation_is_valid() {
        let page = include_str!("../../../docs/modems.md");
        let example =
            page.split("[simulated.usb]\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let file = format!("name = 'x'\nsource = 'x'\ndriver = 'option'\n[simulated.usb]\n{example}");
        let usb = Simulation::parse(&file).unwrap().1.usb.unwrap();
        assert_eq!((usb.interfaces.len(), usb.interfaces[1].endpoints.len()), (2, 3));
        assert_eq!(usb.drive.unwrap().switch, Some((UsbId(0x1234, 1), vec![0x1b, 0, 0, 0, 2])));
    }

    #[test]
    fn the_models_own_mode_switch_is_that_of_its_drive() {
        let message = "5553424312345678000000000000061b000000020000000000000000000000";
        let drive = "drive = { inquiry = 'x', interfaces = [] }\ninterfaces = []";
        let switch = format!("{drive}\n[switch]\nfrom = '1234:0001'\nmessage = '{message}'");
        let (ids, command) = parse(&switch).unwrap().drive.unwrap().switch.unwrap();
        assert_eq!((ids, &command[..5], command.len()), (UsbId(0x1234, 1), &[0x1b, 0, 0, 0, 2][..], 16));
        assert_eq!(parse(drive).unwrap_err().reason(), "a drive without a mode switch");
    }

    #[test]
    fn what_is_no_descriptor_is_an_error() {
        for wrong in [
            "",
            "0",
            "32 ff/ff/ff",
            "0 ff/ff",
            "0 ff/ff/ff 80",
            "0 ff/ff/ff 91",
            "0 ff/ff/ff 81:65:1",
            "0 ff/ff/ff 81:8",
            "0 ff/ff/ff 0424",
            "0 ff/ff/ff 81 04240202",
            "0 ff/ff/+f 81",
            "0 ff/ff/ff 81:8:0",
        ] {
            let error = parse(&format!("interfaces = ['{wrong}']")).unwrap_err().in_file("");
            assert_eq!(error.headline(), format!(":7:15: {wrong:?} is no interface"));
        }
        for (line, expected) in [
            ("release = '3'\ninterfaces = []", ":7:11: \"3\" is no release"),
            ("class = 'ff'\ninterfaces = []", ":7:9: \"ff\" is no class"),
            ("drive = { ids = '1:1' }\ninterfaces = []", ":7:17: \"1:1\" is no pair of USB ids"),
        ] {
            assert_eq!(parse(line).unwrap_err().in_file("").headline(), expected);
        }
    }
}
