//! IPv4 networks and masks.

use super::text::{Invalid, Text, text_value};
use std::fmt;
use std::net::Ipv4Addr;

/// An IPv4 network in CIDR form (RFC 4632 §3.1) with no bit set in its host part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv4Net {
    address: Ipv4Addr,
    prefix: u8,
}

impl Ipv4Net {
    /// The network of a host.
    pub(super) fn around(host: Ipv4Addr, prefix: u8) -> Self {
        Self { address: Ipv4Addr::from(u32::from(host) & mask(prefix)), prefix }
    }

    /// Whether an address is in this network.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == u32::from(self.address)
    }

    /// Whether every address is in this network.
    pub(super) fn is_everything(self) -> bool {
        self.prefix == 0
    }

    /// The only address of a network with the prefix 32.
    #[must_use]
    pub fn host(self) -> Option<Ipv4Addr> {
        (self.prefix == 32).then_some(self.address)
    }

    /// Whether every address of the other network is in this one.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

/// Why no host can have this address: "this network" and loopback (RFC 1122 §3.2.1.3), multicast (RFC 1112 §4), and what
/// is reserved, the broadcast address too.
pub(super) fn no_hosts(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets()[0] {
        0 => Some("0.0.0.0 and what begins with 0 is no host's address"),
        127 => Some("what begins with 127 is the address of every host itself"),
        224..=239 => Some("this is the address of a multicast group"),
        240..=255 => Some("addresses from 240.0.0.0 on are no hosts'"),
        _ => None,
    }
}

/// The bits of an address before the first point.
const FIRST_NUMBER: u8 = 8;

/// The mask of a prefix of 0 to 32 bits.
pub(super) fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl Text for Ipv4Net {
    const EXPECTED: &'static str = "a network";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let malformed = || {
            Invalid::new(
                format!("{text:?} is not a network"),
                "write address and prefix length, as in \"10.1.0.0/16\"",
            )
        };
        let (address, prefix) = split_prefix(text).ok_or_else(malformed)?;
        let network = Self::around(address, prefix);
        if network.address != address {
            return Err(Invalid::new(
                format!("{text} is an address in a network, not the network"),
                format!("write \"{network}\" for the network, \"{address}/32\" for the host"),
            ));
        }
        // A short prefix may have others: 0.0.0.0/1 is half of all.
        if let Some(why) = no_hosts(address).filter(|_| prefix >= FIRST_NUMBER || address.octets()[0] != 0) {
            return Err(Invalid::new(format!("{text}: {why}"), "write a network that has hosts"));
        }
        Ok(network)
    }
}

/// An address and the length of a prefix, 0 to 32 bits.
pub(super) fn split_prefix(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let digits = (1..=2).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
    let prefix = prefix.parse().ok().filter(|prefix| digits && *prefix <= 32)?;
    Some((address.parse().ok()?, prefix))
}

impl fmt::Display for Ipv4Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The address of a host with the prefix of its network: `192.168.32.2/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress {
    address: Ipv4Addr,
    prefix: u8,
}

impl HostAddress {
    /// The address alone.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The mask of the network.
    #[must_use]
    pub fn netmask(self) -> Ipv4Addr {
        mask(self.prefix).into()
    }

    /// The network.
    #[must_use]
    pub fn network(self) -> Ipv4Net {
        Ipv4Net::around(self.address, self.prefix)
    }

    /// What an address of its network is that no host there can have (RFC 1122 §3.2.1.3).
    pub(super) fn no_host(self, address: Ipv4Addr) -> Option<&'static str> {
        let host = !mask(self.prefix);
        match u32::from(address) & host {
            _ if !self.network().contains(address) || !self.has_neighbours() => None,
            0 => Some("the address of the network itself"),
            bits if bits == host => Some("the network's broadcast address"),
            _ => None,
        }
    }

    /// Whether its network has room for other hosts and a broadcast address.
    pub(super) fn has_neighbours(&self) -> bool {
        self.prefix <= 30
    }
}

impl Text for HostAddress {
    const EXPECTED: &'static str = "an address with its prefix";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let malformed = || {
            Invalid::new(
                format!("{text:?} is not the address of a host with the length of its network's prefix"),
                "write the box's own address, as in \"10.9.0.2/24\"",
            )
        };
        let (address, prefix) = split_prefix(text).ok_or_else(malformed)?;
        let host = u32::from(address) & !mask(prefix);
        // RFC 3021: a network of two addresses has neither a network nor a broadcast address.
        if prefix == 0 || prefix < 31 && (host == 0 || host == !mask(prefix)) {
            return Err(malformed());
        }
        // The exchange of a test has the loopback interface for its network.
        if let Some(why) = no_hosts(address).filter(|_| !address.is_loopback()) {
            return Err(Invalid::new(format!("{text:?}: {why}"), "write the box's own address"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A netmask: ones, then zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netmask(Ipv4Addr);

impl Text for Netmask {
    const EXPECTED: &'static str = "a netmask";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let mask = text.parse().ok().filter(|mask: &Ipv4Addr| {
            let bits = u32::from(*mask);
            bits.leading_ones() + bits.trailing_zeros() == 32
        });
        mask.map(Self).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is not a netmask"),
                "write ones, then zeros, as in \"255.255.255.0\"",
            )
        })
    }
}

impl fmt::Display for Netmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The IPv4 address of a host as a value of `site.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address(pub Ipv4Addr);

impl Text for Address {
    const EXPECTED: &'static str = "an IPv4 address";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let next = "write four numbers from 0 to 255 with dots, as in \"192.168.32.1\"";
        let address: Ipv4Addr =
            text.parse().map_err(|_| Invalid::new(format!("{text:?} is not an IPv4 address"), next))?;
        match no_hosts(address) {
            Some(why) => Err(Invalid::new(format!("{text:?}: {why}"), "write the address of a host")),
            None => Ok(Self(address)),
        }
    }
}

text_value!(Ipv4Net, HostAddress, Netmask, Address);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boxs_address_must_be_a_hosts() {
        for (text, good) in [
            ("10.9.0.2/24", true),
            ("10.9.0.2/32", true),
            ("10.9.0.2/31", true),
            ("10.9.0.0/24", false),
            ("10.9.0.255/24", false),
            ("10.9.0.2/0", false),
            ("10.9.0.2", false),
            ("10.9.0.2/33", false),
            ("127.0.0.2/8", true),
            ("224.0.0.5/24", false),
        ] {
            assert_eq!(text.parse::<HostAddress>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn an_address_that_no_host_can_have_is_refused() {
        for (text, good) in [
            ("1.0.0.1", true),
            ("126.255.255.254", true),
            ("128.0.0.1", true),
            ("223.255.255.254", true),
            ("0.0.0.0", false),
            ("0.0.0.7", false),
            ("127.0.0.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(text.parse::<Address>().is_ok(), good, "{text}");
        }
    }
}
