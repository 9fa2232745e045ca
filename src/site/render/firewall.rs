//! The rules for packets to the box and through it, for nft(8). Everything else is dropped.

use super::RenderedFile;
use crate::names::hook::IP_PRE_UP;
use crate::site::{
    DialIn, Forward, Lan, LineConfig, Mtu, PortForward, RELAY_PORTS, Role, Site, TcpPort, UdpPort, Vpn,
};
use std::fmt::{Display, Write};
use std::net::Ipv4Addr;

/// The limit for answers to pings: enough for diagnosis, too little for a flood.
const PINGS: &str = "limit rate 10/second burst 20 packets accept";
/// The limit over a mobile link, where bytes cost money: so few and so short that the link can be idle (`QUIET` in
/// src/ppp/idle.rs). ping(8) sends 84 bytes by default.
const MOBILE_PINGS: &str = "ip length <= 84 limit rate 2/minute burst 2 packets accept";
/// What one address may send to the exchange: a gateway with all 64 accounts registers at once and calls. More than
/// that is dropped before the exchange sees it, so that a flood does not fill its socket for the others. Where the set
/// of addresses is full, the rule does not match (nft(8), "set statement"), and the flood gets through.
const SIP_LIMIT: &str = "limit rate over 50/second burst 64 packets";

pub(super) fn files(site: &Site) -> [RenderedFile; 2] {
    [
        RenderedFile::config("/etc/nftables.conf", &rules(site), "what may come into the box"),
        RenderedFile::script("/etc/ppp/ip-pre-up", &ip_pre_up(&site.role), "before a link comes up"),
    ]
}

/// pppd waits for this script before it brings the interface up (pppd(8), SCRIPTS), but ignores its exit status.
/// Without the interface, pppd reports an error and ends the link in order.
fn ip_pre_up(role: &Role) -> String {
    match role {
        Role::Dialer(_) => format!(
            "/usr/sbin/dialctl hook {IP_PRE_UP} \"$1\" \"$PPPD_PID\" \"$4\" \"$5\" || /bin/ip link del \"$1\"\n"
        ),
        Role::DialIn(_) => "/sbin/sysctl -qw net.ipv4.ip_forward=1\n".to_owned(),
    }
}

fn rules(site: &Site) -> String {
    let mut rules = "flush ruleset\n\ntable inet dialbox {\n".to_owned();
    if let Role::DialIn(dial_in) = &site.role {
        rules += &sources(dial_in);
        rules += &helper(dial_in);
        rules += if dial_in.exchange.is_some() { SIP_SENDERS } else { "" };
    }
    rules += &input(site);
    rules += &forward(site);
    rules += "}\n";
    if let Some(forwarding) = Forwarding::of(site) {
        rules += &forwarding.nat();
    }
    if let Role::DialIn(dial_in) = &site.role
        && dial_in.masquerade
    {
        rules += &masquerade(dial_in);
    }
    rules
}

/// Before conntrack: a forged packet would otherwise pass as part of another caller's connection. Other addresses are
/// those of a link dialled from here; `rp_filter` drops them when they come from a caller.
fn sources(dial_in: &DialIn) -> String {
    let mut chain = "\t# No caller sends from the address of another line.
\tchain sources {
\t\ttype filter hook prerouting priority raw; policy accept;
"
    .to_owned();
    for (unit, line) in dial_in.lines.iter().enumerate() {
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(chain, "\t\tiifname \"ppp{unit}\" ip saddr {} accept", line.remote);
    }
    let _ = writeln!(chain, "\t\tiifname \"ppp*\" ip saddr {} drop", callers(dial_in));
    chain + "\t}\n\n"
}

/// Addresses that have sent to the exchange of late, each with its limit.
const SIP_SENDERS: &str = "\tset sip-senders {
\t\ttype ipv4_addr
\t\tsize 1024
\t\tflags dynamic, timeout
\t\ttimeout 1m
\t}

";

/// Active FTP: the server connects to an address that the caller names in its commands. conntrack reads them only
/// where a rule says so (Documentation/networking/nf_conntrack-sysctl.rst, `nf_conntrack_helper`). It lets the
/// server in, to the caller's own address only (nf_conntrack_ftp.c, `loose`), as part of the caller's connection:
/// `related` below.
fn helper(dial_in: &DialIn) -> String {
    format!(
        "\t# Active FTP of callers.
\tct helper ftp {{
\t\ttype \"ftp\" protocol tcp;
\t\tl3proto ip;
\t}}

\tchain helpers {{
\t\ttype filter hook prerouting priority filter; policy accept;
\t\tiifname \"ppp*\" ip saddr {} tcp dport 21 ct helper set \"ftp\"
\t}}

",
        callers(dial_in)
    )
}

/// Pings come before the other rules: conntrack takes the second one for part of an established connection.
fn input(site: &Site) -> String {
    let mut chain = "\t# The box itself.
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname \"lo\" accept
"
    .to_owned();
    let mut rule = |interfaces: &str, what: &str| {
        let _ = writeln!(chain, "\t\tiifname {interfaces} {what}");
    };
    let networks = networks(site);
    let pings = match &site.role {
        Role::Dialer(_) => MOBILE_PINGS,
        Role::DialIn(_) => PINGS,
    };
    rule("\"ppp*\"", &format!("icmp type echo-request {pings}"));
    if let Some(networks) = &networks {
        rule(networks, &format!("icmp type echo-request {PINGS}"));
        if !site.ssh_keys.is_empty() {
            rule(networks, "tcp dport 22 accept");
        }
        let serial = serial_ports(site);
        if !serial.is_empty() {
            rule("\"vpn\"", &format!("tcp dport {} accept", set(&serial)));
        }
        if let Some(port) = sip_port(site) {
            rule(networks, &format!("udp dport {port} update @sip-senders {{ ip saddr {SIP_LIMIT} }} drop"));
            rule(networks, &format!("udp dport {port} accept"));
        }
        if has_relay(site) {
            rule(networks, &format!("udp dport {}-{} accept", RELAY_PORTS.start(), RELAY_PORTS.end()));
        }
    }
    if let Role::DialIn(dial_in) = &site.role {
        let own = own_name_servers(dial_in);
        for protocol in ["udp", "tcp"].iter().filter(|_| !own.is_empty()) {
            rule("\"ppp*\"", &format!("ip daddr {} {protocol} dport 53 accept", set(&own)));
        }
    }
    if let Role::DialIn(dial_in) = &site.role
        && let DialIn { open_ports, lines, .. } = &**dial_in
        && !open_ports.is_empty()
        && lines.iter().any(|line| !line.guest)
    {
        let known =
            if guests(lines).is_empty() { "\"ppp*\"".to_owned() } else { set(&interfaces(lines, false)) };
        rule(&known, &format!("tcp dport {} accept", set(open_ports)));
    }
    chain + "\t\ticmp type echo-request drop\n\t\tct state established,related accept\n\t}\n\n"
}

/// The callers' name servers that are the box itself, on a line.
fn own_name_servers(dial_in: &DialIn) -> Vec<Ipv4Addr> {
    let is_own = |server: &&Ipv4Addr| dial_in.lines.iter().any(|line| line.local == **server);
    dial_in.dns.iter().filter(is_own).copied().collect()
}

/// The ports that lead to serial ports. Only the far side of the VPN reaches them.
fn serial_ports(site: &Site) -> Vec<TcpPort> {
    let forward = match &site.role {
        Role::Dialer(dialer) => dialer.forward.as_ref(),
        Role::DialIn(_) => None,
    };
    forward.into_iter().flat_map(|forward| &forward.serial).map(|serial| serial.listen).collect()
}

/// The port of the exchange. Only the local network reaches it: a dial-in has no VPN.
fn sip_port(site: &Site) -> Option<UdpPort> {
    match &site.role {
        Role::Dialer(_) => None,
        Role::DialIn(dial_in) => dial_in.exchange.as_ref().map(|exchange| exchange.port),
    }
}

/// Whether sound comes to the box.
fn has_relay(site: &Site) -> bool {
    match &site.role {
        Role::Dialer(_) => false,
        Role::DialIn(dial_in) => dial_in.exchange.as_ref().is_some_and(|exchange| exchange.rtp_relay),
    }
}

/// The interfaces of the site's own networks.
fn networks(site: &Site) -> Option<String> {
    let lan = site.lan.as_ref().map(|lan| format!("\"{}\"", lan.interface));
    let vpn = match &site.role {
        Role::Dialer(dialer) => dialer.vpn.as_ref().map(|_| "\"vpn\"".to_owned()),
        Role::DialIn(_) => None,
    };
    let networks: Vec<_> = lan.into_iter().chain(vpn).collect();
    (!networks.is_empty()).then(|| set(&networks))
}

fn forward(site: &Site) -> String {
    let role = &site.role;
    let accepted = match role {
        Role::Dialer(_) => Forwarding::of(site).map(|forwarding| forwarding.rules()).unwrap_or_default(),
        // Unless the site says so, no caller reaches another one.
        Role::DialIn(dial_in) => {
            let guests = guests(&dial_in.lines);
            let guests = if guests.is_empty() { String::new() } else { of_guests(&guests, dial_in) };
            let others = if dial_in.callers_meet { "" } else { "oifname != \"ppp*\" " };
            format!("{guests}\t\tiifname \"ppp*\" {others}ip saddr {} accept\n", callers(dial_in))
        }
    };
    let clamp = match role {
        Role::Dialer(dialer) => {
            dialer.forward.as_ref().filter(|forward| forward.passes_packets()).map(|_| clamp_to_vpn())
        }
        Role::DialIn(dial_in) => dial_in.mtu.map(clamp),
    };
    let clamp = clamp.unwrap_or_default();
    format!(
        "\tchain forward {{
\t\ttype filter hook forward priority filter; policy drop;
{clamp}\t\tct state established,related accept
{accepted}\t}}
"
    )
}

/// The interfaces of the lines that are for guests, or of the others.
fn interfaces(lines: &[LineConfig], guest: bool) -> Vec<String> {
    let of_kind = lines.iter().enumerate().filter(|(_, line)| line.guest == guest);
    of_kind.map(|(unit, _)| format!("\"ppp{unit}\"")).collect()
}

fn guests(lines: &[LineConfig]) -> Vec<String> {
    interfaces(lines, true)
}

/// Networks that are not the Internet (RFC 6890 §2.2.2), and multicast.
const NOT_PUBLIC: &str = "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, \
                          192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/3";

/// Guests reach the Internet and the name servers that the box gives them, nothing else.
fn of_guests(guests: &[String], dial_in: &DialIn) -> String {
    let guests = set(guests);
    let mut rules = String::new();
    if !dial_in.dns.is_empty() {
        let servers = set(&dial_in.dns);
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(rules, "\t\tiifname {guests} ip daddr {servers} udp dport 53 accept");
        let _ = writeln!(rules, "\t\tiifname {guests} ip daddr {servers} tcp dport 53 accept");
    }
    rules + &format!("\t\tiifname {guests} ip daddr {{ {NOT_PUBLIC} }} drop\n")
}

/// The MTU of the interface `vpn`, as the kernel makes it (wireguard/device.c, `wg_setup`).
const VPN_MTU: u16 = 1420;

/// A server that never gets "fragmentation needed" (RFC 2923 §2.1) sends segments as long as the caller's system offers,
/// which does not know the line's MTU: both ends are offered what fits (headers of IP and TCP: 40 bytes).
fn clamp(mtu: Mtu) -> String {
    let longest = mtu.get() - 40;
    format!("\t\ttcp flags syn tcp option maxseg size > {longest} tcp option maxseg size set {longest}\n")
}

/// Both ends of a connection through the VPN are offered what fits through it: its MTU is smaller than that of the local
/// network, and on the way a host may ignore "fragmentation needed". The kernel makes the option smaller, never larger
/// (nft_exthdr.c, `nft_exthdr_tcp_set_eval`).
fn clamp_to_vpn() -> String {
    let longest = VPN_MTU - 40;
    format!(
        "\t\toifname \"vpn\" tcp flags syn tcp option maxseg size set rt mtu\n\
         \t\tiifname \"vpn\" tcp flags syn tcp option maxseg size set {longest}\n"
    )
}

/// What passes between the VPN and the local network of a dialer.
struct Forwarding<'a> {
    forward: &'a Forward,
    lan: &'a Lan,
    vpn: &'a Vpn,
}

impl<'a> Forwarding<'a> {
    /// `None` if nothing passes.
    fn of(site: &'a Site) -> Option<Self> {
        let Role::Dialer(dialer) = &site.role else { return None };
        let forward = dialer.forward.as_ref().filter(|forward| forward.passes_packets())?;
        Some(Self { forward, lan: site.lan.as_ref()?, vpn: dialer.vpn.as_ref()? })
    }

    /// Answers pass as parts of established connections.
    fn rules(&self) -> String {
        let lan = &self.lan.interface;
        let mut rules = String::new();
        // A String takes every write: `fmt::Write` for it has no error.
        if !self.forward.networks.is_empty() {
            let networks = set(&self.forward.networks);
            let _ = writeln!(rules, "\t\tiifname \"vpn\" oifname \"{lan}\" ip daddr {networks} accept");
        }
        if !self.forward.ports.is_empty() {
            let _ = writeln!(rules, "\t\tiifname \"vpn\" oifname \"{lan}\" ct status dnat accept");
        }
        if self.forward.from_lan {
            let networks = set(&self.vpn.networks);
            let _ = writeln!(rules, "\t\tiifname \"{lan}\" oifname \"vpn\" ip daddr {networks} accept");
        }
        rules
    }

    fn nat(&self) -> String {
        let (lan, own) = (&self.lan.interface, self.vpn.address.address());
        let mut table = "\ntable ip nat {\n".to_owned();
        if !self.forward.ports.is_empty() {
            table += "\tchain prerouting {\n\t\ttype nat hook prerouting priority dstnat;\n";
            for PortForward { listen, to } in &self.forward.ports {
                let _ = writeln!(table, "\t\tiifname \"vpn\" ip daddr {own} tcp dport {listen} dnat to {to}");
            }
            table += "\t}\n";
        }
        table += "\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat;\n";
        if self.forward.masquerade {
            let far = set(&self.vpn.networks);
            let _ = writeln!(table, "\t\tip saddr {far} oifname \"{lan}\" masquerade");
        }
        // The peer knows this address of the box; its allowed networks need not have the local one.
        if self.forward.from_lan {
            let _ = writeln!(table, "\t\tip saddr != {own} oifname \"vpn\" masquerade");
        }
        table + "\t}\n}\n"
    }
}

fn masquerade(dial_in: &DialIn) -> String {
    format!(
        "
table ip nat {{
\tchain postrouting {{
\t\ttype nat hook postrouting priority srcnat;
\t\tip saddr {} oifname != \"ppp*\" masquerade
\t}}
}}
",
        callers(dial_in)
    )
}

fn callers(dial_in: &DialIn) -> String {
    let remotes: Vec<_> = dial_in.lines.iter().map(|line| line.remote).collect();
    set(&remotes)
}

fn set(items: &[impl Display]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    format!("{{ {} }}", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_answers_for_names_only_where_it_is_the_callers_name_server() {
        let with = |dns: &str| {
            let text = format!(
                "role='dial-in'\nhostname='x'\n[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
                 [[user]]\nname='u'\npassword='p'\n[dial-in]\ndns=[{dns}]\n"
            );
            rules(&Site::parse(&text).unwrap())
        };
        let own = with("'192.0.2.1', '198.51.100.1'");
        for protocol in ["udp", "tcp"] {
            let rule = format!("\t\tiifname \"ppp*\" ip daddr {{ 192.0.2.1 }} {protocol} dport 53 accept\n");
            assert!(own.contains(&rule), "{own}");
        }
        assert!(!with("'198.51.100.1'").contains("dport 53"));
    }

    #[test]
    fn segments_are_as_long_as_the_lines_mtu_allows() {
        let with = |table: &str| {
            let text = format!(
                "role='dial-in'\nhostname='x'\n[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
                 [[user]]\nname='u'\npassword='p'\n[dial-in]\n{table}"
            );
            rules(&Site::parse(&text).unwrap())
        };
        let clamp = "\t\ttcp flags syn tcp option maxseg size > 536 tcp option maxseg size set 536\n";
        assert!(with("mtu = 576").contains(clamp));
        assert!(!with("").contains("maxseg"));
    }
}
