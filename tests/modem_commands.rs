//! `dialctl modem`, against a modem with a SIM card on a pseudo-terminal.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests covers only `#[test]` functions.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};
use std::thread;

use dialbox::dialctl::modem;
use dialbox::paths::Paths;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const SITE: &str = "role='dialer'\nhostname='box'\n[modem]\nport='/dev/ttyTEST'\npin='4321'\n\
                    [operator]\nname='x'\napn='x'\n";

/// A SIM that counts PIN tries.
struct Card {
    pin: &'static str,
    tries: u32,
    is_open: bool,
    asks: bool,
    /// Whether the modem reports the tries left.
    is_counted: bool,
}

impl Card {
    fn locked(pin: &'static str, tries: u32) -> Self {
        Self { pin, tries, is_open: false, asks: true, is_counted: true }
    }

    fn verify(&mut self, digits: &str) -> bool {
        let is_right = self.tries > 0 && digits == self.pin;
        self.tries = if is_right { 3 } else { self.tries.saturating_sub(1) };
        is_right
    }

    fn answer(&mut self, command: &str) -> String {
        let refused = "+CME ERROR: 16".to_owned();
        let between_quotes = |command: &str| command.rsplit('"').nth(1).unwrap().to_owned();
        match command {
            "AT+CGMI" => "Option N.V.\r\n\r\nOK".to_owned(),
            "AT+CSQ" => "+CSQ: 17,99\r\n\r\nOK".to_owned(),
            "AT+CPIN?" if self.is_open => "+CPIN: READY\r\n\r\nOK".to_owned(),
            "AT+CPIN?" => "+CPIN: SIM PIN\r\n\r\nOK".to_owned(),
            "AT_OERCN?" if self.is_counted => format!("_OERCN: {}, 10\r\n\r\nOK", self.tries),
            "AT+CPINR" | "AT_OERCN?" | "AT+CCID" => "ERROR".to_owned(),
            "AT+CLCK=\"SC\",2" => format!("+CLCK: {}\r\n\r\nOK", u8::from(self.asks)),
            _ if command.starts_with("AT+CPIN=") => match self.verify(&between_quotes(command)) {
                true => {
                    self.is_open = true;
                    "OK".to_owned()
                }
                false => refused,
            },
            _ if command.starts_with("AT+CLCK=\"SC\",0,") => match self.verify(&between_quotes(command)) {
                true => {
                    self.asks = false;
                    "OK".to_owned()
                }
                false => refused,
            },
            _ => "OK".to_owned(),
        }
    }
}

/// A box with a modem that has this SIM.
struct TestBox {
    paths: Paths,
    card: Arc<Mutex<Card>>,
    _dir: tempfile::TempDir,
}

impl TestBox {
    fn with(card: Card) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for path in ["/dev", "/etc/dialbox", "/state"] {
            fs::create_dir_all(paths.path(path)).unwrap();
        }
        fs::write(paths.site(), SITE).unwrap();
        let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&line).unwrap();
        unlockpt(&line).unwrap();
        let node = ptsname(&line, Vec::new()).unwrap();
        symlink(node.to_str().unwrap(), paths.path("/dev/ttyTEST")).unwrap();
        // While the slave side is open, the master can be read.
        let kept_open = File::open(node.to_str().unwrap()).unwrap();
        let card = Arc::new(Mutex::new(card));
        thread::spawn({
            let card = Arc::clone(&card);
            move || converse(File::from(line), &card, kept_open)
        });
        Self { paths, card, _dir: dir }
    }

    fn run(&self, verb: &str) -> Result<String, String> {
        modem::run(&self.paths, &[verb])
    }

    fn tries(&self) -> u32 {
        self.card.lock().unwrap().tries
    }

    fn set_pin_of_site(&self, pin: &str) {
        fs::write(self.paths.site(), SITE.replace("4321", pin)).unwrap();
    }
}

fn converse(mut line: File, card: &Mutex<Card>, _kept_open: File) {
    let (mut heard, mut bytes) = (String::new(), [0; 100]);
    while let Ok(length @ 1..) = line.read(&mut bytes) {
        heard += std::str::from_utf8(&bytes[..length]).unwrap();
        while let Some((command, rest)) = heard.split_once('\r') {
            let answer = card.lock().unwrap().answer(command);
            write!(line, "\r\n{answer}\r\n").unwrap();
            heard = rest.to_owned();
        }
    }
}

#[test]
fn a_probe_shows_which_ports_answer() {
    let test_box = TestBox::with(Card::locked("4321", 3));
    insta::assert_snapshot!(test_box.run("probe").unwrap(), @"
    PORT          WHERE  ANSWER  MODEM
    /dev/ttyTEST         OK      Option N.V.

    commands and messages: /dev/ttyTEST
    data: /dev/ttyTEST
    SIM wants SIM PIN, signal -79 dBm
    ");
    assert_eq!(fs::read_dir(test_box.paths.path("/run/lock")).unwrap().count(), 0);
}

#[test]
fn a_pin_is_disabled_permanently() {
    let test_box = TestBox::with(Card::locked("4321", 2));
    assert_eq!(test_box.run("pin-disable").unwrap(), "the SIM does not ask for its PIN any more\n");
    assert!(!test_box.card.lock().unwrap().asks);
    assert_eq!(test_box.run("pin-disable").unwrap(), "the SIM does not ask for a PIN\n");
}

#[test]
fn a_wrong_pin_costs_one_try_and_is_not_sent_again() {
    let test_box = TestBox::with(Card::locked("1234", 3));
    assert_eq!(test_box.run("pin-disable").unwrap_err(), "AT+CPIN=…: +CME ERROR: 16");
    for _ in 0..3 {
        let refused = test_box.run("pin-disable").unwrap_err();
        assert_eq!(refused, "not given: SIM PIN refused; correct site.toml");
    }
    assert_eq!(test_box.tries(), 2);
    let remembered = fs::read_to_string(test_box.paths.path("/state/sim")).unwrap();
    assert!(remembered.contains("outcome=refused") && !remembered.contains("4321"), "{remembered}");
}

#[test]
fn the_last_try_is_never_used_nor_one_if_the_number_is_unknown() {
    let test_box = TestBox::with(Card::locked("4321", 1));
    let why = test_box.run("pin-disable").unwrap_err();
    assert_eq!(why, "not given: SIM wants SIM PIN, and too few tries are left: 1");
    assert_eq!(test_box.tries(), 1);

    let test_box = TestBox::with(Card { is_counted: false, ..Card::locked("4321", 3) });
    let why = test_box.run("pin-disable").unwrap_err();
    assert!(why.contains("does not say how many tries are left"), "{why}");
    test_box.set_pin_of_site("9999");
    assert!(test_box.run("pin-disable").is_err());
    assert_eq!(test_box.tries(), 3);
}

#[test]
fn a_command_waits_for_a_locked_port_and_names_the_holder() {
    let test_box = TestBox::with(Card::locked("4321", 3));
    fs::create_dir_all(test_box.paths.path("/run/lock")).unwrap();
    let lock = test_box.paths.path("/run/lock/LCK..ttyTEST");
    // Process 1 exists, so the lock is valid; the thread below releases it.
    fs::write(&lock, "         1\n").unwrap();
    let letting_go = thread::spawn({
        let lock = lock.clone();
        move || fs::remove_file(lock).unwrap()
    });
    assert!(test_box.run("probe").unwrap().contains("OK"));
    letting_go.join().unwrap();
}

#[test]
fn unknown_arguments_are_errors() {
    let test_box = TestBox::with(Card::locked("4321", 3));
    assert_eq!(test_box.run("pin-enable").unwrap_err(), "modem pin-enable: no such command");
    let no_port = modem::run(&test_box.paths, &["terminal", "/dev/ttyX"]).unwrap_err();
    assert_eq!(no_port, "/dev/ttyX is no modem's port; `dialctl modem probe` lists them");
}
