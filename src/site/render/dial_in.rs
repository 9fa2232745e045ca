//! pppd's options for callers: one file for each line.

use super::{LOCK, Options, RenderedFile, pppd_options, quoted, secrets};
use crate::names::{self, DIAL_PLAN, LineName, RUN_DIR};
use crate::site::{DialIn, Exchange, FlowControl, LineConfig, PppAuth, Users};

pub(super) fn files(dial_in: &DialIn) -> Vec<RenderedFile> {
    let mut files = vec![pppd_options()];
    files.extend(dial_in.lines.iter().enumerate().map(|(unit, line)| {
        let path = LineName(unit + 1).pppd_options();
        RenderedFile::config(path, &options(dial_in, line, unit), "pppd, for one telephone line")
    }));
    files.push(secrets::of_users(&dial_in.users, &dial_in.offers));
    if dial_in.authentication.iter().any(|protocol| *protocol != PppAuth::Pap) {
        files.extend(secrets::for_chap(&dial_in.users, &dial_in.offers));
    }
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

/// What counts as use of a call, for pcap: packets from the caller, since anybody can send some to him, but none that
/// Windows sends by itself (RFC 1002 §4.2, §4.4: names and datagrams of NetBIOS), and none to many hosts at once.
const USE: &str =
    "inbound and not (udp port 137 or udp port 138 or dst net 224.0.0.0/4 or dst host 255.255.255.255)";

/// The rules identify a line by its interface, `pppUNIT`.
fn options(dial_in: &DialIn, line: &LineConfig, unit: usize) -> String {
    let mut options = Options::default();
    options.add(if line.guest { "noauth" } else { "auth" });
    for protocol in dial_in.authentication.iter().filter(|_| !line.guest) {
        options.add(match protocol {
            PppAuth::MsChapV2 => "require-mschap-v2",
            PppAuth::Chap => "require-chap",
            PppAuth::Pap => "+pap",
        });
    }
    if let Users::Hashed(_) = dial_in.users
        && !line.guest
    {
        options.add("papcrypt");
    }
    for server in &dial_in.dns {
        options.add(format_args!("ms-dns {server}"));
    }
    for server in &dial_in.wins {
        options.add(format_args!("ms-wins {server}"));
    }
    options.add(format_args!("{}:{}", line.local, line.remote)).add(format_args!("unit {unit}"));
    if let Some(netmask) = dial_in.netmask {
        options.add(format_args!("netmask {netmask}"));
    }
    if dial_in.proxy_arp.is_some() {
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
        options.add(format_args!("active-filter {}", quoted(USE)));
    }
    if let Some(limit) = dial_in.session_limit {
        options.add(format_args!("maxconnect {}", limit.get().as_secs()));
    }
    options.0
}

#[cfg(test)]
mod tests {
    use crate::site::{RenderedFile, Site};

    fn rendered(table: &str) -> Vec<RenderedFile> {
        let text = format!(
            "role='dial-in'\nhostname='x'\n[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
             [[user]]\nname='u'\npassword='p'\n[dial-in]\n{table}"
        );
        Site::parse(&text).unwrap().render()
    }

    fn content<'a>(files: &'a [RenderedFile], path: &str) -> Option<&'a str> {
        files.iter().find(|file| file.path == path).map(|file| file.content.as_str())
    }

    #[test]
    fn the_strongest_protocol_comes_first_and_chap_has_the_passwords() {
        let files = rendered("auth=['pap', 'chap', 'mschap-v2']");
        let options = content(&files, "/etc/ppp/options.line1").unwrap();
        assert!(options.contains("auth\nrequire-mschap-v2\nrequire-chap\n+pap\n"), "{options}");
        let secrets = content(&files, "/etc/ppp/chap-secrets").unwrap();
        assert!(secrets.ends_with("\"u\" * \"p\" *\n"), "{secrets}");
        assert_eq!(content(&rendered(""), "/etc/ppp/chap-secrets"), None);
    }

    #[test]
    fn a_user_without_ppp_has_no_password_for_it() {
        let text = "role='dial-in'\nhostname='x'\n[dial-in]\nauth=['pap', 'chap']\n\
                    [[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\nlogin=true\n\
                    [[service]]\nname='bbs'\naddress='192.0.2.9:23'\n\
                    [[user]]\nname='both'\npassword='p'\nservices=['bbs', 'ppp']\n\
                    [[user]]\nname='one'\npassword='p'\nservices=['bbs']\n\
                    [[user]]\nname='usual'\npassword='p'\n";
        let files = Site::parse(text).unwrap().render();
        for path in ["/etc/ppp/pap-secrets", "/etc/ppp/chap-secrets"] {
            let secrets = content(&files, path).unwrap();
            assert!(secrets.ends_with("\n\"both\" * \"p\" *\n\"usual\" * \"p\" *\n"), "{secrets}");
        }
    }

    #[test]
    fn the_names_that_windows_broadcasts_are_no_use_of_a_call() {
        let limited = rendered("idle-limit='1m'");
        let options = content(&limited, "/etc/ppp/options.line1").unwrap();
        let filter = "\nidle 60\nactive-filter \"inbound and not (udp port 137 or udp port 138 or ";
        assert!(options.contains(filter), "{options}");
        let unlimited = rendered("");
        assert!(!content(&unlimited, "/etc/ppp/options.line1").unwrap().contains("filter"));
    }

    #[test]
    fn callers_get_the_sites_wins_servers() {
        let files = rendered("wins=['192.0.2.7']");
        assert!(content(&files, "/etc/ppp/options.line1").unwrap().contains("\nms-wins 192.0.2.7\n"));
    }

    #[test]
    fn a_guest_gives_no_name_and_reaches_neither_the_box_nor_private_networks() {
        let text = "role='dial-in'\nhostname='x'\n[dial-in]\nopen-ports=[80]\ndns=['10.0.0.1']\n\
                    [[line]]\nport='1-1.1'\nlocal='192.0.2.1'\nremote='192.0.2.2'\nguest=true\n\
                    [[line]]\nport='1-1.2'\nlocal='192.0.2.1'\nremote='192.0.2.3'\n\
                    [[user]]\nname='u'\npassword='p'\n";
        let site = Site::parse(text).unwrap();
        let files = site.render();
        let guest = content(&files, "/etc/ppp/options.line1").unwrap();
        assert!(guest.contains("noauth\n") && !guest.contains("+pap"), "{guest}");
        assert!(content(&files, "/etc/ppp/options.line2").unwrap().contains("\nauth\n+pap\n"));
        let rules = content(&files, "/etc/nftables.conf").unwrap();
        for rule in [
            "\t\tiifname { \"ppp1\" } tcp dport { 80 } accept\n",
            "\t\tiifname { \"ppp0\" } ip daddr { 10.0.0.1 } udp dport 53 accept\n",
            "\t\tiifname { \"ppp0\" } ip daddr { 0.0.0.0/8, 10.0.0.0/8, ",
        ] {
            assert!(rules.contains(rule), "{rule}\n{rules}");
        }
        assert!(site.summary().contains("line 1 is open to anybody who calls"), "{}", site.summary());
        let alone = text
            .replace("open-ports=[80]\n", "")
            .replace("\n[[user]]\nname='u'\npassword='p'\n", "\nguest=true\n");
        Site::parse(&alone).unwrap();
    }

    #[test]
    fn callers_reach_each_other_only_if_the_site_says_so() {
        let rule = "\t\tiifname \"ppp*\" oifname != \"ppp*\" ip saddr { 192.0.2.2 } accept\n";
        let without = rendered("");
        assert!(content(&without, "/etc/nftables.conf").unwrap().contains(rule));
        let with = rendered("callers-meet=true");
        let rules = content(&with, "/etc/nftables.conf").unwrap();
        assert!(rules.contains("\t\tiifname \"ppp*\" ip saddr { 192.0.2.2 } accept\n"), "{rules}");
    }
}
