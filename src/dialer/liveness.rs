//! Whether the far side of the VPN answers, and what to do if it does not.
//!
//! WireGuard counts only packets that the peer has authenticated, its handshakes and keepalives included
//! (linux/drivers/net/wireguard/receive.c, `update_rx_stats`): a growing counter is a peer that lives. With
//! `PersistentKeepalive` the box always has something to send, so there is a handshake at least every `REJECT_AFTER_TIME`
//! (wireguard.com/papers/wireguard.pdf §6.1, §6.5). LCP echoes do not help here: with a mobile stick they end in the stick.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::process::Pid;

use crate::site::Ipv4Net;

/// How often the counter is read.
const READ_EVERY: Duration = Duration::from_secs(20);
/// A handshake is tried every 5 s (`REKEY_TIMEOUT`): a new tunnel has an answer by then.
const NEW_TUNNEL: Duration = Duration::from_secs(60);
/// `REJECT_AFTER_TIME`, and four handshakes; the interval of keepalives comes on top.
const SILENCE: Duration = Duration::from_secs(180 + 20);
/// The pause where another attempt is unlikely to help: the far side is down, or there is no way to tell.
const LATER: Duration = Duration::from_secs(600);
/// The remedies that need no second target. From the next one on it decides.
const FIRST_DECIDED: u32 = 2;

/// A way to reach the far side again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Make the interface of the VPN again.
    Tunnel,
    /// Dial again: another address, and another way through the operator's network.
    Link,
    /// Restart the modem, and dial again.
    Modem,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tunnel => "the tunnel is made again",
            Self::Link => "dialling again",
            Self::Modem => "the modem restarts",
        })
    }
}

/// What is to be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The counter of received bytes of the VPN: [`Liveness::count`] gets it.
    Counter,
    /// Whether one of these name servers answers: [`Liveness::hear_name_server`] gets it.
    NameServers(Vec<Ipv4Addr>),
    /// The address of this name, by one of these name servers.
    Address(String, Vec<Ipv4Addr>),
}

/// What follows from a silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Ask(Question),
    Remedy(Remedy),
}

/// The second target, which is independent of the far side: the operator's name servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecondTarget {
    Answers,
    Silent,
    /// The link has no name servers.
    Unknown,
}

/// Follows the far side of one VPN.
#[derive(Debug)]
pub struct Liveness {
    keepalive: Duration,
    /// How many endpoints are tried, each by a new tunnel, before the first new link; beyond one.
    more_tunnels: u32,
    name_servers: Vec<Ipv4Addr>,
    /// What the tunnel leads to.
    behind: Vec<Ipv4Net>,
    /// The link that is up.
    link: Option<Pid>,
    /// The last value of the counter.
    received: u64,
    /// Whether the far side has answered since this tunnel or link exists.
    has_answered: bool,
    /// The last answer, or the last remedy.
    since: Duration,
    /// Remedies since the last answer.
    tried: u32,
    /// Whether the second target was asked, and the answer is awaited.
    is_asking: bool,
    read_at: Duration,
}

/// The next remedy of one silence. A far side that is down costs one new link, two if there is no second target, and
/// never a restart of the modem.
fn remedy(tried: u32, second: SecondTarget) -> Remedy {
    match (tried, second) {
        (1, _) | (2, SecondTarget::Silent | SecondTarget::Unknown) => Remedy::Link,
        (3, SecondTarget::Silent) => Remedy::Modem,
        _ => Remedy::Tunnel,
    }
}

/// The first two of a peer's endpoints need no tunnels but those of every peer.
fn more_tunnels(endpoints: usize) -> u32 {
    u32::try_from(endpoints).unwrap_or(u32::MAX).saturating_sub(2)
}

impl Liveness {
    /// A VPN with keepalives at this interval, and so many endpoints.
    pub fn new(keepalive: Duration, endpoints: usize) -> Self {
        Self {
            keepalive,
            more_tunnels: more_tunnels(endpoints),
            name_servers: Vec::new(),
            behind: Vec::new(),
            link: None,
            received: 0,
            has_answered: false,
            since: Duration::ZERO,
            tried: 0,
            is_asking: false,
            read_at: Duration::ZERO,
        }
    }

    /// The peer has so many endpoints now.
    pub fn set_endpoints(&mut self, count: usize) {
        self.more_tunnels = more_tunnels(count);
    }

    /// These networks are behind the far side. A name server in one of them is asked through the tunnel, and tells
    /// nothing about the link.
    #[must_use]
    pub fn with_networks(self, behind: Vec<Ipv4Net>) -> Self {
        Self { behind, ..self }
    }

    /// A link has come up, with these usable name servers.
    pub fn know_name_servers(&mut self, mut servers: Vec<Ipv4Addr>) {
        servers.retain(|server| !self.behind.iter().any(|network| network.contains(*server)));
        self.name_servers = servers;
    }

    /// No link is up or dialled any more: nothing is known of the next one.
    pub fn forget(&mut self) {
        let behind = std::mem::take(&mut self.behind);
        *self = Self { more_tunnels: self.more_tunnels, behind, ..Self::new(self.keepalive, 1) };
    }

    /// What is to be found out now, while this link is up.
    pub fn poll(&mut self, link: Pid, now: Duration) -> Option<Question> {
        if self.link != Some(link) {
            self.link = Some(link);
            self.begin(now);
            self.tunnel_is_new();
        }
        if now < self.read_at {
            return None;
        }
        self.read_at = now + READ_EVERY;
        Some(Question::Counter)
    }

    /// When to [poll](Self::poll) again, in time since boot, while a link is up.
    pub fn deadline(&self) -> Duration {
        self.read_at
    }

    /// Somebody asks for the far side: a silence that goes on begins anew, with its short pauses.
    pub fn try_again(&mut self, now: Duration) {
        if self.tried > 0 {
            self.tried = 0;
            self.begin(now);
        }
    }

    /// The tunnel was made again and counts from zero: its first handshake is as long as that of the one before.
    pub fn tunnel_is_new(&mut self) {
        self.received = 0;
    }

    /// The counter of received bytes; `None` if there is no tunnel. Returns what follows.
    pub fn count(&mut self, received: Option<u64>, now: Duration) -> Option<Next> {
        let received = received.unwrap_or(0);
        if std::mem::replace(&mut self.received, received) != received && received > 0 {
            (self.since, self.has_answered, self.tried, self.is_asking) = (now, true, 0, false);
            return None;
        }
        if self.is_asking || now < self.since + self.patience() {
            return None;
        }
        if self.step() >= FIRST_DECIDED && !self.name_servers.is_empty() {
            self.is_asking = true;
            return Some(Next::Ask(Question::NameServers(self.name_servers.clone())));
        }
        Some(self.take(SecondTarget::Unknown, now))
    }

    /// Whether a name server has answered in time. Returns what follows.
    pub fn hear_name_server(&mut self, answers: bool, now: Duration) -> Option<Next> {
        let second = if answers { SecondTarget::Answers } else { SecondTarget::Silent };
        std::mem::take(&mut self.is_asking).then(|| self.take(second, now))
    }

    /// Whether the far side has answered since this tunnel or link exists.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// The number of remedies since the last answer; `None` as long as none was needed.
    pub fn tried(&self) -> Option<u32> {
        Some(self.tried).filter(|tried| *tried > 0)
    }

    /// The row of the table of remedies.
    fn step(&self) -> u32 {
        self.tried.saturating_sub(self.more_tunnels)
    }

    fn patience(&self) -> Duration {
        match self.step() {
            0 if self.tried == 0 && self.has_answered => SILENCE + self.keepalive,
            0..=3 => NEW_TUNNEL,
            _ => LATER,
        }
    }

    fn take(&mut self, second: SecondTarget, now: Duration) -> Next {
        let remedy = remedy(self.step(), second);
        self.tried += 1;
        self.begin(now);
        Next::Remedy(remedy)
    }

    fn begin(&mut self, now: Duration) {
        (self.since, self.has_answered, self.is_asking) = (now, false, false);
        self.read_at = now + READ_EVERY;
    }
}

#[cfg(test)]
#[path = "liveness_tests.rs"]
mod tests;
