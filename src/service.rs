//! The start of a service: its root directory, the site in force, its log.

use std::env::args;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use crate::line;
use crate::log::Log;
use crate::names::{LineName, Service, record};
use crate::paths::Paths;
use crate::ppp::counters;
use crate::site::{Role, Site};

/// The context of a service.
#[derive(Debug)]
pub struct Start {
    /// The paths of the box.
    pub paths: Paths,
    /// The site in force.
    pub site: Site,
}

/// init restarts a service at once when it ends; without a pause that would fill the log.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a service: `NAME [--root DIR]`. It does not return; if the service ends, it logs the reason.
pub fn main(service: Service, run: impl FnOnce(&Start, &Log) -> String) -> ExitCode {
    let name = service.as_str();
    let paths = match args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => Paths::default(),
        [flag, dir] if flag == "--root" => Paths::below(PathBuf::from(dir)),
        _ => {
            eprintln!("usage: {name} [--root DIR]\n  --root DIR  take DIR for / (tests)");
            return ExitCode::from(2);
        }
    };
    let log = Log::new(name, &paths);
    let why = match load_site(&paths) {
        Ok(site) => run(&Start { paths, site }, &log),
        Err(why) => why,
    };
    log.error(&why);
    sleep(PAUSE);
    ExitCode::FAILURE
}

/// The services of a box with that role.
pub fn for_role(role: &Role) -> Vec<Service> {
    let (own, other) = match role {
        Role::Dialer(dialer) => {
            let has_serial = dialer.forward.as_ref().is_some_and(|forward| !forward.serial.is_empty());
            (Service::SmsDialer, has_serial.then_some(Service::SerialForward))
        }
        Role::DialIn(dial_in) => (Service::DialIn, dial_in.exchange.as_ref().map(|_| Service::Exchange)),
    };
    [own, Service::Watchdogd, Service::Scrubd].into_iter().chain(other).collect()
}

/// Whether a caller or a link is connected, or about to be.
pub fn is_in_use(start: &Start) -> bool {
    let is_called = match &start.site.role {
        Role::DialIn(dial_in) => line::is_taking_a_call(&start.paths, dial_in.lines.len()),
        Role::Dialer(_) => false,
    };
    is_called || counters::in_use(&start.paths)
}

/// The names of the modems of a role.
pub fn modems(role: &Role) -> Vec<String> {
    match role {
        Role::Dialer(_) => vec![record::MODEM.to_owned()],
        Role::DialIn(dial_in) => (1..=dial_in.lines.len()).map(|line| LineName(line).to_string()).collect(),
    }
}

fn load_site(paths: &Paths) -> Result<Site, String> {
    let path = paths.site();
    let file = path.display().to_string();
    let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    Site::parse(&text).map_err(|error| error.in_file(file).to_string())
}
