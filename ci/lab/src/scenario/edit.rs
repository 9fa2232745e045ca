//! A `site.toml` that was edited on the card.

use super::{DIAL_IN, REBOOT, SERVICES_LOG, SITE, check, shows};
use crate::error::Result;
use crate::machine::Machine;
use crate::own::{OwnSite, own_box};
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

/// The image's own site with another host name.
fn renamed(own: &OwnSite, new: &str) -> Result<String> {
    let name = format!("hostname = \"{}\"", own.site.hostname);
    check(own.text.contains(&name), || format!("no {name} to change in {SITE}:\n{}", own.text))?;
    Ok(own.text.replacen(&name, &format!("hostname = \"{new}\""), 1))
}

/// A card that was provisioned has its own site in force; if an edit breaks it, its own one and not the image's.
pub fn provisioned(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let site = renamed(&own, "cabin-17")?;
    machine.card().provision(&site)?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    shows("dialctl status", &status, &[", cabin-17, ", "site      provisioned"])?;
    booted.must("mount -o remount,rw /boot && echo rolle >>/boot/site.toml && sync")?;
    booted.reboots_after("dialctl reboot", REBOOT)?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    let broken = [", cabin-17, ", "broken, the provisioned one is in force"];
    shows("dialctl status", &status, &broken)
}

/// With an error in the file, the original site stays in force, and the status shows line and reason.
pub fn broken(stage: &Stage) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let bad = format!("rolle = \"none\"\n{}", renamed(&own, "other")?);
    machine.card().write(SITE, bad.as_bytes())?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    shows(
        "dialctl status",
        &status,
        &[
            &format!("broken, the {} one is in force", own.original),
            "unknown key `rolle`; did you mean `role`?",
        ],
    )?;
    let hostname = booted.must("hostname")?;
    check(hostname == own.site.hostname.to_string(), || format!("the host name is {hostname}"))?;
    let Role::Dialer(dialer) = &own.site.role else { return Ok(()) };
    let operator = &dialer.operator;
    let chat = booted.must(&format!("cat /etc/ppp/chat/{}", operator.name))?;
    shows("the site in force", &chat, &[&format!("AT+CGDCONT=1,\"IP\",\"{}\"", operator.apn)])
}
