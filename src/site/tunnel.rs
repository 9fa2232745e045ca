//! The reverse ssh tunnel.

use super::text::{Invalid, Text, checked_string};
use super::{AnyEndpoint, Ipv4Net, Routing, SshKey, TcpPort};
use std::net::Ipv4Addr;

/// A tunnel to an ssh server, at which a port leads to the box's own ssh server.
#[derive(Clone, Debug, PartialEq)]
pub struct Tunnel {
    /// The server.
    pub server: AnyEndpoint,
    /// The user there.
    pub user: SshUser,
    /// The server's key: no other server gets a connection.
    pub host_key: SshKey,
    /// The port at the server's own address, 127.0.0.1.
    pub port: TcpPort,
}

checked_string! {
    /// The name of a user of an ssh server.
    SshUser
}

impl Text for SshUser {
    const EXPECTED: &'static str = "a user of the ssh server";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        // As useradd(8) has it, so that a shell and dbclient find nothing else in it.
        let is_start = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if text.len() <= 32 && text.as_bytes().first().is_some_and(is_start) && text.bytes().all(is_name) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is no user of an ssh server"),
            "use small letters, digits, `-` and `_`, as in \"cabin\"",
        ))
    }
}

impl Tunnel {
    /// The address of the server, if it needs a route of its own over the link.
    #[must_use]
    pub fn needs_route(&self, routing: &Routing) -> Option<Ipv4Addr> {
        let AnyEndpoint::Address(endpoint) = &self.server else { return None };
        let address = endpoint.address();
        match routing {
            Routing::Default => None,
            Routing::Only(networks) if networks.iter().any(|it: &Ipv4Net| it.contains(address)) => None,
            Routing::Only(_) => Some(address),
        }
    }
}
