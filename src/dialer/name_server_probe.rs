//! A question to the operator's name servers, over UDP (RFC 1035): whether they answer, and the address of one name.
//!
//! The C library's resolver would ask whatever /etc/resolv.conf names, and its caller, the dialer's only thread, would
//! wait for it. The crates for DNS bring a client with a runtime of its own, or a parser of all record types, several
//! times as large as what is needed: one question, and the first address among the answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// How long a reply is awaited. The longest round trip over a mobile link with a signal is below three seconds.
const WITHIN: Duration = Duration::from_secs(5);
const PORT: u16 = 53;
/// The length of a header (RFC 1035 §4.1.1).
const HEADER: usize = 12;
/// `TYPE` and `CLASS` (§3.2.2, §3.2.4).
const A: [u8; 2] = [0, 1];
const NS: [u8; 2] = [0, 2];
const INTERNET: [u8; 2] = [0, 1];

/// A question that is under way.
#[derive(Debug)]
pub(super) struct NameServerProbe {
    socket: UdpSocket,
    servers: Vec<Ipv4Addr>,
    id: [u8; 2],
    until: Duration,
    /// Whether an address is wanted: otherwise any reply is enough.
    wants_address: bool,
    /// Whether a server has replied.
    is_answered: bool,
}

/// What is known in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// Whether a server has replied, if only that there is no such name.
    pub replied: bool,
    /// The address of the name.
    pub address: Option<Ipv4Addr>,
}

impl NameServerProbe {
    /// Asks each of these servers for the address of a name, or for the servers of the root: then any reply is enough.
    ///
    /// # Errors
    /// No server can be asked.
    pub fn ask(servers: Vec<Ipv4Addr>, name: Option<&str>, now: Duration) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        // A forged reply could keep the box from dialling again, or name a peer that WireGuard does not accept.
        let id = (now.subsec_nanos() as u16).to_be_bytes();
        let sent = servers.iter().map(|server| socket.send_to(&question(id, name), (*server, PORT)));
        sent.reduce(io::Result::or).unwrap_or(Ok(0))?;
        let wants_address = name.is_some();
        Ok(Self { socket, servers, id, until: now + WITHIN, wants_address, is_answered: false })
    }

    /// The answer, once it is known.
    pub fn poll(&mut self, now: Duration) -> Option<Answer> {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let is_asked = matches!(from, SocketAddr::V4(from) if self.servers.contains(from.ip()));
            let packet = buffer.get(..length)?;
            if !is_asked || from.port() != PORT || !is_reply(packet, self.id) {
                continue;
            }
            self.is_answered = true;
            let address = address(packet).filter(|_| self.wants_address);
            if address.is_some() || !self.wants_address {
                return Some(Answer { replied: true, address });
            }
        }
        (self.until <= now).then_some(Answer { replied: self.is_answered, address: None })
    }

    /// When the answer is known at the latest, in time since boot.
    pub fn deadline(&self) -> Duration {
        self.until
    }
}

/// The address of a name of at most 253 characters, or the name servers of the root; recursion desired.
fn question(id: [u8; 2], name: Option<&str>) -> Vec<u8> {
    let [flags, questions, none] = [[1, 0], [0, 1], [0, 0]];
    let header = [id, flags, questions, none, none, none].concat();
    let labels = name.into_iter().flat_map(|name| name.split('.'));
    // A label has at most 63 characters.
    let labels = labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    let kind = if name.is_some() { A } else { NS };
    header.into_iter().chain(labels).chain([0]).chain(kind).chain(INTERNET).collect()
}

/// Any reply counts, also a refusal.
fn is_reply(packet: &[u8], id: [u8; 2]) -> bool {
    packet.len() >= HEADER && packet.starts_with(&id) && packet.get(2).is_some_and(|flags| flags & 0x80 != 0)
}

/// The first address among the answers to one question that a peer on the Internet can have.
fn address(packet: &[u8]) -> Option<Ipv4Addr> {
    let mut rest = after_name(packet.get(HEADER..)?)?.get(4..)?;
    let answers = u16::from_be_bytes(packet.get(6..8)?.try_into().ok()?);
    for _ in 0..answers {
        let record = after_name(rest)?;
        let (kind, class) = (record.get(..2)?, record.get(2..4)?);
        let length = usize::from(u16::from_be_bytes(record.get(8..10)?.try_into().ok()?));
        let data = record.get(10..)?.get(..length)?;
        if kind == A
            && class == INTERNET
            && let Ok(octets) = <[u8; 4]>::try_from(data)
        {
            let address = Ipv4Addr::from(octets);
            let is_usable = !address.is_unspecified() && !address.is_loopback() && !address.is_broadcast();
            if is_usable && !address.is_multicast() {
                return Some(address);
            }
        }
        rest = record.get(10 + length..)?;
    }
    None
}

/// What follows a name: labels until an empty one, or until a pointer (RFC 1035 §4.1.4), which is not followed.
fn after_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        match usize::from(*rest.first()?) {
            0 => return rest.get(1..),
            192.. => return rest.get(2..),
            length => rest = rest.get(1 + length..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: [u8; 2] = [0x12, 0x34];

    #[test]
    fn the_question_is_for_the_servers_of_the_root_or_for_an_address() {
        assert_eq!(question(ID, None), *b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01");
        assert_eq!(
            question(ID, Some("vpn.example")),
            *b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03vpn\x07example\0\0\x01\0\x01"
        );
    }

    #[test]
    fn only_a_reply_to_the_question_counts() {
        let refused = b"\x12\x34\x81\x05\0\x01\0\0\0\0\0\0";
        assert!(is_reply(refused, ID));
        assert!(!is_reply(refused, [0x12, 0x35]));
        assert!(!is_reply(&refused[..11], ID));
        assert!(!is_reply(&question(ID, None), ID), "it is no reply");
        assert!(!is_reply(b"", [0, 0]));
    }

    /// A reply with an alias (CNAME) and then these records of addresses, with pointers as name servers write them.
    fn reply(addresses: &[[u8; 4]]) -> Vec<u8> {
        let count = 1 + u8::try_from(addresses.len()).unwrap();
        let mut packet = b"\x12\x34\x81\x80\0\x01\0".to_vec();
        packet.extend([count, 0, 0, 0, 0]);
        packet.extend(b"\x03vpn\x07example\0\0\x01\0\x01");
        packet.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01a\xc0\x10");
        for address in addresses {
            packet.extend(b"\xc0\x2d\0\x01\0\x01\0\0\0\x3c\0\x04");
            packet.extend(address);
        }
        packet
    }

    #[test]
    fn the_first_usable_address_is_taken() {
        assert_eq!(address(&reply(&[[203, 0, 113, 5]])), Some(Ipv4Addr::new(203, 0, 113, 5)));
        assert_eq!(address(&reply(&[[127, 0, 0, 1], [203, 0, 113, 5]])), Some(Ipv4Addr::new(203, 0, 113, 5)));
        assert_eq!(address(&reply(&[[0, 0, 0, 0]])), None);
        assert_eq!(address(&reply(&[])), None);
        let whole = reply(&[[203, 0, 113, 5]]);
        for length in 0..whole.len() {
            assert_eq!(address(&whole[..length]), None, "cut to {length}");
        }
    }

    #[test]
    fn a_server_that_is_silent_for_five_seconds_does_not_answer() {
        let mut probe = NameServerProbe::ask(Vec::new(), None, Duration::from_secs(100)).unwrap();
        assert_eq!(probe.poll(Duration::from_secs(104)), None);
        assert_eq!(probe.poll(probe.deadline()), Some(Answer { replied: false, address: None }));
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = address(&packet);
        }
    }
}
