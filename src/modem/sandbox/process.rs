//! The service's handle of the process: start, request, end.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::message::{self, LONGEST, Violation};
use super::run::NAME;
use crate::paths::Paths;

/// How long a reply may take. The longest one is that to a start with pages from a slow card. A heartbeat has four
/// times as long.
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// An empty directory, the root of every process.
pub const ROOT: &str = "/var/empty";

/// The program of the process: one that calls [`run`](super::run) under the name [`NAME`].
#[derive(Debug, Clone, Copy)]
pub enum Program<'a> {
    /// The service's own program.
    Own,
    /// Another one, for a test, whose own program is not a service.
    At(&'a Path),
}

impl<'a> Program<'a> {
    /// Its path.
    #[must_use]
    pub fn path(self) -> &'a Path {
        match self {
            Program::Own => Path::new("/proc/self/exe"),
            Program::At(path) => path,
        }
    }
}

/// Program, root directory and user of a process.
#[derive(Debug, Clone)]
pub struct Sandbox {
    program: PathBuf,
    root: PathBuf,
    uid: u32,
}

impl Sandbox {
    /// A process of that program with this ID of user and group.
    #[must_use]
    pub fn new(paths: &Paths, program: Program, uid: u32) -> Self {
        Self { program: program.path().to_owned(), root: paths.path(ROOT), uid }
    }
}

/// A process that runs, or has ended unnoticed. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    socket: OwnedFd,
    /// For messages of both directions. Each is overwritten after use: it may contain a password.
    buffer: Vec<u8>,
}

/// Why a process cannot be used any more.
#[derive(Debug)]
pub(super) enum Failure {
    NotStarted(io::Error),
    /// By itself, or killed by another.
    Ended,
    Silent,
    Socket(io::Error),
    Violation(Violation),
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl Process {
    /// Starts a process for this protocol.
    pub(super) fn start(sandbox: &Sandbox, protocol: &str) -> io::Result<Self> {
        // The image has it; the directory of a test may not.
        fs::create_dir_all(&sandbox.root)?;
        let mut command = Command::new(&sandbox.program);
        command.arg0(NAME).arg(protocol).arg(sandbox.uid.to_string()).arg(&sandbox.root).env_clear();
        Self::spawn(command)
    }

    /// Starts a command with the socket as its standard input.
    fn spawn(mut command: Command) -> io::Result<Self> {
        // SEQPACKET keeps the boundaries of messages.
        let (socket, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child: command.spawn()?, socket, buffer: vec![0; LONGEST] })
    }

    /// Its process ID, for the log.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Readable when it has ended, or sends without a request.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Checks that it waits for a request.
    pub(super) fn look(&self) -> Result<(), Failure> {
        let mut byte = [0];
        match recv(&self.socket, &mut byte, RecvFlags::DONTWAIT | RecvFlags::PEEK) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Ok((0, _)) | Err(Errno::CONNRESET) => Err(Failure::Ended),
            Ok(_) => Err(Violation::Unasked.into()),
            Err(error) => Err(Failure::Socket(error.into())),
        }
    }

    /// Sends a request and waits for the reply.
    pub(super) fn ask<M: DeserializeOwned>(&mut self, request: &impl Serialize) -> Result<M, Failure> {
        self.look()?;
        self.send(request)?;
        self.wait()?;
        let (length, whole) = match recv(&self.socket, &mut self.buffer[..], RecvFlags::TRUNC) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => return Err(Failure::Ended),
            Ok((_, whole)) => (whole.min(LONGEST), whole),
            Err(error) => return Err(Failure::Socket(error.into())),
        };
        let reply =
            if whole > LONGEST { Err(Violation::TooMuch) } else { message::read(&self.buffer[..length]) };
        self.buffer[..length].fill(0);
        Ok(reply?)
    }

    fn send(&mut self, request: &impl Serialize) -> Result<(), Failure> {
        // The longest requests, bytes of a port, orders and a configuration, are much shorter than the buffer.
        let too_long = || Failure::Socket(io::Error::other("a request that is too long"));
        let message = message::write(request, &mut self.buffer).ok_or_else(too_long)?;
        let length = message.len();
        let sent = send(&self.socket, message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
        self.buffer[..length].fill(0);
        match sent {
            Ok(_) => Ok(()),
            Err(Errno::PIPE | Errno::CONNRESET) => Err(Failure::Ended),
            Err(error) => Err(Failure::Socket(error.into())),
        }
    }

    fn wait(&self) -> Result<(), Failure> {
        loop {
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            match poll(&mut fds, Some(&PATIENCE)) {
                Ok(0) => return Err(Failure::Silent),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(Failure::Socket(error.into())),
            }
        }
    }

    /// Kills it, and returns its exit status. The signal no longer affects a process that is ending by itself.
    pub(super) fn end(mut self) -> Option<ExitStatus> {
        self.kill()
    }

    fn kill(&mut self) -> Option<ExitStatus> {
        // An error means that it has ended already.
        let _ = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Counts the wake-ups that a process has requested within a second, and its actions after them: under an attacker's
/// control it could use up the processor with them.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    since: Duration,
    count: usize,
}

impl Wakes {
    /// The deadlines of a protocol are seconds apart, and followed by a command and some lines of the log.
    const MOST: usize = 500;

    /// Adds to the count.
    pub(super) fn count(&mut self, more: usize, now: Duration) -> Result<(), Violation> {
        if now.saturating_sub(self.since) >= Duration::from_secs(1) {
            *self = Self { since: now, count: 0 };
        }
        self.count += more;
        if self.count > Self::MOST { Err(Violation::TooMuch) } else { Ok(()) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    type Reply = super::super::message::Reply<u8, u8>;

    /// A process that runs this script of the shell.
    pub fn misbehaving(script: &str) -> Process {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        Process::spawn(shell).unwrap()
    }

    /// Receives one request.
    pub const HEAR: &str = "dd bs=20000 count=1 >/dev/null 2>&1";

    fn failure(script: &str) -> Failure {
        misbehaving(script).ask::<Reply>(&()).unwrap_err()
    }

    #[test]
    fn every_wrong_reply_is_a_failure() {
        let garbage = failure(&format!("{HEAR}; printf xyz >&0; exec sleep 60"));
        assert!(matches!(garbage, Failure::Violation(Violation::Garbage)), "{garbage:?}");
        let long = failure(&format!("{HEAR}; dd if=/dev/zero bs=20000 count=1 >&0; exec sleep 60"));
        assert!(matches!(long, Failure::Violation(Violation::TooMuch)), "{long:?}");
        for ended in [failure(&format!("{HEAR}; exit 3")), failure(&format!("{HEAR}; exec sleep 60 <&-"))] {
            assert!(matches!(ended, Failure::Ended), "{ended:?}");
        }
        let silent = failure(&format!("{HEAR}; exec sleep 600"));
        assert!(matches!(silent, Failure::Silent), "{silent:?}");
    }

    #[test]
    fn a_message_without_a_request_is_noticed() {
        let mut process = misbehaving("printf x >&0; exec sleep 60");
        poll(&mut [PollFd::new(&process.fd(), PollFlags::IN)], None).unwrap();
        assert!(matches!(process.look(), Err(Failure::Violation(Violation::Unasked))));
        let asked = process.ask::<Reply>(&()).unwrap_err();
        assert!(matches!(asked, Failure::Violation(Violation::Unasked)), "{asked:?}");
    }

    #[test]
    fn a_process_that_sends_without_end_does_not_block() {
        let mut process = misbehaving("while printf x >&0; do :; done; exec sleep 60");
        poll(&mut [PollFd::new(&process.fd(), PollFlags::IN)], None).unwrap();
        assert!(matches!(process.ask::<Reply>(&()), Err(Failure::Violation(Violation::Unasked))));
    }

    #[test]
    fn an_ended_process_has_its_exit_status() {
        for (script, status) in [("exit 3", "exit status: 3"), ("exec sleep 60", "signal: 9 (SIGKILL)")] {
            let process = misbehaving(script);
            let id = process.id();
            if script == "exit 3" {
                poll(&mut [PollFd::new(&process.fd(), PollFlags::IN)], None).unwrap();
            }
            assert_eq!(process.end().unwrap().to_string(), status);
            assert!(!Path::new(&format!("/proc/{id}")).exists());
        }
    }

    #[test]
    fn a_process_that_requests_endless_wake_ups_is_noticed_within_a_second() {
        let mut wakes = Wakes::default();
        let ms = Duration::from_millis;
        for turn in 0..10_000 {
            assert_eq!(wakes.count(1, ms(10 * turn)), Ok(()), "every 10 ms");
        }
        let mut wakes = Wakes::default();
        let refused = (0..1000).position(|turn| wakes.count(1, ms(100_000 + turn)).is_err());
        assert_eq!(refused, Some(500), "every millisecond");
        let mut wakes = Wakes::default();
        assert_eq!(wakes.count(501, ms(0)), Err(Violation::TooMuch), "many actions at once");
    }
}
