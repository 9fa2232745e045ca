//! `[vpn]` and `[tunnel]`: what is reached over the link, and must not be on the local network.

use super::{check_apart_networks, check_distinct, fixed, not_empty, raw};
use crate::site::error::{Checked, problem};
use crate::site::{AnyEndpoint, HostAddress, Ipv4Net, Lan, Routing, Tunnel, Vpn, Whole};
use std::net::Ipv4Addr;
use std::ops::Range;
use toml::Spanned;

/// Of several routes the kernel takes the longest prefix: a part of the local network that is routed elsewhere is cut off,
/// and with the same prefix one of the two routes is lost.
pub(super) fn check_not_local(it: Ipv4Net, over: &str, lan: Option<&Lan>, at: Range<usize>) -> Checked<()> {
    match fixed(lan) {
        Some(own) if own.network().covers(it) => problem(
            format!("{it} would go over {over}, and is in the local network, {}", own.network()),
            "give one of the two networks other addresses",
            at,
        ),
        _ => Ok(()),
    }
}

pub(super) fn vpn(raw: raw::Vpn, routing: &Routing, lan: Option<&Lan>) -> Checked<Vpn> {
    not_empty(
        &raw.networks,
        "nothing would go through the VPN",
        "name the networks behind the peer, as in [\"10.9.0.0/24\"]",
    )?;
    check_keys(&raw)?;
    check_addresses(&raw, routing, lan)?;
    let way = Way { routing, lan, own: Some(*raw.address.get_ref()) };
    way.check(&raw.endpoint)?;
    let others = raw.other_endpoints.unwrap_or_default();
    check_distinct("endpoint", &others)?;
    others.iter().try_for_each(|endpoint| way.check(endpoint))?;
    check_own_routes([&raw.endpoint].into_iter().chain(&others), raw.networks.get_ref())?;
    if let Some(again) = others.iter().find(|other| other.get_ref() == raw.endpoint.get_ref()) {
        return problem("this is `endpoint` already", "write the others only", again.span());
    }
    let renew = raw.renew.unwrap_or(true);
    if let Some(unused) = others.first().filter(|_| !renew) {
        return problem(
            "with `renew = false` nothing notices that `endpoint` does not answer",
            "remove `renew`, or `other-endpoints`",
            unused.span(),
        );
    }
    Ok(Vpn {
        private_key: raw.private_key.into_inner(),
        address: raw.address.into_inner(),
        public_key: raw.public_key,
        preshared_key: raw.preshared_key.map(Spanned::into_inner),
        endpoint: raw.endpoint.into_inner(),
        other_endpoints: others.into_iter().map(Spanned::into_inner).collect(),
        networks: raw.networks.into_inner().into_iter().map(Spanned::into_inner).collect(),
        keepalive: raw.keepalive.unwrap_or(const { Whole::constant(25) }),
        renew,
    })
}

/// Keys that were copied to the wrong place.
fn check_keys(raw: &raw::Vpn) -> Checked<()> {
    if raw.private_key.get_ref().reveal() == raw.public_key.as_str() {
        return problem(
            "`private-key` and `public-key` are the same key",
            "write what `wg genkey` has printed for the box, and what `wg pubkey` prints at the peer",
            raw.private_key.span(),
        );
    }
    let Some(shared) = &raw.preshared_key else { return Ok(()) };
    for (key, name) in
        [(raw.private_key.get_ref().reveal(), "private-key"), (raw.public_key.as_str(), "public-key")]
    {
        if shared.get_ref().reveal() == key {
            return problem(
                format!("`preshared-key` and `{name}` are the same key"),
                "write what `wg genpsk` has printed for both ends, or remove `preshared-key`",
                shared.span(),
            );
        }
    }
    Ok(())
}

/// An endpoint has a route of its own over the link, which that of a network with only this address would replace.
fn check_own_routes<'a>(
    endpoints: impl IntoIterator<Item = &'a Spanned<AnyEndpoint>>,
    networks: &[Spanned<Ipv4Net>],
) -> Checked<()> {
    for endpoint in endpoints {
        let AnyEndpoint::Address(it) = endpoint.get_ref() else { continue };
        if let Some(network) = networks.iter().find(|network| network.get_ref().host() == Some(it.address()))
        {
            return problem(
                format!("{it} is an endpoint: the tunnel would lead into itself"),
                "remove this address: it is reached over the link",
                network.span(),
            );
        }
    }
    Ok(())
}

fn check_addresses(raw: &raw::Vpn, routing: &Routing, lan: Option<&Lan>) -> Checked<()> {
    check_apart_networks(raw.networks.get_ref())?;
    let own = *raw.address.get_ref();
    if own.address().is_loopback() {
        return problem(
            "what begins with 127 is the address of every host itself",
            "write the address that the box has in the VPN",
            raw.address.span(),
        );
    }
    check_not_local(own.network(), "the VPN", lan, raw.address.span())?;
    if let Some(local) = fixed(lan).filter(|local| local.network().contains(own.address())) {
        return problem(
            format!("an address of the local network, {}", local.network()),
            "write the address that the box has in the VPN",
            raw.address.span(),
        );
    }
    let over_link = match routing {
        Routing::Default => &[],
        Routing::Only(networks) => networks.as_slice(),
    };
    for network in raw.networks.get_ref() {
        check_not_local(*network.get_ref(), "the VPN", lan, network.span())?;
        if network.get_ref().host() == Some(own.address()) {
            return problem(
                "this is the box's own address in the VPN, which the peer has in its `AllowedIPs`",
                "write the networks behind the peer, as in [\"10.9.0.0/24\"]",
                network.span(),
            );
        }
        if over_link.contains(network.get_ref()) {
            return problem(
                "this network is in `routes` of [link] as well",
                "leave it in one of the two places: behind the VPN, or over the link without it",
                network.span(),
            );
        }
    }
    // The kernel gives the interface a route to its network.
    if over_link.contains(&own.network()) {
        return problem(
            format!("its network, {}, is in `routes` of [link] as well", own.network()),
            "remove it there, or write another address",
            raw.address.span(),
        );
    }
    Ok(())
}

/// The way to a server: over the link.
struct Way<'a> {
    routing: &'a Routing,
    lan: Option<&'a Lan>,
    /// The box's own address in the VPN.
    own: Option<HostAddress>,
}

impl Way<'_> {
    fn check(&self, server: &Spanned<AnyEndpoint>) -> Checked<()> {
        match server.get_ref() {
            AnyEndpoint::Name(_) => self.check_name(server.span()),
            AnyEndpoint::Address(endpoint) => self.check_address(endpoint.address(), server.span()),
        }
    }

    /// pppd gets the operator's name servers only with the default route (`usepeerdns`).
    fn check_name(&self, at: Range<usize>) -> Checked<()> {
        match self.routing {
            Routing::Only(_) => problem(
                "no name server is reached: the default route does not go over the link",
                "write an address and a port, or remove `routes` and `default-route` from [link]",
                at,
            ),
            Routing::Default => Ok(()),
        }
    }

    fn check_address(&self, address: Ipv4Addr, at: Range<usize>) -> Checked<()> {
        if self.own.is_some_and(|own| own.address() == address) {
            return problem("this is the box's own address in the VPN", "write that of the server", at);
        }
        match fixed(self.lan) {
            Some(own) if own.network().contains(address) => problem(
                format!(
                    "the server is reached over the link, and this is in the local network, {}",
                    own.network()
                ),
                "write the address that it has on the Internet or in the operator's network",
                at,
            ),
            _ => Ok(()),
        }
    }
}

/// The rest of the site that a tunnel depends on.
pub(super) struct TunnelSurroundings<'a> {
    pub routing: &'a Routing,
    pub lan: Option<&'a Lan>,
    pub vpn: Option<&'a Vpn>,
    pub has_ssh: bool,
}

pub(super) fn tunnel(at: Range<usize>, raw: raw::Tunnel, around: &TunnelSurroundings) -> Checked<Tunnel> {
    if !around.has_ssh {
        return problem(
            "the tunnel leads to the box's ssh server, which does not run",
            "add [ssh] with the keys of those who may log in, or remove `[tunnel]`",
            at,
        );
    }
    let way = Way { routing: around.routing, lan: around.lan, own: around.vpn.map(|vpn| vpn.address) };
    way.check(&raw.server)?;
    let listens = match raw.server.get_ref() {
        AnyEndpoint::Address(endpoint) => endpoint.socket().port(),
        AnyEndpoint::Name(named) => named.port(),
    };
    if listens == raw.port.get_ref().get() {
        return problem(
            "the ssh server itself listens at this port",
            "choose another one, as in `port = 2201`",
            raw.port.span(),
        );
    }
    let raw::Tunnel { server, user, host_key, port } = raw;
    Ok(Tunnel { server: server.into_inner(), user, host_key, port: port.into_inner() })
}
