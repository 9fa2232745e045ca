//! Every model that the box has a file of, played by the modem that the lab makes of the same file.

use super::field::until_settled;
use super::host_box::{HostBox, OWNER, Tty, order, site};
use dialbox::site::{MODELS, PortId, Role, Site};
use lab::modem::sim::SimCard;
use lab::modem::stick::{DIRECTORY, Stick, sticks};
use lab::modem::{Domains, Modem};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// A port that is not the modem's: of diagnosis, or of GPS.
const DEAF: usize = 9;

/// A stick that no file of the checkout knows.
const UNKNOWN: &str = "\
name = 'Acme Cellular 4G'
source = 'this test'
usb = ['1234:abcd']
driver = 'option'
command = 5
data = 1
like = 'huawei'
init = ['AT+ACME=1']
lacks = ['+CPINR', '+CTZU']
signal = 'AT^HCSQ?'
band = 'AT+ACMEBAND?'
[simulated]
maker = 'QUALCOMM INCORPORATED'
model = 'Acme 4G'
storages = ['ME 7']
indications = '(0-2),(0,1),(0),(0),(0)'
switches = ['+ACME']
chatter = [{ every = 1, line = '+ACMEMOOD: good' }]
";

/// The ports of a stick, as the kernel shows them: those that the file names, and one more that is deaf.
fn ttys(stick: &Stick) -> Vec<Tty> {
    let tty = |port: &PortId, at: usize| match port {
        PortId::Interface(number) => Tty { name: format!("ttyUSB{number}").leak(), port: at, hsotype: None },
        // Its number is that of the node.
        PortId::Hso(kind) => {
            Tty { name: format!("ttyHS{at}").leak(), port: at, hsotype: Some(kind.clone().leak()) }
        }
    };
    let model = &stick.model;
    let mut ttys: Vec<Tty> = [&model.data, &model.command]
        .into_iter()
        .flatten()
        .zip(0..)
        .map(|(port, at)| tty(port, at))
        .collect();
    let deaf = Tty { name: "ttyUSB9", port: DEAF, hsotype: None };
    match (&model.data, ttys.is_empty()) {
        (_, true) => ttys.extend([Tty { name: "ttyUSB0", port: 0, hsotype: None }, deaf]),
        (Some(PortId::Hso(_)), _) => {
            ttys.push(Tty { name: "ttyHS9", port: DEAF, hsotype: Some("Diagnostic") });
        }
        _ => ttys.push(deaf),
    }
    ttys
}

/// The box finds the ports, registers, answers a text, and dials at the port for data.
fn play(name: &str, text: &str) {
    let stick = Stick::parse(text).unwrap();
    let mut host_box = HostBox::switched_off(&site(""), Modem::new(stick.profile, SimCard::open()));
    let directory = host_box.places.path(MODELS);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(format!("{name}.toml")), text).unwrap();
    let is_lte = stick.model.traits.signal.is_some() || stick.model.traits.band.is_some();
    let lacks_standard = stick.model.traits.lacks.iter().any(|it| it == "+CESQ");
    let has_quality = is_lte && (stick.model.traits.signal.is_some() || !lacks_standard);
    host_box.exchange.with(|network, now| {
        network.connect_peer("operator", "*99#");
        let domains = if is_lte { Domains::Lte } else { Domains::CallsAndPackets };
        network.set_cell(host_box.modem, |cell| cell.domains = domains, now);
    });
    let ttys = ttys(&stick);
    if let Some(id) = stick.model.usb.first() {
        host_box.identify("1-1.1", *id);
    }
    host_box.plug_in(&ttys);
    host_box.start();
    until_settled(&host_box);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
    host_box.until_empty();

    let record = host_box.until_published("modem", |record| {
        let has = |wanted: bool, key| !wanted || record.get(key).is_some();
        has(stick.model.traits.band.is_some(), "band") && has(has_quality, "signal-quality")
    });
    assert_eq!(record.get("registration"), Some("home"), "{name}");
    if has_quality {
        assert!(
            record.get("signal-quality").unwrap().starts_with("RSRP -95 dBm, RSRQ -10 dB"),
            "{name}: {record:?}"
        );
    }
    let at = |port: Option<&PortId>| {
        let number = [&stick.model.data, &stick.model.command].iter().position(|it| it.as_ref() == port);
        number.map(|at| format!("/dev/{} ", ttys[at].name))
    };
    if let Some(command) = at(stick.model.command.as_ref().or(stick.model.data.as_ref())) {
        assert!(record.get("port").unwrap().starts_with(&command), "{name}: {record:?}");
    }
    if let Some(data) = at(stick.model.data.as_ref()).filter(|_| stick.model.command.is_some()) {
        assert!(record.get("data-port").unwrap().starts_with(&data), "{name}: {record:?}");
    }
    let typed = host_box.typed();
    for line in &stick.model.traits.init {
        assert!(typed.contains(&line.to_ascii_uppercase()), "{name}: {typed}");
    }
    let is_known = !stick.model.usb.is_empty();
    let optional = |name: &&String| is_known && (name.starts_with("+CTZ") || name.ends_with("REG"));
    for lacked in stick.model.traits.lacks.iter().filter(optional) {
        assert!(!typed.contains(&format!("AT{lacked}")), "{name}: {lacked} is not asked for\n{typed}");
    }

    host_box.text(OWNER, &order("connect", 1));
    host_box.until_said("pppd did not start");
    host_box.kill();
    let node = fs::read_link(host_box.places.path("/dev/modem")).unwrap();
    let said = dial(&host_box.places.path("/dev").join(node.file_name().unwrap()));
    assert!(said.contains("CONNECT"), "{name}: {said}");
}

/// Types what the site's script types before pppd takes the port, and returns what the modem says to the last line.
fn dial(port: &Path) -> String {
    let Role::Dialer(dialer) = Site::parse(&site("")).unwrap().role else { unreachable!("it is a dialer") };
    let mut port = File::options().read(true).write(true).open(port).unwrap();
    let mut raw = tcgetattr(&port).unwrap();
    raw.make_raw();
    tcsetattr(&port, OptionalActions::Now, &raw).unwrap();
    // The service may have been killed in the middle of a command: the modem still answers that.
    let quiet = Timespec::try_from(Duration::from_millis(500)).unwrap();
    while poll(&mut [PollFd::new(&port, PollFlags::IN)], Some(&quiet)).unwrap() > 0 {
        let _ = port.read(&mut [0; 512]).unwrap();
    }
    let init = dialer.modem.init.iter().map(|line| line.as_str().to_owned());
    let mut said = String::new();
    for line in init.chain(["AT+CGDCONT=1,\"IP\",\"free\"".to_owned(), "ATDT*99#".to_owned()]) {
        port.write_all(format!("{line}\r").as_bytes()).unwrap();
        said.clear();
        let is_final = |said: &str| {
            let has_ended = ["OK\r\n", "ERROR\r\n", "CARRIER\r\n"].iter().any(|end| said.ends_with(end));
            has_ended || said.contains("CONNECT") && said.ends_with('\n')
        };
        while !is_final(&said) {
            let mut bytes = [0; 64];
            let length = port.read(&mut bytes).unwrap();
            said += &String::from_utf8_lossy(&bytes[..length]);
        }
        assert!(said.contains("OK") || said.contains("CONNECT"), "{line}: {said}");
    }
    said
}

#[test]
fn every_model_is_found_registers_answers_a_text_and_dials() {
    std::thread::scope(|scope| {
        for name in sticks().keys() {
            let text = fs::read_to_string(Path::new(DIRECTORY).join(format!("{name}.toml"))).unwrap();
            scope.spawn(move || play(name, &text));
        }
    });
}

#[test]
fn a_stick_that_nobody_knew_needs_a_file_of_twenty_lines_and_no_more() {
    assert!(UNKNOWN.lines().count() <= 20);
    play("acme", UNKNOWN);
}

/// A file that is wrong about the ports costs one search: then all ports are asked.
#[test]
fn a_stick_whose_ports_are_not_those_of_its_file_is_found_all_the_same() {
    let stick = Stick::parse(UNKNOWN).unwrap();
    let mut host_box = HostBox::switched_off(&site(""), Modem::new(stick.profile, SimCard::open()));
    let directory = host_box.places.path(MODELS);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("acme.toml"), UNKNOWN).unwrap();
    fs::write(directory.join("broken.toml"), "name = 'x'\nname = 'y'\n").unwrap();
    host_box.identify("1-1.1", stick.model.usb[0]);
    let tty = |name, port| Tty { name, port, hsotype: None };
    host_box.plug_in(&[tty("ttyUSB1", DEAF), tty("ttyUSB5", DEAF), tty("ttyUSB2", 0)]);
    host_box.start();
    host_box
        .until_published("modem", |record| record.get("port").is_some_and(|port| port.contains("ttyUSB2")));
    host_box.until_said("broken.toml:2:1: this key is given twice");
}
