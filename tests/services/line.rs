//! A line of the dial-in role, with a `pppd` of a few lines of shell that runs until a test ends it: which program has
//! the port when, and what the modem receives.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use dialbox::paths::Paths;
use dialbox::state::Store;

use crate::test_box::{Modem, PROOF, TestBox, until};

const SITE: &str = "role='dial-in'\nhostname='box'\n[[line]]\nport='/dev/ttyTEST'\n\
                    local='192.0.2.1'\nremote='192.0.2.2'\ncrtscts=false\n\
                    [[user]]\nname='u'\npassword='p'\n";

/// Records its arguments and its terminal, connects the caller, and exits with the status in the file `end`, or when a
/// failed test has left it running. Like the real one, it does not restore the terminal's settings.
const PPPD: &str = r#"#!/bin/sh
[ "$1" = --version ] && echo >ROOT/warm && exit
echo $$ >ROOT/run/ppp-line1.pid
echo "$@" $(tty) >ROOT/started
printf 'user=guest\n' >ROOT/run/dialbox/line1.up
while [ ! -e ROOT/end ]; do [ -e ROOT/started ] || exit; sleep 0.01; done
printf 'received=1000\nsent=2000\n' >ROOT/run/dialbox/line1.down
read -r status <ROOT/end
rm ROOT/end ROOT/started ROOT/run/ppp-line1.pid
exit $status
"#;

fn with_pppd(paths: &Paths) {
    let program = paths.path("/bin/pppd");
    fs::create_dir_all(paths.path("/bin")).unwrap();
    fs::create_dir_all(paths.state()).unwrap();
    symlink("/proc", paths.path("/proc")).unwrap();
    let root = paths.path("/");
    fs::write(&program, PPPD.replace("ROOT/", root.to_str().unwrap())).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A box whose line waits for calls.
fn ready() -> (TestBox, Modem) {
    ready_with(SITE)
}

fn ready_with(site: &str) -> (TestBox, Modem) {
    let dial_in = TestBox::start_with("dial-in", site, with_pppd);
    let mut modem = Modem::plugged_in_at(&dial_in.port());
    modem.answer_up_to("AT+VCID=1");
    until(|| !lock(&dial_in).exists());
    (dial_in, modem)
}

/// A box whose line rings with a caller's number. It answers the second ring: the number comes after the first (ITU-T
/// V.253 section 9.2.3.1), and an answer to the first would race with it.
fn ringing_with_number() -> (TestBox, Modem) {
    let (dial_in, mut modem) = ready_with(&SITE.replace("crtscts", "rings=2\ncrtscts"));
    for line in ["RING", "NMBR = 0555", "RING"] {
        modem.send(line);
    }
    assert_eq!(modem.receive(), "ATA");
    (dial_in, modem)
}

/// A box whose line has a caller.
fn connected() -> (TestBox, Modem) {
    let (dial_in, mut modem) = ready();
    modem.send("RING");
    modem.receive();
    modem.send("CONNECT");
    until(|| started(&dial_in).exists());
    (dial_in, modem)
}

fn lock(dial_in: &TestBox) -> std::path::PathBuf {
    dial_in.paths.path("/run/lock/LCK..ttyTEST")
}

fn started(dial_in: &TestBox) -> std::path::PathBuf {
    dial_in.paths.path("/started")
}

fn said(dial_in: &TestBox) -> std::path::PathBuf {
    dial_in.paths.run_file("line1.pppd")
}

fn end_pppd(dial_in: &TestBox, status: u8) {
    let new = dial_in.paths.path("/end.new");
    fs::write(&new, format!("{status}\n")).unwrap();
    fs::rename(new, dial_in.paths.path("/end")).unwrap();
}

fn ledger(dial_in: &TestBox) -> String {
    Store::new(dial_in.paths.state()).read("calls").unwrap_or_default()
}

#[test]
fn pppd_is_preloaded_before_the_first_call() {
    let (dial_in, _modem) = ready();
    until(|| dial_in.paths.path("/warm").exists());
    until(|| dial_in.children() == [dial_in.parser()]);
}

#[test]
fn a_call_is_answered_handed_to_pppd_and_recorded_and_the_next_one_works() {
    let (dial_in, mut modem) = ready();
    for call in 1..=3 {
        modem.send("RING");
        assert_eq!(modem.receive(), "ATA");
        modem.send("CONNECT 33600/ARQ/V34");
        until(|| started(&dial_in).exists());
        until(|| !fs::read_to_string(started(&dial_in)).unwrap().is_empty());
        let arguments = fs::read_to_string(started(&dial_in)).unwrap();
        let options = dial_in.paths.path("/etc/ppp/options.line1");
        let expected = format!(
            "file {} linkname line1 nodetach logfile {} /dev/pts/",
            options.display(),
            said(&dial_in).display()
        );
        assert!(arguments.starts_with(&expected), "{arguments}");
        assert!(lock(&dial_in).exists(), "no other program has the port during a call");
        let record = dial_in.until("line1", |record| record.get("line") == Some("connected"));
        assert_eq!(record.get("speed"), Some("33600/ARQ/V34"));

        end_pppd(&dial_in, 16);
        modem.prove();
        assert_eq!(modem.receive(), "ATH");
        modem.send("OK");
        modem.answer_up_to("AT+VCID=1");
        dial_in.until("line1", |record| record.get("line") == Some("ready"));
        assert_eq!(ledger(&dial_in).lines().count(), call);
    }
    let entries = ledger(&dial_in);
    let entry = entries.lines().next().unwrap();
    for field in ["line=1", "user=guest", "received=1000", "sent=2000", "why=the caller hung up"] {
        assert!(entry.split('\t').any(|it| it == field), "no {field} in {entry}");
    }
}

#[test]
fn only_pppd_reads_the_data_of_a_caller() {
    let (dial_in, mut modem) = connected();
    modem.send("NO CARRIER");
    modem.send("RING");
    let record = dial_in.until("line1", |record| record.get("line") == Some("connected"));
    assert_eq!(record.number("rings"), Some(1));
    end_pppd(&dial_in, 11);
    modem.prove();
    assert_eq!(modem.receive(), "ATH");
    until(|| ledger(&dial_in).contains("why=name or password wrong"));
}

#[test]
fn the_ledger_has_pppds_cause_and_not_the_following_hang_up() {
    let (dial_in, _modem) = connected();
    let said = said(&dial_in);
    fs::write(&said, "LCP: timeout sending Config-Requests\nModem hangup\n").unwrap();
    end_pppd(&dial_in, 16);
    until(|| ledger(&dial_in).contains("why=the caller did not speak PPP"));
    assert!(!said.exists(), "the next call would have the same cause");
}

#[test]
fn a_modem_that_stays_in_data_mode_gets_the_escape_sequence() {
    let (dial_in, mut modem) = connected();
    end_pppd(&dial_in, 15);
    assert_eq!(modem.receive(), PROOF); // the modem takes it for data
    assert_eq!(modem.receive(), format!("+++{PROOF}"));
    modem.send("OK"); // the late answer to the escape sequence
    assert_eq!(modem.receive(), format!("+++{PROOF}"), "it did not prove anything");
    modem.prove_now();
    assert_eq!(modem.receive(), "ATH");
    modem.send("OK");
    modem.answer_up_to("AT+VCID=1");
    dial_in.until("line1", |record| record.get("line") == Some("ready"));
}

#[test]
fn a_caller_on_a_three_wire_cable_does_not_pass_for_the_modem() {
    let (dial_in, mut modem) = connected();
    end_pppd(&dial_in, 15);
    assert_eq!(modem.receive(), PROOF);
    // The caller receives that, and answers everything as a modem would.
    for lie in ["OK", "RING", "NMBR = 0555", "CONNECT 33600", "OK"] {
        modem.send(lie);
    }
    assert_eq!(modem.receive(), format!("+++{PROOF}"));
    for lie in ["002", "002", "OK", "RING"] {
        modem.send(lie);
    }
    // From now on the modem is in command state.
    assert_eq!(modem.receive(), format!("+++{PROOF}"));
    modem.prove_now();
    assert_eq!(modem.receive(), "ATH", "and no ATZ, no ATA before it");
    modem.send("OK");
    modem.answer_up_to("AT+VCID=1");
    let record = dial_in.until("line1", |record| record.get("line") == Some("ready"));
    assert_eq!((record.number("calls"), record.get("caller")), (Some(1), None));
    assert_eq!(ledger(&dial_in).lines().count(), 1);
}

#[test]
fn a_modem_pulled_out_during_a_call_is_used_again() {
    let (dial_in, modem) = connected();
    drop(modem);
    end_pppd(&dial_in, 16); // the real pppd notices it
    dial_in.until("line1", |record| record.get("trouble").is_some());
    let mut modem = Modem::plugged_in_at(&dial_in.port());
    modem.answer_up_to("AT+VCID=1");
    modem.send("RING");
    assert_eq!(modem.receive(), "ATA");
}

#[test]
fn a_failed_call_is_recorded_too() {
    let (dial_in, mut modem) = ringing_with_number();
    modem.send("NO CARRIER");
    modem.prove();
    assert_eq!(modem.receive(), "ATH");
    let entry = || ledger(&dial_in);
    until(|| entry().contains("caller=0555") && entry().contains("why=NO CARRIER"));
    assert!(!Path::new(&started(&dial_in)).exists());
}

#[test]
fn a_box_without_pppd_hangs_up_and_continues() {
    let dial_in = TestBox::start_with("dial-in", SITE, |paths| {
        fs::create_dir_all(paths.path("/bin/pppd")).unwrap();
    });
    let mut modem = Modem::plugged_in_at(&dial_in.port());
    modem.answer_up_to("AT+VCID=1");
    for _ in 0..2 {
        modem.send("RING");
        assert_eq!(modem.receive(), "ATA");
        modem.send("CONNECT");
        modem.prove();
        assert_eq!(modem.receive(), "ATH");
        modem.send("OK");
        modem.answer_up_to("AT+VCID=1");
    }
}

/// A box with a login prompt, and a caller who is connected.
fn at_the_login_prompt() -> (TestBox, Modem) {
    let (dial_in, mut modem) = ready_with(&SITE.replace("crtscts", "login=true\ncrtscts"));
    modem.send("RING");
    assert_eq!(modem.receive(), "ATA");
    modem.send("CONNECT 9600");
    dial_in.until("line1", |record| record.get("line") == Some("logging-in"));
    (dial_in, modem)
}

/// Waits until pppd is started; returns its arguments.
fn arguments(dial_in: &TestBox) -> String {
    let read = || fs::read_to_string(started(dial_in)).unwrap_or_default();
    until(|| !read().is_empty());
    read()
}

#[test]
fn a_caller_who_logs_in_is_not_authenticated_again_and_recorded_by_that_name() {
    let (dial_in, mut modem) = at_the_login_prompt();
    modem.line.write_all(b"\r").unwrap();
    modem.wait_for("\r\nbox login: ");
    modem.line.write_all(b"u\r").unwrap();
    modem.wait_for("u\r\nPassword: ");
    modem.line.write_all(b"p\r").unwrap();
    modem.wait_for("\r\nStarting PPP\r\n");
    let expected = format!(" logfile {} noauth set PEERNAME=u /dev/pts/", said(&dial_in).display());
    assert!(arguments(&dial_in).contains(&expected));
    end_pppd(&dial_in, 16);
    modem.prove();
    assert_eq!(modem.receive(), "ATH");
    until(|| ledger(&dial_in).contains("user=u\t"));
}

#[test]
fn a_caller_who_speaks_ppp_gets_pppd_without_a_prompt() {
    let (dial_in, mut modem) = at_the_login_prompt();
    modem.line.write_all(b"~\xff}#\xc0!}!}!} }4").unwrap();
    let expected = format!(" logfile {} /dev/pts/", said(&dial_in).display());
    assert!(arguments(&dial_in).contains(&expected));
    end_pppd(&dial_in, 16);
    modem.prove();
    assert_eq!(modem.receive(), "ATH", "and nothing before it");
}

#[test]
fn three_wrong_passwords_end_a_call_and_are_not_logged() {
    let (dial_in, mut modem) = at_the_login_prompt();
    for _ in 0..3 {
        modem.line.write_all(b"u\rsecret\r").unwrap();
        modem.wait_for("Password: \r\nLogin incorrect\r\n");
    }
    modem.prove();
    assert_eq!(modem.receive(), "ATH");
    modem.send("OK");
    modem.answer_up_to("AT+VCID=1");
    until(|| ledger(&dial_in).contains("speed=9600\tseconds=0\twhy=name or password wrong"));
    assert!(!started(&dial_in).exists());
    let notes = fs::read_dir(dial_in.paths.path("/run/dialbox")).unwrap().map(|it| it.unwrap().path());
    let texts = notes.filter_map(|note| fs::read_to_string(note).ok()).chain([ledger(&dial_in)]);
    assert!(texts.into_iter().all(|text| !text.contains("secret")));
}

#[test]
fn a_silent_caller_gets_a_prompt_and_its_hang_up_is_noticed() {
    let (dial_in, mut modem) = at_the_login_prompt();
    modem.wait_for("\r\nbox login: ");
    modem.send("NO CARRIER");
    modem.prove();
    assert_eq!(modem.receive(), "ATH");
    until(|| ledger(&dial_in).contains("why=the caller hung up"));
}

#[test]
fn a_call_survives_a_crash_of_the_service_and_the_line_takes_the_next_one() {
    let (mut dial_in, mut modem) = ringing_with_number();
    modem.send("CONNECT 9600");
    arguments(&dial_in);
    dial_in.until("line1", |record| record.get("line") == Some("connected"));

    dial_in.kill_and_restart("dial-in", "heartbeat/dial-in");
    assert!(started(&dial_in).exists());
    let holder = std::fs::read_to_string(lock(&dial_in)).unwrap();
    assert_eq!(holder.trim(), dial_in.id().to_string(), "the lock of the dead service counts as stale");
    end_pppd(&dial_in, 16);
    // It is unknown whether the modem has noticed.
    assert_eq!(modem.receive(), "+++ATH", "and nothing before it");
    modem.send("OK");
    modem.answer_up_to("AT+VCID=1");
    until(|| !lock(&dial_in).exists());
    let entry = ledger(&dial_in);
    for field in ["caller=0555", "speed=9600", "user=guest", "received=1000", "sent=2000"] {
        assert!(entry.split(['\t', '\n']).any(|it| it == field), "no {field} in {entry}");
    }
    modem.send("RING");
    modem.send("RING");
    assert_eq!(modem.receive(), "ATA");
}
