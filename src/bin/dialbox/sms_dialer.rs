//! The dialer role: executes text messages, and opens and closes the link.

use std::process::ExitCode;
use std::time::Duration;

use dialbox::dialer::serve::serve;
use dialbox::log::Log;
use dialbox::names::Service;
use dialbox::service::{self, Start};
use dialbox::site::Role;
use dialbox::watch::heartbeat::Heartbeat;

const SERVICE: Service = Service::SmsDialer;
const DEADLINE: Duration = Duration::from_secs(20);

/// From start to end.
pub fn main() -> ExitCode {
    service::main(SERVICE, run)
}

fn run(start: &Start, log: &Log) -> String {
    let Role::Dialer(dialer) = &start.site.role else {
        return "the site's role is not dialer".to_owned();
    };
    let mut heartbeat = Heartbeat::new(&start.paths, SERVICE, DEADLINE);
    serve(start, dialer, log, &mut heartbeat).to_string()
}
