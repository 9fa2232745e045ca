//! Relations between the parts of a site.

mod dialer;
mod exchange;
mod forward;
mod line;
mod line_modem;
mod service;
mod sms;
mod user;

use super::error::{Checked, problem};
use super::lan::{Addressing, InterfaceName, Lan, LanAddress};
use super::net::{Address, HostAddress};
use super::{
    DevicePath, DialIn, EchoFailure, EchoInterval, LcpEcho, Port, Prompts, Reboot, Role, Site, SshKey,
    Timezone, Watchdog, Whole, raw,
};
use std::ops::Range;
use toml::Spanned;

pub(super) fn site(raw: raw::Site) -> Checked<Site> {
    check_tables_fit_role(&raw)?;
    let reboot = raw.reboot.unwrap_or_default();
    let watchdog = raw.watchdog.unwrap_or_default();
    let lan = raw.lan.map(|table| self::lan(table.into_inner())).transpose()?;
    let ssh_keys = raw.ssh.map_or(Ok(Vec::new()), self::ssh_keys)?;
    let role = match raw.role.get_ref() {
        raw::Role::Dialer => {
            let tables = dialer::Tables {
                modem: raw.modem,
                operator: raw.operator,
                link: raw.link,
                sms: raw.sms,
                vpn: raw.vpn,
                tunnel: raw.tunnel,
                forward: raw.forward,
                schedule: raw.schedule,
                missed_call: raw.missed_call,
                tell: raw.tell,
            };
            Role::Dialer(Box::new(dialer::dialer(
                raw.role.span(),
                tables,
                lan.as_ref(),
                !ssh_keys.is_empty(),
            )?))
        }
        raw::Role::DialIn => {
            let exchange =
                raw.exchange.map(|table| exchange::exchange(table, lan.as_ref())).transpose()?.map(Box::new);
            let tables =
                DialInTables { dial_in: raw.dial_in, line: raw.line, user: raw.user, service: raw.service };
            let dial_in = dial_in(raw.role.span(), tables, lan.as_ref())?;
            Role::DialIn(Box::new(DialIn { exchange, ..dial_in }))
        }
    };
    Ok(Site {
        hostname: raw.hostname,
        timezone: raw.timezone.unwrap_or_else(Timezone::utc),
        reboot: Reboot { hour: reboot.hour.unwrap_or(const { Whole::constant(4) }) },
        watchdog: Watchdog {
            device: watchdog.device.unwrap_or_else(DevicePath::watchdog),
            timeout: watchdog.timeout.unwrap_or(const { Whole::constant(15) }),
        },
        lan,
        ssh_keys,
        role,
    })
}

fn lan(raw: raw::Lan) -> Checked<Lan> {
    let dns = raw.dns.unwrap_or_default();
    let addressing = match raw.address {
        LanAddress::Fixed(address) => {
            check_gateway(raw.gateway.as_ref(), address)?;
            check_distinct("name server", &dns)?;
            Addressing::Fixed {
                address,
                gateway: raw.gateway.map(|gateway| gateway.into_inner().0),
                dns: dns.into_iter().map(|server| server.into_inner().0).collect(),
            }
        }
        LanAddress::Dhcp => {
            let own = raw.gateway.iter().chain(&dns).next();
            if let Some(own) = own {
                return problem(
                    "with DHCP, gateway and name servers come from the DHCP server",
                    "remove this, or write the box's own address",
                    own.span(),
                );
            }
            Addressing::Dhcp
        }
    };
    Ok(Lan { interface: raw.interface.unwrap_or_else(InterfaceName::ethernet), addressing })
}

/// The kernel refuses a route over a gateway that is no neighbour.
fn check_gateway(gateway: Option<&Spanned<Address>>, own: HostAddress) -> Checked<()> {
    let Some(gateway) = gateway else { return Ok(()) };
    let Address(address) = *gateway.get_ref();
    if address == own.address() {
        return problem("this is the box's own address", "write that of the router", gateway.span());
    }
    if !own.network().contains(address) {
        return problem(
            format!("not in the network of [lan], {}", own.network()),
            "write the address that the router has there",
            gateway.span(),
        );
    }
    Ok(())
}

fn ssh_keys(raw: raw::Ssh) -> Checked<Vec<SshKey>> {
    not_empty(&raw.keys, "without a key nobody could log in", "add a key, or remove `[ssh]`")?;
    check_distinct("key", raw.keys.get_ref())?;
    Ok(raw.keys.into_inner().into_iter().map(Spanned::into_inner).collect())
}

fn not_empty<T>(list: &Spanned<Vec<T>>, why: &str, next: &str) -> Checked<()> {
    if list.get_ref().is_empty() { problem(why, next, list.span()) } else { Ok(()) }
}

/// A table of the other role would have no effect, so it is an error.
fn check_tables_fit_role(raw: &raw::Site) -> Checked<()> {
    fn at<T>(table: Option<&Spanned<T>>) -> Option<Range<usize>> {
        table.map(Spanned::span)
    }
    let (role, other, strangers) = match raw.role.get_ref() {
        raw::Role::Dialer => (
            "dialer",
            "dial-in",
            vec![
                ("[dial-in]", at(raw.dial_in.as_ref())),
                ("[[line]]", at(raw.line.iter().flatten().next())),
                ("[[user]]", at(raw.user.iter().flatten().next())),
                ("[[service]]", at(raw.service.iter().flatten().next())),
                ("[exchange]", at(raw.exchange.as_ref())),
            ],
        ),
        raw::Role::DialIn => (
            "dial-in",
            "dialer",
            vec![
                ("[vpn]", at(raw.vpn.as_ref())),
                ("[modem]", at(raw.modem.as_ref())),
                ("[operator]", at(raw.operator.as_ref())),
                ("[link]", at(raw.link.as_ref())),
                ("[sms]", at(raw.sms.as_ref())),
                ("[forward]", at(raw.forward.as_ref())),
                ("[schedule]", at(raw.schedule.as_ref())),
                ("[missed-call]", at(raw.missed_call.as_ref())),
                ("[tell]", at(raw.tell.as_ref())),
            ],
        ),
    };
    for (table, span) in strangers {
        if let Some(span) = span {
            return problem(
                format!("`{table}` belongs to the role `{other}`, but this site is a `{role}`"),
                format!("remove `{table}`, or write role = \"{other}\""),
                span,
            );
        }
    }
    Ok(())
}

fn echo(interval: Option<EchoInterval>, failure: Option<EchoFailure>) -> LcpEcho {
    LcpEcho {
        interval: interval.unwrap_or(const { Whole::constant(30) }),
        failure: failure.unwrap_or(const { Whole::constant(4) }),
    }
}

/// The tables of a dial-in.
struct DialInTables {
    dial_in: Option<Spanned<raw::DialIn>>,
    line: Option<Vec<Spanned<raw::Line>>>,
    user: Option<Vec<Spanned<raw::User>>>,
    service: Option<Vec<Spanned<raw::Service>>>,
}

fn dial_in(role: Range<usize>, tables: DialInTables, lan: Option<&Lan>) -> Checked<DialIn> {
    let (lines, users) = (tables.line.unwrap_or_default(), tables.user.unwrap_or_default());
    if lines.is_empty() {
        return problem("a `dial-in` needs a `[[line]]`", "add [[line]] with port, local and remote", role);
    }
    let is_guests = |line: &Spanned<raw::Line>| line.get_ref().guest.as_ref().is_some_and(|it| *it.get_ref());
    if users.is_empty() && !lines.iter().all(is_guests) {
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
    check_distinct("name server", &dns)?;
    check_distinct("WINS server", &wins)?;
    let users: Vec<raw::User> = users.into_iter().map(Spanned::into_inner).collect();
    let context = service::Context { lines: &lines, idle_limit: table.idle_limit };
    let (services, offers) = service::services(tables.service.unwrap_or_default(), &users, &context)?;
    let users = user::users(users)?;
    let authentication = user::authentication(table.auth, &users)?;
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
        proxy_arp: table.proxyarp.unwrap_or(false),
        masquerade: table.masquerade.unwrap_or(true),
        open_ports: open_ports.into_iter().map(Spanned::into_inner).collect(),
        mtu: table.mtu,
        idle_limit: table.idle_limit,
        session_limit: table.session_limit,
        echo: echo(table.lcp_echo_interval, table.lcp_echo_failure),
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

/// Two services at one port would take each other's bytes.
fn check_apart<'a>(ports: impl IntoIterator<Item = &'a Spanned<Port>>) -> Checked<()> {
    let mut seen: Vec<&Port> = Vec::new();
    for port in ports {
        if let Some(earlier) = seen.iter().find(|earlier| earlier.overlaps(port.get_ref())) {
            return problem(
                format!("port {earlier} is given already, and this is the same device"),
                "name another one",
                port.span(),
            );
        }
        seen.push(port.get_ref());
    }
    Ok(())
}

fn check_distinct<'a, T: PartialEq + 'a>(
    what: &str,
    values: impl IntoIterator<Item = &'a Spanned<T>>,
) -> Checked<()> {
    let mut seen: Vec<&T> = Vec::new();
    for value in values {
        if seen.contains(&value.get_ref()) {
            return problem(format!("this {what} is given twice"), "remove one of the two", value.span());
        }
        seen.push(value.get_ref());
    }
    Ok(())
}
