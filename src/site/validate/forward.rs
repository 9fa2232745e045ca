//! `[forward]`, and what it needs.

use super::{check_apart, check_apart_networks, check_distinct, check_host, fixed, raw};
use crate::site::error::{Checked, problem};
use crate::site::ssh::PORT as SSH;
use crate::site::{
    AnyEndpoint, Forward, HostAddress, Ipv4Net, Lan, LinkConfig, Port, PortForward, Routing, SerialForward,
    Speed, Vpn,
};
use std::net::Ipv4Addr;
use std::ops::Range;
use toml::Spanned;

/// The rest of the site that a forward depends on.
pub(super) struct Surroundings<'a> {
    pub lan: Option<&'a Lan>,
    pub vpn: Option<&'a Vpn>,
    pub link: &'a LinkConfig,
    pub modem: &'a Port,
    pub has_ssh: bool,
}

pub(super) fn forward(at: Range<usize>, raw: raw::Forward, around: &Surroundings) -> Checked<Forward> {
    let Some(vpn) = around.vpn else {
        return problem("only the far side of a VPN is let in", "add [vpn], or remove `[forward]`", at);
    };
    let networks = raw.networks.unwrap_or_default();
    let ports = raw.port.unwrap_or_default();
    let serial = raw.serial.unwrap_or_default();
    let from_lan = raw.from_lan.unwrap_or(false);
    let passes_packets = !networks.is_empty() || !ports.is_empty() || from_lan;
    if !passes_packets && serial.is_empty() {
        return problem(
            "nothing is forwarded",
            "add networks = […], a [[forward.port]], a [[forward.serial]] or from-lan = true, or remove `[forward]`",
            at,
        );
    }
    if let Some(unused) = raw.masquerade.as_ref().filter(|_| networks.is_empty() && ports.is_empty()) {
        return problem(
            "the far side reaches nothing on the local network",
            "add networks = […] or a [[forward.port]], or remove `masquerade`",
            unused.span(),
        );
    }
    let listens = ports.iter().map(|port| &port.get_ref().listen);
    check_distinct("port", listens.chain(serial.iter().map(|serial| &serial.get_ref().listen)))?;
    check_apart(serial.iter().map(|serial| &serial.get_ref().port))?;
    let serial = serial.into_iter().map(|serial| self::serial(serial.into_inner(), around));
    let serial = serial.collect::<Checked<_>>()?;
    let Some(lan) = around.lan else {
        if !passes_packets {
            return Ok(Forward {
                networks: Vec::new(),
                ports: Vec::new(),
                serial,
                masquerade: true,
                from_lan,
            });
        }
        return problem("the box joins no local network", "add [lan], or remove `[forward]`", at);
    };
    check_apart_networks(&networks)?;
    for network in &networks {
        check_network(network, lan, vpn, around.link)?;
    }
    let ports = ports.into_iter().map(|port| self::port(port.into_inner(), lan, vpn, around.has_ssh));
    Ok(Forward {
        ports: ports.collect::<Checked<_>>()?,
        networks: networks.into_iter().map(Spanned::into_inner).collect(),
        serial,
        masquerade: raw.masquerade.is_none_or(Spanned::into_inner),
        from_lan,
    })
}

/// Of several routes the kernel takes the longest prefix: a network whose part is elsewhere would not be reached there.
fn check_network(network: &Spanned<Ipv4Net>, lan: &Lan, vpn: &Vpn, link: &LinkConfig) -> Checked<()> {
    let it = *network.get_ref();
    let of_link = match &link.routing {
        Routing::Default => &[],
        Routing::Only(networks) => networks.as_slice(),
    };
    let own = vpn.address.network();
    if own.covers(it) {
        return problem(
            format!("this is behind the VPN, in {own}"),
            "write only networks of the box's own local network",
            network.span(),
        );
    }
    let elsewhere = [("the VPN", vpn.networks.as_slice()), ("the VPN", &[own]), ("the link", of_link)];
    for (place, others) in elsewhere {
        if let Some(other) = others.iter().find(|other| it.covers(**other)) {
            return problem(
                format!("{other} is behind {place}, not on the local network"),
                "write only networks of the box's own local network",
                network.span(),
            );
        }
    }
    let is_in = |endpoint: &AnyEndpoint| match endpoint {
        AnyEndpoint::Address(endpoint) => it.contains(endpoint.address()),
        AnyEndpoint::Name(_) => false,
    };
    if let Some(endpoint) = [&vpn.endpoint].into_iter().chain(&vpn.other_endpoints).find(|it| is_in(it)) {
        return problem(
            format!("the VPN's endpoint {endpoint} is in this network: the tunnel would lead into itself"),
            "write a smaller network, or one host with /32",
            network.span(),
        );
    }
    let Some(own) = fixed(Some(lan)) else { return Ok(()) };
    if !own.network().covers(it) {
        return problem(
            format!("not in the network of [lan], {}", own.network()),
            "write that network, a part of it, or one host with /32",
            network.span(),
        );
    }
    match it.host() {
        Some(host) => check_device(host, own, network.span()),
        None => Ok(()),
    }
}

fn port(raw: raw::PortForward, lan: &Lan, vpn: &Vpn, has_ssh: bool) -> Checked<PortForward> {
    if has_ssh && raw.listen.get_ref().get() == SSH {
        return problem("this is the box's own ssh port", "choose another port", raw.listen.span());
    }
    let to = *raw.to.get_ref();
    if to.address().is_loopback() || to.address() == vpn.address.address() {
        return problem("this is the box's own address", "write that of a device", raw.to.span());
    }
    if vpn.address.network().contains(to.address()) {
        return problem(
            format!("this is behind the VPN, in {}", vpn.address.network()),
            "write address and port of a device on the local network",
            raw.to.span(),
        );
    }
    if let Some(own) = fixed(Some(lan)) {
        if !own.network().contains(to.address()) {
            return problem(
                format!("not in the network of [lan], {}", own.network()),
                "write address and port of a device there",
                raw.to.span(),
            );
        }
        check_device(to.address(), own, raw.to.span())?;
    }
    Ok(PortForward { listen: raw.listen.into_inner(), to })
}

fn check_device(address: Ipv4Addr, own: HostAddress, at: Range<usize>) -> Checked<()> {
    if address == own.address() {
        return problem("this is the box's own address", "write that of a device", at);
    }
    check_host(address, own, "the device", at)
}

/// The modem's service opens every port of its place, and sends it commands.
fn serial(raw: raw::SerialForward, around: &Surroundings) -> Checked<SerialForward> {
    let (port, at) = (raw.port.get_ref().clone(), raw.port.span());
    if around.has_ssh && raw.listen.get_ref().get() == SSH {
        return problem("this is the box's own ssh port", "choose another port", raw.listen.span());
    }
    if port == Port::Auto {
        let next = "write its place on USB, as in port = \"1-1.3\"";
        return problem("the equipment's port cannot be found by itself", next, at);
    }
    if *around.modem == Port::Auto {
        let next = "write in [modem] where that is, as in port = \"1-1.2\"";
        return problem("the modem is looked for at every port, at this one too", next, at);
    }
    if around.modem.overlaps(&port) || port.is_link_to_modem() {
        return problem("this is the modem's port", "write the equipment's", at);
    }
    Ok(SerialForward { listen: raw.listen.into_inner(), port, speed: raw.speed.unwrap_or(Speed::USUAL) })
}
