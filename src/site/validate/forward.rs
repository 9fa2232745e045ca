//! `[forward]`, and what it needs.

use super::{check_distinct, raw};
use crate::site::error::{Checked, problem};
use crate::site::{Addressing, Forward, Ipv4Net, Lan, LinkConfig, PortForward, Routing, Vpn};
use std::ops::Range;
use toml::Spanned;

const SSH: u16 = 22;

/// The rest of the site that a forward depends on.
pub(super) struct Surroundings<'a> {
    pub lan: Option<&'a Lan>,
    pub vpn: Option<&'a Vpn>,
    pub link: &'a LinkConfig,
    pub has_ssh: bool,
}

pub(super) fn forward(at: Range<usize>, raw: raw::Forward, around: &Surroundings) -> Checked<Forward> {
    let Some(vpn) = around.vpn else {
        return problem("only the far side of a VPN is let in", "add [vpn], or remove `[forward]`", at);
    };
    let Some(lan) = around.lan else {
        return problem("the box joins no local network", "add [lan], or remove `[forward]`", at);
    };
    let networks = raw.networks.unwrap_or_default();
    let ports = raw.port.unwrap_or_default();
    let from_lan = raw.from_lan.unwrap_or(false);
    if networks.is_empty() && ports.is_empty() && !from_lan {
        return problem(
            "nothing is forwarded",
            "add networks = […], a [[forward.port]] or from-lan = true, or remove `[forward]`",
            at,
        );
    }
    for (index, network) in networks.iter().enumerate() {
        let earlier = networks.iter().take(index).find(|other| other.get_ref().overlaps(*network.get_ref()));
        if let Some(other) = earlier {
            let why = format!("this network and {} overlap", other.get_ref());
            return problem(why, "keep the larger one", network.span());
        }
        check_network(network, lan, vpn, around.link)?;
    }
    check_distinct("port", ports.iter().map(|port| &port.get_ref().listen))?;
    let ports = ports.into_iter().map(|port| self::port(port.into_inner(), lan, around.has_ssh));
    Ok(Forward {
        ports: ports.collect::<Checked<_>>()?,
        networks: networks.into_iter().map(Spanned::into_inner).collect(),
        masquerade: raw.masquerade.unwrap_or(true),
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
    if it.contains(vpn.endpoint.address()) {
        return problem(
            "the VPN's endpoint is in this network: the tunnel would lead into itself",
            "write a smaller network, or one host with /32",
            network.span(),
        );
    }
    match &lan.addressing {
        Addressing::Fixed { address, .. } if !address.network().covers(it) => problem(
            format!("not in the network of [lan], {}", address.network()),
            "write that network, a part of it, or one host with /32",
            network.span(),
        ),
        Addressing::Fixed { .. } | Addressing::Dhcp => Ok(()),
    }
}

fn port(raw: raw::PortForward, lan: &Lan, has_ssh: bool) -> Checked<PortForward> {
    if has_ssh && raw.listen.get_ref().get() == SSH {
        return problem("this is the box's own ssh port", "choose another port", raw.listen.span());
    }
    let to = *raw.to.get_ref();
    if let Addressing::Fixed { address, .. } = &lan.addressing {
        if to.address() == address.address() {
            return problem("this is the box's own address", "write that of a device", raw.to.span());
        }
        if !address.network().contains(to.address()) {
            return problem(
                format!("not in the network of [lan], {}", address.network()),
                "write address and port of a device there",
                raw.to.span(),
            );
        }
    }
    Ok(PortForward { listen: raw.listen.into_inner(), to })
}
