//! Links that must not come up, on one box: pppd as the operator and pppd as the dialer, at the two ends of a
//! pseudo-terminal.

use super::{SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::stage::{Stage, stick};

/// pppd at both ends; `ends` are the addresses that the operator assigns.
pub(super) fn link(options: &str, ends: &str) -> String {
    format!(
        "pppd pty \"pppd notty nodetach noauth local nodefaultroute {options} {ends}\" \
         noauth local noipdefault nodefaultroute {options} updetach"
    )
}

const ENDS: &str = "10.64.0.1:10.64.0.2";

/// While the rules cannot be loaded, neither IPv4 nor IPv6 (if a user asks for it) brings up an interface. When they
/// can be loaded, they are in force before the interface is up.
pub fn without_rules(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", super::DIALER_UP)?;
    booted.must("mv /etc/nftables.conf /tmp/rules")?;
    for options in ["", "noip +ipv6"] {
        let refused = booted.run(&link(options, ENDS))?;
        check(refused.code != 0, || format!("a link without rules, with {options:?}: {}", refused.text))?;
        no_link(&mut booted)?;
    }
    let log = booted.must("logread")?;
    shows("the log", &log, &["no rules, so no link and no network"])?;

    booted.must("mv /tmp/rules /etc/nftables.conf")?;
    booted.must(&link("", ENDS))?;
    let rules = booted.must("nft list chain inet dialbox input")?;
    shows("the rules", &rules, &["policy drop", "limit rate 2/minute"])?;
    let addresses = booted.must("ip addr")?;
    shows("ip addr", &addresses, &["inet 10.64.0.1 peer 10.64.0.2"])?;
    check(!addresses.contains("inet6"), || format!("an interface has an IPv6 address:\n{addresses}"))?;
    booted.must("killall pppd")?;
    booted.until("pidof pppd || echo no pppd", &["no pppd"]).map(drop)
}

fn no_link(booted: &mut Booted) -> Result<()> {
    let left = booted.run("ip addr | grep -A 3 ppp")?;
    check(left.text.is_empty(), || format!("there is a link: {}", left.text))
}

/// A local network that the box is connected to.
const LAN: &str = "\n[lan]\naddress = \"192.168.32.2/24\"\n";

/// An operator that assigns an address of the box's local network, or uses one itself, gets no link, and the log says
/// why. No interface answers ARP for another one's address.
pub fn own_address(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let site = machine.card().read_text(SITE)? + LAN;
    machine.card().write(SITE, site.as_bytes())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", super::DIALER_UP)?;
    for (ends, taken) in
        [("192.168.32.77:10.64.0.2", "192.168.32.77"), ("10.64.0.1:192.168.32.254", "192.168.32.254")]
    {
        let refused = booted.run(&link("", ends))?;
        check(refused.code != 0, || format!("a link with {ends}: {}", refused.text))?;
        no_link(&mut booted)?;
        let why = format!("the operator gives {taken}, an address of the box's own network");
        shows("the log", &booted.must("logread")?, &[&why])?;
    }
    let log = booted.must("logread")?;
    check(!log.contains("was opened by hand"), || format!("the link was up:\n{log}"))?;
    let arp = booted.must("cd /proc/sys/net/ipv4/conf/all && cat arp_ignore arp_announce; cd /")?;
    check(arp == "1\n2", || format!("arp_ignore and arp_announce are {arp:?}"))
}
