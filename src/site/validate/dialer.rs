//! The tables of a dialer.

use super::forward::{Surroundings, forward};
use super::{check_distinct, echo, not_empty, raw, sms};
use crate::site::error::{Checked, problem};
use crate::site::{
    Account, AtCommand, Days, DialNumber, Dialer, IpType, Lan, LinkConfig, Modem, Operator, Port, Routing,
    Schedule, Speed, TimeSpan, Vpn, Whole,
};
use std::ops::Range;
use toml::Spanned;

const SCHEDULED_LENGTH: TimeSpan = TimeSpan::minutes(15);
const SPREAD: TimeSpan = TimeSpan::minutes(60);
const LONGEST_SPREAD: TimeSpan = TimeSpan::minutes(12 * 60);

/// The tables as written.
pub(super) struct Tables {
    pub modem: Option<Spanned<raw::Modem>>,
    pub operator: Option<Spanned<raw::Operator>>,
    pub link: Option<Spanned<raw::Link>>,
    pub sms: Option<Spanned<raw::Sms>>,
    pub vpn: Option<Spanned<raw::Vpn>>,
    pub forward: Option<Spanned<raw::Forward>>,
    pub schedule: Option<Spanned<raw::Schedule>>,
}

pub(super) fn dialer(
    role: Range<usize>,
    tables: Tables,
    lan: Option<&Lan>,
    has_ssh: bool,
) -> Checked<Dialer> {
    let Some(operator_table) = tables.operator else {
        return problem("a `dialer` needs the table `[operator]`", "add [operator] with name and apn", role);
    };
    let link = link(tables.link.map(Spanned::into_inner).unwrap_or_default())?;
    let vpn = tables.vpn.map(|table| vpn(table.into_inner())).transpose()?;
    let around = Surroundings { lan, vpn: vpn.as_ref(), link: &link, has_ssh };
    let forwarding = tables.forward.map(|table| forward(table.span(), table.into_inner(), &around));
    Ok(Dialer {
        forward: forwarding.transpose()?,
        schedule: tables.schedule.map(|table| schedule(table.into_inner(), &link)).transpose()?,
        modem: modem(tables.modem.map(Spanned::into_inner).unwrap_or_default()),
        operator: operator(operator_table.into_inner())?,
        link,
        sms: tables.sms.map(|table| sms::sms(table.span(), table.into_inner())).transpose()?,
        vpn,
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
        ip_type: raw.ip_type.unwrap_or(IpType::Ipv4),
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
        renew: raw.renew.unwrap_or(true),
    })
}

fn schedule(raw: raw::Schedule, link: &LinkConfig) -> Checked<Schedule> {
    let length = match raw.open_for {
        None => SCHEDULED_LENGTH.min(link.session_limit),
        Some(length) if *length.get_ref() > link.session_limit => {
            return problem(
                format!("longer than session-limit, {}", link.session_limit),
                "write at most that, or raise session-limit in [link]",
                length.span(),
            );
        }
        Some(_) => limit(raw.open_for, SCHEDULED_LENGTH)?,
    };
    let spread = match raw.spread {
        None => SPREAD,
        Some(spread) if *spread.get_ref() > LONGEST_SPREAD => {
            return problem(
                format!("a box might begin {} late", spread.get_ref()),
                format!("write at most \"{LONGEST_SPREAD}\""),
                spread.span(),
            );
        }
        Some(spread) => spread.into_inner(),
    };
    let on = raw.on.unwrap_or(Days::Daily);
    Ok(Schedule { on, at: raw.at, length, spread })
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
