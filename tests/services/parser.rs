//! The process that parses the modem's output: its privileges, and how a service handles its death.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use dialbox::state::Store;
use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::test_box::{DIALERS_LAST, Modem, TestBox, until};

const DIALER: &str = "role='dialer'\nhostname='box'\n[modem]\nport='/dev/ttyTEST'\npin='4321'\n\
                      [operator]\nname='x'\napn='x'\n";
const LINE: &str = "role='dial-in'\nhostname='box'\n[[line]]\nport='/dev/ttyTEST'\n\
                    local='192.0.2.1'\nremote='192.0.2.2'\nlogin=true\ncrtscts=false\n\
                    [[user]]\nname='u'\npassword='p'\n";

fn kill(id: u32) {
    kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

fn status_of(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/status")).unwrap()
}

/// The value of a line of `/proc/PID/status`, such as `NoNewPrivs`.
fn field(status: &str, key: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t"));
    line.unwrap_or_else(|| panic!("no {key} in {status}")).to_owned()
}

/// A dialer whose modem answers as usual.
fn dialer() -> (TestBox, Modem) {
    let dialer = TestBox::start("sms-dialer", DIALER);
    let mut modem = Modem::plugged_in_at(&dialer.port());
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    (dialer, modem)
}

/// A line that waits for calls.
fn line() -> (TestBox, Modem) {
    let dial_in = TestBox::start_with("dial-in", LINE, |paths| {
        for dir in ["/bin", "/state"] {
            fs::create_dir_all(paths.path(dir)).unwrap();
        }
        let pppd = paths.path("/bin/pppd");
        fs::write(&pppd, "#!/bin/sh\n").unwrap();
        fs::set_permissions(pppd, fs::Permissions::from_mode(0o755)).unwrap();
    });
    let mut modem = Modem::plugged_in_at(&dial_in.port());
    modem.answer_up_to("AT+VCID=1");
    dial_in.until("line1", |record| record.get("line") == Some("ready"));
    (dial_in, modem)
}

fn ledger(dial_in: &TestBox) -> String {
    Store::new(dial_in.paths.state()).read("calls").unwrap_or_default()
}

#[test]
fn the_parser_has_no_privileges_and_can_open_and_start_nothing() {
    let (dialer, _modem) = dialer();
    let id = dialer.parser();
    let status = status_of(id);
    assert_eq!(field(&status, "NoNewPrivs"), "1");
    assert_eq!(field(&status, "Seccomp"), "2");
    assert_eq!(field(&status, "Threads"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(&status, set), "0000000000000000", "{set}");
    }
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    for name in ["Max open files", "Max processes", "Max file size", "Max core file size"] {
        let limit = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert!(limit.split_whitespace().take(2).eq(["0", "0"]), "{name}: {limit}");
    }
    // Without root a test can change neither the user nor the root directory; the scenarios check them on the image.
    if geteuid().is_root() {
        assert_eq!(field(&status, "CapBnd"), "0000000000000000");
        assert_eq!(field(&status, "Uid"), "900\t900\t900\t900");
        assert_eq!(field(&status, "Groups").trim(), "");
        let root = fs::read_link(format!("/proc/{id}/root")).unwrap();
        assert_eq!(root, dialer.paths.path("/var/empty").canonicalize().unwrap());
    }
}

#[test]
fn a_killed_parser_is_replaced_and_the_modem_is_configured_again() {
    let (dialer, mut modem) = dialer();
    let before = dialer.parser();
    kill(before);
    let record = dialer.until("modem", |record| record.get("trouble").is_some());
    let trouble = record.get("trouble").unwrap();
    let gone = format!("/dev/ttyTEST: the modem's parser ({before}) is gone: signal: 9 (SIGKILL)");
    assert_eq!(trouble, gone);
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    assert_ne!(dialer.parser(), before);
}

#[test]
fn a_parser_killed_during_a_command_is_replaced() {
    let dialer = TestBox::start("sms-dialer", DIALER);
    let mut modem = Modem::plugged_in_at(&dialer.port());
    assert_eq!(modem.receive(), "AT");
    kill(dialer.parser());
    dialer.until("modem", |record| record.get("trouble").is_some_and(|why| why.contains("is gone")));
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
}

/// A modem whose SIM waits for its PIN, up to that command.
fn answer_up_to_the_pin(modem: &mut Modem) {
    loop {
        let command = modem.receive();
        write!(modem.line, "{command}\r").unwrap();
        match command.as_str() {
            "AT+CPIN?" => modem.send("+CPIN: SIM PIN"),
            "AT+CPINR" => modem.send("+CPINR: SIM PIN,3"),
            "AT+CPIN=\"4321\"" => return,
            _ => {}
        }
        modem.send("OK");
    }
}

#[test]
fn a_pin_is_sent_once_even_if_the_parser_dies_before_the_answer() {
    let dialer = TestBox::start_with("sms-dialer", DIALER, |paths| {
        fs::create_dir_all(paths.state()).unwrap();
    });
    let mut modem = Modem::plugged_in_at(&dialer.port());
    answer_up_to_the_pin(&mut modem);
    kill(dialer.parser());
    dialer.until("modem", |record| record.get("trouble").is_some_and(|why| why.contains("is gone")));
    // For the next parser the SIM still waits for its PIN, with the same tries left.
    let mut commands = Vec::new();
    while commands.iter().filter(|command| *command == "AT+CPIN?").count() < 2 {
        let command = modem.receive();
        match command.as_str() {
            "AT+CPIN?" => modem.send("+CPIN: SIM PIN"),
            "AT+CPINR" => modem.send("+CPINR: SIM PIN,3"),
            _ => {}
        }
        modem.send("OK");
        commands.push(command);
    }
    assert!(!commands.iter().any(|command| command.starts_with("AT+CPIN=")), "{commands:?}");
    let record = dialer.until("modem", |record| record.get("sim").is_some());
    assert_eq!(record.get("sim"), Some("wants SIM PIN again, which it gets once a boot"));
}

#[test]
fn a_call_whose_parser_dies_at_the_login_is_recorded_and_hung_up_and_the_next_one_works() {
    let (dial_in, mut modem) = line();
    modem.send("RING");
    assert_eq!(modem.receive(), "ATA");
    modem.send("CONNECT 9600");
    modem.wait_for("\r\nbox login: ");
    kill(dial_in.parser());
    until(|| ledger(&dial_in).contains("why=the modem's parser has died"));
    // It is unknown whether the modem has left the call: no command goes to the caller.
    assert_eq!(modem.receive(), "+++ATH", "and nothing before it");
    modem.send("OK");
    modem.answer_up_to("AT+VCID=1");
    dial_in.until("line1", |record| record.get("line") == Some("ready"));
    modem.send("RING");
    assert_eq!(modem.receive(), "ATA");
}
