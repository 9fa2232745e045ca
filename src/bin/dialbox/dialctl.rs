//! `dialctl`, the box's command line tool.

use std::env::args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dialbox::apply::{self, Applied, SiteInForce};
use dialbox::card::history::{Entry, History};
use dialbox::clock::Utc;
use dialbox::dialctl::{codes, exchange, hook, line, link, modem, scrub};
use dialbox::modem::recovery::Recovery;
use dialbox::paths::Paths;
use dialbox::reboot;
use dialbox::record::Record;
use dialbox::service;
use dialbox::site::Site;
use dialbox::state::{Cause, Ledger, Store};
use dialbox::status::Status;

const USAGE: &str = "\
usage: dialctl COMMAND

  status [--json]     shows the state of the box
  connect [TIME]      opens the link, for 30m or 2h, and waits until it is up
  disconnect          closes the link
  extend [TIME]       lets the link stay up longer
  confirm             keeps the values that a text message has set on trial
  budget              shows the month's traffic
  budget set SIZE     sets it to the operator's count, as in 120MB
  gpio [LINE]         shows the lines of [gpio] and their levels
  gpio LINE on|off [TIME]  switches an output, for 10s or until further notice
  codes resync CODE NEXT  sets the HOTP counter by two consecutive codes of the app,
                      after it was lost or if the app is too far ahead
  lines               shows every telephone line and its caller
  calls               shows the ledger of calls: caller, duration, bytes, cause of the end
  hangup LINE         ends the call on a line, counted from 1
  exchange peers|calls|log [--json]  shows the telephone exchange: who is registered where, which
                      call is up, and why the last ones ended
  ledger              shows the ledger of boots and their causes, and how often each recovery
                      step of the modem was tried and has helped; and what was healed on the card
  scrub [--json]      checks every block of the card that a boot needs, and heals the bad ones
  modem probe         shows every port of the modem, and what answers there
  modem pin-disable   turns off the SIM's PIN request; shows how many tries are left
  modem terminal [PORT]  starts picocom for AT commands; the services release the port
  site check [FILE]   shows the errors of a site.toml, by default /boot/site.toml
  site apply          puts /boot/site.toml into force; if it is invalid, the card's original
                      site stays
  stop                closes the link until the next boot; init calls it before the box stops
  save                saves the clock and the cause of a reboot; init calls it before the box stops
  reboot              reboots the box, with the cause \"requested\" in the ledger

examples:
  dialctl status
  dialctl status --json | grep -o '\"sim\":\"[^\"]*\"'
  dialctl codes resync 84755224 94287082
  mount -o remount,rw /boot && vi /boot/site.toml && dialctl site check && dialctl reboot
";

/// From start to end.
pub fn main() -> ExitCode {
    let paths = Paths::default();
    let arguments: Vec<String> = args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["status"] => print(&Status::gather(&paths).to_string()),
        ["status", "--json"] => print(&format!("{}\n", Status::gather(&paths).to_json())),
        ["connect"] => link::connect(&paths, None).and_then(|text| print(&text)),
        ["connect", length] => link::connect(&paths, Some(length)).and_then(|text| print(&text)),
        ["disconnect"] => link::disconnect(&paths).and_then(|text| print(&text)),
        ["extend"] => link::extend(&paths, None).and_then(|text| print(&text)),
        ["extend", more] => link::extend(&paths, Some(more)).and_then(|text| print(&text)),
        ["confirm"] => link::confirm(&paths).and_then(|text| print(&text)),
        ["budget"] => link::budget(&paths).and_then(|text| print(&text)),
        ["budget", "set", used] => link::set_used(&paths, used).and_then(|text| print(&text)),
        ["gpio", words @ ..] => link::gpio(&paths, words).and_then(|text| print(&text)),
        ["codes", "resync", first, second] => {
            codes::resync(&paths, first, second).and_then(|text| print(&text))
        }
        ["hook", arguments @ ..] => hook::run(&paths, arguments),
        ["lines"] => line::lines(&paths).and_then(|text| print(&text)),
        ["calls"] => print(&line::calls(&paths)),
        ["hangup", number] => line::hang_up(&paths, number).and_then(|text| print(&text)),
        ["exchange", words @ ..] => exchange::run(&paths, words).and_then(|text| print(&text)),
        ["ledger"] => print(&ledger(&paths)),
        ["scrub"] => scrub::run(&paths, false).and_then(|told| print(&told)),
        ["scrub", "--json"] => scrub::run(&paths, true).and_then(|told| print(&told)),
        ["modem", words @ ..] => modem::run(&paths, words).and_then(|text| print(&text)),
        ["site", "check"] => check(&paths.edited_site()),
        ["site", "check", file] => check(&PathBuf::from(file)),
        ["site", "apply"] => site_apply(&paths),
        ["stop"] => link::stop(&paths),
        ["save"] => reboot::save(&paths, &Cause::Requested).map_err(|error| error.to_string()),
        ["reboot"] => request_reboot(&paths),
        ["help" | "--help" | "-h"] => print(USAGE),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("dialctl: {why}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<(), String> {
    use std::io::Write;
    // A pipe closed by `head` is not an error.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn ledger(paths: &Paths) -> String {
    let store = Store::new(paths.state());
    let ledger = Ledger::load(&store);
    let line = |boot: &dialbox::state::Boot| {
        let remedies = if boot.remedies.is_empty() { String::new() } else { format!("; {}", boot.remedies) };
        format!("{:>6}  {}  after: {}{remedies}\n", boot.number, Utc(boot.at), boot.cause)
    };
    let site = fs::read_to_string(paths.site()).ok().and_then(|text| Site::parse(&text).ok());
    let modems = site.iter().flat_map(|site| service::modems(&site.role));
    let climbs = modems.map(|modem| {
        let tally = Record::parse(&store.read(&Recovery::file(&modem)).unwrap_or_default());
        tally.iter().map(|(what, count)| format!("{count:>6}  {modem}: {what}\n")).collect::<String>()
    });
    let history = History::load(&store);
    let healed = |entry: &Entry| format!("  card  {}  {}\n", Utc(entry.at), entry.what);
    let healed = history.entries().iter().map(healed);
    ledger.boots().iter().map(line).chain(climbs).chain(healed).collect()
}

fn check(file: &Path) -> Result<(), String> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let site = Site::parse(&text).map_err(|error| error.in_file(name).to_string())?;
    print(&site.summary())
}

fn site_apply(paths: &Paths) -> Result<(), String> {
    let Applied { in_force, trouble } = apply::apply(paths).map_err(|error| error.to_string())?;
    if let Some(trouble) = trouble {
        eprintln!("dialctl: {trouble}");
    }
    match in_force {
        SiteInForce::Original(original) => print(&format!("the {} site is in force\n", original.as_str())),
        SiteInForce::Edited => print("the edited site is in force\n"),
        SiteInForce::Broken { why, original } => {
            Err(format!("the {} site is in force, because\n{why}", original.as_str()))
        }
    }
}

fn request_reboot(paths: &Paths) -> Result<(), String> {
    // A box that cannot store the cause must still reboot.
    if let Err(error) = reboot::save(paths, &Cause::Requested) {
        eprintln!("dialctl: the cause is not noted: {error}");
    }
    reboot::request(paths).map_err(|error| error.to_string())
}
