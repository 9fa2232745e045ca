//! Relations between the parts of a site.

mod dial_in;
mod dialer;
mod exchange;
mod forward;
mod gpio;
mod line;
mod line_modem;
mod service;
mod sms;
mod user;
mod vpn;

use super::error::{Checked, problem};
use super::lan::{Addressing, InterfaceName, Lan, LanAddress};
use super::net::{Address, HostAddress, Ipv4Net};
use super::{
    DevicePath, DialIn, EchoFailure, EchoInterval, LcpEcho, Port, Reboot, Role, Site, SshKey, TimeSpan,
    Timezone, Watchdog, Whole, raw,
};
use std::net::Ipv4Addr;
use std::ops::Range;
use toml::Spanned;

pub(super) fn site(raw: raw::Site) -> Checked<Site> {
    check_tables_fit_role(&raw)?;
    let reboot = raw.reboot.unwrap_or_default();
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
                gpio: raw.gpio,
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
            let tables = dial_in::Tables {
                dial_in: raw.dial_in,
                line: raw.line,
                user: raw.user,
                service: raw.service,
            };
            let dial_in = dial_in::dial_in(raw.role.span(), tables, lan.as_ref())?;
            Role::DialIn(Box::new(DialIn { exchange, ..dial_in }))
        }
    };
    Ok(Site {
        hostname: raw.hostname,
        timezone: raw.timezone.unwrap_or_else(Timezone::utc),
        reboot: Reboot { hour: reboot.hour.unwrap_or(const { Whole::constant(4) }) },
        watchdog: self::watchdog(raw.watchdog.unwrap_or_default())?,
        lan,
        ssh_keys,
        role,
    })
}

/// What is written to another device would not be what `watchdogd` means.
fn watchdog(raw: raw::Watchdog) -> Checked<Watchdog> {
    if let Some(device) = raw.device.as_ref().filter(|device| !device.get_ref().is_watchdog()) {
        let why = format!("{} is no watchdog", device.get_ref());
        return problem(why, "write \"/dev/watchdog\", or remove `device`", device.span());
    }
    Ok(Watchdog {
        device: raw.device.map_or_else(DevicePath::watchdog, Spanned::into_inner),
        timeout: raw.timeout.unwrap_or(const { Whole::constant(15) }),
    })
}

fn lan(raw: raw::Lan) -> Checked<Lan> {
    let dns = raw.dns.unwrap_or_default();
    let addressing = match raw.address {
        LanAddress::Fixed(address) => {
            check_gateway(raw.gateway.as_ref(), address)?;
            check_distinct("name server", &dns)?;
            for server in &dns {
                check_host(server.get_ref().0, address, "a name server", server.span())?;
            }
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
    check_host(address, own, "the router", gateway.span())
}

/// The local network, if the site has its addresses.
fn fixed(lan: Option<&Lan>) -> Option<HostAddress> {
    match lan.map(|lan| &lan.addressing) {
        Some(Addressing::Fixed { address, .. }) => Some(*address),
        Some(Addressing::Dhcp) | None => None,
    }
}

/// Of the local network's addresses two are no host's.
fn check_host(address: Ipv4Addr, own: HostAddress, who: &str, at: Range<usize>) -> Checked<()> {
    match own.no_host(address) {
        Some(what) => problem(
            format!("{address} is {what} in [lan], {}", own.network()),
            format!("write the address that {who} has there"),
            at,
        ),
        None => Ok(()),
    }
}

/// A limit of a link or a call: a shorter one would end it while it is set up.
fn limit(raw: Option<Spanned<TimeSpan>>, why: &str) -> Checked<Option<TimeSpan>> {
    match raw {
        Some(span) if *span.get_ref() < TimeSpan::minutes(1) => {
            problem(why, "write at least \"1m\"", span.span())
        }
        span => Ok(span.map(Spanned::into_inner)),
    }
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
                ("[tunnel]", at(raw.tunnel.as_ref())),
                ("[modem]", at(raw.modem.as_ref())),
                ("[operator]", at(raw.operator.as_ref())),
                ("[link]", at(raw.link.as_ref())),
                ("[sms]", at(raw.sms.as_ref())),
                ("[forward]", at(raw.forward.as_ref())),
                ("[gpio]", at(raw.gpio.as_ref())),
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

/// A link that ends before it could have been idle so long is never closed for that.
fn check_limits(idle: Option<&Spanned<TimeSpan>>, session: Option<TimeSpan>) -> Checked<()> {
    match (idle, session) {
        (Some(idle), Some(session)) if *idle.get_ref() > session => problem(
            format!("longer than session-limit, {session}: it would have no effect"),
            "write at most that, or raise session-limit",
            idle.span(),
        ),
        _ => Ok(()),
    }
}

/// The longest round trip over a mobile link with a signal is below three seconds, and an analogue modem that trains
/// anew is silent for some more.
const SHORTEST_SILENCE: u32 = 5;
/// All that time a dead link would look like one that is up, and no other would be opened.
const LONGEST_SILENCE: u32 = 3600;

fn echo(interval: Option<Spanned<EchoInterval>>, failure: Option<Spanned<EchoFailure>>) -> Checked<LcpEcho> {
    let at = failure.as_ref().map(Spanned::span).or_else(|| interval.as_ref().map(Spanned::span));
    let interval = interval.map_or(const { Whole::constant(30) }, Spanned::into_inner);
    let failure = failure.map_or(const { Whole::constant(4) }, Spanned::into_inner);
    let silence = u32::from(interval.get()) * u32::from(failure.get());
    match at {
        Some(at) if silence < SHORTEST_SILENCE => problem(
            format!("a link that is silent for {silence} s would be closed, and many are now and then"),
            format!("write values whose product is at least {SHORTEST_SILENCE} s, or remove both"),
            at,
        ),
        Some(at) if silence > LONGEST_SILENCE => problem(
            format!("a dead link would be noticed after {silence} s"),
            format!("write values whose product is at most {LONGEST_SILENCE} s, or remove both"),
            at,
        ),
        _ => Ok(LcpEcho { interval, failure }),
    }
}

/// Networks of one list, each a route of its own.
fn check_apart_networks(networks: &[Spanned<Ipv4Net>]) -> Checked<()> {
    for (index, network) in networks.iter().enumerate() {
        let earlier = networks.iter().take(index).find(|other| other.get_ref().overlaps(*network.get_ref()));
        if let Some(other) = earlier {
            let why = format!("this network and {} overlap", other.get_ref());
            return problem(why, "keep the larger one", network.span());
        }
    }
    Ok(())
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
