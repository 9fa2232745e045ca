//! What callers' systems do by themselves: protocols to prove their name, traffic that nobody asked for, and an
//! address of their own.

use super::{check, shows};
use crate::error::Result;
use crate::lines::{BootedLines, Lines, ends, resets};
use crate::network::Line;
use crate::stage::Stage;

const SITE: &str = "[dial-in]\nidle-limit = \"1m\"\nauth = [\"pap\", \"chap\", \"mschap-v2\"]\n\
    lcp-echo-interval = 5\nlcp-echo-failure = 3\n";

/// Queries for a name to port 137, as Windows sends them, answered by nobody.
const BROADCASTS: &str = "(while sleep 5; do timeout 4 nslookup names 192.0.2.255:137; done >/dev/null 2>&1 & \
    echo $! >/tmp/names)";
/// Counts them where they arrive.
const COUNT: &str = "nft 'add table ip seen; add chain ip seen names { type filter hook prerouting priority -400; }; \
    add rule ip seen names udp dport 137 counter'";
const PINGS: &str = "(while sleep 5; do ping -c 1 -W 3 TO; done >/dev/null 2>&1 & echo $! >/tmp/pings)";

/// A caller proves its name by the strongest protocol that it accepts. NetBIOS broadcasts do not keep a call open, and
/// pings do. A caller with an address of its own is told which is its, and gets no call without one.
pub fn habits(stage: &Stage) -> Result<()> {
    let lines = Lines::on(stage, Line::INSTANT, SITE)?;
    let mut boxes = lines.boot()?;
    proves_its_name(&mut boxes)?;

    let [local, _] = ends(2);
    boxes.caller.must("ip route add 192.0.2.255 dev $(sed -n 2p /run/ppp-caller1.pid)")?;
    let before = stage.exchange().with(|network, _| resets(network, "line1"));
    boxes.called.must(COUNT)?;
    boxes.caller.must(BROADCASTS)?;
    boxes.caller.must(&PINGS.replace("TO", &local))?;
    stage
        .exchange()
        .until("the end of the call", |network| (resets(network, "line1") > before).then_some(()))?;
    boxes.called.until("dialctl calls", &["the site's limit for idle or long calls"])?;
    let seen = boxes.called.must("nft list table ip seen")?;
    check(!seen.contains("packets 0 "), || format!("no broadcast has arrived:\n{seen}"))?;
    let ledger = boxes.called.must("dialctl calls; dialctl lines")?;
    shows("the lines", &ledger, &["line2   connected"])?;
    boxes.caller.must("kill $(cat /tmp/names /tmp/pings)")?;
    boxes.called.must("dialctl hangup 2")?;

    boxes.is_free(2)?;
    let own = boxes.caller.run("pppd call line2 192.0.2.77: updetach 2>&1")?;
    shows("the caller's pppd", &own.text, &["Peer refused to agree to our IP address"])?;
    boxes.called.until("dialctl lines", &["line2   ready, 3 calls"]).map(drop)
}

/// Line 1 by MS-CHAP v2, line 2 by MD5, and then by PAP.
fn proves_its_name(boxes: &mut BootedLines) -> Result<()> {
    let refused = |protocols: &str| {
        let options: String = protocols.split(' ').map(|it| format!(" refuse-{it}")).collect();
        format!("updetach debug refuse-eap{options}")
    };
    for (line, refuses, by) in [
        (1, "pap chap mschap", "CHAP authentication succeeded"),
        (2, "pap mschap mschap-v2", "CHAP authentication succeeded"),
        (2, "chap mschap mschap-v2", "PAP authentication succeeded"),
    ] {
        if by.starts_with("PAP") {
            boxes.called.must("dialctl hangup 2")?;
        }
        boxes.is_free(line)?;
        let said = boxes.caller.must(&format!("pppd call line{line} {} 2>&1", refused(refuses)))?;
        shows("the caller's pppd", &said, &[by])?;
        boxes.ping(line)?;
    }
    Ok(())
}
