//! DNS (RFC 1035), with two names.

use super::Lan;
use smoltcp::wire::{DnsFlags, DnsPacket, DnsQueryType, DnsQuestion};

/// The server's port.
pub const PORT: u16 = 53;
/// RFC 1035 §4.1.1: there is no such name.
const NAME_ERROR: u8 = 3;
/// RFC 1035 §4.1.4: a pointer to the name in the question, after the header of 12 bytes.
const NAME_OF_QUESTION: [u8; 2] = [0xc0, 12];
const HEADER: usize = 12;

/// A question, and its answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The queried name.
    pub name: String,
    /// The reply message.
    pub message: Vec<u8>,
}

/// Answers a query, as resolvers send it; ignores anything else.
pub fn answer(query: &[u8]) -> Option<Answer> {
    let packet = DnsPacket::new_checked(query).ok()?;
    if packet.flags().contains(DnsFlags::RESPONSE) || packet.question_count() != 1 {
        return None;
    }
    let (rest, question) = DnsQuestion::parse(packet.payload()).ok()?;
    let labels = packet.parse_name(question.name).map(|label| label.map(String::from_utf8_lossy));
    let name = labels.collect::<Result<Vec<_>, _>>().ok()?.join(".");
    let names = [(Lan::NAME, Lan::HOST), Lan::PEER];
    let known = names.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    let address = known.filter(|_| question.type_ == DnsQueryType::A).map(|(_, address)| address);

    // The reply repeats the question, but not the query's other sections.
    let mut message = query.get(..query.len() - rest.len())?.to_vec();
    if let Some(address) = address {
        message.extend(NAME_OF_QUESTION);
        message.extend([0, 1, 0, 1]); // A, IN
        message.extend(60_u32.to_be_bytes()); // seconds to live
        message.extend([0, 4]);
        message.extend(address.octets());
    }
    let mut packet = DnsPacket::new_unchecked(&mut message);
    packet.set_flags(packet.flags() | DnsFlags::RESPONSE | DnsFlags::RECURSION_AVAILABLE);
    packet.set_answer_record_count(address.is_some().into());
    packet.set_authority_record_count(0);
    packet.set_additional_record_count(0);
    if let (None, Some(code)) = (known, message.get_mut(..HEADER).and_then(|header| header.get_mut(3))) {
        *code |= NAME_ERROR;
    }
    Some(Answer { name, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resolver's query for a name, with an EDNS record after it (RFC 6891) as glibc may send it.
    fn query(labels: &[&str], kind: u8) -> Vec<u8> {
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in labels {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend(label.as_bytes());
        }
        query.extend([0, 0, kind, 0, 1]);
        query.extend([0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
        query
    }

    #[test]
    fn the_hosts_name_has_its_address() {
        let answer = answer(&query(&["Server", "lan"], 1)).unwrap();
        assert_eq!(answer.name, "Server.lan");
        let header = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        let question = b"\x06Server\x03lan\0\0\x01\0\x01";
        let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\xa8\x20\xfe";
        assert_eq!(answer.message, [&header[..], question, record].concat());
    }

    #[test]
    fn the_host_has_no_ipv6_address_and_other_names_do_not_exist() {
        const AAAA: u8 = 28;
        let known = answer(&query(&["server", "lan"], AAAA)).unwrap().message;
        assert_eq!((known[3] & 15, known[7]), (0, 0));
        let peer = answer(&query(&["vpn", "example", "org"], 1)).unwrap().message;
        assert!(peer.ends_with(&Lan::PEER.1.octets()));
        let unknown = answer(&query(&["example", "org"], 1)).unwrap().message;
        assert_eq!((unknown[3] & 15, unknown[7]), (NAME_ERROR, 0));
    }

    #[test]
    fn only_queries_are_answered() {
        let answered = answer(&query(&["server", "lan"], 1)).unwrap().message;
        assert_eq!(answer(&answered), None, "two servers would answer each other endlessly");
        assert_eq!(answer(&query(&["server", "lan"], 1)[..20]), None);
    }
}
