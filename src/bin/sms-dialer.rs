//! The dialer role: keeps a mobile modem under watch.

use std::process::ExitCode;
use std::time::Duration;

use dialbox::clock::Utc;
use dialbox::log::Log;
use dialbox::modem::attend;
use dialbox::modem::mobile::{Mobile, Report};
use dialbox::modem::post::Post;
use dialbox::modem::seat::Seat;
use dialbox::service::{self, Start};
use dialbox::site::{FlowControl, Role};
use dialbox::watch::heartbeat::Heart;

const NAME: &str = "sms-dialer";
const DEADLINE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    service::main(NAME, run)
}

fn run(start: &Start, log: &Log) -> String {
    let Role::Dialer(dialer) = &start.site.role else {
        return "the site's role is not dialer".to_owned();
    };
    let post = Post {
        places: &start.places,
        log,
        name: "modem",
        port: &dialer.modem.port,
        speed: dialer.modem.speed,
        // Short commands need none, and a three-wire cable would never raise CTS.
        flow: FlowControl::None,
    };
    let mut heart = Heart::new(&start.places, NAME, DEADLINE);
    match Seat::new(post, Mobile::of_site(&dialer.modem, &start.places)) {
        Ok(mut seat) => attend::serve(&mut seat, &mut heart, |_, report| hear(log, &report)).to_string(),
        Err(error) => error.to_string(),
    }
}

/// Messages are left where they are: they are for somebody who reads them.
fn hear(log: &Log, report: &Report) {
    match report {
        Report::Message { place, .. } => log.info(&format!("a message has come: {place:?}")),
        Report::NetworkTime(unix) => log.info(&format!("network time: {}", Utc(*unix))),
        Report::Sent(_) | Report::NotSent(..) => {}
    }
}
