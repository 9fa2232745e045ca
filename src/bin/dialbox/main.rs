//! All programs of the running box but init's, in one file: what they share is on the card, in the download and in the
//! box's memory once. Which one is meant says the name under which it was started, a symlink in `/usr/sbin`, as with
//! busybox.

mod dial_in;
mod dialctl;
mod exchange;
mod scrubd;
mod serial_forward;
mod sms_dialer;
mod watchdogd;

use std::env::args_os;
use std::path::Path;
use std::process::ExitCode;

use dialbox::line::{Answerer, slip, terminal};
use dialbox::modem::mobile::Mobile;
use dialbox::modem::sandbox::{self, Sandboxable};
use dialbox::names::session;

fn main() -> ExitCode {
    let name = args_os().next().unwrap_or_default();
    match Path::new(&name).file_name().and_then(|name| name.to_str()) {
        Some("dial-in") => dial_in::main(),
        Some("dialctl") => dialctl::main(),
        Some("exchange") => exchange::main(),
        Some("scrubd") => scrubd::main(),
        Some("serial-forward") => serial_forward::main(),
        Some("sms-dialer") => sms_dialer::main(),
        Some("watchdogd") => watchdogd::main(),
        Some(sandbox::NAME) => parser(),
        Some(session::TERMINAL) => terminal::run(),
        Some(session::SLIP) => slip::run(),
        _ => {
            let names = "dialctl, dial-in, exchange, scrubd, serial-forward, sms-dialer or watchdogd";
            eprintln!("dialbox: start it as {names}");
            ExitCode::from(2)
        }
    }
}

/// A parser of what a modem says. Not started by hand: the services start it.
fn parser() -> ExitCode {
    match args_os().nth(1).unwrap_or_default().to_str() {
        Some(Mobile::NAME) => sandbox::run::<Mobile>(),
        Some(Answerer::NAME) => sandbox::run::<Answerer>(),
        _ => ExitCode::from(2),
    }
}
