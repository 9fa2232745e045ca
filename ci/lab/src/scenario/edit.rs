//! A `site.toml` that was edited on the card.

use super::own::own_box;
use super::{DIAL_IN, SERVICES_LOG, SITE, check, shows};
use crate::error::Result;
use crate::machine::Machine;
use crate::stage::Stage;
use dialbox::site::Role;

const LINE_OPTIONS: &str = "/etc/ppp/options.line1";

/// Gives the box the dial-in role.
pub fn make_dial_in(machine: &Machine) -> Result<()> {
    machine.card().write(SITE, DIAL_IN.as_bytes())
}

/// An edited file changes the role: the line resets its modem and answers, and pppd accepts the line's options.
pub fn dial_in(stage: &Stage) -> Result<()> {
    let machine = stage.answerer("dial-in")?;
    // The comment makes the file differ from the one in the image, which may be the same example.
    machine.card().write(SITE, format!("{DIAL_IN}# edited\n").as_bytes())?;
    let mut booted = machine.boot()?;
    let status =
        booted.until("dialctl status", &["dial-in up", "watchdogd up", "ttyUSB0", "ready, no calls"])?;
    shows("dialctl status", &status, &["dialbox, dial-in", "site      edited"])?;
    check(!status.contains("sms-dialer"), || format!("the dialer runs too:\n{status}"))?;
    booted.must(&format!("pppd ttyUSB0 file {LINE_OPTIONS} dryrun"))?;
    // pppd runs this before a link comes up.
    booted.must("/etc/ppp/ip-pre-up")?;
    let rules = booted.until("nft list ruleset; cat /proc/sys/net/ipv4/ip_forward", &["chain input"])?;
    shows("nft list ruleset", &rules, &["192.168.32.105 drop", "policy drop", "masquerade", "\n1"])?;
    let mode = booted.must("stat -c %a /etc/ppp/pap-secrets || ls -l /etc/ppp/pap-secrets")?;
    check(mode == "600" || mode.starts_with("-rw------- "), || format!("pap-secrets is {mode}"))?;

    let sent = machine.typed()?;
    check(sent.contains("ATZ") && sent.contains("S0=0"), || {
        format!("the modem was not reset; it received:\n{sent}")
    })?;
    stage.ring_line(1)?;
    booted.until(SERVICES_LOG, &["RING, a new call", "no connection: NO CARRIER"])?;
    booted.until("dialctl status", &["ready, 1 calls"]).map(drop)
}

/// With an error in the file, the baked site stays in force, and the status shows line and reason.
pub fn broken(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let name = format!("hostname = \"{}\"", own.site.hostname);
    check(own.text.contains(&name), || format!("no {name} to change in {SITE}:\n{}", own.text))?;
    let bad = format!("rolle = \"none\"\n{}", own.text.replacen(&name, "hostname = \"other\"", 1));
    machine.card().write(SITE, bad.as_bytes())?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    shows(
        "dialctl status",
        &status,
        &["broken, the baked one is in force", "unknown key `rolle`; did you mean `role`?"],
    )?;
    let hostname = booted.must("hostname")?;
    check(hostname == own.site.hostname.to_string(), || format!("the host name is {hostname}"))?;
    let Role::Dialer(dialer) = &own.site.role else { return Ok(()) };
    let operator = &dialer.operator;
    let chat = booted.must(&format!("cat /etc/ppp/chat/{}", operator.name))?;
    shows("the site in force", &chat, &[&format!("AT+CGDCONT=1,\"IP\",\"{}\"", operator.apn)])
}
