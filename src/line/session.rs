//! What has a line from `CONNECT` to the end of the call: pppd, SLIP, or a terminal on a service.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use super::Connected;
use super::calls::{CallEntry, why, why_of_another};
use super::hangup_cause;
use super::slip;
use super::terminal::{self, Limits};
use crate::clock;
use crate::modem::sandbox::{Program, ROOT as EMPTY};
use crate::names::{self, LineName, line_terminal_uid, note};
use crate::paths::Paths;
use crate::ppp::pppd::Signal;
use crate::ppp::{Exit, Pppd, counters, pppd_log};
use crate::published::{CallerNote, DriverStatus, LineStatus, Published, TrafficNote};
use crate::record::Record;
use crate::site::{DialIn, Mtu, Offer, Service, TimeSpan};

/// The session of a caller.
#[derive(Debug)]
pub(super) struct Session {
    /// pppd, or the process in its place.
    pub process: Pppd,
    line: usize,
    connected: Connected,
    /// When the caller must have an address; `None` once it was looked for, or if it gets none.
    up_by: Option<Duration>,
    has_no_address: bool,
}

/// From `CONNECT` to the caller's address. pppd limits LCP and the proof of a name itself, but not IPCP with a caller that
/// insists on an address of its own. At 300 bit/s all of it takes half a minute.
const UP_WITHIN: Duration = Duration::from_secs(90);

/// Where and for whom a session is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub paths: &'a Paths,
    /// The line, counted from 1.
    pub line: usize,
    pub program: Program<'a>,
    pub dial_in: &'a DialIn,
}

impl Session {
    /// Starts what the caller gets, with the line as its standard input.
    ///
    /// # Errors
    /// The program is missing or cannot be executed.
    pub fn start(place: Place, port: OwnedFd, connected: Connected, now: Duration) -> io::Result<Self> {
        let Place { paths, line, dial_in, .. } = place;
        withdraw_notes(paths, line);
        let (process, up_by) = match &connected.offer {
            Offer::Ppp => (start_pppd(paths, line, port, &connected)?, Some(now + UP_WITHIN)),
            Offer::Slip | Offer::CompressedSlip => (start_slip(place, port, &connected)?, None),
            Offer::Service(name) => {
                let service = dial_in.services.iter().find(|service| service.name == *name);
                let Some(service) = service else { return Err(io::Error::other("there is no such service")) };
                (start_terminal(place, port, service)?, None)
            }
        };
        Ok(Self { process, line, connected, up_by, has_no_address: false })
    }

    /// A call that an earlier run of this service has connected and that is still up.
    pub fn resume(paths: &Paths, line: usize) -> Option<Self> {
        let process = Pppd::watch(session_of(paths, line)?).ok()?;
        let published = paths.published(&LineName(line).to_string());
        let status = published.as_ref().and_then(DriverStatus::<LineStatus>::from_record);
        let connected = match status {
            Some(DriverStatus::Works { status, .. }) => Connected::from_status(status),
            Some(DriverStatus::Trouble(_)) | None => None,
        };
        let unknown = || Connected { since: clock::since_boot(), ..Connected::default() };
        let connected = connected.unwrap_or_else(unknown);
        Some(Self { process, line, connected, up_by: None, has_no_address: false })
    }

    /// When to call [`poll_address`](Self::poll_address), in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        self.up_by
    }

    /// Ends the call of a caller that has no address in time. True if it has just been ended.
    ///
    /// # Errors
    /// pppd cannot be signalled.
    pub fn poll_address(&mut self, paths: &Paths, now: Duration) -> io::Result<bool> {
        if self.up_by.is_none_or(|up_by| now < up_by) {
            return Ok(false);
        }
        self.up_by = None;
        if paths.published(&LineName(self.line).up()).is_some() {
            return Ok(false);
        }
        self.has_no_address = true;
        self.process.signal(Signal::Terminate)?;
        Ok(true)
    }

    /// Called during the call, so that pppd's log does not fill the RAM.
    pub fn trim_log(&self, paths: &Paths) {
        pppd_log::keep_short(&paths.run_file(&LineName(self.line).pppd_log()));
    }

    /// The entry for the ledger, once pppd has ended.
    pub fn end(self, paths: &Paths, exit: Exit, now: Duration) -> CallEntry {
        let name = LineName(self.line);
        let caller = paths.published(&name.up()).as_ref().map(CallerNote::from_record).unwrap_or_default();
        let traffic =
            paths.published(&name.down()).as_ref().map(TrafficNote::from_record).unwrap_or_default();
        let said = std::fs::read(paths.run_file(&LineName(self.line).pppd_log())).unwrap_or_default();
        withdraw_notes(paths, self.line);
        if self.connected.offer != Offer::Ppp {
            // pppd removes its own. One that is left could soon be another line's process.
            let _ = fs::remove_file(pid_file(paths, self.line));
        }
        let exit = hangup_cause::cause(&String::from_utf8_lossy(&said), exit);
        let why = match traffic.why {
            _ if self.has_no_address => NO_ADDRESS.to_owned(),
            Some(why) => why,
            None if self.connected.offer != Offer::Ppp => why_of_another(&exit),
            None => why(&exit),
        };
        let entry = CallEntry::of(self.line, self.connected, now, clock::unix(), why);
        CallEntry { user: entry.user.or(caller.user), bytes: traffic.bytes, ..entry }
    }
}

/// Why a caller was [given up](Session::poll_address).
const NO_ADDRESS: &str = "the caller did not take the line's address";

fn withdraw_notes(paths: &Paths, line: usize) {
    let name = LineName(line);
    for note in [name.up(), name.down(), name.pppd_log()] {
        paths.withdraw(&note);
    }
}

/// pppd has the line as its terminal, so that it takes no lock, leaves DTR unchanged, and keeps the speed (pppd(8),
/// `ttyname`; `default_device` in its tty.c).
///
/// A caller who has logged in is not authenticated again. `noauth` after `file` cancels the `auth` and `+pap` in it
/// (auth.c, `auth_check_options`). The caller's address is still that of the line, since `ipcp-accept-remote` is not
/// set. The scripts get the name as after PAP.
fn start_pppd(paths: &Paths, line: usize, port: OwnedFd, connected: &Connected) -> io::Result<Pppd> {
    let name = LineName(line);
    let mut pppd = Command::new("pppd");
    pppd.arg("file").arg(paths.path(name.pppd_options()));
    pppd.args(["linkname", &name.to_string(), "nodetach"]);
    pppd.arg("logfile").arg(paths.run_file(&name.pppd_log()));
    if let Some(user) = &connected.user {
        pppd.args(["noauth", "set", &format!("PEERNAME={user}")]);
    }
    pppd.stdin(Stdio::from(port)).stdout(Stdio::null()).stderr(Stdio::null());
    Pppd::follow(pppd.process_group(0).spawn()?)
}

/// Like pppd, the process outlives this service, and has a PID file by which the next run finds it.
fn start_terminal(place: Place, port: OwnedFd, service: &Service) -> io::Result<Pppd> {
    let Place { paths, line, program, dial_in } = place;
    let start = terminal::Start {
        address: service.address.socket(),
        protocol: service.protocol,
        limits: limits(dial_in),
        uid: line_terminal_uid(line),
        root: paths.path(EMPTY),
    };
    // The image has it; the directory of a test may not.
    fs::create_dir_all(&start.root)?;
    spawn(paths, line, port, start.command(program.path()))
}

/// The same for SLIP, with the note that pppd's scripts leave about a caller.
fn start_slip(place: Place, port: OwnedFd, connected: &Connected) -> io::Result<Pppd> {
    let Place { paths, line, program, dial_in } = place;
    let Some(site) = line.checked_sub(1).and_then(|at| dial_in.lines.get(at)) else {
        return Err(io::Error::other("there is no such line"));
    };
    let start = slip::Start {
        is_compressed: connected.offer == Offer::CompressedSlip,
        interface: format!("ppp{}", line - 1),
        local: site.local,
        remote: site.remote,
        mtu: dial_in.mtu.map_or(slip::MTU, Mtu::get),
        proxy_arp: dial_in.proxy_arp.as_ref().map(ToString::to_string),
        limits: limits(dial_in),
    };
    let note = Record::new().with_known(note::USER, connected.user.as_ref());
    paths.publish(&LineName(line).up(), &note.with(note::INTERFACE, &start.interface))?;
    spawn(paths, line, port, start.command(program.path()))
}

fn limits(dial_in: &DialIn) -> Limits {
    let limit = |limit: Option<TimeSpan>| limit.map(TimeSpan::get);
    Limits { idle: limit(dial_in.idle_limit), session: limit(dial_in.session_limit) }
}

fn spawn(paths: &Paths, line: usize, port: OwnedFd, mut command: Command) -> io::Result<Pppd> {
    let name = LineName(line);
    let note = File::create(paths.run_file(&name.down()))?;
    command.stdin(Stdio::from(port)).stdout(Stdio::from(note)).stderr(Stdio::null());
    let process = Pppd::follow(command.process_group(0).spawn()?)?;
    let pid = process.pid().as_raw_nonzero();
    fs::write(pid_file(paths, line), format!("{pid}\n"))?;
    Ok(process)
}

fn pid_file(paths: &Paths, line: usize) -> PathBuf {
    paths.path(names::pppd_pid_file(&LineName(line).pppd_pid_name()))
}

/// The process that has this line for a caller.
pub fn session_of(paths: &Paths, line: usize) -> Option<Pid> {
    counters::session(paths, &LineName(line).pppd_pid_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn session(paths: &Paths) -> Session {
        std::fs::create_dir_all(paths.run_file("")).unwrap();
        let process = Pppd::follow(Command::new("sleep").arg("600").spawn().unwrap()).unwrap();
        let connected = Connected::default();
        Session { process, line: 1, connected, up_by: Some(UP_WITHIN), has_no_address: false }
    }

    #[test]
    fn a_caller_that_does_not_take_its_address_is_hung_up_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let mut session = session(&paths);
        assert_eq!(session.deadline(), Some(UP_WITHIN));
        assert!(!session.poll_address(&paths, UP_WITHIN - Duration::from_millis(1)).unwrap());
        assert!(session.poll_address(&paths, UP_WITHIN).unwrap());
        assert!(!session.poll_address(&paths, UP_WITHIN).unwrap(), "once");
        poll(&mut [PollFd::new(&session.process, PollFlags::IN)], None).unwrap();
        let exit = session.process.ended().unwrap().unwrap();
        assert_eq!(session.end(&paths, exit, UP_WITHIN).why, "the caller did not take the line's address");
    }

    #[test]
    fn a_caller_with_its_address_stays() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let mut session = session(&paths);
        std::fs::write(paths.run_file("line1.up"), "user=guest\n").unwrap();
        assert!(!session.poll_address(&paths, UP_WITHIN).unwrap());
        assert_eq!(session.deadline(), None);
        session.process.signal(Signal::Kill).unwrap();
        poll(&mut [PollFd::new(&session.process, PollFlags::IN)], None).unwrap();
        session.process.ended().unwrap();
    }
}
