//! The status as text: one screen, plain ASCII, for a serial console.

use std::fmt;
use std::time::Duration;

use super::{Clock, Modems, Status, as_str, card};
use crate::apply::SiteInForce;
use crate::calendar::Civil;
use crate::clock::Utc;
use crate::names::Service;
use crate::ppp::Spent;
use crate::published::{
    BootStatus, ClockSource, CodesStatus, DriverStatus, FarSide, FirewallStatus, LastBoot, LineStatus,
    LinkPhase, LinkStatus, ModemStatus, OnTrial,
};
use crate::site::DataSize;
use crate::state::Loss;
use crate::watch::heartbeat::HeartbeatState;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.as_deref().unwrap_or("unknown build");
        let hostname = self.hostname.as_deref().unwrap_or("unnamed");
        let role = self.role.unwrap_or("no valid site");
        let uptime = Uptime(self.uptime);
        row(f, "dialbox", &format!("{version}, {hostname}, {role}, up {uptime}"))?;
        row(f, "boots", &boots(self.ledger.as_ref(), self.boot.as_ref()))?;
        row(f, "root", &root(self.boot.as_ref(), self.sealed))?;
        row(f, "card", &self.card.as_ref().map_or(String::new(), card::text))?;
        row(f, "state", &state(self.boot.as_ref(), self.loss))?;
        if let Some(clock) = self.clock {
            row(f, "clock", &self::clock(&clock))?;
        }
        row(f, "site", &site(self.site.as_ref()))?;
        // That they are loaded, or not needed yet, is nothing to look at.
        if let Some(FirewallStatus::Refused { why }) = &self.firewall {
            row(f, "firewall", &format!("no rules, so no link and no network\n{why}"))?;
        }
        row(f, "services", &services(&self.services))?;
        match &self.modems {
            Modems::Unknown => Ok(()),
            Modems::Dialer(status) => {
                row(f, "modem", &modem((**status).as_ref(), mobile))?;
                row(f, "link", &self.link.as_ref().map_or("unknown".to_owned(), |it| link(it, self.uptime)))?;
                row(f, "codes", &self.codes.as_ref().map_or(String::new(), codes))
            }
            Modems::Lines(lines) => lines
                .iter()
                .try_for_each(|(name, status)| row(f, &name.to_string(), &modem(status.as_ref(), calls))),
        }
    }
}

fn clock(clock: &Clock) -> String {
    let source = clock.source.map(|source| match source {
        ClockSource::Network | ClockSource::Unproven => ", from the network",
        ClockSource::Saved => ", saved before the boot",
        ClockSource::NotSet => ", not set",
    });
    let codes = clock.source.filter(|_| clock.has_codes).map(|source| match source {
        ClockSource::Network => "codes are checked",
        ClockSource::Unproven => "local or universal time: a code that is right by either is accepted, once",
        ClockSource::Saved | ClockSource::NotSet => "codes are refused until the network sends the time",
    });
    let shown = format!(
        "{}{}, cannot be set later than {}",
        Utc(clock.shows),
        source.unwrap_or_default(),
        Date(clock.ends)
    );
    [Some(shown.as_str()), codes].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// A name, and its text, perhaps in several lines.
fn row(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    text.lines().enumerate().try_for_each(|(index, line)| {
        let name = if index == 0 { name } else { "" };
        writeln!(f, "{name:10}{line}")
    })
}

fn boots(ledger: Option<&LastBoot>, boot: Option<&BootStatus>) -> String {
    let last = ledger
        .map_or("unknown".to_owned(), |boot| format!("{}, the last one after: {}", boot.number, boot.cause));
    let remedies = boot.and_then(|boot| boot.remedies.clone());
    [Some(last), remedies].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn root(boot: Option<&BootStatus>, sealed: bool) -> String {
    let mode = if sealed { "read-only" } else { "WRITABLE" };
    let known = boot.and_then(|boot| Some((boot, boot.root_copy.as_ref()?, boot.root.as_ref()?)));
    known.map_or("unknown".to_owned(), |(boot, copy, device)| {
        let check = boot.root_check.as_ref().map_or(String::new(), |check| format!(", {check}"));
        let trouble = boot.root_trouble.as_deref().unwrap_or_default();
        format!("{copy} ({device}), {mode}{check}\n{trouble}")
    })
}

fn state(boot: Option<&BootStatus>, loss: Option<Loss>) -> String {
    let lost = loss.map(|loss| match loss {
        Loss::InRam => "what is new is LOST at the next boot",
        Loss::Full => "FULL: what is new is lost\nnext: `du -a /state`, and delete what is not needed",
        Loss::ReadOnly => "READ-ONLY: what is new is lost\nnext: `dialctl reboot`, which repairs it if the card can be written",
        Loss::Unusable => "UNUSABLE: what is new is lost\nnext: `dialctl reboot`",
    });
    [Some(mounted_state(boot).as_str()), lost].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn mounted_state(boot: Option<&BootStatus>) -> String {
    let outcome = boot.and_then(|boot| boot.state.as_deref()).unwrap_or("unknown");
    match boot.and_then(|boot| boot.state_trouble.as_deref()).filter(|trouble| !trouble.is_empty()) {
        Some(trouble) => format!("{outcome} ({trouble})"),
        None => outcome.to_owned(),
    }
}

fn site(site: Option<&SiteInForce>) -> String {
    match site {
        Some(SiteInForce::Original(original)) => original.as_str().to_owned(),
        Some(SiteInForce::Edited) => "edited".to_owned(),
        Some(SiteInForce::Broken { why, original }) => {
            format!("broken, the {} one is in force\n{why}", original.as_str())
        }
        None => "unknown".to_owned(),
    }
}

fn services(services: &[(Service, HeartbeatState)]) -> String {
    let each =
        services.iter().map(|(service, state)| (service.as_str(), state)).map(|(name, state)| match state {
            HeartbeatState::Stale { age } => format!("{name} stuck for {}", Uptime(*age)),
            _ => format!("{name} {}", as_str(*state)),
        });
    let all = each.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "none".to_owned() } else { all }
}

fn modem<S>(status: Option<&DriverStatus<S>>, details: fn(&S) -> String) -> String {
    match status {
        None => "not found yet".to_owned(),
        Some(DriverStatus::Trouble(why)) => why.clone(),
        Some(DriverStatus::Works { ports, status }) => {
            let data = ports.data.as_ref().map_or(String::new(), |data| format!("\ndata {data}"));
            let instead_of =
                ports.instead_of.as_ref().map_or(String::new(), |other| format!("\ninstead of {other}"));
            format!("{}{data}{instead_of}\n{}", ports.command, details(status))
        }
    }
}

fn mobile(modem: &ModemStatus) -> String {
    let known = |of: &[&Option<String>]| {
        of.iter().copied().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let sim = modem.sim.as_deref().unwrap_or("unknown");
    let signal = modem.signal_dbm.map_or("unknown".to_owned(), |dbm| format!("{dbm} dBm"));
    let signal = known(&[&Some(signal), &modem.quality]);
    let band = modem.band.map(|band| format!(" band {band}")).unwrap_or_default();
    let technology = modem.technology.as_ref().map(|technology| format!("{technology}{band}"));
    let no_data = modem.no_data.as_ref().map(|why| format!("no data: {why}"));
    let network = known(&[&modem.operator, &technology, &modem.registration, &no_data]);
    let network = if network.is_empty() { network } else { format!("\n{network}") };
    format!("{}\nSIM {sim}, signal {signal}{network}", known(&[&modem.manufacturer, &modem.model]))
}

fn link(link: &LinkStatus, uptime: Duration) -> String {
    let mut state = link.phase.as_str().to_owned();
    if let LinkPhase::Up { interface, local, remote, until } = &link.phase {
        state += &format!(", {interface}");
        state.extend(local.map(|local| format!(", {local}")));
        state.extend(remote.map(|remote| format!(", to {remote}")));
        state += &match until {
            Some(end) => format!(", {} left", Uptime(end.saturating_sub(uptime))),
            None => ", opened by hand".to_owned(),
        };
    }
    let size = DataSize::from_bytes;
    let spent = Spent { used: size(link.used), limit: link.budget.map(size), month: link.month };
    let error = link.last_error.as_ref().map(|error| format!("last error: {error}"));
    let changed = link.changed.as_ref().map(|values| format!("set by message: {values}"));
    let on_trial = link.on_trial.as_ref().map(|OnTrial { values, until }| {
        format!("on trial, {} left: {values}", Uptime(until.saturating_sub(uptime)))
    });
    let opens = link.opens.map(|opens| format!("opens by itself: {}", Utc(opens)));
    let far_side = link.far_side.map(|far_side| match far_side {
        FarSide::Answers => "VPN: the far side answers".to_owned(),
        FarSide::Silent { tried } => format!("VPN: the far side is silent, {tried} attempts to reach it"),
    });
    let tunnel = link.tunnel.as_ref().map(|tunnel| format!("tunnel: {tunnel}"));
    [Some(state), far_side, tunnel, Some(spent.to_string()), opens, changed, on_trial, error]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n")
}

/// Empty if there is nothing to do about them.
fn codes(codes: &CodesStatus) -> String {
    let lost = codes.lacks_counter.then_some(
        "REFUSED: which were used is lost\n\
         next: `dialctl codes resync CODE NEXT` with two codes of the app",
    );
    let copy = codes.copy_trouble.as_ref().map(|why| format!("no second copy: {why}"));
    lost.map(str::to_owned).into_iter().chain(copy).collect::<Vec<_>>().join("\n")
}

fn calls(line: &LineStatus) -> String {
    let state = line.state.as_str();
    if line.calls == 0 {
        return format!("{state}, no calls since boot");
    }
    let caller = line.caller.as_ref().map_or(String::new(), |caller| format!(" from {caller}"));
    format!("{state}, {} calls, the last one with {} rings{caller}", line.calls, line.rings)
}

/// The date of a time.
struct Date(i64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, .. } = Civil::from_unix(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A duration for display.
struct Uptime(Duration);

impl fmt::Display for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{minutes} min"),
            3600..86_400 => write!(f, "{hours} h {:02} min", minutes % 60),
            _ => write!(f, "{days} d {} h", hours % 24),
        }
    }
}
