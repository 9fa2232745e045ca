//! The reverse ssh tunnel: Debian's dbclient, which the rendered script starts, while a link is up.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process};

use crate::log::Log;
use crate::names::TUNNEL;
use crate::paths::Paths;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A tunnel that has lasted this long was one: the next pause is the first again.
const LASTED: Duration = Duration::from_secs(60);
/// The longest line of dbclient that is logged.
const LONGEST_LINE: usize = 200;
/// The longest text for the status.
const LONGEST_SAID: usize = 240;

/// When dbclient runs. No process, no clock.
#[derive(Debug)]
struct Pace {
    turn: Turn,
    pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There is no link.
    Off,
    Running {
        since: Duration,
    },
    Pausing {
        until: Duration,
    },
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Start,
    End,
}

impl Pace {
    const fn new() -> Self {
        Self { turn: Turn::Off, pause: FIRST_PAUSE }
    }

    fn next(&mut self, has_link: bool, now: Duration) -> Option<Order> {
        match (self.turn, has_link) {
            (Turn::Off, true) => {
                self.turn = Turn::Running { since: now };
                Some(Order::Start)
            }
            (Turn::Pausing { until }, true) if until <= now => {
                self.turn = Turn::Running { since: now };
                Some(Order::Start)
            }
            (Turn::Running { .. }, false) => {
                *self = Self::new();
                Some(Order::End)
            }
            (Turn::Pausing { .. }, false) => {
                *self = Self::new();
                None
            }
            _ => None,
        }
    }

    fn ended(&mut self, now: Duration) {
        let Turn::Running { since } = self.turn else { return };
        if since + LASTED <= now {
            self.pause = FIRST_PAUSE;
        }
        self.turn = Turn::Pausing { until: now + self.pause };
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
    }
}

/// The tunnel of a site.
#[derive(Debug)]
pub(super) struct Tunnel<'a> {
    paths: &'a Paths,
    log: &'a Log,
    pace: Pace,
    client: Option<Client>,
    /// What dbclient has said, the last time that it said anything.
    last: Option<String>,
}

#[derive(Debug)]
struct Client {
    process: Child,
    /// `None` once it is closed.
    messages: Option<ChildStderr>,
    line: Vec<u8>,
    /// Its lines so far: the one with the cause is seldom the last.
    said: String,
}

impl<'a> Tunnel<'a> {
    /// No link is up yet.
    pub fn new(paths: &'a Paths, log: &'a Log) -> Self {
        Self { paths, log, pace: Pace::new(), client: None, last: None }
    }

    /// Starts dbclient, or ends it; `has_link` says whether a link is up.
    pub fn poll(&mut self, has_link: bool, now: Duration) {
        if let Some(client) = &mut self.client {
            for line in client.read() {
                self.log.info(&format!("tunnel: {line}"));
                client.say(&line);
                self.last = Some(client.said.clone());
            }
            if !matches!(client.process.try_wait(), Ok(None)) {
                self.client = None;
                self.pace.ended(now);
            }
        }
        // The one before keeps the port at the server until it has ended.
        let is_waiting = has_link && self.client.is_some() && self.pace.turn == Turn::Off;
        match if is_waiting { None } else { self.pace.next(has_link, now) } {
            Some(Order::Start) => match Client::start(self.paths) {
                Ok(client) => self.client = Some(client),
                Err(error) => {
                    self.log.error(&format!("tunnel: {error}"));
                    self.pace.ended(now);
                }
            },
            Some(Order::End) => self.client.iter().for_each(Client::end),
            None => {}
        }
    }

    /// When [`poll`](Self::poll) is due, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        match self.pace.turn {
            Turn::Pausing { until } => Some(until),
            Turn::Off | Turn::Running { .. } => None,
        }
    }

    /// What to poll(2).
    pub fn fd(&self) -> Option<PollFd<'_>> {
        let messages = self.client.as_ref()?.messages.as_ref()?;
        Some(PollFd::from_borrowed_fd(messages.as_fd(), PollFlags::IN))
    }

    /// For the status, while a link is up.
    pub fn status(&self) -> Option<String> {
        match self.pace.turn {
            Turn::Off => None,
            Turn::Running { .. } => Some("dbclient runs".to_owned()),
            Turn::Pausing { .. } => {
                Some(self.last.clone().unwrap_or_else(|| "dbclient has ended".to_owned()))
            }
        }
    }
}

impl Client {
    fn start(paths: &Paths) -> io::Result<Self> {
        let mut command = Command::new(paths.path(TUNNEL));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let messages = process.stderr.take();
        if let Some(messages) = &messages {
            ioctl_fionbio(messages, true)?;
        }
        Ok(Self { process, messages, line: Vec::new(), said: String::new() })
    }

    fn say(&mut self, line: &str) {
        let space = if self.said.is_empty() { "" } else { " " };
        if self.said.len() + line.len() < LONGEST_SAID {
            self.said += &format!("{space}{line}");
        }
    }

    fn end(&self) {
        if let Some(pid) = Pid::from_raw(self.process.id().cast_signed()) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// The lines that it has written. A server can have its part in them.
    fn read(&mut self) -> Vec<String> {
        let mut bytes = [0; 512];
        while let Some(messages) = &mut self.messages {
            match messages.read(&mut bytes) {
                Ok(0) => self.messages = None,
                Ok(length) => self.line.extend(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.messages = None,
            }
        }
        let whole = self.line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.line.drain(..whole).collect();
        self.line.truncate(LONGEST_LINE);
        let clean = |line: &str| line.chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect();
        String::from_utf8_lossy(&lines).lines().map(clean).filter(|line: &String| !line.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The seconds at which dbclient starts within an hour, if it lasts so long each time.
    fn starts(lasts: u64) -> Vec<u64> {
        let (mut pace, mut ends, mut starts) = (Pace::new(), None, Vec::new());
        for second in 0..3600 {
            if ends.take_if(|at| *at <= second).is_some() {
                pace.ended(s(second));
            }
            if pace.next(true, s(second)) == Some(Order::Start) {
                starts.push(second);
                ends = Some(second + lasts);
            }
        }
        starts
    }

    #[test]
    fn the_pause_grows_to_five_minutes_unless_the_tunnel_lasts() {
        assert_eq!(starts(0)[..9], [0, 6, 17, 38, 79, 160, 321, 622, 923]);
        assert_eq!(starts(100)[..4], [0, 105, 210, 315]);
    }

    #[test]
    fn the_tunnel_ends_with_its_link_and_the_next_link_has_it_at_once() {
        let mut pace = Pace::new();
        assert_eq!(pace.next(false, s(1)), None);
        assert_eq!(pace.next(true, s(2)), Some(Order::Start));
        assert_eq!(pace.next(false, s(3)), Some(Order::End));
        pace.ended(s(4));
        assert_eq!(pace.next(false, s(5)), None);
        assert_eq!(pace.next(true, s(6)), Some(Order::Start));
        pace.ended(s(6));
        assert_eq!(pace.next(false, s(7)), None, "it has ended already");
        assert_eq!(pace.next(true, s(8)), Some(Order::Start));
    }

    #[test]
    fn messages_are_lines_without_control_characters() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join(&TUNNEL[1..]);
        std::fs::create_dir_all(script.parent().unwrap()).unwrap();
        std::fs::write(&script, "#!/bin/sh\nprintf 'a\\033[2Jb\\nc' >&2\nexec sleep 60\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let mut client = Client::start(&Paths::below(dir.path())).unwrap();
        let mut lines = Vec::new();
        while lines.is_empty() {
            lines = client.read();
            std::thread::yield_now();
        }
        assert_eq!(lines, ["a[2Jb"]);
        client.say(&lines[0]);
        client.say("the cause");
        client.say(&"x".repeat(LONGEST_SAID));
        assert_eq!(client.said, "a[2Jb the cause");
        client.end();
        assert!(!client.process.wait().unwrap().success());
    }
}
