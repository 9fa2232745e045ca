//! pppd on a line, from `CONNECT` to its end.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use super::Connected;
use super::calls::{CallEntry, why};
use super::hangup_cause;
use crate::clock;
use crate::names::LineName;
use crate::paths::Paths;
use crate::ppp::pppd::Signal;
use crate::ppp::{Exit, Pppd, counters, pppd_log};
use crate::published::{CallerNote, DriverStatus, LineStatus, Published, TrafficNote};

/// The PPP session of a caller.
#[derive(Debug)]
pub(super) struct PppSession {
    pub pppd: Pppd,
    line: usize,
    connected: Connected,
    /// When the caller must have an address; `None` once it was looked for.
    up_by: Option<Duration>,
    has_no_address: bool,
}

/// From `CONNECT` to the caller's address. pppd limits LCP and the proof of a name itself, but not IPCP with a caller that
/// insists on an address of its own. At 300 bit/s all of it takes half a minute.
const UP_WITHIN: Duration = Duration::from_secs(90);

impl PppSession {
    /// Starts pppd with the line as its terminal, so that it takes no lock, leaves DTR unchanged, and keeps the speed
    /// (pppd(8), `ttyname`; `default_device` in its tty.c).
    ///
    /// A caller who has logged in is not authenticated again. `noauth` after `file` cancels the `auth` and `+pap` in it
    /// (auth.c, `auth_check_options`). The caller's address is still that of the line, since `ipcp-accept-remote` is
    /// not set. The scripts get the name as after PAP.
    ///
    /// # Errors
    /// pppd is missing or cannot be executed.
    pub fn start(
        paths: &Paths,
        line: usize,
        port: OwnedFd,
        connected: Connected,
        now: Duration,
    ) -> io::Result<Self> {
        withdraw_notes(paths, line);
        let name = LineName(line);
        let mut pppd = Command::new("pppd");
        pppd.arg("file").arg(paths.path(name.pppd_options()));
        pppd.args(["linkname", &name.to_string(), "nodetach"]);
        pppd.arg("logfile").arg(paths.run_file(&name.pppd_log()));
        if let Some(user) = &connected.user {
            pppd.args(["noauth", "set", &format!("PEERNAME={user}")]);
        }
        pppd.stdin(Stdio::from(port)).stdout(Stdio::null()).stderr(Stdio::null());
        let pppd = Pppd::follow(pppd.process_group(0).spawn()?)?;
        Ok(Self { pppd, line, connected, up_by: Some(now + UP_WITHIN), has_no_address: false })
    }

    /// A call that an earlier run of this service has connected and that is still up.
    pub fn resume(paths: &Paths, line: usize) -> Option<Self> {
        let pppd = Pppd::watch(pppd_of(paths, line)?).ok()?;
        let published = paths.published(&LineName(line).to_string());
        let status = published.as_ref().and_then(DriverStatus::<LineStatus>::from_record);
        let connected = match status {
            Some(DriverStatus::Works { status, .. }) => Connected::from_status(status),
            Some(DriverStatus::Trouble(_)) | None => None,
        };
        let unknown = || Connected { since: clock::since_boot(), ..Connected::default() };
        let connected = connected.unwrap_or_else(unknown);
        Some(Self { pppd, line, connected, up_by: None, has_no_address: false })
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
        self.pppd.signal(Signal::Terminate)?;
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
        let exit = hangup_cause::cause(&String::from_utf8_lossy(&said), exit);
        let why = if self.has_no_address { NO_ADDRESS.to_owned() } else { why(&exit) };
        let entry = CallEntry::of(self.line, self.connected, now, clock::unix(), why);
        CallEntry { user: entry.user.or(caller.user), bytes: traffic.bytes, ..entry }
    }
}

/// Why a caller was [given up](PppSession::poll_address).
const NO_ADDRESS: &str = "the caller did not take the line's address";

fn withdraw_notes(paths: &Paths, line: usize) {
    let name = LineName(line);
    for note in [name.up(), name.down(), name.pppd_log()] {
        paths.withdraw(&note);
    }
}

/// The running pppd of this line.
pub fn pppd_of(paths: &Paths, line: usize) -> Option<Pid> {
    counters::pppd(paths, &LineName(line).pppd_pid_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn session(paths: &Paths) -> PppSession {
        std::fs::create_dir_all(paths.run_file("")).unwrap();
        let pppd = Pppd::follow(Command::new("sleep").arg("600").spawn().unwrap()).unwrap();
        let connected = Connected::default();
        PppSession { pppd, line: 1, connected, up_by: Some(UP_WITHIN), has_no_address: false }
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
        poll(&mut [PollFd::new(&session.pppd, PollFlags::IN)], None).unwrap();
        let exit = session.pppd.ended().unwrap().unwrap();
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
        session.pppd.signal(Signal::Kill).unwrap();
        poll(&mut [PollFd::new(&session.pppd, PollFlags::IN)], None).unwrap();
        session.pppd.ended().unwrap();
    }
}
