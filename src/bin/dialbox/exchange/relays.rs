//! The sockets of the relays, and what passes between them.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{BorrowedFd, OwnedFd};

use dialbox::exchange::{Exchange, PORTS, Relay};
use dialbox::log::Log;
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};

use super::open;

/// Packets that are taken from a socket before the next one's.
const BATCH: usize = 8;
/// The longest packet: an Ethernet frame carries no longer one.
const LONGEST: usize = 1500;

/// The kernel keeps so many bytes of packets: 100 ms of G.711 and more. What comes later than that is of no use.
const RECEIVE_BUFFER: usize = 16 * 1024;

/// The relays of all calls.
#[derive(Default)]
pub struct Relays {
    open: Vec<Opened>,
    /// Relays whose sockets could not be opened. That is told once; the call goes on without sound.
    failed: Vec<Relay>,
}

struct Opened {
    relay: Relay,
    legs: Vec<Leg>,
}

/// A socket that faces a side.
struct Leg {
    socket: OwnedFd,
    /// Where to send: where the side has sent from last, and before that, the port that it has named.
    to: Option<SocketAddrV4>,
}

impl Relays {
    /// Opens and closes sockets, as the exchange's calls have begun and ended, and tells it how much has passed.
    pub fn follow(&mut self, exchange: &mut Exchange, interface: &str, log: &Log) {
        for opened in &self.open {
            exchange.count_relayed(&opened.relay.call_id, opened.relay.packets);
        }
        let wanted = exchange.relays();
        self.open.retain(|opened| wanted.iter().any(|relay| opened.relay.is_same(relay)));
        self.failed.retain(|failed| wanted.iter().any(|relay| failed.is_same(relay)));
        for relay in wanted {
            if let Some(opened) = self.open.iter_mut().find(|opened| opened.relay.is_same(relay)) {
                opened.update(relay);
            } else if !self.failed.iter().any(|failed| failed.is_same(relay)) {
                match Opened::new(relay, interface) {
                    Ok(opened) => self.open.push(opened),
                    Err(error) => {
                        log.warning(&format!("no sound for a call: {error}"));
                        self.failed.push(relay.clone());
                    }
                }
            }
        }
    }

    /// All sockets, in the order of [`pass`](Self::pass).
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        self.open.iter().flat_map(|opened| opened.legs.iter().map(|leg| leg.socket.as_fd()))
    }

    /// Passes on what has come to the sockets at these places.
    pub fn pass(&mut self, ready: &[usize]) {
        for at in ready {
            if let Some(opened) = self.open.get_mut(at / PORTS) {
                opened.pass(at % PORTS);
            }
        }
    }
}

impl Opened {
    fn new(relay: &Relay, interface: &str) -> io::Result<Self> {
        let leg = |index| {
            let port = relay.port(index);
            let socket = open(interface, port, RECEIVE_BUFFER);
            let socket = socket
                .map_err(|error| io::Error::other(format!("UDP port {port} on {interface}: {error}")))?;
            Ok(Leg { socket, to: named(relay, index) })
        };
        let legs = (0..PORTS).map(leg).collect::<io::Result<_>>()?;
        Ok(Self { relay: relay.clone(), legs })
    }

    /// A side has named other ports, as for T.38.
    fn update(&mut self, relay: &Relay) {
        for (index, leg) in self.legs.iter_mut().enumerate() {
            let new = named(relay, index);
            if new.is_some() && new != named(&self.relay, index) {
                leg.to = new;
            }
        }
        self.relay.ends = relay.ends;
    }

    fn pass(&mut self, index: usize) {
        let mut buffer = [0; LONGEST];
        let (from, other) = (index / (PORTS / 2), (index + PORTS / 2) % PORTS);
        for _ in 0..BATCH {
            // An ICMP error about an earlier packet ends this turn, too.
            let Ok((_, length, Some(source))) =
                recvfrom(&self.legs[index].socket, &mut buffer[..], RecvFlags::DONTWAIT)
            else {
                return;
            };
            let Ok(source) = SocketAddrV4::try_from(source) else { continue };
            if *source.ip() != self.relay.ends[from].host {
                continue;
            }
            self.legs[index].to = Some(source);
            let Some(to) = self.legs[other].to else { continue };
            // A packet that cannot be sent is lost, as any may be.
            let sent = sendto(&self.legs[other].socket, &buffer[..length], SendFlags::empty(), &to);
            self.relay.packets[from] += u64::from(sent.is_ok());
        }
    }
}

/// Where a side has said that it receives: RTCP at the port after RTP's (RFC 3550 §11).
fn named(relay: &Relay, index: usize) -> Option<SocketAddrV4> {
    let end = relay.ends[index / (PORTS / 2)];
    let port = end.ports[index % (PORTS / 2) / 2]?;
    let port = if index.is_multiple_of(2) { port } else { port.checked_add(1)? };
    (end.host != Ipv4Addr::UNSPECIFIED).then(|| SocketAddrV4::new(end.host, port))
}
