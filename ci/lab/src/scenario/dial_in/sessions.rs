//! SLIP and a terminal on a service: the end of the carrier, and a service that is restarted during the call.

use super::super::login::SERVER;
use super::ready::{self, Deadline};
use super::{SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::ip;
use crate::lines::{ends, resets, site};
use crate::network::{Line, Subscriber};
use crate::stage::{Stage, line_number};
use std::net::Ipv4Addr;

/// The lines of the two callers, and how soon they are ready again: the table in docs/dial-in.md.
const SLIP: Deadline = Deadline::new("line1", 5);
const TERMINAL: Deadline = Deadline::new("line2", 5);
const HUNG_UP_HERE: Deadline = Deadline::new("line2", 10);

const MORE: &str = "[dial-in]\nidle-limit = \"15m\"\n[[service]]\nname = \"bbs\"\naddress = \"127.0.0.1:2323\"\n\
    [[user]]\nname = \"old\"\npassword = \"change-me\"\nservices = [\"slip\"]\n\
    [[user]]\nname = \"reader\"\npassword = \"change-me\"\nservices = [\"bbs\"]\n";

/// The processes and interfaces of a session.
const LEFT: &str =
    "pidof line-slip line-terminal; ip link show ppp0 2>/dev/null; ls /run/ppp-line*.pid 2>/dev/null";
/// Kills the service; returns when the next one has locked the port of a call.
const RESTART: &str = "kill -9 $(pidof dial-in)";
const LOCKED_AGAIN: &str =
    "it=$(pidof dial-in); [ \"$(echo $(cat /run/lock/LCK..line1 /run/lock/LCK..line2))\" = \"$it $it\" ]";

/// One who calls by SLIP (RFC 1055) or from a terminal, without an operating system.
struct Caller<'a> {
    stage: &'a Stage,
    peer: Subscriber,
    line: usize,
}

/// Both kinds of session end with the carrier, and their lines are ready again in time. They go on while the service is
/// restarted, and the new one knows why they have ended. Nothing is left of them.
pub fn sessions(stage: &Stage) -> Result<()> {
    let mut called = stage.with_lines("dial-in", 2)?;
    let site = site(2).replace("[[line]]\n", "[[line]]\nlogin = true\n") + MORE;
    called.card().write(SITE, site.as_bytes())?;
    called.attach_adapters()?;
    let mut booted = called.boot()?;
    booted.until("dialctl lines", &["line1   ready", "line2   ready"])?;
    booted.must(SERVER)?;
    let (by_slip, terminal) = (Caller::new(stage, 1), Caller::new(stage, 2));

    call_both(&by_slip, &terminal, &mut booted, 1)?;
    let since = ready::now(&mut booted)?;
    by_slip.hang_up();
    ready::kept(stage, &mut booted, since, 1, SLIP)?;
    let since = ready::now(&mut booted)?;
    terminal.hang_up();
    ready::kept(stage, &mut booted, since, 1, TERMINAL)?;
    nothing_is_left(&mut booted)?;

    call_both(&by_slip, &terminal, &mut booted, 2)?;
    booted.must(RESTART)?;
    booted.until(LOCKED_AGAIN, &[])?;
    by_slip.pings(3)?;
    terminal.types("hello", "hello")?;
    booted.until("dialctl lines", &["as old, on ppp0", "as reader, on bbs"])?;
    let since = ready::now(&mut booted)?;
    by_slip.hang_up();
    is_reset_in_time(stage, &mut booted, since, SLIP)?;
    let since = ready::now(&mut booted)?;
    booted.must("dialctl hangup 2")?;
    is_reset_in_time(stage, &mut booted, since, HUNG_UP_HERE)?;
    booted.until("dialctl lines", &["line1   ready", "line2   ready"])?;
    nothing_is_left(&mut booted)?;

    let ledger = booted.must("dialctl calls")?;
    let calls = [
        ["line 1", "  old  ", "slip  the caller hung up"],
        ["line 2", "  reader  ", "bbs  the caller hung up"],
        ["line 1", "  old  ", "slip  the caller hung up"],
        ["line 2", "  reader  ", "bbs  hung up here"],
    ];
    check(ledger.lines().count() == calls.len(), || format!("not four calls in the ledger:\n{ledger}"))?;
    for (entry, parts) in ledger.lines().zip(calls) {
        shows("dialctl calls", entry, &parts)?;
        check(!entry.contains("  0B in, "), || format!("the bytes are not counted: {entry}"))?;
    }
    Ok(())
}

/// Both are connected and use what they get, the second time or the first.
fn call_both(by_slip: &Caller, terminal: &Caller, booted: &mut Booted, time: u8) -> Result<()> {
    by_slip.logs_in(booted, "old", "Starting SLIP, your address is 192.168.101.2")?;
    terminal.logs_in(booted, "reader", "welcome")?;
    booted.until("dialctl lines", &["as old, on ppp0", "as reader, on bbs"])?;
    by_slip.pings(time)?;
    let address = booted.must("ip addr show ppp0")?;
    shows("ip addr", &address, &[",UP", "inet 192.168.101.1 peer 192.168.101.2/32"])?;
    let confined = booted.must("cat /proc/$(cat /run/ppp-line2.pid)/status")?;
    shows("the process of the terminal", &confined, &["NoNewPrivs:\t1", "Seccomp:\t2"])
}

fn nothing_is_left(booted: &mut Booted) -> Result<()> {
    let left = booted.run(LEFT)?.text;
    check(left.is_empty(), || format!("this is left of the calls:\n{left}"))
}

/// As [`ready::kept`], for a service that has not counted the calls before it.
fn is_reset_in_time(
    stage: &Stage,
    booted: &mut Booted,
    since: std::time::Duration,
    it: Deadline,
) -> Result<()> {
    stage.exchange().until(it.line, |network| (resets(network, it.line) > 2).then_some(()))?;
    booted.until("dialctl lines", &[&format!("{}   ready", it.line)])?;
    ready::in_time(booted, since, it)
}

/// A packet for a line with SLIP (RFC 1055 §3).
fn framed(packet: &[u8]) -> Vec<u8> {
    const END: u8 = 0xc0;
    const ESCAPE: u8 = 0xdb;
    let changed = packet.iter().flat_map(|byte| match *byte {
        END => vec![ESCAPE, 0xdc],
        ESCAPE => vec![ESCAPE, 0xdd],
        byte => vec![byte],
    });
    std::iter::once(END).chain(changed).chain([END]).collect()
}

impl<'a> Caller<'a> {
    fn new(stage: &'a Stage, line: usize) -> Self {
        let peer = stage.exchange().with(|network, _| {
            let peer = network.connect_peer(&format!("caller{line}"), &format!("+3369876540{line}"));
            network.set_line(peer, Line::INSTANT);
            peer
        });
        Self { stage, peer, line }
    }

    fn logs_in(&self, booted: &mut Booted, name: &str, seen: &str) -> Result<()> {
        self.stage.exchange().with(|network, now| network.call(self.peer, &line_number(self.line), now));
        booted.until("dialctl lines", &[&format!("line{}   logging-in", self.line)])?;
        self.types("\r", "login: ")?;
        self.types(&format!("{name}\r"), "Password: ")?;
        self.types("change-me\r", seen)
    }

    /// Sends keys, and waits until this follows.
    fn types(&self, keys: &str, seen: &str) -> Result<()> {
        self.says(keys.as_bytes(), seen.as_bytes(), seen)
    }

    /// Sends an echo request over SLIP, and waits for the answer. The number is not that of another ping.
    fn pings(&self, number: u8) -> Result<()> {
        let [local, own] = ends(self.line).map(|end| end.parse().unwrap_or(Ipv4Addr::UNSPECIFIED));
        let request = framed(&ip::ping([own, local], number));
        self.says(&request, &[2, 0, number, 0, b'a', b'b', b'c'], "an answer to a ping over SLIP")
    }

    fn says(&self, bytes: &[u8], answer: &[u8], what: &str) -> Result<()> {
        let before = self.stage.exchange().with(|network, now| {
            let before = network.heard_by_peer(self.peer).len();
            network.say(self.peer, bytes, now);
            before
        });
        self.stage.exchange().until(what, |network| {
            let heard = network.heard_by_peer(self.peer).get(before..).unwrap_or_default();
            heard.windows(answer.len()).any(|part| part == answer).then_some(())
        })
    }

    fn hang_up(&self) {
        self.stage.exchange().with(|network, now| network.hang_up(self.peer, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialbox::site::Site;

    #[test]
    fn the_site_is_valid() {
        let site = site(2).replace("[[line]]\n", "[[line]]\nlogin = true\n") + MORE;
        assert!(Site::parse(&site).is_ok());
    }

    #[test]
    fn a_packet_is_framed_as_by_rfc_1055() {
        assert_eq!(framed(&[1, 0xc0, 0xdb, 2]), [0xc0, 1, 0xdb, 0xdc, 0xdb, 0xdd, 2, 0xc0]);
    }
}
