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
use crate::names::{note, session::TERMINAL};
use crate::privileges::{Kept, confine};
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
        Ok(service) => {
            serve(&start, &service);
            ExitCode::SUCCESS
        }
        Err(error) => {
            write_note((0, 0), Some(&Ending::Failed(format!("the terminal cannot begin: {error}"))));
            ExitCode::FAILURE
        }
    }
}

/// The socket is made first: later the process cannot have another descriptor.
fn prepare(start: &Start) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let service = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_keepalive(&service, true)?;
    sockopt::set_tcp_keepidle(&service, KEEPALIVE.0)?;
    sockopt::set_tcp_keepintvl(&service, KEEPALIVE.1)?;
    // A key should not wait for the one before it to be acknowledged.
    sockopt::set_tcp_nodelay(&service, true)?;
    // From now on the kernel hangs the port up when DCD goes off, as for pppd's `modem`.
    rustix::thread::set_name(NAME)?;
    let mut line = tcgetattr(stdin())?;
    line.control_modes.remove(ControlModes::CLOCAL);
    tcsetattr(stdin(), OptionalActions::Now, &line)?;
    // All numbers up to the socket's are in use, so none is left for another descriptor.
    let descriptors = u64::from(service.as_raw_fd().unsigned_abs()) + 1;
    confine(start.uid, &start.root, Kept { descriptors, file_size: NOTE })?;
    Ok(service)
}

fn serve(start: &Start, service: &OwnedFd) {
    let mut bridge = Bridge::new(start.protocol, start.limits, clock::since_boot());
    let ending = match reach(service, start.address) {
        Ok(()) => carry(&mut bridge, service),
        Err(error) => {
            let ending = Ending::Failed(format!("the service cannot be reached: {error}"));
            bridge.tell("\r\nNo answer, try again later.\r\n", clock::since_boot());
            bridge.service_ended(ending, clock::since_boot());
            carry(&mut bridge, service)
        }
    };
    write_note(bridge.counted(), Some(&ending));
}

/// Connects. The caller's bytes wait meanwhile.
fn reach(service: &OwnedFd, address: SocketAddrV4) -> io::Result<()> {
    match connect(service, &address) {
        Ok(()) => return Ok(()),
        Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let until = clock::since_boot() + CONNECTING;
    loop {
        let mut fds =
            [PollFd::new(service, PollFlags::OUT), PollFd::from_borrowed_fd(stdin(), PollFlags::empty())];
        wait(&mut fds, Some(until))?;
        let [service_ready, caller_ready] = fds.map(|fd| fd.revents());
        if caller_ready.intersects(PollFlags::HUP | PollFlags::ERR) {
            return Err(io::Error::other("the caller hung up"));
        }
        if !service_ready.is_empty() {
            return Ok(sockopt::socket_error(service)??);
        }
        if until <= clock::since_boot() {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
    }
}

/// Carries bytes until it is over.
fn carry(bridge: &mut Bridge, service: &OwnedFd) -> Ending {
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
        caller_events.set(PollFlags::OUT, !bridge.to_caller().is_empty());
        service_events.set(PollFlags::IN, bridge.reads_service());
        service_events.set(PollFlags::OUT, bridge.reads_service() && !bridge.to_service().is_empty());
        let caller = PollFd::from_borrowed_fd(stdin(), caller_events);
        // A connection that has ended would wake this loop for ever.
        let mut fds = vec![caller];
        if !service_events.is_empty() {
            fds.push(PollFd::new(service, service_events));
        }
        let wake = bridge.deadline().map_or(noted + NOTE_EVERY, |at| at.min(noted + NOTE_EVERY));
        if wait(&mut fds, Some(wake)).is_err() {
            return Ending::HungUp;
        }
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        if let Err(ending) = serve_caller(bridge, ready[0]) {
            return ending;
        }
        if let Some(ready) = ready.get(1) {
            serve_service(bridge, service, *ready);
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
}
