//! The services against a modem on a pseudo-terminal: the real programs, the real event loop.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests sees only `#[test]`.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dialbox::places::Places;
use dialbox::record::Record;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Whatever makes no progress for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

const DIALER: &str = "role='dialer'\nhostname='box'\n[modem]\nport='/dev/ttyTEST'\n\
                      [operator]\nname='x'\napn='x'\n";
const DIAL_IN: &str = "role='dial-in'\nhostname='box'\n[[line]]\nport='/dev/ttyTEST'\n\
                       local='192.0.2.1'\nremote='192.0.2.2'\ncrtscts=false\n\
                       [[user]]\nname='u'\npassword='p'\n";

/// A box in a directory, with one service running in it.
struct TestBox {
    places: Places,
    service: Child,
    _dir: tempfile::TempDir,
}

impl TestBox {
    fn start(program: &str, site: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        fs::create_dir_all(places.path("/dev")).unwrap();
        fs::create_dir_all(places.path("/etc/dialbox")).unwrap();
        fs::write(places.site(), site).unwrap();
        let service = Command::new(program)
            .arg("--root")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { places, service, _dir: dir }
    }

    fn port(&self) -> PathBuf {
        self.places.path("/dev/ttyTEST")
    }

    /// Waits until the published record is as wanted.
    fn until(&self, name: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        let start = Instant::now();
        loop {
            match self.places.published(name).filter(&wanted) {
                Some(record) => return record,
                None => assert!(start.elapsed() < PATIENCE, "{:?}", self.places.published(name)),
            }
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TestBox {
    fn drop(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }
}

/// Waits until something is so.
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5));
    }
}

/// The modem's end of a serial line.
struct Modem {
    line: File,
    heard: String,
}

impl Modem {
    /// Plugged in at a port, which appears in one step as a node of the kernel does.
    fn plugged_in_at(port: &Path) -> Self {
        let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&line).unwrap();
        unlockpt(&line).unwrap();
        let node = ptsname(&line, Vec::new()).unwrap();
        let _ = fs::remove_file(port); // of the modem that was there before
        symlink(node.to_str().unwrap(), port).unwrap();
        Self { line: line.into(), heard: String::new() }
    }

    /// Hears a command, and gives the text before its end of line.
    fn hear(&mut self) -> String {
        loop {
            if let Some((command, rest)) = self.heard.split_once('\r') {
                let command = command.to_owned();
                self.heard = rest.to_owned();
                return command;
            }
            let mut fds = [PollFd::new(&self.line, PollFlags::IN)];
            let timeout = Timespec::try_from(PATIENCE).unwrap();
            assert_ne!(poll(&mut fds, Some(&timeout)).unwrap(), 0, "silence after {:?}", self.heard);
            let mut bytes = [0; 100];
            // EIO: the service has not opened its end yet.
            match self.line.read(&mut bytes) {
                Ok(length) => self.heard += std::str::from_utf8(&bytes[..length]).unwrap(),
                Err(_) => sleep(Duration::from_millis(5)),
            }
        }
    }

    fn say(&mut self, text: &str) {
        write!(self.line, "\r\n{text}\r\n").unwrap();
    }

    /// Answers every command, with its echo, up to this one.
    fn answer_up_to(&mut self, last: &str) {
        let mut command = String::new();
        while command != last {
            command = self.hear();
            write!(self.line, "{command}\r").unwrap();
            match command.as_str() {
                "AT+CGMI" => self.say("Option N.V."),
                "AT+CGMM" => self.say("GTM378"),
                "AT+CPIN?" => self.say("+CPIN: READY"),
                "AT+CSQ" => self.say("+CSQ: 17,99"),
                _ => {}
            }
            self.say("OK");
        }
    }
}

#[test]
fn the_dialer_finds_a_modem_that_is_plugged_in_later_and_again_after_it_was_pulled_out() {
    let dialer = TestBox::start(env!("CARGO_BIN_EXE_sms-dialer"), DIALER);
    dialer.until("modem", |record| record.get("trouble").is_some());
    let plugged_in = Instant::now();
    let mut modem = Modem::plugged_in_at(&dialer.port());
    assert_eq!(modem.hear(), "AT");
    assert!(plugged_in.elapsed() < Duration::from_secs(1), "it waits for its poll, not for the port");
    modem.say("OK");
    modem.answer_up_to(LAST);
    let record = dialer.until("modem", |record| record.get("signal-dbm") == Some("-79"));
    assert_eq!(record.get("manufacturer"), Some("Option N.V."));
    assert_eq!(record.get("sim"), Some("ready"));
    let link = dialer.places.path("/dev/modem");
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/dev/ttyTEST"));

    drop(modem);
    dialer.until("modem", |record| record.get("trouble").is_some());
    assert!(fs::read_link(&link).is_err());

    let mut modem = Modem::plugged_in_at(&dialer.port());
    modem.answer_up_to(LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
}

/// The last command that a dialer sends to a modem before it only listens.
const LAST: &str = "AT+CMGL=4";

/// What `pppd /dev/modem` does before it opens the port (pppd/utils.c, `lock`).
#[test]
fn a_program_that_takes_the_idle_port_s_lock_has_it_until_it_lets_go() {
    let dialer = TestBox::start(env!("CARGO_BIN_EXE_sms-dialer"), DIALER);
    let mut modem = Modem::plugged_in_at(&dialer.port());
    modem.answer_up_to(LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    let lock = |name: &str| dialer.places.path("/run/lock").join(format!("LCK..{name}"));
    until(|| !lock("ttyTEST").exists() && !lock("modem").exists());

    let mut pppd = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(lock("modem"), format!("{:10}\n", pppd.id())).unwrap();
    let record = dialer.until("modem", |record| record.get("trouble").is_some());
    assert_eq!(record.get("trouble"), Some("/dev/ttyTEST: another program takes it"));
    until(|| fs::read_dir(format!("/proc/{}/fd", dialer.service.id())).unwrap().all(is_no_terminal));
    assert!(fs::read_link(dialer.places.path("/dev/modem")).is_ok(), "pppd is about to open it");

    fs::remove_file(lock("modem")).unwrap();
    modem.answer_up_to(LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    pppd.kill().unwrap();
    pppd.wait().unwrap();
}

fn is_no_terminal(fd: std::io::Result<fs::DirEntry>) -> bool {
    !fs::read_link(fd.unwrap().path()).is_ok_and(|target| target.starts_with("/dev/pts"))
}

#[test]
fn a_port_that_is_being_talked_to_is_locked() {
    let dialer = TestBox::start(env!("CARGO_BIN_EXE_sms-dialer"), DIALER);
    let mut modem = Modem::plugged_in_at(&dialer.port());
    assert_eq!(modem.hear(), "AT");
    let lock = fs::read_to_string(dialer.places.path("/run/lock/LCK..ttyTEST")).unwrap();
    assert_eq!(lock, format!("{:>10}\n", dialer.service.id()));
}

#[test]
fn the_dialer_beats_whether_there_is_a_modem_or_not() {
    let dialer = TestBox::start(env!("CARGO_BIN_EXE_sms-dialer"), DIALER);
    dialer.until("heartbeat/sms-dialer", |record| record.number("deadline") == Some(20));
}

#[test]
fn the_line_is_reset_and_a_ring_is_counted() {
    let line = TestBox::start(env!("CARGO_BIN_EXE_dial-in"), DIAL_IN);
    let mut modem = Modem::plugged_in_at(&line.port());
    assert_eq!(modem.hear(), "ATZ");
    modem.say("OK");
    modem.answer_up_to("AT+VCID=1");
    line.until("line1", |record| record.get("line") == Some("ready"));
    modem.say("RING");
    modem.say("NMBR = 0123456789");
    modem.say("RING");
    let record = line.until("line1", |record| record.number("rings") == Some(2));
    assert_eq!(record.number("calls"), Some(1));
    assert_eq!(record.get("caller"), Some("0123456789"));
}

#[test]
fn a_service_of_another_role_says_so_and_ends() {
    let site = tempfile::tempdir().unwrap();
    fs::create_dir_all(site.path().join("etc/dialbox")).unwrap();
    fs::write(site.path().join("etc/dialbox/site.toml"), DIAL_IN).unwrap();
    let dialer = Command::new(env!("CARGO_BIN_EXE_sms-dialer")).arg("--root").arg(site.path()).output();
    let dialer = dialer.unwrap();
    assert!(!dialer.status.success());
    let said = String::from_utf8(dialer.stderr).unwrap();
    assert_eq!(said, "sms-dialer: the site's role is not dialer\n");
}
