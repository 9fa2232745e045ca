//! pppd's options for callers: one file for each line.

use super::{LOCK, Options, RenderedFile, pppd_options, secrets};
use crate::names::{self, DIAL_PLAN, LineName, RUN_DIR};
use crate::site::{DialIn, Exchange, FlowControl, LineConfig, Users};

pub(super) fn files(dial_in: &DialIn) -> Vec<RenderedFile> {
    let mut files = vec![pppd_options()];
    files.extend(dial_in.lines.iter().enumerate().map(|(unit, line)| {
        let path = LineName(unit + 1).pppd_options();
        RenderedFile::config(path, &options(dial_in, line, unit), "pppd, for one telephone line")
    }));
    files.push(secrets::of_users(&dial_in.users));
    files.extend(notes());
    files.extend(dial_in.exchange.as_deref().map(dial_plan));
    files
}

/// `/etc/init.d/exchange` starts the exchange if there is this file; the exchange itself reads the site.
fn dial_plan(exchange: &Exchange) -> RenderedFile {
    let name = |at: &usize| exchange.accounts.get(*at).map_or("", |account| account.name.as_str());
    let extensions = exchange.accounts.iter().filter_map(|account| {
        account.extension.as_ref().map(|number| format!("{number} {}\n", account.name))
    });
    let routes = exchange.routes.iter().map(|route| {
        let to: Vec<&str> = route.to.iter().map(name).collect();
        format!("{} {}\n", route.pattern, to.join(" "))
    });
    let lines: String = extensions.chain(routes).collect();
    RenderedFile::config(DIAL_PLAN, &lines, "the exchange's dial plan; without it there is no exchange")
}

/// What only pppd knows about a caller, for the service and its ledger of calls. A pppd that was started by hand has no
/// `linkname`.
fn notes() -> [RenderedFile; 2] {
    let up = note(LineName::UP, &names::note::UP);
    let down = note(LineName::DOWN, &names::note::DOWN);
    [
        RenderedFile::script("/etc/ppp/ip-up.d/line", &up, "who the caller is"),
        RenderedFile::script("/etc/ppp/ip-down.d/line", &down, "how much it has moved"),
    ]
}

fn note(suffix: &str, variables: &[(&str, &str)]) -> String {
    let format: String = variables.iter().map(|(key, _)| format!(r"{key}=%s\n")).collect();
    let values: Vec<String> = variables.iter().map(|(_, variable)| format!("\"${variable}\"")).collect();
    let values = values.join(" ");
    format!("[ -z \"$LINKNAME\" ] || printf '{format}' {values} >\"{RUN_DIR}/$LINKNAME.{suffix}\"\n")
}

/// The rules identify a line by its interface, `pppUNIT`.
fn options(dial_in: &DialIn, line: &LineConfig, unit: usize) -> String {
    let mut options = Options::default();
    options.add("auth").add("+pap");
    if let Users::Hashed(_) = dial_in.users {
        options.add("papcrypt");
    }
    for server in &dial_in.dns {
        options.add(format_args!("ms-dns {server}"));
    }
    options.add(format_args!("{}:{}", line.local, line.remote)).add(format_args!("unit {unit}"));
    if let Some(netmask) = dial_in.netmask {
        options.add(format_args!("netmask {netmask}"));
    }
    if dial_in.proxy_arp {
        options.add("proxyarp");
    }
    options.add(LOCK).add(match line.flow {
        FlowControl::RtsCts => "crtscts",
        FlowControl::None => "nocrtscts",
    });
    if let Some(mtu) = dial_in.mtu {
        options.add(format_args!("mtu {mtu}")).add(format_args!("mru {mtu}"));
    }
    options.add_echo(&dial_in.echo);
    if let Some(limit) = dial_in.idle_limit {
        options.add(format_args!("idle {}", limit.get().as_secs()));
    }
    if let Some(limit) = dial_in.session_limit {
        options.add(format_args!("maxconnect {}", limit.get().as_secs()));
    }
    options.0
}
