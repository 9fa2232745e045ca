//! What may go through the box and into it over a telephone line, as rules for nft(8).

use super::RenderedFile;
use crate::site::{DialIn, Role};
use std::fmt::Display;

pub(super) fn files(role: &Role) -> [RenderedFile; 2] {
    [
        RenderedFile::config("/etc/nftables.conf", &rules(role), "what may come over the telephone"),
        RenderedFile::script("/etc/ppp/ip-pre-up", &ip_pre_up(role), "no link without these rules"),
    ]
}

/// pppd waits for this script before it brings the interface up (pppd(8), SCRIPTS), but does not
/// ask how it ended: a link without its rules must be ended by the script.
fn ip_pre_up(role: &Role) -> String {
    let mut commands = vec!["/usr/sbin/nft -f /etc/nftables.conf"];
    if matches!(role, Role::DialIn(_)) {
        commands.push("/sbin/sysctl -qw net.ipv4.ip_forward=1");
    }
    format!("{} || kill \"$PPPD_PID\"\n", commands.join(" &&\n"))
}

fn rules(role: &Role) -> String {
    let (open_ports, forwarded) = match role {
        Role::Dialer(_) => (String::new(), String::new()),
        Role::DialIn(dial_in) => (open_ports(dial_in), forwarded(dial_in)),
    };
    let mut rules = format!(
        "flush ruleset

table inet dialbox {{
	chain input {{
		type filter hook input priority filter; policy accept;
		iifname \"ppp*\" goto telephone
	}}

	# The box itself, from the other end of a telephone line.
	chain telephone {{
		ct state established,related accept
		icmp type echo-request accept
{open_ports}		drop
	}}

	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
{forwarded}	}}
}}
"
    );
    if let Role::DialIn(dial_in) = role
        && dial_in.masquerade
    {
        let callers = callers(dial_in);
        rules += &format!(
            "
table ip nat {{
	chain postrouting {{
		type nat hook postrouting priority srcnat;
		ip saddr {callers} oifname != \"ppp*\" masquerade
	}}
}}
"
        );
    }
    rules
}

fn open_ports(dial_in: &DialIn) -> String {
    if dial_in.open_ports.is_empty() {
        return String::new();
    }
    format!("\t\ttcp dport {} accept\n", set(&dial_in.open_ports))
}

/// A caller has the address of its line, and none of the other callers for a neighbour.
fn forwarded(dial_in: &DialIn) -> String {
    let callers = callers(dial_in);
    format!("\t\tiifname \"ppp*\" oifname != \"ppp*\" ip saddr {callers} accept\n")
}

fn callers(dial_in: &DialIn) -> String {
    let remotes: Vec<_> = dial_in.lines.iter().map(|line| line.remote).collect();
    set(&remotes)
}

fn set(items: &[impl Display]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    format!("{{ {} }}", items.join(", "))
}
