//! The pppd process: its start, its end, and the meaning of its exit status.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use super::Interface;
use crate::names::{hook::NO_CALL, run_file};
use crate::paths::Paths;
use crate::site::Dialer;

/// The signals for pppd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// pppd terminates LCP, runs ip-down and hangs up.
    Terminate,
    /// pppd and its interface are gone at once; ip-down is not run.
    Kill,
}

/// A pppd that runs or has just ended.
#[derive(Debug)]
pub struct Pppd {
    pid: Pid,
    /// Becomes readable when the process ends (pidfd_open(2)).
    end: OwnedFd,
    /// `None` for one that another program started: its exit status is not ours to read.
    child: Option<Child>,
}

/// Runs while the modem dials. pppd cannot use the port before the firewall's rules are loaded; the first time in a
/// boot, their modules take a second, and that of the VPN a third of one. The redirections release the port.
fn drivers_meanwhile(dialer: &Dialer) -> String {
    let of_vpn = if dialer.vpn.is_some() { " wireguard" } else { "" };
    format!("/sbin/modprobe -a ppp_async{of_vpn} <>/dev/null >&0 2>&0 &")
}

/// Starts pppd for the site's provider, with the APN of this number, from 0. It does not detach (`nodetach`), logs to syslog and to [a
/// file](super::pppd_log), and outlives this service: the next run finds it with [`running`](super::counters::running).
///
/// # Errors
/// pppd is missing or cannot be executed.
pub fn spawn(paths: &Paths, dialer: &Dialer, apn: usize) -> io::Result<Pppd> {
    paths.withdraw(run_file::PPPD_LOG);
    let mut command = Command::new("pppd");
    command.args(["call", dialer.operator.name.as_str(), "nodetach"]);
    // The provider's own `connect`, and a report to us if it fails: pppd's exit status does not tell how it failed.
    let report = format!("{{ dialctl hook {NO_CALL} $?; exit 1; }}");
    let (drivers, script) = (drivers_meanwhile(dialer), dialer.connect_script(apn));
    command.arg("connect").arg(format!("{drivers} {script} || {report}"));
    // The file also gets `chat`'s report.
    command.arg("logfile").arg(paths.run_file(run_file::PPPD_LOG));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Pppd::follow(command.process_group(0).spawn()?)
}

/// Starts the script that pppd runs when a link is down (pppd(8), SCRIPTS), for a pppd that has ended without it. Of
/// the arguments, Debian's script and its parts use only the interface.
///
/// # Errors
/// The script is missing or cannot be executed.
pub fn run_ip_down(paths: &Paths, interface: &Interface, pid: Pid) -> io::Result<Child> {
    let mut command = Command::new(paths.path("/etc/ppp/ip-down"));
    let [tty, speed, local, remote, parameter] = [""; 5];
    command.args([interface.as_str(), tty, speed, local, remote, parameter]);
    command.env("PPPD_PID", pid.as_raw_nonzero().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

impl Pppd {
    /// Follows a pppd that was started here.
    ///
    /// # Errors
    /// The kernel cannot report its end; pppd is killed at once.
    pub fn follow(mut child: Child) -> io::Result<Self> {
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(end) => Ok(Self { pid, end, child: Some(child) }),
            Err(error) => {
                // Nothing could end it later.
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// Follows a pppd of another program.
    ///
    /// # Errors
    /// `ESRCH` if the process has ended; any other error says nothing about it (pidfd_open(2)).
    pub fn watch(pid: Pid) -> io::Result<Self> {
        Ok(Self { pid, end: pidfd_open(pid, PidfdFlags::empty())?, child: None })
    }

    /// Its process ID.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to this process, never to another one with its PID. It is not an error if the process has ended.
    ///
    /// # Errors
    /// The signal is not allowed.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        match pidfd_send_signal(&self.end, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            sent => Ok(sent?),
        }
    }

    /// How it ended; `None` while it runs. Does not block: poll [`as_fd`](AsFd::as_fd) for reading.
    ///
    /// # Errors
    /// The kernel does not report it.
    pub fn ended(&mut self) -> io::Result<Option<Exit>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?.map(Exit::of)),
            None => {
                let mut fds = [PollFd::new(&self.end, PollFlags::IN)];
                let ended = poll(&mut fds, Some(&Timespec::default()))? > 0;
                Ok(ended.then_some(Exit::Unseen))
            }
        }
    }
}

impl AsFd for Pppd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

/// Why a pppd ended (pppd(8), EXIT STATUS; the numbers are those of pppd.h).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// 0: the operator has ended an established link.
    Peer,
    /// Any other: it failed, or by an option that a dialer does not use.
    Broken(u8),
    /// 4: the kernel has no PPP.
    NoKernelPpp,
    /// 5: it was terminated by a signal.
    Told,
    /// 6: another program has locked the port.
    Locked,
    /// 7: the port cannot be opened.
    NoPort,
    /// 8: `chat` failed.
    DialFailure,
    /// 10: no agreement before IP was up.
    NoAgreement,
    /// 12 or 13: idle or connect time of pppd's own options.
    OwnLimit,
    /// 15: no answer to echo requests.
    PeerDead,
    /// 16: the modem has hung up.
    HungUp,
    /// 17: the line is looped back.
    Loopback,
    /// Name or password refused, by pppd's log.
    AuthRefused,
    /// Name and password were not answered, or not requested, by pppd's log.
    AuthUnanswered,
    /// 19: one of the two.
    AuthUnexplained,
    /// A signal has killed it.
    Killed(i32),
    /// It could not be started.
    NotStarted(String),
    /// It was not started here: its parent gets the status.
    Unseen,
}

impl Exit {
    fn of(status: ExitStatus) -> Self {
        match (status.code().and_then(|code| u8::try_from(code).ok()), status.signal()) {
            (Some(code), _) => Self::from_code(code),
            (None, signal) => Self::Killed(signal.unwrap_or_default()),
        }
    }

    /// Parses an exit status.
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Peer,
            4 => Self::NoKernelPpp,
            5 => Self::Told,
            6 => Self::Locked,
            7 => Self::NoPort,
            8 => Self::DialFailure,
            10 => Self::NoAgreement,
            19 => Self::AuthUnexplained,
            12 | 13 => Self::OwnLimit,
            15 => Self::PeerDead,
            16 => Self::HungUp,
            17 => Self::Loopback,
            code => Self::Broken(code),
        }
    }

    /// Whether another attempt may succeed. A refused password never does, and repeated attempts may lock the account.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Peer | Self::NoPort | Self::DialFailure | Self::NoAgreement | Self::PeerDead => true,
            Self::HungUp | Self::Loopback | Self::AuthUnanswered | Self::AuthUnexplained => true,
            Self::Broken(_) | Self::NoKernelPpp | Self::Told | Self::Locked | Self::OwnLimit => false,
            Self::AuthRefused | Self::Killed(_) | Self::NotStarted(_) | Self::Unseen => false,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer => f.write_str("the operator has closed the link"),
            Self::Broken(code) => write!(f, "pppd failed with status {code}: see logread"),
            Self::NoKernelPpp => f.write_str("the kernel has no PPP"),
            Self::Told => f.write_str("pppd was ended by a signal"),
            Self::Locked => f.write_str("another program has the modem's port"),
            Self::NoPort => f.write_str("the modem's port cannot be opened"),
            Self::DialFailure => f.write_str("the dialling script failed"),
            Self::NoAgreement => f.write_str("the operator gives no IPv4: PPP negotiation failed"),
            Self::OwnLimit => f.write_str("a time limit of pppd's own options"),
            Self::PeerDead => f.write_str("the operator no longer answers"),
            Self::HungUp => f.write_str("the modem has hung up"),
            Self::Loopback => f.write_str("the line is looped back"),
            Self::AuthRefused => f.write_str("the operator refuses user or password"),
            Self::AuthUnanswered => f.write_str("the operator does not answer to user and password"),
            Self::AuthUnexplained => f.write_str("the login failed: see logread"),
            Self::Killed(signal) => write!(f, "signal {signal} has killed pppd"),
            Self::NotStarted(why) => write!(f, "pppd did not start: {why}"),
            Self::Unseen => f.write_str("pppd has ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ppp::DownReason;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// Waits for the end as the dialer does.
    fn end(mut process: Pppd) -> Exit {
        poll(&mut [PollFd::new(&process.end, PollFlags::IN)], None).unwrap();
        process.ended().unwrap().expect("it has ended")
    }

    fn start(script: &str) -> Pppd {
        Pppd::follow(Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap()).unwrap()
    }

    #[test]
    fn the_exit_status_is_read_when_it_comes() {
        let mut running = start("exec sleep 60");
        assert_eq!(running.ended().unwrap(), None);
        running.signal(Signal::Kill).unwrap();
        assert_eq!(end(running), Exit::Killed(9));
        assert_eq!(end(start("exit 16")), Exit::HungUp);
    }

    #[test]
    fn a_process_of_another_program_is_followed_and_ended_too() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let mut stranger = Pppd::watch(Pid::from_child(&child)).unwrap();
        assert_eq!(stranger.ended().unwrap(), None);
        stranger.signal(Signal::Terminate).unwrap();
        assert_eq!(end(stranger), Exit::Unseen);
        child.wait().unwrap();
    }

    #[test]
    fn a_signal_to_a_process_that_has_ended_is_not_an_error() {
        let mut ended = start("true");
        poll(&mut [PollFd::new(&ended.end, PollFlags::IN)], None).unwrap();
        ended.ended().unwrap();
        ended.signal(Signal::Terminate).unwrap();
    }

    #[test]
    fn ip_down_gets_the_interface_and_the_pid() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let script = paths.path("/etc/ppp/ip-down");
        let (interface, pid) = (Interface::new("ppp1").unwrap(), Pid::from_raw(412).unwrap());
        assert!(run_ip_down(&paths, &interface, pid).is_err());
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        let told = dir.path().join("told");
        fs::write(&script, format!("#!/bin/sh\necho $1 $# $PPPD_PID >{}\n", told.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        run_ip_down(&paths, &interface, pid).unwrap().wait().unwrap();
        assert_eq!(fs::read_to_string(told).unwrap(), "ppp1 6 412\n");
    }

    /// The numbers of pppd(8), EXIT STATUS.
    #[test]
    fn every_exit_status_has_a_text_and_says_whether_to_dial_again() {
        let said = (0..=20).map(|code| {
            let why = DownReason::Exit(Exit::from_code(code));
            let again = if why.may_pass() { ", dial again" } else { "" };
            format!("{code:>2} {why}{again}\n")
        });
        insta::assert_snapshot!(said.collect::<String>(), @"
         0 the operator has closed the link, dial again
         1 pppd failed with status 1: see logread
         2 pppd failed with status 2: see logread
         3 pppd failed with status 3: see logread
         4 the kernel has no PPP
         5 pppd was ended by a signal
         6 another program has the modem's port
         7 the modem's port cannot be opened, dial again
         8 the dialling script failed, dial again
         9 pppd failed with status 9: see logread
        10 the operator gives no IPv4: PPP negotiation failed, dial again
        11 pppd failed with status 11: see logread
        12 a time limit of pppd's own options
        13 a time limit of pppd's own options
        14 pppd failed with status 14: see logread
        15 the operator no longer answers, dial again
        16 the modem has hung up, dial again
        17 the line is looped back, dial again
        18 pppd failed with status 18: see logread
        19 the login failed: see logread, dial again
        20 pppd failed with status 20: see logread
        ");
    }
}
