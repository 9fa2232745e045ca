//! The endpoints of the VPN's peer, tried in order.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::site::{OtherEndpoint, Vpn};

/// All of them, and the one in use. It stays in use as long as the peer answers there, also over the next links.
#[derive(Debug)]
pub struct Endpoints {
    all: Vec<OtherEndpoint>,
    at: usize,
}

impl Endpoints {
    /// Those of a site; the first one is in use.
    pub fn new(vpn: &Vpn) -> Self {
        let first = OtherEndpoint::Address(vpn.endpoint);
        Self { all: [first].into_iter().chain(vpn.other_endpoints.clone()).collect(), at: 0 }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The next one, which is in use from now on; `None` if there is only one.
    pub fn advance(&mut self) -> Option<&OtherEndpoint> {
        self.at = (self.at + 1) % self.all.len().max(1);
        self.all.get(self.at).filter(|_| self.all.len() > 1)
    }

    /// The one in use, by the address of its name; `None` if it has none.
    pub fn resolved(&self, address: Ipv4Addr) -> Option<SocketAddrV4> {
        match self.all.get(self.at)? {
            OtherEndpoint::Name(named) => Some(SocketAddrV4::new(address, named.port())),
            OtherEndpoint::Address(_) => None,
        }
    }
}
