//! The local network: the board's Ethernet port, or a USB adapter.

use super::net::HostAddress;
use super::text::{Invalid, Text, checked_string, text_value};
use crate::names::VPN;
use std::net::Ipv4Addr;

checked_string! {
    /// A network interface: at most 15 letters, digits, `-`, `_` and `.` (linux/if.h, `IFNAMSIZ`).
    InterfaceName
}

/// The local network.
#[derive(Clone, Debug, PartialEq)]
pub struct Lan {
    /// Its interface.
    pub interface: InterfaceName,
    /// The source of the box's address.
    pub addressing: Addressing,
}

/// The source of the box's address.
#[derive(Clone, Debug, PartialEq)]
pub enum Addressing {
    /// DHCP: address, gateway and name servers.
    Dhcp,
    /// Fixed by the site.
    Fixed {
        /// The box's own address.
        address: HostAddress,
        /// The default gateway.
        gateway: Option<Ipv4Addr>,
        /// Name servers for the box itself.
        dns: Vec<Ipv4Addr>,
    },
}

/// The value of `address`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LanAddress {
    Dhcp,
    Fixed(HostAddress),
}

impl InterfaceName {
    /// The board's Ethernet port.
    pub(super) fn ethernet() -> Self {
        Self("eth0".to_owned())
    }
}

impl Text for InterfaceName {
    const EXPECTED: &'static str = "an interface";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=15).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let of_ppp =
            text.strip_prefix("ppp").is_some_and(|unit| unit.bytes().all(|byte| byte.is_ascii_digit()));
        if of_ppp || text == VPN {
            return Err(Invalid::new(
                format!("{text} is for the box itself, for the link, callers or the VPN"),
                "write the interface of the local network, as in \"eth0\"",
            ));
        }
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} cannot be an interface"),
            "write it as `ip link` shows it, as in \"eth0\"",
        ))
    }
}

impl Text for LanAddress {
    const EXPECTED: &'static str = "an address";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        if text == "dhcp" {
            return Ok(Self::Dhcp);
        }
        let fixed = text.parse().ok().filter(HostAddress::has_neighbours).map(Self::Fixed);
        fixed.ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is not the address of a host in a network"),
                "write \"dhcp\", or address and prefix length, as in \"192.168.32.2/24\"",
            )
        })
    }
}

text_value!(LanAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_of_the_box_itself_is_no_local_network() {
        for (name, good) in [
            ("eth0", true),
            ("enx0050b6", true),
            ("pppoe", true),
            ("vpn0", true),
            ("lo", true),
            ("vpn", false),
            ("ppp0", false),
            ("ppp", false),
        ] {
            assert_eq!(InterfaceName::from_text(name).is_ok(), good, "{name}");
        }
    }

    #[test]
    fn an_interface_address_has_a_prefix() {
        let table = [
            ("dhcp", Some("Dhcp")),
            ("192.168.32.2/24", Some("192.168.32.2/24")),
            ("10.0.0.1/8", Some("10.0.0.1/8")),
            ("192.168.32.2", None),
            ("192.168.32.2/0", None),
            ("192.168.32.2/31", None),
            ("192.168.32.2/+24", None),
            ("192.168.32/24", None),
            ("224.0.0.5/8", None),
            ("DHCP", None),
        ];
        for (text, expected) in table {
            let shown = text.parse().ok().map(|address| match address {
                LanAddress::Dhcp => "Dhcp".to_owned(),
                LanAddress::Fixed(host) => host.to_string(),
            });
            assert_eq!(shown.as_deref(), expected, "{text}");
        }
    }
}
