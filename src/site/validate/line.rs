//! The lines of a dial-in.

use std::net::Ipv4Addr;

use toml::Spanned;

use super::{check_apart, check_distinct, check_host, line_modem, not_empty, problem};
use crate::site::error::Checked;
use crate::site::lan::{Addressing, Lan};
use crate::site::{FlowControl, LineConfig, Port, Speed, Whole, raw};

pub(super) fn lines(
    raw: Vec<raw::Line>,
    lan: Option<&Lan>,
    name_servers: &[Ipv4Addr],
) -> Checked<Vec<LineConfig>> {
    for line in &raw {
        if let Some(callers) = &line.callers {
            not_empty(callers, "no call would be answered", "add a number, or remove `callers`")?;
            check_distinct("number", callers.get_ref())?;
        }
        if raw.iter().any(|other| other.local.get_ref() == line.remote.get_ref()) {
            return problem(
                "the caller would get the box's own address",
                "give `remote` an address that is no line's `local`",
                line.remote.span(),
            );
        }
        check_addresses(line, lan, name_servers)?;
        if raw.len() > 1 && *line.port.get_ref() == Port::Auto {
            return problem(
                "with several lines, \"auto\" does not say which is which",
                "name the port of every line",
                line.port.span(),
            );
        }
    }
    check_apart(raw.iter().map(|line| &line.port))?;
    check_distinct("remote address", raw.iter().map(|line| &line.remote))?;
    raw.into_iter().map(line).collect()
}

fn line(mut raw: raw::Line) -> Checked<LineConfig> {
    let flow = if raw.crtscts.unwrap_or(true) { FlowControl::RtsCts } else { FlowControl::None };
    let null_modem = line_modem::null_modem(&raw)?;
    let guest = raw.guest.as_ref().filter(|guest| *guest.get_ref());
    if let Some(guest) = guest.filter(|_| raw.login == Some(true)) {
        return problem("a guest has no name to log in with", "remove `login` or `guest`", guest.span());
    }
    let guest = guest.is_some();
    let modem = line_modem::modem(&mut raw, flow)?;
    Ok(LineConfig {
        port: raw.port.into_inner(),
        speed: raw.speed.unwrap_or(Speed::USUAL),
        local: raw.local.into_inner().0,
        remote: raw.remote.into_inner().0,
        flow,
        rings: raw.rings.map_or(const { Whole::constant(1) }, Spanned::into_inner),
        callers: raw
            .callers
            .map(|numbers| numbers.into_inner().into_iter().map(Spanned::into_inner).collect()),
        login: raw.login.unwrap_or(false),
        guest,
        null_modem,
        modem,
    })
}

/// A host of the local network keeps its address. Two with one address would both work only now and then.
fn check_addresses(line: &raw::Line, lan: Option<&Lan>, name_servers: &[Ipv4Addr]) -> Checked<()> {
    let (local, remote) = (line.local.get_ref().0, line.remote.get_ref().0);
    let mut taken: Vec<(Ipv4Addr, &str)> = Vec::new();
    let mut network = None;
    if let Some(Addressing::Fixed { address, gateway, dns }) = lan.map(|lan| &lan.addressing) {
        if remote == address.address() {
            return of_another(&line.remote, "the caller", "the box's own address");
        }
        taken.extend(gateway.map(|gateway| (gateway, "the gateway's address")));
        taken.extend(dns.iter().map(|server| (*server, "a name server's address")));
        network = Some(*address);
    }
    taken.extend(name_servers.iter().map(|server| (*server, "a name server's address")));
    // The box itself may be the callers' name server.
    let of_host = |address: Ipv4Addr| taken.iter().find(|(host, _)| *host == address);
    if let Some((_, whose)) = of_host(remote) {
        return of_another(&line.remote, "the caller", whose);
    }
    if let Some((_, whose)) = of_host(local).filter(|(_, whose)| whose.contains("gateway")) {
        return of_another(&line.local, "the box", whose);
    }
    if let Some(own) = network {
        check_host(local, own, "the box", line.local.span())?;
    }
    let bits = u32::from(remote);
    // Without a network of its own to go by, Windows 95 takes the class's: 255.255.255.0 for most (RFC 791 §3.2).
    let mask = network
        .filter(|own| own.network().contains(remote))
        .map_or(0xffff_ff00, |own| own.netmask().to_bits());
    if bits & !mask == 0 || bits | mask == u32::MAX {
        let what = if bits & !mask == 0 { "a network's" } else { "a broadcast" };
        return problem(
            format!("`remote` is {what} address, not a host's"),
            "give the caller another one, as in \"192.168.32.105\"",
            line.remote.span(),
        );
    }
    Ok(())
}

fn of_another<T>(address: &Spanned<T>, who: &str, whose: &str) -> Checked<()> {
    problem(format!("{who} would get {whose}"), "give it an address that no other host has", address.span())
}
