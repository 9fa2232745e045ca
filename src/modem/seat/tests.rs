//! A seat at modems on pseudo-terminals, in a box with a made-up sysfs, at times that are made up
//! too.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, fcntl_setfl, flock};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;
use crate::log::{Level, Log};
use crate::modem::ports::tests::plug_in;
use crate::modem::request::Request;
use crate::places::Places;
use crate::site::{FlowControl, Port, Speed};

const SECOND: Duration = Duration::from_secs(1);

type Ports<'a> = &'a [(&'a str, &'a str, &'a str, Option<&'a str>)];

const OPTION: Ports = &[
    ("ttyHS0", "1-1.1:1.0", "hso", Some("Control")),
    ("ttyHS1", "1-1.1:1.0", "hso", Some("Application")),
    ("ttyHS2", "1-1.1:1.1", "hso", Some("Diagnostic")),
    ("ttyHS3", "1-1.1:1.2", "hso", Some("Modem")),
];
const STICK: Ports = &[("ttyUSB0", "1-1.2:1.0", "option", None)];

/// Says `AT?` once and is content with any answer.
#[derive(Debug, Default)]
struct Patient {
    rungs: Vec<Option<Rung>>,
    has_asked: bool,
    heard: String,
    /// What it has left to do.
    actions: Vec<Action<String>>,
}

impl Attendant for Patient {
    type Report = String;

    fn begin(&mut self, rung: Option<Rung>, _now: Duration) -> Vec<Action<String>> {
        self.rungs.push(rung);
        self.heard.clear();
        self.has_asked = true;
        vec![Action::Send(Request::new("AT?", 1).line().clone())]
    }

    fn hear(&mut self, bytes: &[u8], _now: Duration) -> Vec<Action<String>> {
        self.heard += std::str::from_utf8(bytes).unwrap();
        vec![Action::Publish]
    }

    fn tick(&mut self, _now: Duration) -> Vec<Action<String>> {
        std::mem::take(&mut self.actions)
    }

    fn end(&mut self) -> Vec<Action<String>> {
        vec![Action::Report("end".to_owned()), Action::say(Level::Info, "end")]
    }

    fn wake(&self) -> Option<Duration> {
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

    fn record(&self) -> Record {
        Record::new().with("heard", self.heard.trim())
    }
}

/// The modem's end of its ports.
struct Modem(Vec<(String, File)>);

impl Modem {
    /// Plugged in with these ports.
    fn plugged_into(places: &Places, ports: Ports) -> Self {
        plug_in(places, ports);
        let device = ports[0].1.split_once(':').unwrap().0;
        let usb = places.path("/sys/bus/usb/devices").join(device);
        fs::create_dir_all(&usb).unwrap();
        fs::write(usb.join("authorized"), "1\n").unwrap();
        let open = |(name, ..): &(&str, _, _, _)| ((*name).to_owned(), node(&places.path("/dev").join(name)));
        Self(ports.iter().map(open).collect())
    }

    /// Pulled out: its nodes vanish, and who has them open notices.
    fn pull_out(self, places: &Places) {
        for (name, _) in &self.0 {
            fs::remove_file(places.path("/dev").join(name)).unwrap();
            fs::remove_file(places.path("/sys/class/tty").join(name)).unwrap();
        }
    }

    /// Answers whatever came at one of these ports; gives what came.
    fn answer(&mut self, at: &[&str]) -> Vec<(String, String)> {
        let mut came = Vec::new();
        for (name, line) in &mut self.0 {
            let mut bytes = [0; 100];
            // An error: nothing came, or nobody has it open.
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

fn in_a_box(test: impl FnOnce(&Places, &mut Seat<Patient>)) {
    let dir = tempfile::tempdir().unwrap();
    let places = Places::below(dir.path());
    for path in ["/dev", "/state", "/sys/class/tty"] {
        fs::create_dir_all(places.path(path)).unwrap();
    }
    let log = Log::new("test", &places);
    let post = Post {
        places: &places,
        log: &log,
        name: "modem",
        port: &Port::Auto,
        speed: Speed::USUAL,
        flow: FlowControl::None,
    };
    test(&places, &mut Seat::new(post, Patient::default()).unwrap());
}

/// Turns the seat, with a modem that answers at some ports, until nothing moves any more.
fn settle(seat: &mut Seat<Patient>, modem: &mut Modem, at: &[&str], now: Duration) -> Vec<(String, String)> {
    let mut came = Vec::new();
    for _ in 0..10 {
        seat.turn(now);
        came.extend(modem.answer(at));
    }
    came
}

fn locks(places: &Places) -> Vec<String> {
    let entries = fs::read_dir(places.path("/run/lock")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // The pseudo-terminal below the made-up name is locked as well.
    names.retain(|name| !name.starts_with("LCK..pts_"));
    names.sort();
    names
}

fn link(places: &Places) -> Option<String> {
    Some(fs::read_link(places.path("/dev/modem")).ok()?.to_str().unwrap().to_owned())
}

#[test]
fn a_stick_with_two_ports_is_listened_to_at_one_and_leaves_the_other_for_data() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, OPTION);
        let came = settle(seat, &mut modem, &["ttyHS0", "ttyHS1", "ttyHS3"], SECOND);
        assert!(came.iter().all(|(name, _)| name != "ttyHS2"), "the diagnostic port is no modem: {came:?}");
        assert!(came.contains(&("ttyHS1".to_owned(), "AT?\r".to_owned())), "{came:?}");
        assert_eq!(link(places).as_deref(), Some("/dev/ttyHS3"));
        assert!(seat.has_two_ports());
        let record = places.published("modem").unwrap();
        assert_eq!(record.get("port"), Some("/dev/ttyHS1 (hso at 1-1.1:1.0, Application)"));
        assert_eq!(record.get("data-port"), Some("/dev/ttyHS3 (hso at 1-1.1:1.2, Modem)"));
        assert_eq!(locks(places), [""; 0], "nothing is said: others may have it");

        assert_eq!(seat.release(), [""; 0]);
        seat.attendant.actions.push(Action::Send(Request::new("AT+CSQ", 1).line().clone()));
        let came = settle(seat, &mut modem, &["ttyHS1"], 2 * SECOND);
        assert_eq!(came, [("ttyHS1".to_owned(), "AT+CSQ\r".to_owned())]);
    });
}

/// raspberrypi/linux#633
#[test]
fn a_stick_that_answers_only_at_its_modem_port_is_spoken_to_there() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, OPTION);
        settle(seat, &mut modem, &["ttyHS3"], SECOND);
        let came = settle(seat, &mut modem, &["ttyHS3"], 4 * SECOND);
        assert!(came.contains(&("ttyHS3".to_owned(), "AT?\r".to_owned())), "{came:?}");
        assert!(!seat.has_two_ports());
    });
}

#[test]
fn a_stick_that_comes_back_under_other_names_is_found() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, OPTION);
        settle(seat, &mut modem, &["ttyHS1", "ttyHS3"], SECOND);
        modem.pull_out(places);
        seat.turn(4 * SECOND);
        assert_eq!(link(places), None);
        assert!(places.published("modem").unwrap().get("trouble").is_some());

        let renamed: Ports = &[
            ("ttyHS7", "1-1.1:1.0", "hso", Some("Application")),
            ("ttyHS4", "1-1.1:1.2", "hso", Some("Modem")),
        ];
        let mut modem = Modem::plugged_into(places, renamed);
        settle(seat, &mut modem, &["ttyHS4", "ttyHS7"], 5 * SECOND);
        assert_eq!(link(places).as_deref(), Some("/dev/ttyHS4"));
        assert!(places.published("modem").unwrap().get("port").unwrap().starts_with("/dev/ttyHS7"));
    });
}

#[test]
fn a_single_port_is_locked_while_talking_given_away_and_taken_back() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, STICK);
        seat.turn(SECOND);
        assert_eq!(locks(places), ["LCK..ttyUSB0"], "an answer is awaited");
        settle(seat, &mut modem, &["ttyUSB0"], SECOND);
        assert_eq!(locks(places), [""; 0]);

        assert_eq!(seat.release(), ["end"]);
        assert_eq!(settle(seat, &mut modem, &["ttyUSB0"], 100 * SECOND), []);
        assert_eq!(seat.wake(), None);
        assert_eq!(link(places).as_deref(), Some("/dev/ttyUSB0"), "pppd needs it");
        seat.resume();
        assert!(!settle(seat, &mut modem, &["ttyUSB0"], 101 * SECOND).is_empty());
    });
}

/// Debian's picocom 3.1 knows no lock files: it opens the port, and then takes flock(2) or ends.
#[test]
fn who_opens_the_port_while_it_is_free_has_it_as_long_as_he_has_its_lock() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, STICK);
        let node = places.path("/dev/ttyUSB0");
        let picocom = || File::options().read(true).write(true).open(&node).unwrap();
        let lock = |file: &File| flock(file, FlockOperation::NonBlockingLockExclusive);
        seat.turn(SECOND);
        assert!(lock(&picocom()).is_err(), "an answer is awaited");
        settle(seat, &mut modem, &["ttyUSB0"], SECOND);

        let open = picocom();
        seat.turn(2 * SECOND);
        lock(&open).unwrap();
        assert_eq!(settle(seat, &mut modem, &["ttyUSB0"], 20 * SECOND), [], "he has it");
        assert!(places.published("modem").unwrap().get("trouble").is_some());
        assert_eq!(link(places).as_deref(), Some("/dev/ttyUSB0"));
        drop(open);
        assert!(!settle(seat, &mut modem, &["ttyUSB0"], 40 * SECOND).is_empty());
    });
}

#[test]
fn what_cannot_be_remembered_is_not_done() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, STICK);
        settle(seat, &mut modem, &["ttyUSB0"], SECOND);
        fs::remove_dir(places.path("/state")).unwrap();
        let record = Record::new().with("outcome", "unknown");
        seat.attendant.actions = vec![
            Action::Remember { file: "sim", record },
            Action::Send(Request::new("AT+CPIN=1234", 1).line().clone()),
        ];
        let came = settle(seat, &mut modem, &["ttyUSB0"], 2 * SECOND);
        assert!(!came.iter().any(|(_, said)| said.contains("CPIN")), "{came:?}");
    });
}

/// Gives the modem up whenever it is spoken to, and notes each rung with its second.
fn fail(seat: &mut Seat<Patient>, modem: &mut Modem, places: &Places) -> Vec<(u32, String)> {
    let authorized = places.path("/sys/bus/usb/devices/1-1.2/authorized");
    let mut seen = Vec::new();
    for second in 1..150 {
        let begun = seat.attendant.rungs.len();
        seat.attendant.actions = vec![Action::Abandon("no answer".to_owned())];
        seat.turn(SECOND * second);
        modem.answer(&[]);
        let rungs = seat.attendant.rungs.iter().skip(begun).flatten();
        seen.extend(rungs.map(|rung| (second, rung.word().to_owned())));
        if fs::read_to_string(&authorized).unwrap() == "0" {
            seen.push((second, "let go".to_owned()));
        }
    }
    seen
}

#[test]
fn a_modem_that_fails_again_and_again_goes_up_the_ladder() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, STICK);
        settle(seat, &mut modem, &["ttyUSB0"], SECOND);
        let seen = fail(seat, &mut modem, places);
        let words: Vec<_> = seen.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(words, ["hang-up", "restart", "let go"], "{seen:?}");
        let authorized = places.path("/sys/bus/usb/devices/1-1.2/authorized");
        assert_eq!(fs::read_to_string(authorized).unwrap(), "1", "it was taken back");
        settle(seat, &mut modem, &["ttyUSB0"], 200 * SECOND);
        let tally = Record::parse(&fs::read_to_string(places.path("/state/ladder-modem")).unwrap());
        assert_eq!(tally.number("helped-rebind"), Some(1), "{tally}");
    });
}

#[test]
fn the_last_rung_waits_while_a_pppd_serves_somebody_on_another_modem() {
    in_a_box(|places, seat| {
        let mut modem = Modem::plugged_into(places, STICK);
        settle(seat, &mut modem, &["ttyUSB0"], SECOND);
        fs::create_dir_all(places.path("/proc/11")).unwrap();
        fs::write(places.path("/proc/11/comm"), "pppd\n").unwrap();
        let note = places.path("/run/ppp-line2.pid");
        fs::write(&note, "11\nline2\n").unwrap();
        let tried = || {
            let tally = Record::parse(&fs::read_to_string(places.path("/state/ladder-modem")).unwrap());
            (tally.number("tried-rebind"), tally.number("tried-reboot"))
        };
        fail(seat, &mut modem, places);
        seat.turn(300 * SECOND);
        assert_eq!(tried(), (Some(1), None));
        fs::remove_file(note).unwrap();
        seat.attendant.actions = vec![Action::Abandon("no answer".to_owned())];
        seat.turn(302 * SECOND);
        seat.turn(304 * SECOND);
        assert_eq!(tried(), (Some(1), Some(1)));
    });
}

#[test]
fn nothing_is_done_about_a_modem_that_another_program_uses() {
    in_a_box(|places, seat| {
        let two: Ports = &[STICK[0], ("ttyUSB1", "1-1.2:1.1", "option", None)];
        let mut modem = Modem::plugged_into(places, two);
        settle(seat, &mut modem, &["ttyUSB0", "ttyUSB1"], SECOND);
        // Process 1 lives.
        fs::write(places.path("/run/lock/LCK..modem"), "         1\n").unwrap();
        assert_eq!(fail(seat, &mut modem, places), []);
    });
}
