//! The process: a port, a connection, and a [`Bridge`] between them.

use std::env::args_os;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, pwrite, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use super::bridge::{Bridge, Ending, Limits};
use crate::clock;
use crate::line::termination::termination;
use crate::names::{note, session::TERMINAL};
use crate::privileges::{Kept, confine, restrict_to};
use crate::record::Record;
use crate::site::ServiceProtocol;

/// The same as [`TERMINAL`].
const NAME: &std::ffi::CStr = c"line-terminal";

/// How long a service may take to accept the connection.
const CONNECTING: Duration = Duration::from_secs(30);
/// How often the note is written while bytes flow.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// A service that vanishes is noticed after this much silence, in seconds, and as many probes a minute later.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(10));
/// More than the longest note.
const NOTE: u64 = 4096;

/// The system calls of the process once the connection is begun, besides those of every confined process: it cannot begin
/// another one.
const CALLS: &[libc::c_long] = &[libc::SYS_read, libc::SYS_pwrite64, libc::SYS_ppoll, libc::SYS_getsockopt];

/// What a process is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The service.
    pub address: SocketAddrV4,
    /// What it speaks.
    pub protocol: ServiceProtocol,
    /// The site's limits.
    pub limits: Limits,
    /// The user and group of the process.
    pub uid: u32,
    /// An empty directory, its root.
    pub root: PathBuf,
}

impl Start {
    /// The command for it. Its standard input is to be the port, and its standard output the file of its
    /// [note](crate::published::TrafficNote).
    pub fn command(&self, program: &Path) -> Command {
        let Self { address, protocol, limits, uid, root } = self;
        let seconds = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_secs()).to_string();
        let mut command = Command::new(program);
        command.arg0(TERMINAL).env_clear();
        command.args([
            &address.to_string(),
            protocol.as_str(),
            &seconds(limits.idle),
            &seconds(limits.session),
        ]);
        command.arg(uid.to_string()).arg(root);
        command
    }

    /// Reads the arguments of the command.
    fn from_args(args: &[String]) -> Option<Self> {
        let [address, protocol, idle, session, uid, root] = args else { return None };
        let limit = |text: &str| {
            let seconds: u64 = text.parse().ok()?;
            Some((seconds > 0).then_some(Duration::from_secs(seconds)))
        };
        Some(Self {
            address: address.parse().ok()?,
            protocol: ServiceProtocol::parse(protocol)?,
            limits: Limits { idle: limit(idle)?, session: limit(session)? },
            uid: uid.parse().ok()?,
            root: root.into(),
        })
    }
}

/// The process, from its start to its end. It is not started by hand.
pub fn run() -> ExitCode {
    let args: Option<Vec<String>> = args_os().skip(1).map(|arg| arg.into_string().ok()).collect();
    let Some(start) = args.and_then(|args| Start::from_args(&args)) else { return ExitCode::from(2) };
    match prepare(&start) {
        Ok(open) => {
            serve(&start, &open);
            // The kernel closes what is open: close(2) is not in the list.
            std::mem::forget(open);
            ExitCode::SUCCESS
        }
        Err(error) => {
            write_note((0, 0), Some(&Ending::Failed(format!("the terminal cannot begin: {error}"))));
            ExitCode::FAILURE
        }
    }
}

/// What the process has open besides its standard input and output.
struct Open {
    /// The socket, and how its connection has begun.
    service: OwnedFd,
    begun: rustix::io::Result<()>,
    termination: OwnedFd,
}

/// The descriptors are made first: later the process cannot have another one.
fn prepare(start: &Start) -> io::Result<Open> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let service = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_keepalive(&service, true)?;
    sockopt::set_tcp_keepidle(&service, KEEPALIVE.0)?;
    sockopt::set_tcp_keepintvl(&service, KEEPALIVE.1)?;
    // A key should not wait for the one before it to be acknowledged.
    sockopt::set_tcp_nodelay(&service, true)?;
    let termination = termination()?;
    // From now on the kernel hangs the port up when DCD goes off, as for pppd's `modem`.
    rustix::thread::set_name(NAME)?;
    let mut line = tcgetattr(stdin())?;
    line.control_modes.remove(ControlModes::CLOCAL);
    tcsetattr(stdin(), OptionalActions::Now, &line)?;
    // All numbers up to the last one's are in use, so none is left for another descriptor.
    let last = service.as_raw_fd().max(termination.as_raw_fd());
    let descriptors = u64::from(last.unsigned_abs()) + 1;
    confine(start.uid, &start.root, Kept { descriptors, file_size: NOTE })?;
    let begun = connect(&service, &start.address);
    // rustix looks for the kernel's vDSO when a clock is first read, by calls that are not in the list (vdso_wrappers.rs).
    clock::since_boot();
    restrict_to(&[CALLS, clock::CALLS].concat())?;
    Ok(Open { service, begun, termination })
}

fn serve(start: &Start, open: &Open) {
    let mut bridge = Bridge::new(start.protocol, start.limits, clock::since_boot());
    let ending = match reach(open) {
        Ok(()) => carry(&mut bridge, open),
        Err(ending @ Ending::Failed(_)) => {
            bridge.tell("\r\nNo answer, try again later.\r\n", clock::since_boot());
            bridge.service_ended(ending, clock::since_boot());
            carry(&mut bridge, open)
        }
        Err(ending) => ending,
    };
    write_note(bridge.counted(), Some(&ending));
}

/// Waits for the connection. The caller's bytes wait meanwhile.
fn reach(open: &Open) -> Result<(), Ending> {
    let unreachable = |why: io::Error| Ending::Failed(format!("the service cannot be reached: {why}"));
    match open.begun {
        Ok(()) => return Ok(()),
        Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(unreachable(error.into())),
    }
    let until = clock::since_boot() + CONNECTING;
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(stdin(), PollFlags::empty()),
            PollFd::new(&open.termination, PollFlags::IN),
            PollFd::new(&open.service, PollFlags::OUT),
        ];
        wait(&mut fds, Some(until)).map_err(unreachable)?;
        let [caller_ready, told, service_ready] = fds.map(|fd| fd.revents());
        if !told.is_empty() {
            return Err(Ending::Told);
        }
        if caller_ready.intersects(PollFlags::HUP | PollFlags::ERR) {
            return Err(Ending::HungUp);
        }
        if !service_ready.is_empty() {
            let connected = sockopt::socket_error(&open.service).and_then(|outcome| outcome);
            return connected.map_err(|error| unreachable(error.into()));
        }
        if until <= clock::since_boot() {
            return Err(unreachable(io::ErrorKind::TimedOut.into()));
        }
    }
}

/// Carries bytes until it is over.
fn carry(bridge: &mut Bridge, open: &Open) -> Ending {
    let mut noted = clock::since_boot();
    loop {
        let now = clock::since_boot();
        if let Some(ending) = bridge.tick(now) {
            return ending;
        }
        if noted + NOTE_EVERY <= now {
            write_note(bridge.counted(), None);
            noted = now;
        }
        let [mut caller_events, mut service_events] = [PollFlags::empty(); 2];
        caller_events.set(PollFlags::IN, bridge.reads_caller());
        caller_events.set(PollFlags::OUT, !bridge.to_caller().is_empty() && !bridge.holds());
        service_events.set(PollFlags::IN, bridge.reads_service());
        service_events.set(PollFlags::OUT, bridge.reads_service() && !bridge.to_service().is_empty());
        let mut fds = vec![
            PollFd::from_borrowed_fd(stdin(), caller_events),
            PollFd::new(&open.termination, PollFlags::IN),
        ];
        // A connection that has ended would wake this loop for ever.
        if !service_events.is_empty() {
            fds.push(PollFd::new(&open.service, service_events));
        }
        let wake = bridge.deadline().map_or(noted + NOTE_EVERY, |at| at.min(noted + NOTE_EVERY));
        if wait(&mut fds, Some(wake)).is_err() {
            return Ending::HungUp;
        }
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        if !ready[1].is_empty() {
            return Ending::Told;
        }
        if let Err(ending) = serve_caller(bridge, ready[0]) {
            return ending;
        }
        if let Some(ready) = ready.get(2) {
            serve_service(bridge, &open.service, *ready);
        }
    }
}

fn serve_caller(bridge: &mut Bridge, ready: PollFlags) -> Result<(), Ending> {
    let mut buffer = [0; 512];
    if ready.intersects(PollFlags::IN) {
        match read(stdin(), &mut buffer) {
            Ok(0) => return Err(Ending::HungUp),
            Ok(length) => bridge.hear_caller(&buffer[..length], clock::since_boot()),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return Err(Ending::HungUp),
        }
    } else if ready.intersects(PollFlags::HUP | PollFlags::ERR) {
        return Err(Ending::HungUp);
    }
    if bridge.holds() {
        return Ok(());
    }
    match write(stdin(), bridge.to_caller()) {
        Ok(length) => drop(bridge.to_caller().drain(..length)),
        Err(Errno::AGAIN | Errno::INTR) => {}
        Err(_) => return Err(Ending::HungUp),
    }
    Ok(())
}

fn serve_service(bridge: &mut Bridge, service: &OwnedFd, ready: PollFlags) {
    let mut buffer = [0; 512];
    let now = clock::since_boot();
    if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
        match read(service, &mut buffer) {
            Ok(0) => bridge.service_ended(Ending::Service, now),
            Ok(length) => bridge.hear_service(&buffer[..length], now),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => bridge.service_ended(Ending::Service, now),
        }
    }
    match write(service, bridge.to_service()) {
        Ok(length) => drop(bridge.to_service().drain(..length)),
        Err(Errno::AGAIN | Errno::INTR) => {}
        Err(_) => bridge.service_ended(Ending::Service, now),
    }
}

fn wait(fds: &mut [PollFd<'_>], until: Option<Duration>) -> io::Result<()> {
    let timeout = until.map(|until| until.saturating_sub(clock::since_boot()));
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The note only grows, so each one covers the one before. If it cannot be written, the call goes on.
fn write_note((received, sent): (u64, u64), ending: Option<&Ending>) {
    let record = Record::new().with(note::RECEIVED, received).with(note::SENT, sent);
    let record = record.with_known(note::WHY, ending);
    let _ = pwrite(stdout(), record.to_string().as_bytes(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privileges::OPENING;

    #[test]
    fn the_arguments_of_the_command_are_read_as_they_were_meant() {
        let start = Start {
            address: "192.0.2.9:23".parse().unwrap(),
            protocol: ServiceProtocol::Raw,
            limits: Limits { idle: Some(Duration::from_secs(90)), session: None },
            uid: 61_001,
            root: "/var/empty".into(),
        };
        let command = start.command(Path::new("/proc/self/exe"));
        let args: Vec<String> = command.get_args().map(|arg| arg.to_str().unwrap().to_owned()).collect();
        assert_eq!(Start::from_args(&args), Some(start));
        assert_eq!(Start::from_args(&args[1..]), None);
    }

    #[test]
    fn no_call_of_the_process_opens_starts_or_reaches_anything() {
        assert!(OPENING.iter().all(|call| !CALLS.contains(call)));
    }
}
