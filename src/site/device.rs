//! Device nodes, USB paths and line speeds.

use super::error::{Checked, problem};
use super::table::{Value, Written, integer};
use super::text::{Invalid, Text, checked_string, text_value};
use crate::names::{WATCHDOG, record};
use std::fmt;

checked_string! {
    /// A device node below `/dev`, as udev and the kernel name them.
    DevicePath,
    /// A place in the USB tree, named as in `/sys/bus/usb/devices`: `1-1.2`, or `1-1.2:1.0` for one interface of the
    /// device.
    UsbPath
}

/// The port of a modem.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// Found and probed at run time.
    Auto,
    /// This node only.
    Device(DevicePath),
    /// Any port at this place of the USB tree that answers.
    Usb(UsbPath),
}

impl Port {
    /// Whether both may be the same port, as far as their names tell.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let device = |path: &UsbPath| path.as_str().split(':').next().unwrap_or_default().to_owned();
        match (self, other) {
            (Self::Auto, _) | (_, Self::Auto) => true,
            (Self::Device(one), Self::Device(other)) => one == other,
            (Self::Usb(one), Self::Usb(other)) => {
                // A path without an interface is the whole device.
                let is_whole = |path: &UsbPath| !path.as_str().contains(':');
                one == other || (device(one) == device(other) && (is_whole(one) || is_whole(other)))
            }
            (Self::Device(_), Self::Usb(_)) | (Self::Usb(_), Self::Device(_)) => false,
        }
    }

    /// The prefix of a node that the kernel numbers in the order in which ports appear: with two of them, it is not
    /// always the same one that is the first.
    fn numbered_as(&self) -> Option<&str> {
        let Self::Device(node) = self else { return None };
        let prefix = node.as_str().trim_end_matches(|char: char| char.is_ascii_digit());
        // Of FTDI's, CH341's and other adapters and most sticks, of CDC-ACM modems, of Option's sticks.
        ["/dev/ttyUSB", "/dev/ttyACM", "/dev/ttyHS"].contains(&prefix).then_some(prefix)
    }

    /// Whether this is the serial console, on which the box offers a shell.
    pub(super) fn is_console(&self) -> bool {
        matches!(self, Self::Device(node) if node.as_str() == CONSOLE)
    }

    /// Whether this is the link to a dialer's modem, which the box makes.
    pub(super) fn is_link_to_modem(&self) -> bool {
        matches!(self, Self::Device(node) if node.as_str().strip_prefix("/dev/") == Some(record::MODEM))
    }

    /// Two ports whose nodes may change places.
    pub(super) fn interchangeable<'a>(ports: &[&'a Self]) -> Option<[&'a Self; 2]> {
        let pairs = ports
            .iter()
            .enumerate()
            .flat_map(|(at, one)| ports[at + 1..].iter().map(move |other| [*one, *other]));
        pairs
            .into_iter()
            .find(|[one, other]| one.numbered_as().is_some() && one.numbered_as() == other.numbered_as())
    }
}

impl Text for DevicePath {
    const EXPECTED: &'static str = "a device";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:+-".contains(&byte))
        };
        match text.strip_prefix("/dev/") {
            Some(rest) if text.len() <= 128 && rest.split('/').all(part) => Ok(Self(text.to_owned())),
            _ => Err(Invalid::new(
                format!("{text:?} is not a device"),
                "name a node below /dev, as in \"/dev/ttyUSB0\"",
            )),
        }
    }
}

/// Names of nodes that are no serial ports, without their numbers: what the kernel of the box has below `/dev`
/// (Documentation/admin-guide/devices.txt), the terminal `tty` of the program itself among them, and the link to the card.
/// Any other name may be a port, such as that of a link that a layer makes.
const NO_PORTS: &[&str] = &[
    "btrfs-control",
    "bus",
    "card",
    "cdc-wdm",
    "console",
    "cpu_dma_latency",
    "disk",
    "dm-",
    "fd",
    "full",
    "fuse",
    "gpiochip",
    "hidraw",
    "hwrng",
    "input",
    "i2c-",
    "kmsg",
    "log",
    "loop",
    "loop-control",
    "mapper",
    "mem",
    "mmcblk",
    "mmcblkboot",
    "mmcblkp",
    "mmcblkrpmb",
    "mqueue",
    "net",
    "null",
    "port",
    "ppp",
    "ptmx",
    "ram",
    "random",
    "rfkill",
    "rtc",
    "sg",
    "shm",
    "snapshot",
    "spidev.",
    "sr",
    "stderr",
    "stdin",
    "stdout",
    "tty",
    "ttyprintk",
    "uhid",
    "uinput",
    "urandom",
    "usbmon",
    "vc",
    "vcs",
    "vcsa",
    "vcsu",
    "vga_arbiter",
    "vhci",
    "watchdog",
    "zero",
    "zram",
];

/// The console of the image's kernel command line and inittab.
const CONSOLE: &str = "/dev/ttyAMA0";

impl DevicePath {
    /// The name below `/dev` without digits, of a node in a directory that of the directory.
    fn kind(&self) -> String {
        let name = self.0.trim_start_matches("/dev/").split('/').next().unwrap_or_default();
        name.chars().filter(|char| !char.is_ascii_digit()).collect()
    }

    /// Whether the kernel gives this name to something else than a serial port.
    fn is_no_port(&self) -> bool {
        let kind = self.kind();
        // Disks: `sda`, and `sda1` for a partition.
        NO_PORTS.contains(&kind.as_str()) || (kind.len() == 3 && kind.starts_with("sd"))
    }

    /// Whether it is a watchdog (drivers/watchdog/watchdog_dev.c: `watchdog`, and `watchdog` with a number).
    pub(super) fn is_watchdog(&self) -> bool {
        self.kind() == "watchdog"
    }

    /// The first hardware watchdog.
    pub(super) fn watchdog() -> Self {
        Self(WATCHDOG.to_owned())
    }
}

impl Text for UsbPath {
    const EXPECTED: &'static str = "a USB path";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(is_digit);
        let numbers = |text: &str| text.split('.').all(number);
        let (device, interface) = text.split_once(':').unwrap_or((text, "1.0"));
        let on_bus = device.split_once('-').is_some_and(|(bus, ports)| number(bus) && numbers(ports));
        let is_interface =
            interface.split_once('.').is_some_and(|(config, index)| number(config) && number(index));
        if on_bus && is_interface && text.len() <= 32 {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not a USB path"),
            "write it as /sys/bus/usb/devices does, as in \"1-1.2\"",
        ))
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

impl Text for Port {
    const EXPECTED: &'static str = "a port";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        match text {
            "auto" => Ok(Self::Auto),
            device if device.starts_with('/') => match DevicePath::from_text(device)? {
                node if node.is_no_port() => Err(Invalid::new(
                    format!("{device} is no serial port"),
                    "name one, as in \"/dev/ttyUSB0\", or its place on USB, as in \"1-1.2\"",
                )),
                node => Ok(Self::Device(node)),
            },
            usb => UsbPath::from_text(usb).map(Self::Usb).map_err(|_| {
                Invalid::new(
                    format!("{text:?} is not a port"),
                    "write \"auto\", a node as in \"/dev/ttyUSB0\" or a USB path as in \"1-1.2\"",
                )
            }),
        }
    }
}

text_value!(Port);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Device(device) => device.fmt(f),
            Self::Usb(usb) => usb.fmt(f),
        }
    }
}

/// Speed of a serial line in bit/s: one of the kernel's constants (termios(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(u32);

const SPEEDS: [u32; 13] =
    [300, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];

impl Speed {
    /// The speed that nearly every modem of the last thirty years supports.
    pub const USUAL: Self = Self(115_200);

    /// The speed, if the kernel has a constant for it.
    #[must_use]
    pub fn new(bits_per_second: u32) -> Option<Self> {
        SPEEDS.contains(&bits_per_second).then_some(Self(bits_per_second))
    }

    /// Bits per second.
    #[must_use]
    pub const fn bits_per_second(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Value for Speed {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let number = integer(value, "a speed in bit/s")?;
        let speed = u32::try_from(number).ok().and_then(Self::new);
        speed.map_or_else(
            || {
                let known: Vec<_> = SPEEDS.iter().map(u32::to_string).collect();
                problem(
                    format!("no serial line runs at {number} bit/s"),
                    format!("use one of {}", known.join(", ")),
                    value.span(),
                )
            },
            Ok,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names from Documentation/admin-guide/devices.txt, and those of links.
    #[test]
    fn a_node_that_is_no_serial_port_is_refused() {
        for (node, is_port) in [
            ("ttyUSB0", true),
            ("ttyACM12", true),
            ("ttyHS3", true),
            ("ttyS0", true),
            ("ttyAMA0", true),
            ("ttySC1", true),
            ("pts/4", true),
            ("serial/by-id/usb-FTDI_A900-if00-port0", true),
            ("rfcomm0", true),
            ("modem", true),
            ("sdr", false),
            ("sdr-modem", true),
            ("tcp-line", true),
            ("tty", false),
            ("tty1", false),
            ("console", false),
            ("mmcblk0", false),
            ("mmcblk0p2", false),
            ("sda", false),
            ("sda1", false),
            ("sr0", false),
            ("cdc-wdm0", false),
            ("null", false),
            ("watchdog", false),
            ("watchdog0", false),
            ("gpiochip0", false),
            ("net/tun", false),
            ("bus/usb/001/004", false),
            ("card", false),
        ] {
            assert_eq!(format!("/dev/{node}").parse::<Port>().is_ok(), is_port, "{node}");
        }
    }
}
