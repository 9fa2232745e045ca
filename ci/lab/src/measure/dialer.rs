//! The dialer's own cost: time between a text message and the link, and until equipment behind the box is reached; memory,
//! wake-ups.
//!
//! Of the time from `+CMTI` to pppd's ip-up, the box's own work counts: until pppd is started (the message is read,
//! checked and stored; the lab's modem answers at once, so nothing is deducted for it), and `ip-pre-up`, for which pppd
//! waits. The rest is the dialogue of pppd and chat with modem and operator. Equipment is reached when the script has brought
//! up the VPN, whose handshake then starts.

use super::field;
use super::trace::{Join, Trace};
use crate::bench::Bench;
use crate::booted::Booted;
use crate::emulator::Pace;
use crate::equipment;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::pair::Pair;
use crate::stage::{Stage, boot_both};
use dialbox::names::VPN_UP;
use std::thread::sleep;
use std::time::Duration;

const PPPD: &str = "/usr/sbin/pppd";
/// The script that pppd runs, and waits for, before the link is up.
const BEFORE: &str = "/etc/ppp/ip-pre-up";
/// The script that it runs when the link is up.
const AFTER: &str = "/etc/ppp/ip-up";
/// How long the idle dialer is observed.
const WATCHED: Duration = Duration::from_secs(60);
/// How often a thread has gone to sleep voluntarily.
const SWITCHES: &str = "voluntary_ctxt_switches:";

/// Boots `runs` times; opens and closes two links by text messages each time, and prints one line for each. The first
/// one of a boot also loads programs from the card. Finally the idle dialer is measured.
pub fn run(bench: &Bench, runs: u32, pace: Pace) -> Result<()> {
    let emulator = bench.emulator.clone().measured(pace);
    let bench = Bench { emulator, ..bench.clone() };
    println!(
        "seconds: the box's own work, which is until pppd starts and ip-pre-up; ip-up's scripts, and until the VPN is up; \
         both until equipment is reached; all until ip-up"
    );
    println!("link     own  to pppd  pre-up  scripts  to VPN   reach     all (error)");
    for run in 1..=runs {
        one_boot(&bench, run == runs)?;
    }
    Ok(())
}

fn one_boot(bench: &Bench, is_last: bool) -> Result<()> {
    let stage = Stage::new(bench)?;
    let mut pair = Pair::on(&stage)?;
    equipment::connect(&stage, &mut pair)?;
    let (mut dialer, mut operator) = boot_both(&pair.dialer, &pair.far)?;
    operator.until("dialctl status", &["ready, no calls"])?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;
    let mut monitor = pair.dialer.monitor()?;
    Trace::begin(&mut dialer)?;
    let join = Trace::join(&mut dialer, &mut monitor)?;
    for link in ["first", "later"] {
        println!("{link} {}", session(&pair, &mut dialer, &mut monitor, join)?);
        operator.until("dialctl status", &["ready, "])?;
    }
    if is_last {
        println!("sms-dialer at idle: wake-ups a second; KiB resident, of which its own, of which of files");
        println!("idle  {}", idle(&mut dialer)?);
    }
    Ok(())
}

/// One link, opened and closed.
fn session(pair: &Pair, dialer: &mut Booted, monitor: &mut Monitor, join: Join) -> Result<String> {
    let before = pair.owner.replies().len();
    let order = pair.owner.order("connect");
    Trace::clear(dialer)?;
    let sent = join.moment(monitor.since_power_on()?);
    pair.owner.text(&order);
    let late = join.moment(monitor.since_power_on()?) - sent;
    let reply = pair.owner.reply(before + 1)?;
    if !reply.contains(equipment::LINK[0]) {
        return Err(Error::Unexpected(format!("no link: {reply}")));
    }
    dialer.until(&format!("pidof {} || echo over", name(AFTER)), &["over"])?;
    let trace = Trace::read(dialer)?;
    let pppd = trace.started(PPPD)? - sent;
    let up = trace.started(AFTER)? - sent;
    let [rules, scripts] = [trace.lasted(BEFORE)?, trace.lasted(AFTER)?];
    let vpn = trace.started(VPN_UP)? + trace.lasted(VPN_UP)? - trace.started(AFTER)?;
    pair.owner.text(&pair.owner.order("disconnect"));
    pair.owner.reply(before + 2)?;
    let error = join.error + late;
    let own = pppd + rules;
    let reach = own + vpn;
    Ok(format!(
        "{own:7.3}  {pppd:7.3} {rules:7.3}  {scripts:7.3} {vpn:7.3} {reach:7.3} {up:7.3} ({error:.3})"
    ))
}

/// The dialer when nothing happens.
fn idle(dialer: &mut Booted) -> Result<String> {
    let mut look = || -> Result<(f64, f64)> {
        let shown = dialer.must(
            "cat /proc/uptime; for pid in $(pidof sms-dialer); do grep -h ^voluntary /proc/$pid/task/*/status; done",
        )?;
        let switches =
            shown.lines().filter(|line| line.starts_with("voluntary")).map(|line| field(line, SWITCHES));
        Ok((field(&shown, ""), switches.sum()))
    };
    let (began, before) = look()?;
    sleep(WATCHED);
    let (ended, after) = look()?;
    let memory = dialer.must("for pid in $(pidof sms-dialer); do cat /proc/$pid/status; done")?;
    // Of the service and of its parser; what both share counts twice.
    let sum =
        |key| memory.lines().filter(|line| line.starts_with(key)).map(|line| field(line, key)).sum::<f64>();
    let [all, own, files] = ["VmRSS:", "RssAnon:", "RssFile:"].map(sum);
    Ok(format!("{:7.2} {all:7} {own:7} {files:7}", (after - before) / (ended - began)))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
