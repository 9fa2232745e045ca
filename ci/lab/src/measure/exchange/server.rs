//! The two servers: the box's exchange, built for this machine, and Debian's kamailio.

use super::Programs;
use crate::baresip::free_port;
use crate::error::{Error, Result};
use crate::leftovers::{self, Note};
use crate::sipp::{self, ACCOUNTS, LOOPBACK};
use crate::unpacked;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The box's.
    Ours,
    /// The same, with the sound of the calls through it.
    Relay,
    /// kamailio, with one process for requests and no TCP. It does less: no OPTIONS to the telephones, no log of calls,
    /// no state that survives it.
    Kamailio,
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    dir: TempDir,
    _note: Note,
    /// Its port at 127.0.0.1.
    pub port: u16,
}

/// What a server and all its processes have used so far.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// Resident memory in KiB; what several processes share counts once (proc(5), `Pss`).
    pub kib: f64,
    /// Processor time in milliseconds.
    pub cpu_ms: f64,
}

impl Server {
    /// Starts one with the accounts of [`sipp::site`].
    pub fn start(kind: Kind, programs: &Programs) -> Result<Self> {
        let (dir, port) = (leftovers::private_dir()?, free_port()?);
        let write = |name: &str, text: String| {
            let file = dir.path().join(name);
            fs::write(&file, text).map_err(|e| Error::io("write", &file, e))
        };
        let mut command = match kind {
            Kind::Ours | Kind::Relay => {
                for made in ["etc/dialbox", "state"] {
                    let made = dir.path().join(made);
                    fs::create_dir_all(&made).map_err(|e| Error::io("make", &made, e))?;
                }
                let site = sipp::site(LOOPBACK, port);
                let relay = if kind == Kind::Relay { "rtp-relay = true\n" } else { "" };
                write(
                    "etc/dialbox/site.toml",
                    site.replace("[exchange]\n", &format!("[exchange]\n{relay}")),
                )?;
                let mut command = Command::new(&programs.exchange);
                command.arg0("exchange").arg("--root").arg(dir.path());
                command
            }
            Kind::Kamailio => {
                let tools = &programs.kamailio;
                let found = unpacked::find(tools, "usr/sbin/kamailio").map_err(Error::NoSipTool)?;
                write("kamailio.cfg", configuration(tools, port))?;
                let mut command = Command::new(found.loader);
                command.args(found.first).arg("-f").arg(dir.path().join("kamailio.cfg"));
                // In the foreground, with 32 MB of shared memory and 4 MB for each process at most: 500 calls in a row
                // need more than 8 MB.
                command.args(["-DD", "-E", "-m", "32", "-M", "4", "-Y"]).arg(dir.path());
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|e| Error::io("start", &programs.exchange, e))?;
        let note = leftovers::process(Pid::from_child(&child));
        Ok(Self { child, dir, _note: note, port })
    }

    /// A directory for files beside it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has used.
    pub fn used(&self) -> Result<Used> {
        let (mut kib, mut ticks) = (0.0, 0.0);
        for process in with_children(self.child.id()) {
            let read = |name: &str| {
                let file = PathBuf::from(format!("/proc/{process}/{name}"));
                fs::read_to_string(&file).map_err(|e| Error::io("read", &file, e))
            };
            kib += super::super::field(&read("smaps_rollup")?, "Pss:");
            let stat = read("stat")?;
            // utime and stime: the 12th and 13th word after the name in parentheses (proc(5)).
            let words = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            ticks += words.skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum::<f64>();
        }
        // 100 ticks a second on every architecture of Debian's (sysconf(3), _SC_CLK_TCK).
        Ok(Used { kib, cpu_ms: ticks * 10.0 })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // kamailio ends its children then.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        drop(self.child.wait());
    }
}

/// A process and all that it has started.
fn with_children(process: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = text.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(with_children);
    std::iter::once(process).chain(children).collect()
}

/// A registrar and a proxy with a route, as the exchange is: a digest for each REGISTER and INVITE, contacts in memory.
fn configuration(tools: &Path, port: u16) -> String {
    let modules =
        ["tm", "sl", "rr", "pv", "maxfwd", "usrloc", "registrar", "auth", "htable", "textops", "siputils"];
    let mut text = format!(
        "#!KAMAILIO\ndebug=0\nlog_stderror=yes\nchildren=1\ndisable_tcp=yes\nauto_aliases=no\ndns=no\nrev_dns=no\n\
         listen=udp:127.0.0.1:{port}\nmpath=\"{}/\"\n",
        tools.join("usr/lib/x86_64-linux-gnu/kamailio/modules").display()
    );
    // A String takes every write: `fmt::Write` for it has no error.
    for module in modules {
        let _ = writeln!(text, "loadmodule \"{module}.so\"");
    }
    text += include_str!("kamailio.cfg");
    text += "event_route[htable:mod-init] {\n";
    for at in 0..ACCOUNTS {
        let _ = writeln!(text, "\t$sht(users=>ata{at})=\"key{at}\";");
    }
    text + "}\n"
}
