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
    /// The first address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix, 0 to 32 bits.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

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
        let (address, prefix) = text.split_once('/').ok_or_else(malformed)?;
        let address: Ipv4Addr = address.parse().map_err(|_| malformed())?;
        let digits = (1..=2).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|prefix| digits && *prefix <= 32);
        let prefix: u8 = prefix.ok_or_else(malformed)?;
        let first = Ipv4Addr::from(u32::from(address) & mask(prefix));
        if first != address {
            return Err(Invalid::new(
                format!("{text} is an address in a network, not the network"),
                format!("write \"{first}/{prefix}\" for the network, \"{address}/32\" for the host"),
            ));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Ipv4Net {
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

/// An IPv4 address as a value of `site.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address(pub Ipv4Addr);

impl Text for Address {
    const EXPECTED: &'static str = "an IPv4 address";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self).map_err(|_| {
            Invalid::new(
                format!("{text:?} is not an IPv4 address"),
                "write four numbers from 0 to 255 with dots, as in \"192.168.32.1\"",
            )
        })
    }
}

text_value!(Ipv4Net, Netmask, Address);
