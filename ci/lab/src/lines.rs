//! A box with telephone lines, and a box that calls them: pppd and chat at both ends, each modem behind an adapter with
//! all control signals.

use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::machine::Machine;
use crate::network::{Line, Network};
use crate::stage::{Stage, boot_both, line_number};

/// The number of lines of the called box, and of modems of the calling box, unless a scenario has a site of its own.
pub const LINES: usize = 2;

/// Both boxes, switched off.
pub struct Lines<'a> {
    /// The box whose lines are called, with the modems `line1`, `line2`, and so on.
    pub called: Machine<'a>,
    /// The box that calls, with the modems `caller1`, `caller2`, and so on.
    pub caller: Machine<'a>,
}

/// Both, switched on and ready.
pub struct BootedLines<'a> {
    exchange: &'a Exchange,
    /// The box whose lines are called.
    pub called: Booted<'a>,
    /// The box that calls.
    pub caller: Booted<'a>,
    /// The names of the calling box's serial ports, one for each line.
    ports: Vec<String>,
}

impl<'a> Lines<'a> {
    /// Puts them on a stage, connected by such lines. `more` is added to the site of the called box.
    pub fn on(stage: &'a Stage, line: Line, more: &str) -> Result<Self> {
        Self::with_site(stage, line, LINES, &format!("{}{more}", site(LINES)))
    }

    /// The same with this many lines, and this site for the called box.
    pub fn with_site(stage: &'a Stage, line: Line, count: usize, site: &str) -> Result<Self> {
        let mut called = stage.with_lines("dial-in", count)?;
        called.card().write("site.toml", site.as_bytes())?;
        let mut caller = stage.with_callers("caller", count, line)?;
        // Its dialer is configured for a port without a modem, so the modems are free for pppd.
        caller.card().write("site.toml", CALLING_SITE.as_bytes())?;
        called.attach_adapters()?;
        caller.attach_adapters()?;
        Ok(Self { called, caller })
    }

    /// Switches both on.
    pub fn boot(&self) -> Result<BootedLines<'_>> {
        let (mut called, mut caller) = boot_both(&self.called, &self.caller)?;
        let lines = 1..=self.called.modems().len();
        let ports = lines.clone().map(|line| serial_port(&mut caller, line)).collect::<Result<Vec<_>>>()?;
        for (line, port) in lines.clone().zip(&ports) {
            caller.must(&format!("printf '{}' >/etc/ppp/peers/line{line}", peer(line, port)))?;
        }
        let ready: Vec<String> = lines.map(|line| format!("line{line}   ready, 0 calls")).collect();
        called.until_all("dialctl lines", &ready)?;
        Ok(BootedLines { exchange: self.called.exchange(), called, caller, ports })
    }
}

impl BootedLines<'_> {
    /// Waits until the caller's pppd has ended its last call.
    pub fn is_free(&mut self, line: usize) -> Result<()> {
        let lock = self.lock(line);
        self.caller.until(&format!("test ! -e {lock}"), &[]).map(drop)
    }

    /// The lock file of the caller's pppd.
    pub fn lock(&self, line: usize) -> String {
        format!("/var/lock/LCK..{}", self.ports[line - 1])
    }

    /// Calls a line; the link is up.
    pub fn call(&mut self, line: usize) -> Result<()> {
        self.is_free(line)?;
        // chat's input is in the log only.
        let call = format!("pppd call line{line} updetach || {{ logread | tail -n 20; false; }}");
        self.caller.must(&call).map(drop)
    }

    /// Calls the first line this many times, and hangs up as soon as the link is up; calls again as soon as the line is
    /// ready.
    pub fn call_and_hang_up(&mut self, times: u32) -> Result<()> {
        for _ in 0..times {
            self.call(1)?;
            self.hang_up(1)?;
        }
        Ok(())
    }

    /// The caller hangs up; the line is ready again.
    pub fn hang_up(&mut self, line: usize) -> Result<()> {
        let name = format!("line{line}");
        let before = self.exchange.with(|network, _| resets(network, &name));
        // The port lock is released before pppd ends, and until then pppd may still hang up.
        self.caller.must(&format!(
            "pid=$(head -n 1 /run/ppp-caller{line}.pid); kill $pid; while kill -0 $pid; do sleep 0.1; done 2>&-"
        ))?;
        self.exchange.until(&format!("{name} ready"), |it| (resets(it, &name) > before).then_some(()))
    }

    /// Pings the far end of a line's link. Packets before its firewall rules are loaded are lost.
    pub fn ping(&mut self, line: usize) -> Result<()> {
        self.caller.until(&format!("ping -c 1 -W 3 {}", ends(line)[0]), &[]).map(drop)
    }
}

/// How often a line's modem was reset: before the first call and after each.
pub fn resets(network: &Network, line: &str) -> usize {
    // The last command that every line gets before it is ready. The later ones are skipped if a call comes at once.
    network.journal().typed(line).matches("ATQ0V1E0S0=0&C1&D2").count()
}

/// Resources of the service `dial-in`, with the processes of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Resident memory, in KiB. What the processes share counts for each of them.
    pub resident: u32,
    /// The part of it that is no file's. Pages of the program come and go, and are no leak.
    pub own: u32,
    /// Open files.
    pub files: u32,
}

impl Footprint {
    /// Reads them on this box.
    pub fn of(booted: &mut Booted) -> Result<Self> {
        let shown = booted.must(
            "kib=0 own=0 files=0; for pid in $(pidof dial-in); do cd /proc/$pid; \
             set -- $(grep VmRSS status) $(grep RssAnon status) $(ls fd | wc -l); \
             kib=$((kib + $2)) own=$((own + $5)) files=$((files + $7)); done; cd /; echo $kib $own $files",
        )?;
        let numbers: Vec<u32> = shown.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        match numbers[..] {
            [resident, own, files] => Ok(Self { resident, own, files }),
            _ => Err(Error::Unexpected(format!("the footprint of dial-in is {shown:?}"))),
        }
    }
}

/// The addresses of a line's link: the box's, and the caller's.
pub fn ends(line: usize) -> [String; 2] {
    [1, 2].map(|end| format!("192.168.{}.{end}", 100 + line))
}

/// The site of a box with this many lines, each at its own USB port, and one user.
pub fn site(lines: usize) -> String {
    let line = |line| {
        let [local, remote] = ends(line);
        format!("[[line]]\nport = \"1-1.{line}\"\nlocal = \"{local}\"\nremote = \"{remote}\"\n")
    };
    let lines: String = (1..=lines).map(line).collect();
    format!(
        "role = \"dial-in\"\nhostname = \"dial-in\"\n{lines}[[user]]\nname = \"free\"\npassword = \"free\"\n"
    )
}

const CALLING_SITE: &str = "role = \"dialer\"\nhostname = \"caller\"\n\
     [modem]\nport = \"1-1.8\"\n\
     [operator]\nname = \"nobody\"\napn = \"nobody\"\nuser = \"free\"\npassword = \"free\"\n";

/// The name of the serial port at this USB port. Adapters are numbered in the order in which the kernel's driver has
/// finished with them, which is not always that of their ports.
pub fn serial_port(booted: &mut Booted, line: usize) -> Result<String> {
    let port = booted.until(&format!("(cd /sys/bus/usb/devices/1-1.{line}:1.0 && ls -d ttyUSB*)"), &[])?;
    Ok(port.trim().to_owned())
}

/// pppd's options for calling a line from this port, for printf(1).
fn peer(line: usize, port: &str) -> String {
    // Before ATZ is answered, NO CARRIER may still report the end of the last call; only after it does it count.
    let number = line_number(line);
    let chat = format!("chat -t 60 \"\" ATZ OK ATDT{number} ABORT BUSY ABORT \"NO CARRIER\" CONNECT \"\"");
    let options = [
        &format!("{port} 115200"),
        "lock modem crtscts noauth noipdefault nodefaultroute noipv6",
        "user free linkname caller",
    ]
    .map(str::to_owned);
    let mut options = options.join("\\n");
    options += &format!("{line}\\nconnect \"{}\"\\n", chat.replace('"', "\\\\\""));
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialbox::site::{Role, Site};

    #[test]
    fn both_sites_are_valid() {
        let Role::DialIn(called) = Site::parse(&site(LINES)).unwrap().role else { panic!("it is called") };
        assert_eq!(called.lines.len(), LINES);
        assert!(matches!(Site::parse(CALLING_SITE).unwrap().role, Role::Dialer(_)));
    }
}
