//! Endpoints: where a peer on the network listens.

use super::net::no_hosts;
use super::text::{Invalid, Text, text_value};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint(SocketAddrV4);

impl Endpoint {
    /// The address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        *self.0.ip()
    }

    /// Both.
    #[must_use]
    pub const fn socket(self) -> SocketAddrV4 {
        self.0
    }
}

impl Text for Endpoint {
    const EXPECTED: &'static str = "an address and a port";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        // A layer may add a server to the box itself.
        let is_hosts = |it: &Ipv4Addr| it.is_loopback() || no_hosts(*it).is_none();
        let endpoint = text.parse().ok().filter(|it: &SocketAddrV4| it.port() != 0 && is_hosts(it.ip()));
        endpoint.map(Self).ok_or_else(|| {
            Invalid::new(
                format!("{text:?} is not the IPv4 address of a host and a port"),
                "write both, and no name, as in \"203.0.113.5:51820\"",
            )
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An endpoint by its address or its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyEndpoint {
    /// An address and a port.
    Address(Endpoint),
    /// A name and a port. The name is resolved over the link, each time that one comes up or this endpoint is tried.
    Name(NamedEndpoint),
}

/// A domain name (RFC 1123 §2.1) and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEndpoint {
    name: String,
    port: u16,
}

impl NamedEndpoint {
    /// The name: labels of at most 63 characters, 253 in all (RFC 1035 §2.3.4).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, port) = text.rsplit_once(':')?;
        // A sign or leading zeros are a slip.
        let port = port.parse().ok().filter(|number: &u16| *number != 0 && number.to_string() == port)?;
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // The last label of an address is a number.
        let top = name.rsplit('.').next()?;
        let is_name = name.len() <= 253
            && name.contains('.')
            && name.split('.').all(is_label)
            && !top.bytes().all(|byte| byte.is_ascii_digit());
        is_name.then(|| Self { name: name.to_owned(), port })
    }
}

impl Text for AnyEndpoint {
    const EXPECTED: &'static str = "an address or a name, and a port";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let address = text.parse().map(Self::Address);
        address.or_else(|_| NamedEndpoint::parse(text).map(Self::Name).ok_or(())).map_err(|()| {
            Invalid::new(
                format!("{text:?} is neither an IPv4 address nor a name, with a port"),
                "write as in \"203.0.113.5:51820\" or \"vpn.example.org:51820\"",
            )
        })
    }
}

impl fmt::Display for AnyEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(endpoint) => endpoint.fmt(f),
            Self::Name(NamedEndpoint { name, port }) => write!(f, "{name}:{port}"),
        }
    }
}

text_value!(Endpoint, AnyEndpoint);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_or_a_name_with_a_port() {
        for (text, is_name) in [
            ("203.0.113.5:51820", Some(false)),
            ("vpn.example.org:51820", Some(true)),
            ("a-1.example:1", Some(true)),
            ("vpn.example.org", None),
            ("vpn.example.org:0", None),
            ("vpn.example.org:70000", None),
            ("vpn.example.org:+51820", None),
            ("vpn.example.org:051820", None),
            ("localhost:51820", None),
            ("203.0.113.500:51820", None),
            ("127.0.0.1:23", Some(false)),
            ("0.0.0.0:51820", None),
            ("224.0.0.1:51820", None),
            ("255.255.255.255:51820", None),
            ("-a.example:1", None),
            ("a..example:1", None),
            ("a_b.example:1", None),
            ("$(reboot).example:1", None),
            ("[2001:db8::1]:51820", None),
            ("", None),
        ] {
            let parsed = text.parse::<AnyEndpoint>();
            let kind = parsed.as_ref().ok().map(|it| matches!(it, AnyEndpoint::Name(_)));
            assert_eq!(kind, is_name, "{text}");
            assert!(parsed.is_err() || parsed.unwrap().to_string() == text);
        }
        assert!(format!("{}.example:1", "a".repeat(64)).parse::<AnyEndpoint>().is_err());
        assert!(format!("{}example:1", "a.".repeat(130)).parse::<AnyEndpoint>().is_err());
    }
}
