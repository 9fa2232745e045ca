//! The dialer, and the common behaviour of all services.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use dialbox::control::{self, Reply, Request};
use dialbox::ppp::{Connection, Interface, Session};
use dialbox::record::Record;
use dialbox::state::Store;
use rustix::process::Pid;

use crate::test_box::{DIALERS_LAST, Modem, PROGRAM, TestBox, until};

const DIALER: &str = "role='dialer'\nhostname='box'\n[modem]\nport='/dev/ttyTEST'\n\
                      [operator]\nname='x'\napn='x'\n";
const DIAL_IN: &str = "role='dial-in'\nhostname='box'\n[[line]]\nport='/dev/ttyTEST'\n\
                       local='192.0.2.1'\nremote='192.0.2.2'\n[[user]]\nname='u'\npassword='p'\n";

#[test]
fn the_dialer_finds_a_modem_when_it_is_plugged_in_and_when_it_is_replugged() {
    let dialer = TestBox::start("sms-dialer", DIALER);
    dialer.until("modem", |record| record.get("trouble").is_some());
    let mut modem = Modem::plugged_in_at(&dialer.port());
    assert_eq!(modem.receive(), "AT");
    modem.send("OK");
    modem.answer_up_to(DIALERS_LAST);
    let record = dialer.until("modem", |record| record.get("signal-dbm") == Some("-79"));
    assert_eq!(record.get("manufacturer"), Some("Option N.V."));
    assert_eq!(record.get("sim"), Some("ready"));
    let link = dialer.paths.path("/dev/modem");
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/dev/ttyTEST"));

    drop(modem);
    dialer.until("modem", |record| record.get("trouble").is_some());
    assert!(fs::read_link(&link).is_err());

    let mut modem = Modem::plugged_in_at(&dialer.port());
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
}

/// Locks the port as `pppd /dev/modem` does before it opens it (pppd/utils.c, `lock`).
#[test]
fn a_program_that_locks_the_idle_port_has_it_until_it_releases_it() {
    let dialer = TestBox::start("sms-dialer", DIALER);
    let mut modem = Modem::plugged_in_at(&dialer.port());
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    let lock = |name: &str| dialer.paths.path("/run/lock").join(format!("LCK..{name}"));
    until(|| !lock("ttyTEST").exists() && !lock("modem").exists());

    let mut pppd = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(lock("modem"), format!("{:10}\n", pppd.id())).unwrap();
    let record = dialer.until("modem", |record| record.get("trouble").is_some());
    assert_eq!(record.get("trouble"), Some("/dev/ttyTEST: another program takes it"));
    until(|| fs::read_dir(format!("/proc/{}/fd", dialer.service.id())).unwrap().all(is_no_terminal));
    assert!(fs::read_link(dialer.paths.path("/dev/modem")).is_ok(), "pppd is about to open it");

    fs::remove_file(lock("modem")).unwrap();
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    pppd.kill().unwrap();
    pppd.wait().unwrap();
}

fn is_no_terminal(fd: std::io::Result<fs::DirEntry>) -> bool {
    !fs::read_link(fd.unwrap().path()).is_ok_and(|target| target.starts_with("/dev/pts"))
}

#[test]
fn a_port_is_locked_during_a_command() {
    let dialer = TestBox::start("sms-dialer", DIALER);
    let mut modem = Modem::plugged_in_at(&dialer.port());
    assert_eq!(modem.receive(), "AT");
    let lock = fs::read_to_string(dialer.paths.path("/run/lock/LCK..ttyTEST")).unwrap();
    assert_eq!(lock, format!("{:>10}\n", dialer.service.id()));
}

/// Runs until SIGTERM, and then ends when the test allows it.
const PPPD: &str = "#!/bin/sh
trap 'echo TERM >ROOT/pppd; while [ ! -e ROOT/go ]; do sleep 0.01; done; exit 5' TERM
echo $$ >ROOT/pppd.new; mv ROOT/pppd.new ROOT/pppd
while :; do sleep 0.01; done
";

/// The request of `dialctl stop`, which init's last script runs.
#[test]
fn a_box_that_stops_waits_for_pppd_and_for_the_budget() {
    let dialer = TestBox::start_with("sms-dialer", DIALER, |paths| {
        for dir in ["/bin", "/state"] {
            fs::create_dir_all(paths.path(dir)).unwrap();
        }
        let pppd = paths.path("/bin/pppd");
        fs::write(&pppd, PPPD.replace("ROOT", paths.path("/").to_str().unwrap())).unwrap();
        fs::set_permissions(pppd, fs::Permissions::from_mode(0o755)).unwrap();
    });
    let mut modem = Modem::plugged_in_at(&dialer.port());
    modem.answer_up_to(DIALERS_LAST);
    dialer.until("modem", |record| record.get("storage").is_some());
    let ask = |request| control::request(&dialer.paths, &request, Duration::from_secs(30)).unwrap();
    let budget = || Record::parse(&Store::new(dialer.paths.state()).read(Session::FILE).unwrap_or_default());
    let said = || fs::read_to_string(dialer.paths.path("/pppd")).unwrap_or_default();
    thread::scope(|scope| {
        let connect = scope.spawn(|| ask(Request::Connect(None)));
        until(|| !said().is_empty());
        let pid = Pid::from_raw(said().trim().parse().unwrap()).unwrap();
        dialer.until("link", |record| record.get("link") == Some("dialling"));
        let interface = Interface::new("ppp0").unwrap();
        ask(Request::IpUp { link: Connection { interface, pid, addresses: None }, name_servers: vec![] });
        assert!(matches!(connect.join().unwrap(), Reply::Done(_)));
        assert!(budget().get("open-ppp0").is_some(), "{:?}", budget());

        let runs = move || Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists();
        let stop = scope.spawn(move || (ask(Request::Stop), runs()));
        until(|| said() == "TERM\n");
        ask(Request::IpDown { pid, carried: Some(4711) });
        fs::write(dialer.paths.path("/go"), "").unwrap();
        let (reply, pppd_runs) = stop.join().unwrap();
        assert_eq!(reply, Reply::Done("disconnected: the box is stopping".to_owned()));
        assert!(!pppd_runs, "answered before pppd had ended");
        assert_eq!(budget().get("open-ppp0"), None);
        assert_eq!(budget().number("used"), Some(4711));
    });
}

#[test]
fn the_dialer_sends_heartbeats_with_and_without_a_modem() {
    let dialer = TestBox::start("sms-dialer", DIALER);
    dialer.until("heartbeat/sms-dialer", |record| record.number("deadline") == Some(20));
}

#[test]
fn a_service_of_another_role_says_so_and_ends() {
    let site = tempfile::tempdir().unwrap();
    fs::create_dir_all(site.path().join("etc/dialbox")).unwrap();
    fs::write(site.path().join("etc/dialbox/site.toml"), DIAL_IN).unwrap();
    let dialer = Command::new(PROGRAM).arg0("sms-dialer").arg("--root").arg(site.path()).output();
    let dialer = dialer.unwrap();
    assert!(!dialer.status.success());
    let said = String::from_utf8(dialer.stderr).unwrap();
    assert_eq!(said, "sms-dialer: the site's role is not dialer\n");
}
