//! Relations between the parts of a site.

mod line;
mod line_modem;
mod sms;
mod user;

use super::error::{Checked, problem};
use super::lan::{Addressing, InterfaceName, Lan, LanAddress};
use super::{
    Account, AtCommand, DevicePath, DialIn, DialNumber, Dialer, EchoFailure, EchoInterval, LcpEcho,
    LinkConfig, Modem, Operator, Port, Prompts, Reboot, Role, Routing, Site, Speed, SshKey, TimeSpan,
    Timezone, Vpn, Watchdog, Whole, raw,
};
use std::ops::Range;
use toml::Spanned;

pub(super) fn site(raw: raw::Site) -> Checked<Site> {
    check_tables_fit_role(&raw)?;
    let reboot = raw.reboot.unwrap_or_default();
    let watchdog = raw.watchdog.unwrap_or_default();
    let lan = raw.lan.map(|table| self::lan(table.into_inner())).transpose()?;
    let role = match raw.role.get_ref() {
        raw::Role::Dialer => Role::Dialer(Box::new(dialer(
            raw.role.span(),
            raw.modem,
            raw.operator,
            raw.link,
            raw.sms,
            raw.vpn,
        )?)),
        raw::Role::DialIn => {
            let dial_in = dial_in(raw.role.span(), raw.dial_in, raw.line, raw.user, lan.as_ref())?;
            Role::DialIn(Box::new(dial_in))
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
        ssh_keys: raw.ssh.map_or(Ok(Vec::new()), ssh_keys)?,
        role,
    })
}

fn lan(raw: raw::Lan) -> Checked<Lan> {
    let dns = raw.dns.unwrap_or_default();
    let addressing = match raw.address {
        LanAddress::Fixed(address) => Addressing::Fixed {
            address,
            gateway: raw.gateway.map(|gateway| gateway.into_inner().0),
            dns: dns.into_iter().map(|server| server.into_inner().0).collect(),
        },
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

fn dialer(
    role: Range<usize>,
    modem_table: Option<Spanned<raw::Modem>>,
    operator_table: Option<Spanned<raw::Operator>>,
    link_table: Option<Spanned<raw::Link>>,
    sms_table: Option<Spanned<raw::Sms>>,
    vpn_table: Option<Spanned<raw::Vpn>>,
) -> Checked<Dialer> {
    let Some(operator_table) = operator_table else {
        return problem("a `dialer` needs the table `[operator]`", "add [operator] with name and apn", role);
    };
    Ok(Dialer {
        modem: modem(modem_table.map(Spanned::into_inner).unwrap_or_default()),
        operator: operator(operator_table.into_inner())?,
        link: link(link_table.map(Spanned::into_inner).unwrap_or_default())?,
        sms: sms_table.map(|table| sms::sms(table.span(), table.into_inner())).transpose()?,
        vpn: vpn_table.map(|table| vpn(table.into_inner())).transpose()?,
    })
}

fn modem(raw: raw::Modem) -> Modem {
    Modem {
        port: raw.port.unwrap_or(Port::Auto),
        speed: raw.speed.unwrap_or(Speed::USUAL),
        pin: raw.pin,
        init: raw.init.unwrap_or_else(AtCommand::usual_init),
    }
}

fn operator(raw: raw::Operator) -> Checked<Operator> {
    let account = match (raw.user, raw.password) {
        (Some(name), Some(password)) => {
            Some(Account { name: name.into_inner(), password: password.into_inner() })
        }
        (None, None) => None,
        (Some(name), None) => {
            return problem("`user` needs a `password`", "add password = \"…\"", name.span());
        }
        (None, Some(password)) => {
            return problem("`password` needs a `user`", "add user = \"…\"", password.span());
        }
    };
    Ok(Operator {
        name: raw.name,
        apn: raw.apn,
        number: raw.number.unwrap_or_else(DialNumber::packet_service),
        account,
    })
}

fn link(raw: raw::Link) -> Checked<LinkConfig> {
    let routing = match (raw.default_route, raw.routes) {
        (Some(flag), Some(_)) if *flag.get_ref() => {
            return problem(
                "the default route already covers `routes`",
                "remove `default-route` to send only `routes` over the link, or remove `routes`",
                flag.span(),
            );
        }
        (_, Some(routes)) => {
            check_distinct("route", &routes)?;
            Routing::Only(routes.into_iter().map(Spanned::into_inner).collect())
        }
        (Some(flag), None) if !flag.get_ref() => Routing::Only(Vec::new()),
        (_, None) => Routing::Default,
    };
    Ok(LinkConfig {
        routing,
        echo: echo(raw.lcp_echo_interval, raw.lcp_echo_failure),
        chat_timeout: raw.chat_timeout.unwrap_or(const { Whole::constant(60) }),
        idle_limit: limit(raw.idle_limit, const { TimeSpan::minutes(10) })?,
        session_limit: limit(raw.session_limit, const { TimeSpan::minutes(120) })?,
        data_budget: raw.data_budget,
    })
}

fn vpn(raw: raw::Vpn) -> Checked<Vpn> {
    not_empty(
        &raw.networks,
        "nothing would go through the VPN",
        "name the networks behind the peer, as in [\"10.9.0.0/24\"]",
    )?;
    check_distinct("network", raw.networks.get_ref())?;
    Ok(Vpn {
        private_key: raw.private_key.into_inner(),
        address: raw.address,
        public_key: raw.public_key,
        preshared_key: raw.preshared_key.map(Spanned::into_inner),
        endpoint: raw.endpoint,
        networks: raw.networks.into_inner().into_iter().map(Spanned::into_inner).collect(),
        keepalive: raw.keepalive.unwrap_or(const { Whole::constant(25) }),
    })
}

fn limit(raw: Option<Spanned<TimeSpan>>, usual: TimeSpan) -> Checked<TimeSpan> {
    match raw {
        None => Ok(usual),
        Some(span) if *span.get_ref() < TimeSpan::minutes(1) => {
            problem("the link would be closed as soon as it is open", "write at least \"1m\"", span.span())
        }
        Some(span) => Ok(span.into_inner()),
    }
}

fn echo(interval: Option<EchoInterval>, failure: Option<EchoFailure>) -> LcpEcho {
    LcpEcho {
        interval: interval.unwrap_or(const { Whole::constant(30) }),
        failure: failure.unwrap_or(const { Whole::constant(4) }),
    }
}

fn dial_in(
    role: Range<usize>,
    table: Option<Spanned<raw::DialIn>>,
    lines: Option<Vec<Spanned<raw::Line>>>,
    users: Option<Vec<Spanned<raw::User>>>,
    lan: Option<&Lan>,
) -> Checked<DialIn> {
    let (lines, users) = (lines.unwrap_or_default(), users.unwrap_or_default());
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
    let table = table.map(Spanned::into_inner).unwrap_or_default();
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
    let users = user::users(users.into_iter().map(Spanned::into_inner).collect())?;
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
        authentication,
        wins: wins.into_iter().map(|address| address.into_inner().0).collect(),
        callers_meet: table.callers_meet.unwrap_or(false),
        prompts,
    })
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
