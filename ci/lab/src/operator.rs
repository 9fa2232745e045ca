//! An operator's end of PPP, without a kernel: it wants PAP, gives an address, and answers pings. No port and no clock.

use crate::ip;
use crate::windows::frame::{Deframer, framed};
use crate::windows::packet::{
    ACK, CCP, Choice, ECHO_REPLY, ECHO_REQUEST, IP, IPCP, LCP, NAK, PAP, PROTOCOL_REJECT, REJECT, REQUEST,
    TERMINATE_ACK, TERMINATE_REQUEST, coded, read, written,
};
use std::net::Ipv4Addr;

/// RFC 1661 §6.2 and §6.4
const AUTHENTICATION: u8 = 3;
const MAGIC_NUMBER: u8 = 5;
const MAGIC: [u8; 4] = [0x4c, 0x61, 0x62, 0x21];
/// RFC 1332 §3.3
const ADDRESS: u8 = 3;

/// The operator.
#[derive(Debug)]
pub struct Operator {
    /// The account that may log in.
    account: [&'static str; 2],
    /// Its own address, and the one that it gives.
    ends: [Ipv4Addr; 2],
    deframer: Deframer,
    id: u8,
}

impl Operator {
    /// One with this account, by name and password, and these addresses.
    pub fn new(account: [&'static str; 2], ends: [Ipv4Addr; 2]) -> Self {
        Self { account, ends, deframer: Deframer::default(), id: 0 }
    }

    /// What it answers to these bytes, of one call or of the next.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let packets = self.deframer.receive(bytes);
        packets.into_iter().flat_map(|(protocol, packet)| self.answer(protocol, &packet)).collect()
    }

    fn answer(&mut self, protocol: u16, packet: &[u8]) -> Vec<u8> {
        if protocol == IP {
            return ip::answer_to_ping(packet).map_or_else(Vec::new, |answer| framed(IP, &answer));
        }
        let [kind, id, _, _, rest @ ..] = packet else { return Vec::new() };
        match (protocol, *kind) {
            // A caller asks before it has agreed on anything; it accepts the same request twice.
            (LCP, REQUEST) => {
                let own = [(AUTHENTICATION, PAP.to_be_bytes().to_vec()), (MAGIC_NUMBER, MAGIC.to_vec())];
                [coded(LCP, ACK, *id, rest), self.request(LCP, &own)].concat()
            }
            (LCP, TERMINATE_REQUEST) => coded(LCP, TERMINATE_ACK, *id, &[]),
            (LCP, ECHO_REQUEST) => coded(LCP, ECHO_REPLY, *id, &MAGIC),
            (PAP, REQUEST) if self.knows(rest) => {
                let own = [(ADDRESS, self.ends[0].octets().to_vec())];
                // An empty message follows its length: RFC 1334 §2.2.2.
                [coded(PAP, ACK, *id, &[0]), self.request(IPCP, &own)].concat()
            }
            (PAP, REQUEST) => coded(PAP, NAK, *id, &[0]),
            (IPCP, REQUEST) => self.give_address(*id, rest),
            (CCP, REQUEST) if !rest.is_empty() => coded(CCP, REJECT, *id, rest),
            (LCP | PAP | IPCP | CCP, _) => Vec::new(),
            _ => self.reject(protocol, packet),
        }
    }

    fn request(&mut self, protocol: u16, options: &[Choice]) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        coded(protocol, REQUEST, self.id, &written(options))
    }

    fn reject(&mut self, protocol: u16, packet: &[u8]) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        coded(LCP, PROTOCOL_REJECT, self.id, &[&protocol.to_be_bytes(), packet].concat())
    }

    /// Name and password, each with its length: RFC 1334 §2.2.1.
    fn knows(&self, request: &[u8]) -> bool {
        let length = |word: &str| u8::try_from(word.len()).unwrap_or(u8::MAX);
        let account = self.account.iter().flat_map(|word| [&[length(word)], word.as_bytes()].concat());
        account.eq(request.iter().copied())
    }

    /// Accepts the address that it has for the caller, and nothing else: RFC 1661 §5.2 to §5.4.
    fn give_address(&self, id: u8, options: &[u8]) -> Vec<u8> {
        let given = self.ends[1].octets().to_vec();
        let (addresses, others): (Vec<Choice>, Vec<Choice>) =
            read(options).into_iter().partition(|(kind, _)| *kind == ADDRESS);
        match addresses.as_slice() {
            _ if !others.is_empty() => coded(IPCP, REJECT, id, &written(&others)),
            [(_, address)] if *address == given => coded(IPCP, ACK, id, options),
            _ => coded(IPCP, NAK, id, &written(&[(ADDRESS, given)])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

    /// The answers, as protocol, code and content.
    fn answers(operator: &mut Operator, request: &[u8]) -> Vec<(u16, u8, Vec<u8>)> {
        let packets = Deframer::default().receive(&operator.receive(request));
        packets.into_iter().map(|(protocol, packet)| (protocol, packet[0], packet[4..].to_vec())).collect()
    }

    #[test]
    fn a_caller_logs_in_gets_its_address_and_is_answered() {
        let mut operator = Operator::new(["u", "pw"], ENDS);
        let lcp = answers(&mut operator, &coded(LCP, REQUEST, 1, &[7, 2]));
        assert_eq!(lcp[0], (LCP, ACK, vec![7, 2]));
        assert_eq!((lcp[1].1, &lcp[1].2[..4]), (REQUEST, &[3, 4, 0xc0, 0x23][..]));
        assert_eq!(answers(&mut operator, &coded(PAP, REQUEST, 2, b"\x01u\x02px")), [(PAP, NAK, vec![0])]);
        let login = answers(&mut operator, &coded(PAP, REQUEST, 3, b"\x01u\x02pw"));
        assert_eq!(login, [(PAP, ACK, vec![0]), (IPCP, REQUEST, vec![3, 6, 192, 0, 2, 1])]);
        let mut ask = |options: &[u8]| answers(&mut operator, &coded(IPCP, REQUEST, 4, options));
        let given = [3, 6, 192, 0, 2, 2];
        assert_eq!(ask(&[2, 3, 0, 3, 6, 0, 0, 0, 0]), [(IPCP, REJECT, vec![2, 3, 0])]);
        assert_eq!(ask(&[3, 6, 0, 0, 0, 0]), [(IPCP, NAK, given.to_vec())]);
        assert_eq!(ask(&given), [(IPCP, ACK, given.to_vec())]);
        assert_eq!(Deframer::default().receive(&operator.receive(&framed(IP, &ip::ping(ENDS, 1)))).len(), 1);
        let unknown = answers(&mut operator, &coded(0x8057, REQUEST, 5, &[]));
        assert_eq!(unknown, [(LCP, PROTOCOL_REJECT, vec![0x80, 0x57, 1, 5, 0, 4])]);
    }
}
