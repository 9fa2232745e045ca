//! The endpoints of the VPN's peer, tried in order.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use rustix::process::Pid;

use crate::site::{AnyEndpoint, Vpn};

/// A name that no name server has resolved is asked for again after this time: without it there is no VPN.
const ASK_AGAIN: Duration = Duration::from_secs(20);

/// All of them, and the one in use. It stays in use as long as the peer answers there, also over the next links.
#[derive(Debug)]
pub struct Endpoints {
    all: Vec<AnyEndpoint>,
    at: usize,
    /// The address in use, if it is that of a name.
    address: Option<SocketAddrV4>,
    /// The link over which the name in use was asked for, and when to ask again if no address has come.
    asked: Option<(Pid, Duration)>,
}

impl Endpoints {
    /// Those of a site; the first one is in use.
    pub fn new(vpn: &Vpn) -> Self {
        let all = [vpn.endpoint.clone()].into_iter().chain(vpn.other_endpoints.clone()).collect();
        Self { all, at: 0, address: None, asked: None }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The next one, which is in use from now on; `None` if that is the same address as before.
    pub fn advance(&mut self) -> Option<&AnyEndpoint> {
        self.at = (self.at + 1) % self.all.len().max(1);
        (self.address, self.asked) = (None, None);
        let is_same = |it: &&AnyEndpoint| self.all.len() == 1 && matches!(it, AnyEndpoint::Address(_));
        self.all.get(self.at).filter(|it| !is_same(it))
    }

    /// The name in use, if it is to be resolved over this link now: once a link, since its address may have changed, and
    /// again while it has none.
    pub fn poll(&mut self, link: Pid, now: Duration) -> Option<&str> {
        let AnyEndpoint::Name(named) = self.all.get(self.at)? else { return None };
        let is_due = match self.asked {
            Some((asked, again)) if asked == link => self.address.is_none() && again <= now,
            _ => true,
        };
        if !is_due {
            return None;
        }
        self.asked = Some((link, now + ASK_AGAIN));
        Some(named.name())
    }

    /// When to [poll](Self::poll) again, in time since boot, while a link is up.
    pub fn deadline(&self) -> Option<Duration> {
        let AnyEndpoint::Name(_) = self.all.get(self.at)? else { return None };
        match self.asked {
            None => Some(Duration::ZERO),
            Some((_, again)) => self.address.is_none().then_some(again),
        }
    }

    /// The one in use, by the address of its name, if that is another one than before.
    pub fn resolved(&mut self, address: Ipv4Addr) -> Option<SocketAddrV4> {
        let AnyEndpoint::Name(named) = self.all.get(self.at)? else { return None };
        let endpoint = SocketAddrV4::new(address, named.port());
        (self.address.replace(endpoint) != Some(endpoint)).then_some(endpoint)
    }
}
