//! A link that must not be, on one box: pppd as the operator and pppd as the dialer, at the two ends of a pseudo-terminal.

use super::{check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::stage::{Stage, stick};

/// The operator at the far end, which gives these addresses.
fn link(options: &str, ends: &str) -> String {
    format!(
        "pppd pty \"pppd notty nodetach noauth local nodefaultroute {options} {ends}\" \
         noauth local noipdefault nodefaultroute {options} updetach"
    )
}

const ENDS: &str = "10.64.0.1:10.64.0.2";

/// Neither IPv4 nor an IPv6 that a person insists on brings up an interface while the rules cannot be loaded; once they
/// can, they are there before it.
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
    check(!addresses.contains("inet6"), || format!("somebody speaks IPv6:\n{addresses}"))?;
    booted.must("killall pppd")?;
    booted.until("pidof pppd || echo no pppd", &["no pppd"]).map(drop)
}

fn no_link(booted: &mut Booted) -> Result<()> {
    let left = booted.run("ip addr | grep -A 3 ppp")?;
    check(left.text.is_empty(), || format!("there is a link: {}", left.text))
}
