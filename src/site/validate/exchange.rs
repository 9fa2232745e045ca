//! `[exchange]`: relations between accounts, extensions and routes.

use toml::Spanned;

use super::{check_distinct, problem};
use crate::site::error::Checked;
use crate::site::{
    DigestAlgorithm, Exchange, ExchangeAccount, ExchangeRoute, Lan, Pattern, RELAY_PORTS, TimeSpan, UdpPort,
    Whole, raw,
};

/// The most accounts. 32 re-registering ones are tested.
const MOST_ACCOUNTS: usize = 64;

pub(super) fn exchange(raw: Spanned<raw::Exchange>, lan: Option<&Lan>) -> Checked<Exchange> {
    let at = raw.span();
    let raw = raw.into_inner();
    if lan.is_none() {
        return problem("the exchange has no network to serve", "add [lan] with the box's address", at);
    }
    let relay = raw.rtp_relay.filter(|relay| *relay.get_ref());
    if let (Some(relay), Some(port)) = (&relay, &raw.port)
        && RELAY_PORTS.contains(&port.get_ref().get())
    {
        let (first, last) = (RELAY_PORTS.start(), RELAY_PORTS.end());
        return problem(
            format!("the UDP ports {first} to {last} are for relayed sound, and `port` is one of them"),
            "choose another `port`, as in port = 5060",
            relay.span(),
        );
    }
    let port = port(raw.port)?;
    let no_answer = no_answer(raw.no_answer)?;
    let raw_accounts: Vec<raw::ExchangeAccount> =
        raw.account.unwrap_or_default().into_iter().map(Spanned::into_inner).collect();
    if raw_accounts.is_empty() {
        return problem("no adapter could register", "add [[exchange.account]] with name and password", at);
    }
    if let Some(surplus) = raw_accounts.get(MOST_ACCOUNTS) {
        let why = format!("there are more than {MOST_ACCOUNTS} accounts");
        return problem(why, "remove some", surplus.name.span());
    }
    check_distinct("name", raw_accounts.iter().map(|account| &account.name))?;
    check_distinct("extension", raw_accounts.iter().filter_map(|account| account.extension.as_ref()))?;
    let routes = raw.route.unwrap_or_default().into_iter().map(Spanned::into_inner).collect();
    let routes = self::routes(routes, &raw_accounts)?;
    if routes.is_empty() && raw_accounts.iter().all(|account| account.extension.is_none()) {
        return problem(
            "no number reaches anybody",
            "give an account an `extension`, or add [[exchange.route]] with pattern = \"_X!\" and to = […]",
            at,
        );
    }
    Ok(Exchange {
        port,
        no_answer,
        qualify: raw.qualify.unwrap_or(const { Whole::constant(200) }),
        rtp_relay: relay.is_some(),
        accounts: raw_accounts.into_iter().map(account).collect::<Checked<_>>()?,
        routes,
    })
}

/// RFC 6335 §6: those below belong to services, such as 53 to name servers and 68 to the box's own DHCP client. No
/// adapter looks for SIP there.
const FIRST_USER_PORT: u16 = 1024;

fn port(raw: Option<Spanned<UdpPort>>) -> Checked<UdpPort> {
    match raw {
        None => Ok(const { Whole::constant(5060) }),
        Some(port) if port.get_ref().get() < FIRST_USER_PORT => problem(
            format!("the port {} is for another service of the system, as all below 1024", port.get_ref()),
            "write 5060, the usual one of SIP, or one from 1024 on",
            port.span(),
        ),
        Some(port) => Ok(port.into_inner()),
    }
}

/// One ring and the pause after it (Bellcore GR-506: 2 s and 4 s).
const SHORTEST_RINGING: TimeSpan = TimeSpan::seconds(6);
/// Nobody waits longer: a calling modem at most 255 s, and usually 60 s (ITU-T V.250 §6.3.10, S7), and a proxy on the way
/// may give up a call of which it has heard nothing for three minutes (RFC 3261 §13.3.1.1, §16.6 Timer C).
const LONGEST_RINGING: TimeSpan = TimeSpan::minutes(3);

fn no_answer(raw: Option<Spanned<TimeSpan>>) -> Checked<TimeSpan> {
    let why = match raw.as_ref().map(|span| *span.get_ref()) {
        Some(span) if span < SHORTEST_RINGING => "the account would ring less than once",
        Some(span) if span > LONGEST_RINGING => "no caller waits that long for an answer",
        span => return Ok(span.unwrap_or(const { TimeSpan::minutes(1) })),
    };
    let at = raw.map(|span| span.span()).unwrap_or_default();
    problem(why, format!("write a time from \"{SHORTEST_RINGING}\" to \"{LONGEST_RINGING}\""), at)
}

fn account(raw: raw::ExchangeAccount) -> Checked<ExchangeAccount> {
    let password = raw.password.get_ref().reveal();
    let why = match () {
        () if password.is_empty() => Some("the password is empty: anybody could register"),
        () if password == raw.name.get_ref().as_str() => Some("the password is the account's name"),
        () => None,
    };
    if let Some(why) = why {
        return problem(why, "choose a password", raw.password.span());
    }
    Ok(ExchangeAccount {
        name: raw.name.into_inner(),
        password: raw.password.into_inner(),
        extension: raw.extension.map(Spanned::into_inner),
        digest: raw.digest.unwrap_or(DigestAlgorithm::Md5),
    })
}

/// The first pattern that matches is taken: a later one that it covers would never be.
fn routes(raw: Vec<raw::ExchangeRoute>, accounts: &[raw::ExchangeAccount]) -> Checked<Vec<ExchangeRoute>> {
    let mut earlier: Vec<(Pattern, String)> = Vec::new();
    for extension in accounts.iter().filter_map(|account| account.extension.as_ref()) {
        let number = extension.get_ref().as_str();
        // An extension is always a number for a pattern.
        earlier.extend(number.parse().ok().map(|pattern| (pattern, format!("the extension {number}"))));
    }
    let mut routes = Vec::new();
    for raw::ExchangeRoute { pattern, to } in raw {
        if let Some((_, what)) = earlier.iter().find(|(known, _)| known.covers(pattern.get_ref())) {
            return problem(
                format!("no call gets here: {what} comes before and takes every number of this pattern"),
                "remove one of the two, or put a narrower route first",
                pattern.span(),
            );
        }
        earlier.push((pattern.get_ref().clone(), format!("the route {:?}", pattern.get_ref().as_str())));
        if to.get_ref().is_empty() {
            return problem(
                "this route leads to nobody",
                "name an account, as in to = [\"modem1\"]",
                to.span(),
            );
        }
        check_distinct("account", to.get_ref())?;
        let index = |name: &Spanned<crate::site::AccountName>| {
            let found = accounts.iter().position(|account| account.name.get_ref() == name.get_ref());
            found.map_or_else(
                || {
                    let known: Vec<&str> = accounts.iter().map(|it| it.name.get_ref().as_str()).collect();
                    let next = format!("write one of {}", known.join(", "));
                    problem(format!("there is no account {:?}", name.get_ref().as_str()), next, name.span())
                },
                Ok,
            )
        };
        let to = to.get_ref().iter().map(index).collect::<Checked<Vec<usize>>>()?;
        routes.push(ExchangeRoute { pattern: pattern.into_inner(), to });
    }
    Ok(routes)
}
