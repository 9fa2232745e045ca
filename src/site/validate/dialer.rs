//! The tables of a dialer.

use super::forward::{Surroundings, forward};
use super::gpio::gpio;
use super::vpn::{TunnelSurroundings, check_not_local, tunnel, vpn};
use super::{check_apart_networks, check_distinct, check_limits, echo, limit, not_empty, raw, sms};
use crate::site::dial_init;
use crate::site::error::{Checked, Problem, problem};
use crate::site::{
    Account, AtCommand, ContextAuth, DataSize, Days, DialNumber, Dialer, Gpio, IpType, Lan, LinkConfig,
    MissedCall, Modem, Occasion, Operator, Port, Routing, SMALLEST_BUDGET, Schedule, Speed, Tell, TimeSpan,
    Whole,
};
use std::ops::Range;
use toml::Spanned;

const TOO_SHORT: &str = "the link would be closed as soon as it is open";
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
    pub tunnel: Option<Spanned<raw::Tunnel>>,
    pub forward: Option<Spanned<raw::Forward>>,
    pub gpio: Option<Spanned<raw::Gpio>>,
    pub schedule: Option<Spanned<raw::Schedule>>,
    pub missed_call: Option<Spanned<raw::MissedCall>>,
    pub tell: Option<Spanned<raw::Tell>>,
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
    let link = link(tables.link.map(Spanned::into_inner).unwrap_or_default(), lan)?;
    let vpn = tables.vpn.map(|table| vpn(table.into_inner(), &link.routing, lan)).transpose()?;
    let around = TunnelSurroundings { routing: &link.routing, lan, vpn: vpn.as_ref(), has_ssh };
    let tunnel = tables.tunnel.map(|table| tunnel(table.span(), table.into_inner(), &around)).transpose()?;
    let modem = modem(tables.modem.map(Spanned::into_inner).unwrap_or_default())?;
    let around = Surroundings { lan, vpn: vpn.as_ref(), link: &link, modem: &modem.port, has_ssh };
    let forwarding = tables.forward.map(|table| forward(table.span(), table.into_inner(), &around));
    let gpio = tables.gpio.map(|table| gpio(table.span(), table.into_inner())).transpose()?;
    let tell = tables.tell.map(|table| tell(table.into_inner(), &link, gpio.as_ref())).transpose()?;
    Ok(Dialer {
        gpio,
        tunnel,
        forward: forwarding.transpose()?,
        schedule: tables.schedule.map(|table| schedule(table.into_inner(), &link)).transpose()?,
        missed_call: tables.missed_call.map(|table| missed_call(table.into_inner(), &link)).transpose()?,
        tell,
        modem,
        operator: operator(operator_table.into_inner())?,
        link,
        sms: tables.sms.map(|table| sms::sms(table.span(), table.into_inner())).transpose()?,
        vpn,
    })
}

const OTHER_AFTER: TimeSpan = TimeSpan::minutes(5);

fn modem(raw: raw::Modem) -> Checked<Modem> {
    let port = raw.port.unwrap_or(Port::Auto);
    if let Some(unused) = raw.other_after.as_ref().filter(|_| port != Port::Auto) {
        return problem(
            "`port` names one modem: no other one is tried",
            "remove `other-after`, or write port = \"auto\"",
            unused.span(),
        );
    }
    let other_after = raw.other_after.map_or(Ok(OTHER_AFTER), |span| match span.get_ref() {
        short if *short < TimeSpan::minutes(1) => {
            problem("a modem needs longer to find its network", "write at least \"1m\"", span.span())
        }
        _ => Ok(span.into_inner()),
    })?;
    for command in raw.init.iter().flatten() {
        let checked = dial_init::check(command.get_ref().as_str());
        checked.map_err(|invalid| Problem::from_value(invalid, command.span()))?;
    }
    let init = raw.init.map(|init| init.into_iter().map(Spanned::into_inner).collect());
    Ok(Modem {
        other_after,
        port,
        speed: raw.speed.unwrap_or(Speed::USUAL),
        pin: raw.pin,
        init: init.unwrap_or_else(AtCommand::usual_init),
    })
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
    if let (Some(auth), None) = (&raw.auth, &account) {
        return problem("`auth` without an account", "add user and password, or remove `auth`", auth.span());
    }
    let other_apns = raw.other_apns.unwrap_or_default();
    check_distinct("access point name", &other_apns)?;
    if let Some(again) = other_apns.iter().find(|apn| *apn.get_ref() == raw.apn) {
        return problem("this is `apn` already", "write the others only", again.span());
    }
    Ok(Operator {
        name: raw.name,
        apn: raw.apn,
        other_apns: other_apns.into_iter().map(Spanned::into_inner).collect(),
        number: raw.number.unwrap_or_else(DialNumber::packet_service),
        ip_type: raw.ip_type.unwrap_or(IpType::Ipv4),
        account,
        auth: raw.auth.map_or(ContextAuth::Pap, Spanned::into_inner),
    })
}

fn link(raw: raw::Link, lan: Option<&Lan>) -> Checked<LinkConfig> {
    let routing = match (raw.default_route, raw.routes) {
        (Some(flag), Some(_)) if *flag.get_ref() => {
            return problem(
                "the default route already covers `routes`",
                "remove `default-route` to send only `routes` over the link, or remove `routes`",
                flag.span(),
            );
        }
        (_, Some(routes)) => {
            check_apart_networks(&routes)?;
            for route in &routes {
                if route.get_ref().is_everything() {
                    return problem(
                        "this is the default route",
                        "write default-route = true instead of `routes`",
                        route.span(),
                    );
                }
                check_not_local(*route.get_ref(), "the link", lan, route.span())?;
            }
            Routing::Only(routes.into_iter().map(Spanned::into_inner).collect())
        }
        (Some(flag), None) if !flag.get_ref() => Routing::Only(Vec::new()),
        (_, None) => Routing::Default,
    };
    let data_budget = data_budget(raw.data_budget)?;
    if let Some(unused) = raw.billing_day.as_ref().filter(|_| data_budget.is_none()) {
        return problem(
            "without `data-budget` nothing is counted by the month",
            "add data-budget = \"500MB\", or remove `billing-day`",
            unused.span(),
        );
    }
    let session_limit = limit(raw.session_limit, TOO_SHORT)?.unwrap_or(const { TimeSpan::minutes(120) });
    check_limits(raw.idle_limit.as_ref(), Some(session_limit))?;
    Ok(LinkConfig {
        routing,
        echo: echo(raw.lcp_echo_interval, raw.lcp_echo_failure)?,
        chat_timeout: raw.chat_timeout.unwrap_or(const { Whole::constant(60) }),
        idle_limit: limit(raw.idle_limit, TOO_SHORT)?.unwrap_or(const { TimeSpan::minutes(10) }),
        session_limit,
        data_budget,
        billing_day: raw.billing_day.map_or(const { Whole::constant(1) }, Spanned::into_inner),
    })
}

fn data_budget(raw: Option<Spanned<DataSize>>) -> Checked<Option<DataSize>> {
    match raw {
        Some(budget) if *budget.get_ref() < SMALLEST_BUDGET => problem(
            format!("to open the link takes some of it, and this is below {SMALLEST_BUDGET}"),
            "write how much a month may carry, as in \"500MB\", or remove `data-budget` for no limit",
            budget.span(),
        ),
        budget => Ok(budget.map(Spanned::into_inner)),
    }
}

fn schedule(raw: raw::Schedule, link: &LinkConfig) -> Checked<Schedule> {
    let length = open_for(raw.open_for, link)?;
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

/// The length of a session that the box opens by itself.
fn open_for(raw: Option<Spanned<TimeSpan>>, link: &LinkConfig) -> Checked<TimeSpan> {
    match raw {
        None => Ok(SCHEDULED_LENGTH.min(link.session_limit)),
        Some(length) if *length.get_ref() > link.session_limit => problem(
            format!("longer than session-limit, {}", link.session_limit),
            "write at most that, or raise session-limit in [link]",
            length.span(),
        ),
        Some(_) => Ok(limit(raw, TOO_SHORT)?.unwrap_or(SCHEDULED_LENGTH)),
    }
}

fn missed_call(raw: raw::MissedCall, link: &LinkConfig) -> Checked<MissedCall> {
    not_empty(&raw.numbers, "no call could open the link", "add a number, or remove `[missed-call]`")?;
    check_distinct("number", raw.numbers.get_ref())?;
    let numbers = raw.numbers.into_inner().into_iter().map(Spanned::into_inner).collect();
    Ok(MissedCall { numbers, length: open_for(raw.open_for, link)? })
}

fn tell(raw: raw::Tell, link: &LinkConfig, gpio: Option<&Gpio>) -> Checked<Tell> {
    not_empty(&raw.to, "nobody would be told anything", "add a number, or remove `[tell]`")?;
    not_empty(&raw.on, "nothing would be told", "add an occasion as in [\"boot\"], or remove `[tell]`")?;
    check_distinct("number", raw.to.get_ref())?;
    let on = raw.on.into_inner();
    for (at, occasion) in on.iter().enumerate() {
        if on.iter().take(at).any(|before| before.get_ref() == occasion.get_ref()) {
            return problem("this occasion is there twice", "remove one of them", occasion.span());
        }
        if *occasion.get_ref() == Occasion::Budget && link.data_budget.is_none() {
            return problem(
                "without `data-budget` in [link] there is no budget to tell of",
                "add data-budget = \"500MB\" there, or remove this occasion",
                occasion.span(),
            );
        }
        let has_inputs = gpio.is_some_and(|gpio| !gpio.inputs.is_empty());
        if *occasion.get_ref() == Occasion::Gpio && !has_inputs {
            return problem(
                "there is no input that could change",
                "add [[gpio.input]] with name and line, or remove this occasion",
                occasion.span(),
            );
        }
    }
    Ok(Tell {
        to: raw.to.into_inner().into_iter().map(Spanned::into_inner).collect(),
        on: on.into_iter().map(Spanned::into_inner).collect(),
        a_day: raw.a_day.unwrap_or(const { Whole::constant(5) }),
    })
}
