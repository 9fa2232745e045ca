//! The dialer's link, opened by hand and by `dialctl`, to a box that acts as the operator.

use super::closed::link;
use super::{DIAL_IN, REBOOT, SITE, check, port_is_free, shows};
use crate::error::Result;
use crate::stage::{Stage, boot_both, stick};
use dialbox::record::Record;

/// A link opened by `pon` has routes and name servers, is counted, and can be closed by the dialer. One opened by
/// `ifup` is closed by `ifdown`. Then the dialer opens a link itself and extends it. Before the box reboots, it closes
/// that link and another one that was opened by hand.
pub fn by_hand_and_by_dialctl(stage: &Stage) -> Result<()> {
    let (caller, called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    // The account of the dialer's example site.
    let site = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, site.as_bytes())?;
    let (mut dialer, mut operator) = boot_both(&caller, &called)?;
    dialer.until("dialctl status", &["Option N.V."])?;
    operator.until("dialctl lines", &["line1   ready, 0 calls"])?;
    // No wire carries DTR from the box, and a call that stays up keeps the line busy.
    let hang_up = || stage.exchange().with(|network, now| caller.modem().map(|it| network.hang_up(it, now)));

    // Ten seconds later the dialer asks the modem for the time again: a pppd of just that moment finds the port locked.
    dialer.until("logread", &["the clock is set to"])?;
    port_is_free(&mut dialer)?;
    dialer.must("pon free")?;
    dialer.until("ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    dialer.must("ping -c 3 -W 10 192.168.32.1")?;
    dialer.until("ip route; cat /etc/resolv.conf", &["default dev ppp0", "nameserver 8.8.8.8"])?;
    dialer.until("dialctl budget | grep -v ^0kB", &["kB used in 20"])?;
    let again = dialer.must("dialctl connect")?;
    shows("dialctl connect", &again, &["192.168.32.105"])?;
    dialer.must("dialctl disconnect")?;
    // The reply comes at ip-down, and pppd hangs up after that.
    dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
    let left = dialer.run("ip link show ppp0 2>/dev/null; cat /etc/resolv.conf 2>/dev/null")?;
    check(left.text.is_empty(), || format!("the link left behind: {}", left.text))?;
    hang_up()?;

    operator.until("dialctl lines", &["ready, 1 calls"])?;
    port_is_free(&mut dialer)?;
    dialer.must("ifup ppp0")?;
    dialer.until("ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    dialer.until("dialctl status", &["opened by hand"])?;
    dialer.must("ifdown ppp0")?;
    dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
    dialer.until("dialctl status", &["link      closed", "SIM ready"])?;
    hang_up()?;

    operator.until("dialctl lines", &["ready, 2 calls"])?;
    let connected = dialer.must("dialctl connect 30m")?;
    shows("dialctl connect 30m", &connected, &["192.168.32.105", "30m"])?;
    dialer.until("ping -c 1 -W 3 192.168.32.1", &[])?;
    let extended = dialer.must("dialctl extend 10m")?;
    shows("dialctl extend 10m", &extended, &["39m"])?;
    let log = dialer.must("logread")?;
    check(!log.contains("without ip-down"), || format!("every pppd has run ip-down, but:\n{log}"))?;
    dialer.must(&link("", "10.64.0.1:10.64.0.2"))?;
    dialer.until("cat /state/budget", &["open-ppp0=", "open-ppp1="])?;
    dialer.reboots_after("reboot", REBOOT)?;
    // pppd has terminated the link (RFC 1661 section 3.7), so the far end need not wait for missing echoes.
    operator.until("dialctl calls | tail -n 1", &["the caller closed the link"])?;

    let mut dialer = caller.boot()?;
    // Each link that is cut off costs the megabyte that is charged in advance.
    let link = dialer.until("cat /run/dialbox/link", &["used="])?;
    check(Record::parse(&link).number("used").is_some_and(|used| used < 500_000), || {
        format!("the links closed before a reboot are charged:\n{link}")
    })
}
