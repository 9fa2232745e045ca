//! A driver with modems on pseudo-terminals, a made-up sysfs and made-up times.

mod new_ids;
mod pass_over;
mod pause;
mod sharing;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, fcntl_setfl, flock};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;
use crate::log::Log;
use crate::modem::at::request::Request;
use crate::modem::ports::tests::plug_in;
use crate::modem::probe::PortProbe;
use crate::modem::router;
use crate::paths::Paths;
use crate::site::{FlowControl, Port, Speed, TimeSpan};

const SECOND: Duration = Duration::from_secs(1);

/// `[modem] other-after`
const OTHER_AFTER: TimeSpan = TimeSpan::minutes(5);

type Ports<'a> = &'a [(&'a str, &'a str, &'a str, Option<&'a str>)];

const OPTION: Ports = &[
    ("ttyHS0", "1-1.1:1.0", "hso", Some("Control")),
    ("ttyHS1", "1-1.1:1.0", "hso", Some("Application")),
    ("ttyHS2", "1-1.1:1.1", "hso", Some("Diagnostic")),
    ("ttyHS3", "1-1.1:1.2", "hso", Some("Modem")),
];
const STICK: Ports = &[("ttyUSB0", "1-1.2:1.0", "option", None)];

/// Sends `AT?` once and accepts any answer.
#[derive(Debug, Default)]
struct Recorder {
    steps: Vec<Option<RecoveryStep>>,
    has_asked: bool,
    heard: String,
    needs_a_person: bool,
    lacks_network: bool,
    /// What it still has to do.
    actions: Vec<ProtocolAction<String>>,
    probe: PortProbe,
}

impl Probe for Recorder {
    fn on_event(&mut self, event: ProbeEvent, now: Duration) -> ProbeState {
        self.probe.on_event(event, now)
    }
}

impl Protocol for Recorder {
    type Report = String;

    fn on_open(&mut self, step: Option<RecoveryStep>, _now: Duration) -> Vec<ProtocolAction<String>> {
        self.steps.push(step);
        self.heard.clear();
        self.has_asked = true;
        vec![ProtocolAction::Send(Request::new("AT?", 1).line().clone())]
    }

    fn on_bytes(&mut self, bytes: &[u8], _now: Duration) -> Vec<ProtocolAction<String>> {
        self.heard += std::str::from_utf8(bytes).unwrap();
        vec![ProtocolAction::Publish]
    }

    fn on_time(&mut self, _now: Duration) -> Vec<ProtocolAction<String>> {
        std::mem::take(&mut self.actions)
    }

    fn on_close(&mut self) -> Vec<String> {
        vec!["end".to_owned()]
    }

    fn next_deadline(&self) -> Option<Duration> {
        None
    }

    fn is_idle(&self) -> bool {
        self.answers()
    }

    fn answers(&self) -> bool {
        !self.heard.is_empty()
    }

    fn works(&self) -> bool {
        self.answers()
    }

    fn needs_a_person(&self) -> bool {
        self.needs_a_person
    }

    fn lacks_network(&self) -> bool {
        self.lacks_network
    }

    fn record(&self) -> Record {
        Record::new().with("heard", self.heard.trim())
    }
}

/// The modem's end of its ports.
struct Modem(Vec<(String, File)>);

impl Modem {
    /// Plugged in with these ports.
    fn plugged_into(paths: &Paths, ports: Ports) -> Self {
        plug_in(paths, ports);
        let device = ports[0].1.split_once(':').unwrap().0;
        let usb = paths.path("/sys/bus/usb/devices").join(device);
        fs::create_dir_all(&usb).unwrap();
        fs::write(usb.join("authorized"), "1\n").unwrap();
        let open = |(name, ..): &(&str, _, _, _)| ((*name).to_owned(), node(&paths.path("/dev").join(name)));
        Self(ports.iter().map(open).collect())
    }

    /// Pulled out: its nodes vanish, and programs that have them open notice.
    fn pull_out(self, paths: &Paths) {
        for (name, _) in &self.0 {
            fs::remove_file(paths.path("/dev").join(name)).unwrap();
            fs::remove_file(paths.path("/sys/class/tty").join(name)).unwrap();
        }
    }

    /// Answers anything that came at one of these ports; returns what came.
    fn answer(&mut self, at: &[&str]) -> Vec<(String, String)> {
        let mut came = Vec::new();
        for (name, line) in &mut self.0 {
            let mut bytes = [0; 100];
            // An error: nothing came, or no program has it open.
            let Ok(length @ 1..) = line.read(&mut bytes) else { continue };
            came.push((name.clone(), String::from_utf8(bytes[..length].to_vec()).unwrap()));
            if at.contains(&name.as_str()) {
                line.write_all(b"\r\nOK\r\n").unwrap();
            }
        }
        came
    }
}

fn node(path: &Path) -> File {
    let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&line).unwrap();
    unlockpt(&line).unwrap();
    fcntl_setfl(&line, OFlags::NONBLOCK).unwrap();
    symlink(ptsname(&line, Vec::new()).unwrap().to_str().unwrap(), path).unwrap();
    line.into()
}

fn in_a_box(test: impl FnOnce(&Paths, &mut Driver<Recorder>)) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    for path in ["/dev", "/state", "/sys/class/tty"] {
        fs::create_dir_all(paths.path(path)).unwrap();
    }
    let log = Log::new("test", &paths);
    let config = ModemConfig {
        paths: &paths,
        log: &log,
        name: "modem",
        port: &Port::Auto,
        speed: Speed::USUAL,
        flow: FlowControl::None,
        other_after: Some(OTHER_AFTER),
    };
    test(&paths, &mut Driver::new(config, Recorder::default()).unwrap());
}

/// Polls the driver, with a modem that answers at some ports, until nothing changes any more.
fn settle(
    driver: &mut Driver<Recorder>,
    modem: &mut Modem,
    at: &[&str],
    now: Duration,
) -> Vec<(String, String)> {
    let mut came = Vec::new();
    for _ in 0..10 {
        driver.poll(now);
        came.extend(modem.answer(at));
    }
    came
}

fn locks(paths: &Paths) -> Vec<String> {
    let entries = fs::read_dir(paths.path("/run/lock")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // The pseudo-terminal below the made-up name is locked as well.
    names.retain(|name| !name.starts_with("LCK..pts_"));
    names.sort();
    names
}

fn link(paths: &Paths) -> Option<String> {
    Some(fs::read_link(paths.path("/dev/modem")).ok()?.to_str().unwrap().to_owned())
}

#[test]
fn of_two_ports_one_is_for_commands_and_the_other_for_data() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, OPTION);
        let came = settle(driver, &mut modem, &["ttyHS0", "ttyHS1", "ttyHS3"], SECOND);
        assert!(came.iter().all(|(name, _)| name != "ttyHS2"), "the diagnostic port is no modem: {came:?}");
        assert!(came.contains(&("ttyHS1".to_owned(), "AT?\r".to_owned())), "{came:?}");
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyHS3"));
        assert!(driver.has_two_ports());
        let record = paths.published("modem").unwrap();
        assert_eq!(record.get("port"), Some("/dev/ttyHS1 (hso at 1-1.1:1.0, Application)"));
        assert_eq!(record.get("data-port"), Some("/dev/ttyHS3 (hso at 1-1.1:1.2, Modem)"));
        assert_eq!(locks(paths), [""; 0], "no command is under way: others may have it");

        assert_eq!(driver.release(), [""; 0]);
        driver.protocol.actions.push(ProtocolAction::Send(Request::new("AT+CSQ", 1).line().clone()));
        let came = settle(driver, &mut modem, &["ttyHS1"], 2 * SECOND);
        assert_eq!(came, [("ttyHS1".to_owned(), "AT+CSQ\r".to_owned())]);
    });
}

/// raspberrypi/linux#633
#[test]
fn a_stick_that_answers_only_at_its_modem_port_gets_its_commands_there() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, OPTION);
        settle(driver, &mut modem, &["ttyHS3"], SECOND);
        let came = settle(driver, &mut modem, &["ttyHS3"], 4 * SECOND);
        assert!(came.contains(&("ttyHS3".to_owned(), "AT?\r".to_owned())), "{came:?}");
        assert!(!driver.has_two_ports());
    });
}

#[test]
fn a_stick_that_comes_back_under_other_names_is_found() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, OPTION);
        settle(driver, &mut modem, &["ttyHS1", "ttyHS3"], SECOND);
        modem.pull_out(paths);
        driver.poll(4 * SECOND);
        assert_eq!(link(paths), None);
        assert!(paths.published("modem").unwrap().get("trouble").is_some());

        let renamed: Ports = &[
            ("ttyHS7", "1-1.1:1.0", "hso", Some("Application")),
            ("ttyHS4", "1-1.1:1.2", "hso", Some("Modem")),
        ];
        let mut modem = Modem::plugged_into(paths, renamed);
        settle(driver, &mut modem, &["ttyHS4", "ttyHS7"], 5 * SECOND);
        settle(driver, &mut modem, &["ttyHS4", "ttyHS7"], 5 * SECOND + SETTLED_AFTER);
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyHS4"));
        assert!(paths.published("modem").unwrap().get("port").unwrap().starts_with("/dev/ttyHS7"));
    });
}

#[test]
fn a_stick_is_probed_when_its_last_port_has_appeared() {
    in_a_box(|paths, driver| {
        driver.poll(SECOND);
        let mut modem = Modem::plugged_into(paths, &OPTION[..1]);
        assert_eq!(settle(driver, &mut modem, &["ttyHS0"], 2 * SECOND), []);
        let mut more = Modem::plugged_into(paths, &OPTION[1..]);
        let late = 2 * SECOND + SETTLED_AFTER;
        assert_eq!(
            settle(driver, &mut more, &["ttyHS1", "ttyHS3"], late),
            [],
            "the next node restarts the wait"
        );
        settle(driver, &mut more, &["ttyHS1", "ttyHS3"], late + SETTLED_AFTER);
        settle(driver, &mut more, &["ttyHS1", "ttyHS3"], late + 3 * SECOND);
        let record = paths.published("modem").unwrap();
        assert_eq!(record.get("data-port"), Some("/dev/ttyHS3 (hso at 1-1.1:1.2, Modem)"));
    });
}

#[test]
fn a_stick_without_ports_that_is_a_network_card_is_called_a_router() {
    in_a_box(|paths, driver| {
        router::tests::plug_in(paths, "1-1.2", ["12d1", "14dc", "HUAWEI_MOBILE"], ["02", "06", "00"]);
        driver.poll(SECOND);
        let trouble = paths.published("modem").unwrap().get("trouble").unwrap().to_owned();
        assert!(
            trouble.ends_with("1-1.2 (12d1:14dc HUAWEI_MOBILE) is a router, which has no port for commands")
        );
        let mut modem = Modem::plugged_into(paths, STICK);
        settle(driver, &mut modem, &["ttyUSB0"], 10 * SECOND);
        settle(driver, &mut modem, &["ttyUSB0"], 10 * SECOND + SETTLED_AFTER);
        assert!(paths.published("modem").unwrap().get("trouble").is_none());
    });
}

#[test]
fn what_cannot_be_stored_is_not_done() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, STICK);
        settle(driver, &mut modem, &["ttyUSB0"], SECOND);
        fs::remove_dir(paths.path("/state")).unwrap();
        let record = Record::new().with("outcome", "unknown");
        driver.protocol.actions = vec![
            ProtocolAction::Remember { file: "sim", record },
            ProtocolAction::Send(Request::new("AT+CPIN=1234", 1).line().clone()),
        ];
        let came = settle(driver, &mut modem, &["ttyUSB0"], 2 * SECOND);
        assert!(!came.iter().any(|(_, said)| said.contains("CPIN")), "{came:?}");
    });
}

/// Gives up the modem at every attempt, and records each step with its second.
fn fail(driver: &mut Driver<Recorder>, modem: &mut Modem, paths: &Paths) -> Vec<(u32, String)> {
    let authorized = paths.path("/sys/bus/usb/devices/1-1.2/authorized");
    let mut seen = Vec::new();
    for second in 1..150 {
        let begun = driver.protocol.steps.len();
        driver.protocol.actions = vec![ProtocolAction::Abandon("no answer".to_owned())];
        driver.poll(SECOND * second);
        modem.answer(&[]);
        let steps = driver.protocol.steps.iter().skip(begun).flatten();
        seen.extend(steps.map(|step| (second, step.as_str().to_owned())));
        if fs::read_to_string(&authorized).unwrap() == "0" {
            seen.push((second, "deauthorized".to_owned()));
        }
    }
    seen
}

#[test]
fn a_modem_that_keeps_failing_goes_through_the_recovery_steps() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, STICK);
        settle(driver, &mut modem, &["ttyUSB0"], SECOND);
        let seen = fail(driver, &mut modem, paths);
        let words: Vec<_> = seen.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(words, ["hang-up", "restart", "deauthorized"], "{seen:?}");
        let authorized = paths.path("/sys/bus/usb/devices/1-1.2/authorized");
        assert_eq!(fs::read_to_string(authorized).unwrap(), "1", "it is authorized again");
        driver.protocol.actions.clear();
        settle(driver, &mut modem, &["ttyUSB0"], 200 * SECOND);
        let tally = Record::parse(&Store::new(paths.state()).read("recovery-modem").unwrap());
        assert_eq!(tally.number("helped-rebind"), Some(1), "{tally}");
    });
}

#[test]
fn the_last_step_waits_while_a_pppd_runs_on_another_modem() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, STICK);
        settle(driver, &mut modem, &["ttyUSB0"], SECOND);
        fs::create_dir_all(paths.path("/proc/11")).unwrap();
        fs::write(paths.path("/proc/11/comm"), "pppd\n").unwrap();
        let note = paths.path("/run/ppp-line2.pid");
        fs::write(&note, "11\nline2\n").unwrap();
        let tried = || {
            let tally = Record::parse(&Store::new(paths.state()).read("recovery-modem").unwrap());
            (tally.number("tried-rebind"), tally.number("tried-reboot"))
        };
        fail(driver, &mut modem, paths);
        driver.poll(300 * SECOND);
        assert_eq!(tried(), (Some(1), None));
        fs::remove_file(note).unwrap();
        driver.protocol.actions = vec![ProtocolAction::Abandon("no answer".to_owned())];
        driver.poll(302 * SECOND);
        driver.poll(304 * SECOND);
        assert_eq!(tried(), (Some(1), Some(1)));
    });
}
