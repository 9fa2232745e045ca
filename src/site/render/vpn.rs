//! The VPN over the link: WireGuard's own file, and the scripts that pppd runs.

use super::RenderedFile;
use crate::names::run_file::VPN_ENDPOINT;
use crate::names::run_file::VPN_INTERFACE;
use crate::names::{RUN_DIR, VPN_UP};
use crate::site::{AnyEndpoint, Routing, Vpn};
use std::fmt::Write;

const FILE: &str = "/etc/wireguard/vpn.conf";

/// The VPN belongs to the link that has brought it up last. The routes through it disappear with it, the route to its
/// endpoint with the link.
fn down(forwards: bool) -> String {
    let forwarding = if forwards { forwarding(false) } else { String::new() };
    format!(
        "read -r link <{RUN_DIR}/{VPN_INTERFACE} && [ \"$link\" = \"$PPP_IFACE\" ] || exit 0\n\
         rm {RUN_DIR}/{VPN_INTERFACE}\n\
         {forwarding}ip link del vpn\n"
    )
}

fn forwarding(is_on: bool) -> String {
    format!("/sbin/sysctl -qw net.ipv4.ip_forward={}\n", u8::from(is_on))
}

/// With `forwards`, packets pass between the VPN and the local network, by the rules of the firewall.
pub(super) fn files(vpn: &Vpn, routing: &Routing, forwards: bool) -> [RenderedFile; 3] {
    [
        RenderedFile::secret(FILE, &configuration(vpn), "keys and peer, for `wg setconf`"),
        RenderedFile::script(VPN_UP, &up(vpn, routing, forwards), "brings the VPN up over the link"),
        RenderedFile::script("/etc/ppp/ip-down.d/vpn", &down(forwards), "takes the VPN down"),
    ]
}

/// wg(8), CONFIGURATION FILE FORMAT.
fn configuration(vpn: &Vpn) -> String {
    let Vpn { private_key, public_key, preshared_key, endpoint, keepalive, .. } = vpn;
    let networks: Vec<_> = vpn.networks.iter().map(ToString::to_string).collect();
    let preshared_key = preshared_key.as_ref();
    let preshared_key = preshared_key.map(|key| format!("PresharedKey = {}\n", key.reveal()));
    let endpoint = match endpoint {
        AnyEndpoint::Address(endpoint) => Some(format!("Endpoint = {endpoint}\n")),
        // wg(8) would ask the resolver, and wait for it.
        AnyEndpoint::Name(_) => None,
    };
    format!(
        "[Interface]\n\
         PrivateKey = {}\n\
         \n\
         [Peer]\n\
         PublicKey = {}\n\
         {}\
         {}\
         AllowedIPs = {}\n\
         PersistentKeepalive = {keepalive}\n",
        private_key.reveal(),
        public_key.as_str(),
        preshared_key.unwrap_or_default(),
        endpoint.unwrap_or_default(),
        networks.join(", "),
    )
}

/// The endpoint that the dialer has chosen. Where the first one is a name and the dialer has not resolved it, there is
/// no VPN yet: its routes could lead the question for the name into a tunnel without an end.
fn choose_endpoint(vpn: &Vpn) -> String {
    let first = match &vpn.endpoint {
        AnyEndpoint::Address(endpoint) => format!("endpoint={endpoint}"),
        AnyEndpoint::Name(_) => "exit 0".to_owned(),
    };
    format!("read -r endpoint 2>/dev/null <{RUN_DIR}/{VPN_ENDPOINT} || {first}\n")
}

/// It gets a route of its own: it may be in a network that the VPN's routes cover.
fn use_endpoint(vpn: &Vpn) -> String {
    format!(
        "wg set vpn peer '{}' endpoint \"$endpoint\"\n\
         ip route replace \"${{endpoint%:*}}\" dev \"$PPP_IFACE\"\n",
        vpn.public_key.as_str()
    )
}

/// An interface left by a killed pppd is replaced. The route to the endpoint comes first, since the first handshake
/// starts with the interface.
fn up(vpn: &Vpn, routing: &Routing, forwards: bool) -> String {
    let (choose, use_it) = match &vpn.endpoint {
        AnyEndpoint::Address(only) if vpn.other_endpoints.is_empty() => {
            let route = format!("ip route replace {} dev \"$PPP_IFACE\"\n", only.address());
            (
                String::new(),
                if vpn.needs_endpoint_route(only.address(), routing) { route } else { String::new() },
            )
        }
        _ => (choose_endpoint(vpn), use_endpoint(vpn)),
    };
    let mut script = format!(
        "ip link del vpn 2>/dev/null\n\
         {choose}\
         echo \"$PPP_IFACE\" >{RUN_DIR}/{VPN_INTERFACE}\n\
         ip link add vpn type wireguard\n\
         wg setconf vpn {FILE}\n\
         ip addr add {} dev vpn\n\
         {use_it}",
        vpn.address
    );
    if forwards {
        script += &forwarding(true);
    }
    script += "ip link set vpn up\n";
    // The kernel adds the route of the address itself.
    // A String takes every write: `fmt::Write` for it has no error.
    for network in vpn.networks.iter().filter(|network| **network != vpn.address.network()) {
        let _ = writeln!(script, "ip route replace {network} dev vpn");
    }
    script
}
