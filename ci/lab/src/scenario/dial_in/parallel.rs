//! Two calls at a time, and the ways in which a call ends.

use super::ready::{self, Deadline};
use super::{check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::lines::{BootedLines, Lines, ends};
use crate::network::Line;
use crate::stage::{Stage, line_number};

/// The time, in seconds, after which a silent caller is noticed: the answer to the last echo request is waited for, too.
const SILENCE: u64 = 2 * (3 + 1);
const ECHO: &str = "[dial-in]\nlcp-echo-interval = 2\nlcp-echo-failure = 3\n";

/// From the table in docs/dial-in.md, for a fully wired cable.
const HUNG_UP_HERE: Deadline = Deadline::new("line1", 10);
const WRONG_PASSWORD: Deadline = Deadline::new("line1", 10);
const CARRIER_LOST: Deadline = Deadline::new("line2", 5);
/// The flag and the address with which every frame of LCP begins (RFC 1662 §3.1).
const FRAME: &[u8] = b"~\xff";
const FALLEN_SILENT: Deadline = Deadline::new("line1", SILENCE + 10);

/// Both lines have a caller, each with the addresses of its line. The end of one call does not affect the other.
pub fn two_at_a_time(stage: &Stage) -> Result<()> {
    let lines = Lines::on(stage, Line::INSTANT, ECHO)?;
    let mut boxes = lines.boot()?;
    caller_leaves_during_lcp(stage, &mut boxes.called)?;
    boxes.caller.must("(pppd call line1 updetach & pppd call line2 updetach & wait)")?;
    boxes.called.until("dialctl lines", &["as free, on ppp0", "as free, on ppp1"])?;
    for line in [1, 2] {
        let [local, remote] = ends(line);
        boxes.caller.until("ip addr", &[&format!("inet {remote} peer {local}")])?;
        boxes.ping(line)?;
    }
    no_caller_sends_as_another(&mut boxes)?;

    let since = ready::now(&mut boxes.called)?;
    boxes.called.must("dialctl hangup 1")?;
    ready::kept(stage, &mut boxes.called, since, 1, HUNG_UP_HERE)?;
    boxes.ping(2)?;

    boxes.is_free(1)?;
    let since = ready::now(&mut boxes.called)?;
    let wrong = boxes.caller.run("pppd call line1 password wrong updetach")?;
    check(wrong.code == 19, || {
        format!("with a wrong password pppd ended with {}: {}", wrong.code, wrong.text)
    })?;
    ready::kept(stage, &mut boxes.called, since, 2, WRONG_PASSWORD)?;
    boxes.call(1)?;

    let since = ready::now(&mut boxes.called)?;
    stage.exchange().with(|network, now| {
        lines.caller.modems().iter().skip(1).for_each(|modem| network.hang_up(*modem, now));
    });
    ready::kept(stage, &mut boxes.called, since, 2, CARRIER_LOST)?;
    boxes.ping(1)?;

    // The caller's modem does not hang up.
    let since = ready::now(&mut boxes.called)?;
    boxes.caller.must("kill -STOP $(head -n 1 /run/ppp-caller1.pid)")?;
    ready::kept(stage, &mut boxes.called, since, 3, FALLEN_SILENT)?;
    let lock = boxes.lock(1);
    boxes.caller.must(&format!("kill -KILL $(head -n 1 /run/ppp-caller1.pid) && rm {lock}"))?;
    boxes.call(2)?;
    boxes.call(1)?;
    boxes.ping(1)?;

    let ledger = boxes.called.must("dialctl calls")?;
    let causes = [
        (1, "hung up here"),
        (1, "name or password wrong"),
        (1, "the caller no longer answered"),
        (2, "the caller hung up"),
    ];
    for (line, why) in causes {
        let fields: String = ledger.lines().filter(|entry| entry.contains(&format!("line {line}"))).collect();
        shows("dialctl calls", &fields, &[why])?;
    }
    Ok(())
}

/// A caller of line 2 receives pppd's first frame, and hangs up.
fn caller_leaves_during_lcp(stage: &Stage, called: &mut Booted) -> Result<()> {
    let caller = stage.exchange().with(|network, now| {
        let caller = network.connect_peer("caller3", "+33698765499");
        network.call(caller, &line_number(2), now);
        caller
    });
    stage
        .exchange()
        .until("a frame of LCP", |network| network.peer_has_heard(caller, FRAME).then_some(()))?;
    let since = ready::now(called)?;
    stage.exchange().with(|network, now| network.hang_up(caller, now));
    ready::kept(stage, called, since, 1, CARRIER_LOST)
}

/// The caller of line 1 pings the box from its own address and from that of line 2. The second gets no answer, even if
/// only the firewall rules, and not the kernel's source check, are in force.
fn no_caller_sends_as_another(boxes: &mut BootedLines) -> Result<()> {
    const NO_CHECK: &str = "for check in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$check; done";
    boxes.called.must(&format!("ip addr add {TARGET}/32 dev lo"))?;
    // The calling box must accept an answer over the other line, or the test would prove nothing.
    boxes.caller.must(NO_CHECK)?;
    let [_, own] = ends(1);
    let [_, others] = ends(2);
    for by_rules_alone in [false, true] {
        if by_rules_alone {
            boxes.called.must(NO_CHECK)?;
        }
        boxes.caller.must(&ping_over_line_1(&own))?;
        let forged = boxes.caller.run(&ping_over_line_1(&others))?;
        check(forged.code != 0, || format!("{others} on line 1 is answered: {}", forged.text))?;
    }
    Ok(())
}

/// An address of the box that is not a line's.
const TARGET: &str = "10.99.0.1";

fn ping_over_line_1(source: &str) -> String {
    format!(
        "ip route replace {TARGET} dev $(sed -n 2p /run/ppp-caller1.pid) src {source} && ping -c 2 -W 2 {TARGET}"
    )
}
