//! The box's own networks. An operator must not assign an address in them: the box would take the address of a
//! neighbour there, or send the neighbour's packets over the link.

use std::fs;
use std::net::Ipv4Addr;

use super::{Addresses, Interface};
use crate::paths::Paths;
use crate::site::{Addressing, HostAddress, Role, Site};

/// A network, as in the kernel's routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: u32,
    mask: u32,
}

/// The address of a link that belongs to a network of the box, if there is one: a network that the box is in now, or
/// that its site names.
pub fn find_conflict(paths: &Paths, link: &Interface, addresses: Addresses) -> Option<Ipv4Addr> {
    let routes = fs::read_to_string(paths.path("/proc/net/route")).unwrap_or_default();
    let site = fs::read_to_string(paths.site()).ok().and_then(|text| Site::parse(&text).ok());
    let networks: Vec<Network> = routes
        .lines()
        .filter_map(|line| connected(line, link))
        .chain(site.iter().flat_map(of_site))
        .collect();
    let taken = |end: &Ipv4Addr| networks.iter().any(|it| end.to_bits() & it.mask == it.address);
    [addresses.local, addresses.remote].into_iter().find(taken)
}

/// The network of an interface's own address: a route without a gateway that is not over this or another link
/// (linux/net/ipv4/fib_trie.c, `fib_route_seq_show`).
fn connected(route: &str, link: &Interface) -> Option<Network> {
    let fields: Vec<&str> = route.split_whitespace().collect();
    let [interface, address, gateway, _, _, _, _, mask, ..] = fields[..] else { return None };
    if interface == link.as_str() || interface.starts_with("ppp") {
        return None;
    }
    // Network byte order, printed as a number in host byte order.
    let bits = |hex| u32::from_str_radix(hex, 16).ok().map(u32::from_be);
    let (address, gateway, mask) = (bits(address)?, bits(gateway)?, bits(mask)?);
    (gateway == 0 && mask != 0).then_some(Network { address, mask })
}

fn of_site(site: &Site) -> impl Iterator<Item = Network> {
    let lan = site.lan.as_ref().and_then(|lan| match &lan.addressing {
        Addressing::Fixed { address, .. } => Some(around(address)),
        Addressing::Dhcp => None,
    });
    let vpn = match &site.role {
        Role::Dialer(dialer) => dialer.vpn.as_ref().map(|vpn| around(&vpn.address)),
        Role::DialIn(_) => None,
    };
    lan.into_iter().chain(vpn)
}

fn around(host: &HostAddress) -> Network {
    let mask = host.netmask().to_bits();
    Network { address: host.address().to_bits() & mask, mask }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "role='dialer'\nhostname='x'\n[operator]\nname='free'\napn='free'\n\
                        [lan]\naddress='192.168.7.2/24'\n";
    /// Routes of a box with DHCP in 192.168.32.0/24, and a link whose site has routes.
    const ROUTES: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\tFE20A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0020A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0002000A\tFE20A8C0\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
ppp0\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
";

    #[test]
    fn an_address_of_the_boxs_own_networks_is_found_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for (path, text) in [(paths.site(), SITE), (paths.path("/proc/net/route"), ROUTES)] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for (local, remote, conflict) in [
            ("10.64.3.2", "10.64.64.64", None),
            ("192.168.32.77", "10.64.64.64", Some("192.168.32.77")),
            ("10.64.3.2", "192.168.32.254", Some("192.168.32.254")),
            ("192.168.7.9", "10.64.64.64", Some("192.168.7.9")),
            ("10.0.2.1", "10.64.64.64", None), // behind a gateway: its route does not change
            ("10.1.0.1", "10.64.64.64", None), // a route of the link itself
        ] {
            let ends = Addresses { local: local.parse().unwrap(), remote: remote.parse().unwrap() };
            let found = find_conflict(&paths, &Interface::new("ppp0").unwrap(), ends);
            assert_eq!(found, conflict.map(|it| it.parse().unwrap()), "{local} {remote}");
        }
    }
}
