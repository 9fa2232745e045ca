//! The process that parses what modems, cells and callers send, on the finished image: what it may do, and what its end
//! costs.

use super::{DIAL_IN, SITE, check, shows};
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::stage::{Stage, stick};

/// Lines of `/proc/PID/status` of a process that may do nothing.
const STATUS: &[&str] = &[
    "Groups:\t ",
    "CapInh:\t0000000000000000",
    "CapPrm:\t0000000000000000",
    "CapEff:\t0000000000000000",
    "CapBnd:\t0000000000000000",
    "CapAmb:\t0000000000000000",
    "NoNewPrivs:\t1",
    "Seccomp:\t2",
    "Threads:\t1",
];

/// Names of `/proc/PID/limits`, and soft and hard limit.
const LIMITS: &[(&str, &str)] = &[
    ("Max open files", "0 0"),
    ("Max processes", "0 0"),
    ("Max file size", "0 0"),
    ("Max core file size", "0 0"),
    ("Max address space", "33554432 33554432"),
];

/// A dialer's process has a user of its own and nothing else. When it is killed, the modem is found again by another one,
/// and the log says so.
pub fn of_a_dialer(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    has_nothing_when(&mut booted, "dialctl status", "SIM ready", 900)?;
    is_replaced(&mut booted, "dialctl status", "SIM ready")?;
    has_nothing_when(&mut booted, "dialctl status", "SIM ready", 900)
}

/// The same of a line's.
pub fn of_a_line(stage: &Stage) -> Result<()> {
    let machine = stage.answerer("dial-in")?;
    machine.card().write(SITE, DIAL_IN.as_bytes())?;
    let mut booted = machine.boot()?;
    has_nothing_when(&mut booted, "dialctl lines", "line1   ready", 901)?;
    is_replaced(&mut booted, "dialctl lines", "line1   ready")?;
    has_nothing_when(&mut booted, "dialctl lines", "line1   ready", 901)
}

/// The only process of its name.
fn parser(booted: &mut Booted) -> Result<u32> {
    let shown = booted.must("pidof modem-parser")?;
    shown.trim().parse().map_err(|_| Error::Unexpected(format!("the parsers are {shown:?}")))
}

fn has_nothing_when(booted: &mut Booted, command: &str, shown: &str, uid: u32) -> Result<()> {
    booted.until(command, &[shown])?;
    let pid = parser(booted)?;
    let status = booted.must(&format!("cat /proc/{pid}/status"))?;
    shows("its status", &status, STATUS)?;
    for key in ["Uid", "Gid"] {
        shows("its status", &status, &[&format!("{key}:\t{uid}\t{uid}\t{uid}\t{uid}")])?;
    }
    let limits = booted.must(&format!("cat /proc/{pid}/limits"))?;
    for (name, expected) in LIMITS {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let found = line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        check(found == *expected, || format!("{name} of it is {found:?}:\n{limits}"))?;
    }
    let places = booted.must(&format!("readlink /proc/{pid}/root; readlink /proc/{pid}/cwd"))?;
    check(places == "/var/empty\n/var/empty", || format!("its root and its directory are {places:?}"))?;
    let inside = booted.must("ls -A /var/empty; find /var/empty ! -user root -o -perm -2")?;
    check(inside.is_empty(), || format!("/var/empty is not empty, or not root's: {inside}"))?;
    let open = booted.must(&format!("for fd in /proc/{pid}/fd/*; do readlink $fd; done"))?;
    let is_expected = open.starts_with("socket:[") && open.ends_with("]\n/dev/null\n/dev/null");
    check(is_expected, || format!("it has open:\n{open}"))?;
    let environment = booted.must(&format!("wc -c </proc/{pid}/environ"))?;
    check(environment.trim() == "0", || format!("{environment} octets of environment"))
}

fn is_replaced(booted: &mut Booted, command: &str, shown: &str) -> Result<()> {
    let before = parser(booted)?;
    booted.must(&format!("kill -9 {before}"))?;
    let gone = format!("the modem's parser ({before}) is gone: signal: 9 (SIGKILL)");
    booted.until("logread", &[&gone])?;
    booted.until(command, &[shown])?;
    let after = parser(booted)?;
    check(after != before, || format!("the parser is still {before}"))
}
