//! SLIP on a line (RFC 1055), and with compressed headers (RFC 1144): the kernel's line discipline, an interface with the
//! line's addresses, and what pppd does for PPP: the limits, and the end of the call.
//!
//! It is a process of its own, as pppd is. Debian's slattach sets the line discipline, too, but neither says which
//! interface it got nor knows a limit; with the `arp` that it needs beside it, it would take ten times the room.

mod interface;

use std::env::args_os;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, pwrite, write};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use crate::clock;
use crate::line::terminal::{Ending, Limits};
use crate::line::termination::termination;
use crate::names::{note, session::SLIP};
use crate::paths::Paths;
use crate::ppp::Interface;
use crate::ppp::counters::{self, Carried};
use crate::record::Record;

/// The longest packet of RFC 1055 §3, where the site does not say another one.
pub const MTU: u16 = 1006;

/// The same as [`SLIP`].
const NAME: &std::ffi::CStr = c"line-slip";
/// How often the line is looked at: the kernel tells nobody that a line with this discipline has lost its carrier.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a process is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Whether headers of TCP are compressed.
    pub is_compressed: bool,
    /// The name of the interface.
    pub interface: String,
    /// The box's address on this line.
    pub local: Ipv4Addr,
    /// The caller's.
    pub remote: Ipv4Addr,
    /// The longest packet.
    pub mtu: u16,
    /// The interface at which the box answers ARP for the caller.
    pub proxy_arp: Option<String>,
    /// The site's limits.
    pub limits: Limits,
}

impl Start {
    /// The command for it. Its standard input is to be the port, and its standard output the file of its
    /// [note](crate::published::TrafficNote).
    pub fn command(&self, program: &Path) -> Command {
        let Self { is_compressed, interface, local, remote, mtu, proxy_arp, limits } = self;
        let seconds = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_secs()).to_string();
        let mut command = Command::new(program);
        command.arg0(SLIP);
        command.args([&is_compressed.to_string(), interface, &local.to_string(), &remote.to_string()]);
        command.args([
            &mtu.to_string(),
            proxy_arp.as_deref().unwrap_or_default(),
            &seconds(limits.idle),
            &seconds(limits.session),
        ]);
        command
    }

    /// Reads the arguments of the command.
    fn from_args(args: &[String]) -> Option<Self> {
        let [compressed, interface, local, remote, mtu, arp, idle, session] = args else { return None };
        let limit = |text: &str| {
            let seconds: u64 = text.parse().ok()?;
            Some((seconds > 0).then_some(Duration::from_secs(seconds)))
        };
        Some(Self {
            is_compressed: compressed.parse().ok()?,
            interface: interface.clone(),
            local: local.parse().ok()?,
            remote: remote.parse().ok()?,
            mtu: mtu.parse().ok()?,
            proxy_arp: (!arp.is_empty()).then(|| arp.clone()),
            limits: Limits { idle: limit(idle)?, session: limit(session)? },
        })
    }

    /// What takes long, and is done before the caller is told to begin.
    fn preparations(&self) -> Vec<Vec<String>> {
        // With `.` for `/`, a name with a dot, such as that of a VLAN, would be two (sysctl(8)).
        let arp = self.proxy_arp.as_ref().map(|lan| format!("sysctl -qw net/ipv4/conf/{lan}/proxy_arp=1"));
        let commands = [
            // It has its rules since the driver was loaded (overlay/sbin/modprobe), or there is no link.
            "/etc/init.d/firewall".to_owned(),
            "/sbin/modprobe slip".to_owned(),
            "sysctl -qw net.ipv4.ip_forward=1".to_owned(),
        ];
        let words = |command: String| command.split(' ').map(str::to_owned).collect();
        commands.into_iter().chain(arp).map(words).collect()
    }

    /// The last words before SLIP. Scripts wait for them: a dialer takes the caller's address from there.
    fn announcement(&self) -> String {
        let protocol = if self.is_compressed { "CSLIP" } else { "SLIP" };
        format!("\r\nStarting {protocol}, your address is {}\r\n", self.remote)
    }
}

/// The process, from its start to its end. It is not started by hand.
pub fn run() -> ExitCode {
    let args: Option<Vec<String>> = args_os().skip(1).map(|arg| arg.into_string().ok()).collect();
    let Some(start) = args.and_then(|args| Start::from_args(&args)) else { return ExitCode::from(2) };
    let mut carried = Carried { sent: 0, received: 0 };
    let ending = match begin(&start) {
        Ok(termination) => carry(&start, &termination, &mut carried),
        Err(error) => Ending::Failed(format!("SLIP cannot begin: {error}")),
    };
    write_note(carried, Some(&ending));
    ExitCode::SUCCESS
}

/// Returns what becomes readable when the call is to end.
fn begin(start: &Start) -> io::Result<OwnedFd> {
    let termination = termination()?;
    rustix::thread::set_name(NAME)?;
    // From now on the kernel hangs the port up when DCD goes off, as for pppd's `modem`.
    let mut line = tcgetattr(stdin())?;
    line.control_modes.remove(ControlModes::CLOCAL);
    tcsetattr(stdin(), OptionalActions::Now, &line)?;
    for command in start.preparations() {
        let [program, args @ ..] = command.as_slice() else { continue };
        let mut process = Command::new(program);
        process.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if !process.status()?.success() {
            return Err(io::Error::other(format!("{} has failed", command.join(" "))));
        }
    }
    // The line discipline passes on packets only, so the words come first. It takes less time than they need on the
    // wire, and than the caller's program needs to answer.
    write(stdin(), start.announcement().as_bytes())?;
    interface::bring_up(start)?;
    Ok(termination)
}

/// Waits until the call is over, and counts what is carried.
fn carry(start: &Start, termination: &OwnedFd, carried: &mut Carried) -> Ending {
    let paths = Paths::default();
    let Some(interface) = Interface::new(&start.interface) else { return Ending::HungUp };
    let mut usage = Usage::new(start.limits, clock::since_boot());
    let look_every = Timespec::try_from(LOOK_EVERY).ok();
    loop {
        match counters::read(&paths, &interface) {
            Some(counted) => *carried = counted,
            None => return Ending::HungUp,
        }
        if usage.is_over(*carried, clock::since_boot()) {
            return Ending::Limit;
        }
        write_note(*carried, None);
        let mut fds =
            [PollFd::from_borrowed_fd(stdin(), PollFlags::empty()), PollFd::new(termination, PollFlags::IN)];
        let waited = poll(&mut fds, look_every.as_ref());
        let [line, told] = fds.map(|fd| fd.revents());
        if !told.is_empty() {
            *carried = counters::read(&paths, &interface).unwrap_or(*carried);
            return Ending::Told;
        }
        if matches!(waited, Err(error) if error != Errno::INTR)
            || line.intersects(PollFlags::HUP | PollFlags::ERR)
        {
            return Ending::HungUp;
        }
    }
}

/// How a caller uses the line.
#[derive(Debug)]
struct Usage {
    limits: Limits,
    began: Duration,
    /// The bytes of the caller, and when there were fewer.
    received: u64,
    heard: Duration,
}

impl Usage {
    fn new(limits: Limits, now: Duration) -> Self {
        Self { limits, began: now, received: 0, heard: now }
    }

    /// Whether a limit is reached.
    fn is_over(&mut self, carried: Carried, now: Duration) -> bool {
        if carried.received != self.received {
            (self.received, self.heard) = (carried.received, now);
        }
        let is_reached = |limit: Option<Duration>, since| limit.is_some_and(|limit| since + limit <= now);
        is_reached(self.limits.idle, self.heard) || is_reached(self.limits.session, self.began)
    }
}

/// The note only grows, so each one covers the one before. If it cannot be written, the call goes on.
fn write_note(carried: Carried, ending: Option<&Ending>) {
    let record = Record::new().with(note::RECEIVED, carried.received).with(note::SENT, carried.sent);
    let record = record.with_known(note::WHY, ending);
    let _ = pwrite(stdout(), record.to_string().as_bytes(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Start {
        Start {
            is_compressed: true,
            interface: "ppp0".to_owned(),
            local: Ipv4Addr::new(192, 0, 2, 1),
            remote: Ipv4Addr::new(192, 0, 2, 2),
            mtu: 296,
            proxy_arp: Some("eth0.2".to_owned()),
            limits: Limits { idle: Some(Duration::from_secs(60)), session: None },
        }
    }

    #[test]
    fn the_arguments_of_the_command_are_read_as_they_were_meant() {
        let command = start().command(Path::new("/proc/self/exe"));
        let args: Vec<String> = command.get_args().map(|arg| arg.to_str().unwrap().to_owned()).collect();
        assert_eq!(Start::from_args(&args), Some(start()));
        assert_eq!(Start::from_args(&args[1..]), None);
    }

    #[test]
    fn the_rules_come_first() {
        let commands: Vec<String> = start().preparations().iter().map(|command| command.join(" ")).collect();
        assert_eq!(
            commands,
            [
                "/etc/init.d/firewall",
                "/sbin/modprobe slip",
                "sysctl -qw net.ipv4.ip_forward=1",
                "sysctl -qw net/ipv4/conf/eth0.2/proxy_arp=1",
            ]
        );
    }

    #[test]
    fn the_caller_is_told_its_address() {
        assert_eq!(start().announcement(), "\r\nStarting CSLIP, your address is 192.0.2.2\r\n");
        let plain = Start { is_compressed: false, ..start() };
        assert_eq!(plain.announcement(), "\r\nStarting SLIP, your address is 192.0.2.2\r\n");
    }

    #[test]
    fn only_bytes_of_the_caller_keep_the_line() {
        let at = Duration::from_secs;
        let carried = |received, sent| Carried { received, sent };
        let mut usage = Usage::new(start().limits, at(0));
        assert!(!usage.is_over(carried(40, 0), at(50)));
        assert!(!usage.is_over(carried(40, 9000), at(109)));
        assert!(usage.is_over(carried(40, 9001), at(110)));
        let mut usage = Usage::new(Limits { idle: None, session: Some(at(100)) }, at(0));
        assert!(!usage.is_over(carried(1, 1), at(99)));
        assert!(usage.is_over(carried(2, 2), at(100)));
    }
}
