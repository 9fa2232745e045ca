//! A caller as pppd sees Windows 95: what its Dial-Up Networking asks for, in which order, and how it answers. No
//! port and no clock.
//!
//! Options and order are those of logs of pppd with such callers: LCP offers callback; IPCP asks for two name
//! servers and two WINS servers (RFC 1877), in turn; with IPX/SPX and NetBEUI installed it asks for both protocols,
//! and for MPPC.

pub mod frame;
pub mod packet;

use crate::ip;
use frame::{Deframer, framed};
use packet::{
    ACK, CCP, Choice, ECHO_REPLY, ECHO_REQUEST, IP, IPCP, LCP, NAK, PAP, PROTOCOL_REJECT, REJECT, REQUEST,
    TERMINATE_ACK, TERMINATE_REQUEST, coded, read, written,
};
use std::net::Ipv4Addr;

/// NBFCP, IPXCP and CCP (RFC 2097, 1552, 1962), with its options.
const OTHERS: [(u16, &[u8]); 3] = [
    (0x803f, &[1, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    (0x802b, &[1, 6, 0, 0, 0, 0]),
    // MPPC: RFC 2118.
    (CCP, &[18, 6, 0, 0, 0, 1]),
];

const MAGIC: [u8; 4] = [0x00, 0x3b, 0x52, 0x9c];
/// Callback, CBCP: RFC 1570 §2.3, operation 6.
const CALLBACK: [u8; 3] = [13, 3, 6];
const ADDRESS: u8 = 3;
/// RFC 1877 §1.
const SERVERS: [u8; 4] = [129, 130, 131, 132];

/// The caller.
#[derive(Debug)]
pub struct Windows95 {
    name: &'static str,
    password: &'static str,
    deframer: Deframer,
    lcp: Vec<Choice>,
    ipcp: Vec<Choice>,
    id: u8,
    /// Our options are accepted; the other end's are.
    lcp_agreed: [bool; 2],
    /// Its addresses are agreed on.
    pub connected: bool,
    /// The PPP protocols that the other end does not speak.
    pub rejected: Vec<u16>,
    /// An echo reply has come (RFC 792).
    pub pinged: bool,
}

impl Windows95 {
    /// One that will prove its name with this password.
    pub fn new(name: &'static str, password: &'static str) -> Self {
        let none = vec![0; 4];
        Self {
            name,
            password,
            deframer: Deframer::default(),
            lcp: vec![
                (2, vec![0, 10, 0, 0]),
                (5, MAGIC.to_vec()),
                (7, Vec::new()),
                (8, Vec::new()),
                (CALLBACK[0], CALLBACK[2..].to_vec()),
            ],
            ipcp: std::iter::once((2, vec![0, 0x2d, 15, 1]))
                .chain(std::iter::once(ADDRESS).chain(SERVERS).map(|kind| (kind, none.clone())))
                .collect(),
            id: 0,
            lcp_agreed: [false; 2],
            connected: false,
            rejected: Vec::new(),
            pinged: false,
        }
    }

    /// The first frame after `CONNECT`.
    pub fn begin(&mut self) -> Vec<u8> {
        self.request(LCP)
    }

    /// The address that it was given.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.server(ADDRESS)
    }

    /// Its name servers and WINS servers, as far as it was given any.
    pub fn servers(&self) -> [Option<Ipv4Addr>; 4] {
        SERVERS.map(|kind| self.server(kind))
    }

    fn server(&self, kind: u8) -> Option<Ipv4Addr> {
        let (_, value) = self.ipcp.iter().find(|(it, _)| *it == kind)?;
        <[u8; 4]>::try_from(value.as_slice()).ok().map(Ipv4Addr::from)
    }

    /// What it answers to these bytes.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let packets = self.deframer.receive(bytes);
        packets.into_iter().flat_map(|(protocol, packet)| self.answer(protocol, &packet)).collect()
    }

    /// An echo request to this address (RFC 792).
    pub fn ping(&self, to: Ipv4Addr) -> Vec<u8> {
        framed(IP, &ip::ping([self.own_address(), to], 1))
    }

    /// The registration of a NetBIOS name, which Windows broadcasts (RFC 1002 §4.2.2).
    pub fn register_name(&self) -> Vec<u8> {
        const LENGTH: u16 = 68;
        let mut udp = [137_u16, 137, 8 + LENGTH, 0].map(u16::to_be_bytes).concat();
        udp.extend([0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32]);
        udp.extend(b"FHEJEOEEEPFHFDCACACACACACACACAAA");
        udp.extend([0, 0, 32, 0, 1, 0xc0, 12, 0, 32, 0, 1, 0, 4, 0x93, 0xe0, 0, 6, 0, 0]);
        udp.extend(self.own_address().octets());
        framed(IP, &ip::packet(17, [self.own_address(), Ipv4Addr::BROADCAST], &udp))
    }

    fn own_address(&self) -> Ipv4Addr {
        self.address().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    fn request(&mut self, protocol: u16) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let options = if protocol == LCP { &self.lcp } else { &self.ipcp };
        coded(protocol, REQUEST, self.id, &written(options))
    }

    fn answer(&mut self, protocol: u16, packet: &[u8]) -> Vec<u8> {
        let [kind, id, _, _, rest @ ..] = packet else { return Vec::new() };
        let replies = [ACK, NAK, REJECT];
        if protocol == LCP && replies.contains(kind) && *id != self.id {
            return Vec::new(); // to a request before the last one
        }
        match (protocol, *kind) {
            (LCP | IPCP, REQUEST) => {
                let mut answer = coded(protocol, ACK, *id, rest);
                if protocol == LCP && self.lcp_agreed[1] {
                    // In place of the restart timer (RFC 1661 §4.6): the other end repeats its request, too.
                    answer.extend(self.request(LCP));
                } else if protocol == LCP {
                    answer.extend(self.agreed_on_lcp(1));
                }
                answer
            }
            // Deflate and BSD Compress are unknown to it; nothing is what it agrees to.
            (CCP, REQUEST) if rest.is_empty() => coded(CCP, ACK, *id, rest),
            (CCP, REQUEST) => coded(CCP, REJECT, *id, rest),
            (LCP, ACK) => self.agreed_on_lcp(0),
            (IPCP, ACK) => {
                self.connected = true;
                Vec::new()
            }
            (LCP | IPCP, NAK) => {
                let options = if protocol == LCP { &mut self.lcp } else { &mut self.ipcp };
                for (kind, value) in read(rest) {
                    if let Some(own) = options.iter_mut().find(|own| own.0 == kind) {
                        own.1 = value;
                    }
                }
                self.request(protocol)
            }
            (LCP | IPCP, REJECT) => {
                let unwanted: Vec<u8> = read(rest).into_iter().map(|(kind, _)| kind).collect();
                let options = if protocol == LCP { &mut self.lcp } else { &mut self.ipcp };
                options.retain(|(kind, _)| !unwanted.contains(kind));
                self.request(protocol)
            }
            (LCP, PROTOCOL_REJECT) => {
                self.rejected.extend(rest.first_chunk().map(|protocol| u16::from_be_bytes(*protocol)));
                Vec::new()
            }
            (LCP, TERMINATE_REQUEST) => coded(LCP, TERMINATE_ACK, *id, &[]),
            (LCP, ECHO_REQUEST) => coded(LCP, ECHO_REPLY, *id, &MAGIC),
            (PAP, ACK) => {
                let mut requests = self.request(IPCP);
                for (protocol, options) in OTHERS {
                    self.id = self.id.wrapping_add(1);
                    requests.extend(coded(protocol, REQUEST, self.id, options));
                }
                requests
            }
            // An echo reply, after the IP header of 20 bytes.
            (IP, _) => {
                self.pinged |= packet.get(9) == Some(&1) && packet.get(20) == Some(&0);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// RFC 1334 §2.2.1, once both ends have agreed.
    fn agreed_on_lcp(&mut self, by: usize) -> Vec<u8> {
        if let Some(agreed) = self.lcp_agreed.get_mut(by) {
            *agreed = true;
        }
        if self.lcp_agreed != [true; 2] {
            return Vec::new();
        }
        self.id = self.id.wrapping_add(1);
        let mut names = Vec::new();
        for word in [self.name, self.password] {
            names.push(u8::try_from(word.len()).unwrap_or(u8::MAX));
            names.extend(word.as_bytes());
        }
        coded(PAP, REQUEST, self.id, &names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_logs_in_and_takes_what_it_is_given() {
        let mut caller = Windows95::new("u", "p");
        let packets = |bytes: Vec<u8>| Deframer::default().receive(&bytes);
        let first = packets(caller.begin());
        assert_eq!(first[0].0, LCP);
        assert_eq!(first[0].1[4..10], [2, 6, 0, 10, 0, 0]);

        let without_callback = packets(caller.receive(&coded(LCP, REJECT, 1, &CALLBACK)));
        assert!(!read(&without_callback[0].1[4..]).iter().any(|(kind, _)| *kind == CALLBACK[0]));
        caller.receive(&coded(LCP, ACK, 2, &[]));
        let login = packets(caller.receive(&coded(LCP, REQUEST, 1, &[3, 4, 0xc0, 0x23])));
        assert_eq!((login[0].0, login[0].1[0]), (LCP, ACK));
        assert_eq!((login[1].0, &login[1].1[4..]), (PAP, &b"\x01u\x01p"[..]));

        let requests = packets(caller.receive(&coded(PAP, ACK, 3, b"\0")));
        let asked: Vec<u16> = requests.iter().map(|(protocol, _)| *protocol).collect();
        assert_eq!(asked, [IPCP, 0x803f, 0x802b, 0x80fd]);
        caller.receive(&coded(IPCP, NAK, 4, &[3, 6, 192, 0, 2, 9, 130, 6, 192, 0, 2, 7]));
        assert_eq!(caller.address(), Some(Ipv4Addr::new(192, 0, 2, 9)));
        assert_eq!(caller.servers()[1], Some(Ipv4Addr::new(192, 0, 2, 7)));
        assert!(!caller.connected);
        caller.receive(&coded(IPCP, ACK, 5, &[]));
        assert!(caller.connected);
    }
}
