//! The dial-in role: waits for calls on the site's first line.

use std::process::ExitCode;
use std::time::Duration;

use dialbox::line::Answering;
use dialbox::log::Log;
use dialbox::modem::attend;
use dialbox::modem::post::Post;
use dialbox::modem::seat::Seat;
use dialbox::service::{self, Start};
use dialbox::site::Role;
use dialbox::watch::heartbeat::Heart;

const NAME: &str = "dial-in";
const DEADLINE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    service::main(NAME, run)
}

fn run(start: &Start, log: &Log) -> String {
    let Role::DialIn(dial_in) = &start.site.role else {
        return "the site's role is not dial-in".to_owned();
    };
    let Some((line, others)) = dial_in.lines.split_first() else {
        return "the site has no line".to_owned();
    };
    if !others.is_empty() {
        log.warning(&format!("only line 1 of {} is attended", dial_in.lines.len()));
    }
    let post = Post {
        places: &start.places,
        log,
        name: "line1",
        port: &line.port,
        speed: line.speed,
        flow: line.flow,
    };
    let mut heart = Heart::new(&start.places, NAME, DEADLINE);
    match Seat::new(post, Answering::default()) {
        Ok(mut seat) => attend::serve(&mut seat, &mut heart, |_, report| match report {}).to_string(),
        Err(error) => error.to_string(),
    }
}
