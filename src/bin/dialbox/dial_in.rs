//! The dial-in role: answers calls on the site's lines.
//!
//! One loop serves all lines and never blocks, so that no line delays another. They share one process, one heartbeat
//! and one ledger of calls.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use dialbox::clock;
use dialbox::line::login::PromptWords;
use dialbox::line::{LineService, Logins, PasswordCheck, Preload};
use dialbox::log::Log;
use dialbox::modem::config::ModemConfig;
use dialbox::modem::sandbox::Program;
use dialbox::names::{LineName, Service};
use dialbox::service::{self, Start};
use dialbox::site::{DialIn, Role};
use dialbox::watch::heartbeat::Heartbeat;
use rustix::event::{PollFd, Timespec, poll};

const SERVICE: Service = Service::DialIn;
const DEADLINE: Duration = Duration::from_secs(20);

/// From start to end.
pub fn main() -> ExitCode {
    service::main(SERVICE, run)
}

fn run(start: &Start, log: &Log) -> String {
    match &start.site.role {
        Role::DialIn(dial_in) => match serve(dial_in, start, log) {
            Err(error) => error.to_string(),
        },
        Role::Dialer(_) => "the site's role is not dial-in".to_owned(),
    }
}

/// Runs all lines. Returns only on a fatal error.
fn serve(dial_in: &DialIn, start: &Start, log: &Log) -> io::Result<std::convert::Infallible> {
    let names: Vec<String> = (1..=dial_in.lines.len()).map(|line| LineName(line).to_string()).collect();
    let logs: Vec<Log> = names.iter().map(|name| log.for_part(name)).collect();
    let checker = PasswordCheck::run;
    let prompts = PromptWords::new(&dial_in.prompts, &start.site.hostname);
    let logins = Logins { prompts: &prompts, dial_in, checker };
    let mut lines = Vec::new();
    for (number, ((site, name), log)) in (1..).zip(dial_in.lines.iter().zip(&names).zip(&logs)) {
        let config = ModemConfig {
            paths: &start.paths,
            log,
            name,
            port: &site.port,
            speed: site.speed,
            flow: site.flow,
            other_after: None,
        };
        lines.push(LineService::new(number, site, logins, Program::Own, config)?);
    }
    let mut pppd = Preload::default();
    let mut heartbeat = Heartbeat::new(&start.paths, SERVICE, DEADLINE);
    loop {
        let now = clock::since_boot();
        heartbeat.beat(now);
        for line in &mut lines {
            line.poll(now);
        }
        pppd.poll();
        if lines.iter().any(LineService::waits_for_calls)
            && let Err(error) = pppd.begin()
        {
            log.error(&format!("pppd: {error}"));
        }
        let wake = lines.iter().filter_map(LineService::deadline).min();
        let until_wake = wake.map(|wake| wake.saturating_sub(clock::since_boot()));
        let timeout = until_wake.map_or(heartbeat.interval(), |wake| wake.min(heartbeat.interval()));
        let mut fds: Vec<PollFd> = lines.iter().flat_map(LineService::fds).chain(pppd.fd()).collect();
        match poll(&mut fds, Timespec::try_from(timeout).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
