//! The status for a person: one screen, plain ASCII, fit for a serial console.

use std::fmt;
use std::time::Duration;

use super::{Status, as_str};
use crate::clock::Month;
use crate::ppp::Spent;
use crate::record::Record;
use crate::site::DataSize;
use crate::watch::heartbeat::Pulse;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.as_deref().unwrap_or("unknown build");
        let hostname = self.hostname.as_deref().unwrap_or("unnamed");
        let role = self.role.unwrap_or("no valid site");
        let uptime = Uptime(self.uptime);
        row(f, "dialbox", &format!("{version}, {hostname}, {role}, up {uptime}"))?;
        row(f, "boots", &boots(&self.ledger))?;
        row(f, "root", &root(&self.boot, self.sealed))?;
        row(f, "state", &state(&self.boot))?;
        row(f, "site", &site(&self.site))?;
        row(f, "services", &services(&self.services))?;
        for (name, record) in &self.modems {
            row(f, name, &modem(record))?;
        }
        match &self.link {
            Some(record) => row(f, "link", &link(record, self.uptime)),
            None => Ok(()),
        }
    }
}

/// A name, and what is to be said under it, perhaps in several lines.
fn row(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    text.lines().enumerate().try_for_each(|(index, line)| {
        let name = if index == 0 { name } else { "" };
        writeln!(f, "{name:10}{line}")
    })
}

fn boots(ledger: &Record) -> String {
    match (ledger.get("number"), ledger.get("cause")) {
        (Some(number), Some(cause)) => format!("{number}, the last one after: {cause}"),
        _ => "unknown".to_owned(),
    }
}

fn root(boot: &Record, sealed: bool) -> String {
    let mode = if sealed { "read-only" } else { "WRITABLE" };
    match (boot.get("root-copy"), boot.get("root")) {
        (Some(copy), Some(device)) => format!("{copy} ({device}), {mode}"),
        _ => "unknown".to_owned(),
    }
}

fn state(boot: &Record) -> String {
    let outcome = boot.get("state").unwrap_or("unknown");
    match boot.get("state-trouble").filter(|trouble| !trouble.is_empty()) {
        Some(trouble) => format!("{outcome} ({trouble})"),
        None => outcome.to_owned(),
    }
}

fn site(site: &Record) -> String {
    match (site.get("site"), site.get("why")) {
        (Some("broken"), Some(why)) => format!("broken, the baked one is in force\n{why}"),
        (Some(verdict), _) => verdict.to_owned(),
        (None, _) => "unknown".to_owned(),
    }
}

fn services(services: &[(&str, Pulse)]) -> String {
    let each = services.iter().map(|(name, pulse)| match pulse {
        Pulse::Stale { age } => format!("{name} stuck for {}", Uptime(*age)),
        _ => format!("{name} {}", as_str(*pulse)),
    });
    let all = each.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "none".to_owned() } else { all }
}

fn modem(record: &Record) -> String {
    if let Some(trouble) = record.get("trouble") {
        return trouble.to_owned();
    }
    let Some(port) = record.get("port") else {
        return "not found yet".to_owned();
    };
    let details = if record.get("line").is_some() { calls(record) } else { mobile(record) };
    let data = record.get("data-port").map_or(String::new(), |data| format!("\ndata {data}"));
    format!("{port}{data}\n{details}")
}

fn mobile(record: &Record) -> String {
    let maker = [record.get("manufacturer"), record.get("model")];
    let maker: Vec<_> = maker.into_iter().flatten().collect();
    let sim = record.get("sim").unwrap_or("unknown");
    let signal = record.get("signal-dbm").map_or("unknown".to_owned(), |dbm| format!("{dbm} dBm"));
    let network = [record.get("operator"), record.get("registration")];
    let network: Vec<_> = network.into_iter().flatten().collect();
    let network = if network.is_empty() { String::new() } else { format!("\n{}", network.join(", ")) };
    format!("{}\nSIM {sim}, signal {signal}{network}", maker.join(", "))
}

fn link(record: &Record, uptime: Duration) -> String {
    let Some(state) = record.get("link") else {
        return "unknown".to_owned();
    };
    let ends = [("interface", ""), ("local", ""), ("remote", "to ")];
    let ends = ends.iter().filter_map(|(key, before)| Some(format!(", {before}{}", record.get(key)?)));
    let until = record.number("until-uptime").map(|end| {
        let left = Duration::from_secs(end).saturating_sub(uptime);
        format!(", {} left", Uptime(left))
    });
    let by = record.get("by").map(|who| format!(", opened by {who}"));
    let state: String = std::iter::once(state.to_owned()).chain(ends).chain(until).chain(by).collect();
    let size = |key| record.number(key).map(DataSize::from_bytes);
    let month = record.get("month").and_then(Month::parse);
    let used = size("used").map(|used| Spent { used, limit: size("budget"), month }.to_string());
    let error = record.get("last-error").map(|error| format!("last error: {error}"));
    [Some(state), used, error].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn calls(record: &Record) -> String {
    let line = record.get("line").unwrap_or("unknown");
    let count = record.number("calls").unwrap_or(0);
    if count == 0 {
        return format!("{line}, no calls since boot");
    }
    let rings = record.number("rings").unwrap_or(0);
    let caller = record.get("caller").map_or(String::new(), |caller| format!(" from {caller}"));
    format!("{line}, {count} calls, the last one with {rings} rings{caller}")
}

/// A time as a person says it.
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
