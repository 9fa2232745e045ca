//! The ports that may belong to a modem, from sysfs, the most likely first.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::site::{MobileModel, Port, PortId, UsbId};

/// A port that may belong to a modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its node, such as `/dev/ttyUSB0`.
    pub device: PathBuf,
    /// Its place on USB; `None` for a port that is not on USB.
    usb: Option<Interface>,
    /// Its use, if the model of its modem is known.
    role: Option<Role>,
}

/// The use of a port, from the file of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Command,
    Data,
}

/// A USB interface with a serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interface {
    /// As in `/sys/bus/usb/devices`: `1-1.2:1.0`.
    path: String,
    /// `bInterfaceNumber`
    number: u8,
    driver: String,
    /// The purpose of the port, from the hso driver.
    hsotype: Option<String>,
    /// The ids of its device.
    id: Option<UsbId>,
}

/// The existing ports where the modem may be, the most likely first.
pub fn candidates(paths: &Paths, port: &Port) -> Vec<Candidate> {
    let mut found = scan(paths);
    match port {
        Port::Auto => found.retain(Candidate::may_be_a_modem),
        Port::Usb(wanted) => found.retain(|candidate| candidate.is_at(wanted.as_str())),
        Port::Device(path) => {
            // It may also be a port that is not on USB, or a symlink of mdev.
            let device = PathBuf::from(path.as_str());
            found.retain(|candidate| candidate.device == device);
            if found.is_empty() && paths.path(&device).exists() {
                found.push(Candidate { device, usb: None, role: None });
            }
        }
    }
    found.sort_by_key(Candidate::unlikeliness);
    found
}

/// The candidates without the ports that a model's file leaves out, as those for diagnosis and GPS, of modems all of
/// whose named ports are there.
pub fn narrow(found: Vec<Candidate>, models: &[MobileModel]) -> Vec<Candidate> {
    let with_roles = found.iter().map(|port| port.with_role(models)).collect::<Vec<_>>();
    let has = |of: &Candidate, role| with_roles.iter().any(|it| it.role == Some(role) && it.is_beside(of));
    let narrowed = with_roles.iter().zip(found).filter_map(|(port, as_found)| {
        let needs_command = port.model(models).is_some_and(|model| model.command.is_some());
        match has(port, Role::Data) && (!needs_command || has(port, Role::Command)) {
            true => port.role.map(|_| port.clone()),
            false => Some(as_found),
        }
    });
    narrowed.collect()
}

/// The ports of one modem, by their use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// Commands and messages.
    pub command: Candidate,
    /// The data call; the same port if no other answers.
    pub data: Candidate,
}

/// Chooses the modem and the use of its ports from those that answer, the most likely first. A data port that cannot
/// answer because pppd has it stays the data port.
pub fn choose(all: &[Candidate], answering: &[Candidate], kept: Option<&Candidate>) -> Option<Ports> {
    let first = answering.first()?;
    let siblings = || all.iter().filter(|port| port.is_beside(first));
    let own = siblings().find(|port| port.role == Some(Role::Data) || port.hsotype() == Some("Modem"));
    let busy = || siblings().find(|port| Some(*port) == kept && !answering.contains(port));
    let data = own.or_else(busy).unwrap_or(first);
    let others = answering.iter().filter(|port| *port != data && port.is_beside(first));
    let command = others.min_by_key(|port| port.unlikeliness()).unwrap_or(first);
    Some(Ports { command: command.clone(), data: data.clone() })
}

/// Every serial port on USB.
fn scan(paths: &Paths) -> Vec<Candidate> {
    let class = fs::read_dir(paths.path("/sys/class/tty"));
    let entries = class.into_iter().flatten().flatten();
    entries.filter_map(|entry| inspect(&entry.path())).collect()
}

fn inspect(tty: &Path) -> Option<Candidate> {
    // For usb-serial, `device` is a port below the interface; for cdc-acm and hso it is the interface.
    let port = fs::canonicalize(tty.join("device")).ok()?;
    let interface = port.ancestors().take(2).find(|dir| dir.join("bInterfaceNumber").exists())?;
    let number = read(&interface.join("bInterfaceNumber"))?;
    Some(Candidate {
        device: Path::new("/dev").join(tty.file_name()?),
        usb: Some(Interface {
            path: interface.file_name()?.to_str()?.to_owned(),
            number: u8::from_str_radix(&number, 16).ok()?,
            driver: driver(interface).or_else(|| driver(&port))?,
            hsotype: read(&tty.join("hsotype")),
            id: id(interface),
        }),
        role: None,
    })
}

/// `interface` is a directory of the device's.
fn id(interface: &Path) -> Option<UsbId> {
    let device = interface.parent()?;
    UsbId::from_hex(&read(&device.join("idVendor"))?, &read(&device.join("idProduct"))?)
}

fn read(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn driver(device: &Path) -> Option<String> {
    let driver = fs::read_link(device.join("driver")).ok()?;
    Some(driver.file_name()?.to_str()?.to_owned())
}

impl Candidate {
    /// Whether it is at this place of the USB tree: a device, or one of its interfaces.
    fn is_at(&self, place: &str) -> bool {
        self.usb_device() == Some(place) || self.usb.as_ref().is_some_and(|usb| usb.path == place)
    }

    /// The model of its modem, if there is a file for it.
    pub fn model<'a>(&self, models: &'a [MobileModel]) -> Option<&'a MobileModel> {
        let id = self.id()?;
        models.iter().find(|model| model.usb.contains(&id))
    }

    /// The ids of its USB device.
    pub fn id(&self) -> Option<UsbId> {
        self.usb.as_ref()?.id
    }

    /// Whether it is a port that this driver has made of a device with these ids.
    pub fn is_of(&self, id: UsbId, driver: &str) -> bool {
        self.usb.as_ref().is_some_and(|usb| usb.id == Some(id) && usb.driver == driver)
    }

    fn with_role(&self, models: &[MobileModel]) -> Self {
        let is = |port: &Option<PortId>| match (port, &self.usb) {
            (Some(PortId::Interface(number)), Some(usb)) => usb.number == *number && usb.hsotype.is_none(),
            (Some(PortId::Hso(kind)), _) => self.hsotype() == Some(kind),
            _ => false,
        };
        let role = self.model(models).and_then(|model| match () {
            () if is(&model.data) => Some(Role::Data),
            () if is(&model.command) => Some(Role::Command),
            () => None,
        });
        Self { role, ..self.clone() }
    }

    /// Its purpose, from the hso driver.
    fn hsotype(&self) -> Option<&str> {
        self.usb.as_ref()?.hsotype.as_deref()
    }

    /// Its USB device, as in `/sys/bus/usb/devices`: `1-1.2`.
    pub fn usb_device(&self) -> Option<&str> {
        let (device, _interface) = self.usb.as_ref()?.path.split_once(':')?;
        Some(device)
    }

    /// Whether both are ports of one device.
    fn is_beside(&self, other: &Self) -> bool {
        self == other || self.usb_device().is_some() && self.usb_device() == other.usb_device()
    }

    /// hso's diagnostic and GPS ports never answer AT.
    fn may_be_a_modem(&self) -> bool {
        self.hsotype().is_none_or(|kind| matches!(kind, "Modem" | "Application" | "Control"))
    }

    /// Lower is more likely. On some Option sticks only hso's Modem port answers AT (raspberrypi/linux#633); with other
    /// drivers the first interface is the modem.
    fn unlikeliness(&self) -> (u8, String, u8, PathBuf) {
        let device = self.device.clone();
        let Some(usb) = &self.usb else {
            return (0, String::new(), 0, device);
        };
        let kind = match usb.hsotype.as_deref() {
            None | Some("Modem") => 0,
            Some("Application") => 1,
            Some("Control") => 2,
            Some(_) => 3,
        };
        (kind, usb.path.clone(), usb.number, device)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.device.display())?;
        if let Some(Interface { path, driver, hsotype, .. }) = &self.usb {
            let kind = hsotype.as_ref().map_or(String::new(), |kind| format!(", {kind}"));
            write!(f, " ({driver} at {path}{kind})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A box with these serial ports: name, interface, driver, `hsotype`.
    fn plugged(ports: &[(&str, &str, &str, Option<&str>)]) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        plug_in(&paths, ports);
        (dir, paths)
    }

    pub fn plug_in(paths: &Paths, ports: &[(&str, &str, &str, Option<&str>)]) {
        for (name, interface, driver, hsotype) in ports {
            let usb = interface.split_once(':').unwrap().0;
            let device = paths.path(format!("/sys/devices/usb1/{usb}/{interface}"));
            // usb-serial puts a port between the interface and the terminal.
            let is_usb_serial = !["cdc_acm", "hso"].contains(driver);
            let port = if is_usb_serial { device.join(name) } else { device.clone() };
            let tty = port.join("tty").join(name);
            fs::create_dir_all(&tty).unwrap();
            let number = interface.rsplit_once('.').unwrap().1;
            fs::write(device.join("bInterfaceNumber"), format!("0{number}\n")).unwrap();
            symlink(format!("../../bus/usb/drivers/{driver}"), device.join("driver")).unwrap_or(());
            symlink(&port, tty.join("device")).unwrap();
            if let Some(kind) = hsotype {
                fs::write(tty.join("hsotype"), format!("{kind}\n")).unwrap();
            }
            let class = paths.path("/sys/class/tty");
            fs::create_dir_all(&class).unwrap();
            symlink(&tty, class.join(name)).unwrap();
        }
    }

    fn order(paths: &Paths, port: &str) -> Vec<String> {
        let toml =
            format!("role='dialer'\nhostname='x'\n[modem]\nport='{port}'\n[operator]\nname='x'\napn='x'\n");
        let crate::site::Role::Dialer(dialer) = crate::site::Site::parse(&toml).unwrap().role else {
            unreachable!()
        };
        let found = candidates(paths, &dialer.modem.port);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_modem_port_of_an_option_stick_comes_first_whatever_its_number() {
        let (_dir, paths) = plugged(&[
            ("ttyHS0", "1-1.1:1.0", "hso", Some("Control")),
            ("ttyHS1", "1-1.1:1.0", "hso", Some("Application")),
            ("ttyHS2", "1-1.1:1.1", "hso", Some("Diagnostic")),
            ("ttyHS7", "1-1.1:1.2", "hso", Some("Modem")),
        ]);
        assert_eq!(
            order(&paths, "auto"),
            [
                "/dev/ttyHS7 (hso at 1-1.1:1.2, Modem)",
                "/dev/ttyHS1 (hso at 1-1.1:1.0, Application)",
                "/dev/ttyHS0 (hso at 1-1.1:1.0, Control)",
            ]
        );
    }

    #[test]
    fn with_other_drivers_the_first_interface_comes_first() {
        let (_dir, paths) = plugged(&[
            ("ttyUSB2", "1-1.1:1.2", "option", None),
            ("ttyUSB1", "1-1.1:1.0", "option", None),
            ("ttyACM0", "1-1.3:1.0", "cdc_acm", None),
        ]);
        assert_eq!(
            order(&paths, "auto"),
            [
                "/dev/ttyUSB1 (option at 1-1.1:1.0)",
                "/dev/ttyUSB2 (option at 1-1.1:1.2)",
                "/dev/ttyACM0 (cdc_acm at 1-1.3:1.0)",
            ]
        );
    }

    #[test]
    fn the_site_can_name_a_device_a_usb_place_or_one_interface() {
        let (_dir, paths) = plugged(&[
            ("ttyUSB0", "1-1.1:1.0", "ftdi_sio", None),
            ("ttyUSB1", "1-1.2:1.0", "ch341", None),
            ("ttyUSB2", "1-1.2:1.1", "ch341", None),
        ]);
        assert_eq!(order(&paths, "/dev/ttyUSB1"), ["/dev/ttyUSB1 (ch341 at 1-1.2:1.0)"]);
        assert_eq!(order(&paths, "1-1.2").len(), 2);
        assert_eq!(order(&paths, "1-1.2:1.1"), ["/dev/ttyUSB2 (ch341 at 1-1.2:1.1)"]);
        assert_eq!(order(&paths, "1-1"), [""; 0]);
        assert_eq!(order(&paths, "/dev/ttyUSB9"), [""; 0]);
    }

    #[test]
    fn a_modem_with_two_ports_has_one_for_commands_and_one_for_data() {
        let hso = |name, interface, kind| (name, interface, "hso", Some(kind));
        let option = [
            hso("ttyHS0", "1-1.1:1.0", "Control"),
            hso("ttyHS1", "1-1.1:1.0", "Application"),
            hso("ttyHS3", "1-1.1:1.2", "Modem"),
        ];
        let huawei = [
            ("ttyUSB0", "1-1.2:1.0", "option", None),
            ("ttyUSB1", "1-1.2:1.1", "option", None),
            ("ttyUSB2", "1-1.2:1.2", "option", None),
            ("ttyUSB3", "1-1.3:1.0", "ch341", None),
        ];
        for (ports, answering, kept, expected) in [
            // ports that answer, previous symlink, (command port, data port)
            (&option[..], &["ttyHS0", "ttyHS1", "ttyHS3"][..], None, Some(("ttyHS1", "ttyHS3"))),
            (&option, &["ttyHS0", "ttyHS3"], None, Some(("ttyHS0", "ttyHS3"))),
            (&option, &["ttyHS3"], None, Some(("ttyHS3", "ttyHS3"))), // raspberrypi/linux#633
            (&option, &["ttyHS1"], None, Some(("ttyHS1", "ttyHS3"))), // pppd has the Modem port
            (&huawei, &["ttyUSB0", "ttyUSB2", "ttyUSB3"], None, Some(("ttyUSB2", "ttyUSB0"))),
            (&huawei, &["ttyUSB0"], None, Some(("ttyUSB0", "ttyUSB0"))),
            (&huawei, &["ttyUSB2"], Some("ttyUSB0"), Some(("ttyUSB2", "ttyUSB0"))),
            (&huawei, &["ttyUSB0", "ttyUSB2"], Some("ttyUSB2"), Some(("ttyUSB2", "ttyUSB0"))),
            (&huawei, &[], None, None),
        ] {
            let (_dir, paths) = plugged(ports);
            let all = candidates(&paths, &Port::Auto);
            let path = |name: &str| Path::new("/dev").join(name);
            let answers = |port: &&Candidate| answering.iter().any(|name| path(name) == port.device);
            let answered: Vec<_> = all.iter().filter(answers).cloned().collect();
            let kept = all.iter().find(|port| kept.map(path).as_ref() == Some(&port.device));
            let choice = choose(&all, &answered, kept);
            let chosen = choice.map(|choice| (choice.command.device, choice.data.device));
            assert_eq!(chosen, expected.map(|(command, data)| (path(command), path(data))), "{answering:?}");
        }
    }

    #[test]
    fn a_port_that_is_not_on_usb_is_used_only_if_the_site_names_it() {
        let (dir, paths) = plugged(&[]);
        fs::create_dir_all(dir.path().join("dev")).unwrap();
        fs::write(dir.path().join("dev/ttyAMA1"), "").unwrap();
        assert_eq!(order(&paths, "auto"), [""; 0]);
        assert_eq!(order(&paths, "/dev/ttyAMA1"), ["/dev/ttyAMA1"]);
    }
}
