//! The equipment's serial ports over TCP.

use std::process::ExitCode;
use std::time::Duration;

use dialbox::clock;
use dialbox::log::Log;
use dialbox::names::Service;
use dialbox::serial_forward::Forward;
use dialbox::service::{self, Start};
use dialbox::site::Role;
use dialbox::watch::heartbeat::Heartbeat;
use rustix::event::{Timespec, poll};
use rustix::io::Errno;

const SERVICE: Service = Service::SerialForward;
const DEADLINE: Duration = Duration::from_secs(30);

/// From start to end.
pub fn main() -> ExitCode {
    service::main(SERVICE, run)
}

fn run(start: &Start, log: &Log) -> String {
    let forward = match &start.site.role {
        Role::Dialer(dialer) => dialer.forward.as_ref(),
        Role::DialIn(_) => None,
    };
    let all = forward.map(|forward| forward.serial.as_slice()).unwrap_or_default();
    let open = |site| {
        let opened = Forward::open(&start.paths, log, site);
        opened.map_err(|error| format!("TCP port {}: {error}", site.listen))
    };
    let mut forwards = match all.iter().map(open).collect::<Result<Vec<_>, _>>() {
        Ok(forwards) => forwards,
        Err(why) => return why,
    };
    let mut heartbeat = Heartbeat::new(&start.paths, SERVICE, DEADLINE);
    loop {
        heartbeat.beat(clock::since_boot());
        let mut fds: Vec<_> = forwards.iter().flat_map(Forward::fds).collect();
        match poll(&mut fds, Timespec::try_from(heartbeat.interval()).ok().as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return error.to_string(),
        }
        drop(fds);
        forwards.iter_mut().for_each(Forward::poll);
    }
}
