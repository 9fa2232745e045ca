//! The links from the kernel's view: their counters, and the running pppd processes.

use std::fs;

use rustix::process::Pid;

use super::{Connection, Interface};
use crate::names;
use crate::paths::Paths;

/// The bytes of an interface since it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// Sent by the box.
    pub sent: u64,
    /// Sent by the operator, requested or not.
    pub received: u64,
}

impl Carried {
    /// Both directions: the operator charges both.
    pub fn total(self) -> u64 {
        self.sent.saturating_add(self.received)
    }
}

/// The counters of an interface; `None` if it is gone.
///
/// They do not include pppd's own packets (LCP, echo requests): the kernel counts those through the interface
/// (linux/drivers/net/ppp/ppp_generic.c, `ppp_input`). With a mobile modem these cost nothing: LCP ends in the modem.
pub fn read(paths: &Paths, interface: &Interface) -> Option<Carried> {
    let counter = |name: &str| -> Option<u64> {
        let path = format!("/sys/class/net/{interface}/statistics/{name}");
        fs::read_to_string(paths.path(path)).ok()?.trim().parse().ok()
    };
    Some(Carried { sent: counter("tx_bytes")?, received: counter("rx_bytes")? })
}

/// The links that are up when a service starts: pppd writes its process ID to `/run/ppp0.pid` once it has an interface.
pub fn running(paths: &Paths) -> Vec<Connection> {
    let interfaces = fs::read_dir(paths.path("/sys/class/net")).into_iter().flatten().flatten();
    let link = |name: &str| {
        let interface = Interface::new(name)?;
        let note = fs::read_to_string(paths.path(names::pppd_pid_file(name))).ok()?;
        let pid = super::pid(note.lines().next()?)?;
        // A pppd that was killed leaves its file.
        let runs = paths.path(format!("/proc/{pid}")).exists();
        runs.then_some(Connection { interface, pid, addresses: None })
    };
    interfaces.filter_map(|entry| link(entry.file_name().to_str()?)).collect()
}

/// The process of a session, usually pppd, whose [PID file](names::pppd_pid_file) has this name.
pub fn session(paths: &Paths, name: &str) -> Option<Pid> {
    let note = fs::read_to_string(paths.path(names::pppd_pid_file(name))).ok()?;
    let pid = super::pid(note.lines().next()?)?;
    let program = fs::read_to_string(paths.path(format!("/proc/{pid}/comm"))).ok()?;
    names::session::ALL.contains(&program.trim()).then_some(pid)
}

/// Whether a reboot would end a session: a pppd runs, or what a line has in its place.
pub fn in_use(paths: &Paths) -> bool {
    let notes = fs::read_dir(paths.path("/run")).into_iter().flatten().flatten();
    notes.filter_map(|note| note.file_name().into_string().ok()).any(|note| {
        let name = note.strip_suffix(".pid").filter(|name| name.starts_with("ppp"));
        name.is_some_and(|name| session(paths, name).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(paths: &Paths, path: &str, content: &str) {
        let path = paths.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn both_directions_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let ppp0 = Interface::new("ppp0").unwrap();
        assert_eq!(read(&paths, &ppp0), None);
        write(&paths, "/sys/class/net/ppp0/statistics/rx_bytes", "4294967296\n");
        assert_eq!(read(&paths, &ppp0), None);
        write(&paths, "/sys/class/net/ppp0/statistics/tx_bytes", "10\n");
        let carried = read(&paths, &ppp0).unwrap();
        assert_eq!(carried, Carried { sent: 10, received: 4_294_967_296 });
        assert_eq!(carried.total(), 4_294_967_306);
    }

    #[test]
    fn a_link_is_running_if_it_has_an_interface_and_a_process() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for (interface, pid, process) in
            [("lo", "", false), ("ppp0", "11\n", true), ("ppp1", "12\n", false), ("ppp2", "x\n", false)]
        {
            write(&paths, &format!("/sys/class/net/{interface}/mtu"), "1500\n");
            if !pid.is_empty() {
                write(&paths, &format!("/run/{interface}.pid"), pid);
            }
            if process {
                write(&paths, &format!("/proc/{}/stat", pid.trim()), "");
            }
        }
        write(&paths, "/run/ppp9.pid", "19\n");
        write(&paths, "/proc/19/stat", "");
        let found = running(&paths);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].interface.as_str(), found[0].pid), ("ppp0", Pid::from_raw(11).unwrap()));
    }

    #[test]
    fn the_box_is_in_use_while_a_pppd_runs_with_an_interface_or_before_it_has_one() {
        for (note, program, in_use) in [
            ("/run/ppp0.pid", "pppd\n", true),
            ("/run/ppp-line2.pid", "pppd\n", true),
            ("/run/ppp-line2.pid", "line-terminal\n", true),
            ("/run/ppp0.pid", "sh\n", false), // another process has the number of one that was killed
            ("/run/syslogd.pid", "pppd\n", false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let paths = Paths::below(dir.path());
            assert!(!super::in_use(&paths));
            write(&paths, note, "11\nppp0\n");
            assert!(!super::in_use(&paths), "no such process");
            write(&paths, "/proc/11/comm", program);
            assert_eq!(super::in_use(&paths), in_use, "{note} {program}");
        }
    }
}
