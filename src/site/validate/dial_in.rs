//! The tables of a dial-in.

use super::{check_distinct, check_host, check_limits, echo, fixed, limit, line, problem, service, user};
use crate::site::error::Checked;
use crate::site::lan::{InterfaceName, Lan};
use crate::site::{DialIn, HostAddress, Prompts, raw};
use std::ops::Range;
use toml::Spanned;

/// The tables as written.
pub(super) struct Tables {
    pub dial_in: Option<Spanned<raw::DialIn>>,
    pub line: Option<Vec<Spanned<raw::Line>>>,
    pub user: Option<Vec<Spanned<raw::User>>>,
    pub service: Option<Vec<Spanned<raw::Service>>>,
}

pub(super) fn dial_in(role: Range<usize>, tables: Tables, lan: Option<&Lan>) -> Checked<DialIn> {
    let (lines, users) = (tables.line.unwrap_or_default(), tables.user.unwrap_or_default());
    if lines.is_empty() {
        return problem("a `dial-in` needs a `[[line]]`", "add [[line]] with port, local and remote", role);
    }
    let is_guests = |line: &Spanned<raw::Line>| line.get_ref().guest.as_ref().is_some_and(|it| *it.get_ref());
    let has_guests_only = lines.iter().all(is_guests);
    if users.is_empty() && !has_guests_only {
        return problem(
            "a `dial-in` needs a `[[user]]`: nobody could call",
            "add [[user]] with name and password",
            role,
        );
    }
    let table = tables.dial_in.map(Spanned::into_inner).unwrap_or_default();
    let (dns, open_ports) = (table.dns.unwrap_or_default(), table.open_ports.unwrap_or_default());
    // The Microsoft extension has a primary and a secondary address (RFC 1877 §1.1, §1.3).
    if let Some(third) = dns.get(2) {
        return problem("callers take two name servers", "remove this one", third.span());
    }
    let wins = table.wins.unwrap_or_default();
    if let Some(third) = wins.get(2) {
        return problem("callers take two WINS servers", "remove this one", third.span());
    }
    check_distinct("port", &open_ports)?;
    let of_names = [
        ("open-ports", open_ports.first().map(Spanned::span)),
        ("auth", table.auth.as_ref().map(Spanned::span)),
    ];
    if let Some((key, at)) = of_names.into_iter().find_map(|(key, at)| Some((key, at?)))
        && has_guests_only
    {
        return problem(
            "every line is for guests, who have no name",
            format!("remove `{key}`, or `guest` from a line"),
            at,
        );
    }
    check_distinct("name server", &dns)?;
    check_distinct("WINS server", &wins)?;
    let users: Vec<raw::User> = users.into_iter().map(Spanned::into_inner).collect();
    let session_limit = limit(table.session_limit, TOO_SHORT)?;
    check_limits(table.idle_limit.as_ref(), session_limit)?;
    let idle_limit = limit(table.idle_limit, TOO_SHORT)?;
    let context = service::Context { lines: &lines, has_idle_limit: idle_limit.is_some(), lan };
    let (services, offers) = service::services(tables.service.unwrap_or_default(), &users, &context)?;
    let users = user::users(users)?;
    let authentication = user::authentication(table.auth, &users)?;
    for server in dns.iter().chain(&wins) {
        if let Some(own) = fixed(lan) {
            check_host(server.get_ref().0, own, "the server", server.span())?;
        }
    }
    let proxy_arp = proxy_arp(table.proxyarp, &lines, lan)?;
    let dns: Vec<_> = dns.into_iter().map(|address| address.into_inner().0).collect();
    let has_login = lines.iter().any(|line| line.get_ref().login == Some(true));
    let prompt = table.login_prompt.as_ref().or(table.password_prompt.as_ref());
    if let Some(prompt) = prompt.filter(|_| !has_login) {
        return problem("no line has a prompt", "write login = true below a [[line]]", prompt.span());
    }
    let prompts = Prompts {
        name: table.login_prompt.map(Spanned::into_inner),
        password: table.password_prompt.map(Spanned::into_inner),
    };
    Ok(DialIn {
        lines: line::lines(lines.into_iter().map(Spanned::into_inner).collect(), lan, &dns)?,
        netmask: table.netmask,
        dns,
        proxy_arp,
        masquerade: table.masquerade.unwrap_or(true),
        open_ports: open_ports.into_iter().map(Spanned::into_inner).collect(),
        mtu: table.mtu,
        idle_limit,
        session_limit,
        echo: echo(table.lcp_echo_interval, table.lcp_echo_failure)?,
        users,
        offers,
        services,
        authentication,
        wins: wins.into_iter().map(|address| address.into_inner().0).collect(),
        callers_meet: table.callers_meet.unwrap_or(false),
        prompts,
        exchange: None,
    })
}

const TOO_SHORT: &str = "a caller would be hung up as soon as the call is set up";

/// pppd answers ARP at the interface whose network has the caller's address (sys-linux.c, `get_ether_addr`). A line whose
/// callers are elsewhere may be beside others.
fn proxy_arp(
    raw: Option<Spanned<bool>>,
    lines: &[Spanned<raw::Line>],
    lan: Option<&Lan>,
) -> Checked<Option<InterfaceName>> {
    let Some(at) = raw.filter(|proxy| *proxy.get_ref()).map(|proxy| proxy.span()) else { return Ok(None) };
    let Some(Lan { interface, .. }) = lan else {
        return problem(
            "the box joins no local network in which it could answer ARP for callers",
            "add [lan], or remove `proxyarp`",
            at,
        );
    };
    let is_in = |own: HostAddress, line: &Spanned<raw::Line>| {
        own.network().contains(line.get_ref().remote.get_ref().0)
    };
    match fixed(lan).filter(|own| !lines.iter().any(|line| is_in(*own, line))) {
        Some(own) => problem(
            format!("no caller's address is in the network of [lan], {}", own.network()),
            "give a line a `remote` of that network, or remove `proxyarp`",
            at,
        ),
        None => Ok(Some(interface.clone())),
    }
}
