//! Packets of IP, for callers without a kernel of their own.

use std::net::Ipv4Addr;

/// A packet of IP from the first address to the second (RFC 791 §3.1).
pub fn packet(protocol: u8, [from, to]: [Ipv4Addr; 2], content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 1, 0, 0, 32, protocol, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum);
    packet.extend(content);
    packet
}

/// An echo request of this number (RFC 792).
pub fn ping(ends: [Ipv4Addr; 2], number: u8) -> Vec<u8> {
    let mut icmp = vec![8, 0, 0, 0, 2, 0, number, 0];
    icmp.extend(b"abcdefghijklmnopqrstuvwabcdefghi");
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum);
    packet(1, ends, &icmp)
}

/// The answer to an echo request, if it is one (RFC 792); without options of IP.
pub fn answer_to_ping(request: &[u8]) -> Option<Vec<u8>> {
    let (header, icmp) = request.split_at_checked(20)?;
    let address = |at: usize| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?));
    let (1, [8, _, _, _, rest @ ..]) = (header[9], icmp) else { return None };
    let mut icmp = [&[0; 4], rest].concat();
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum);
    Some(packet(1, [address(16)?, address(12)?], &icmp))
}

/// RFC 1071, over an even number of bytes.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2).map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // It fits: the loop above ends below 65536.
    (!u16::try_from(sum).unwrap_or(0)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // RFC 1071 §3: the sum of these is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), [0x22, 0x0d]);
    }

    #[test]
    fn only_an_echo_request_is_answered() {
        let ends = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
        let answer = answer_to_ping(&ping(ends, 7)).unwrap();
        assert_eq!(
            (answer[20], &answer[24..28], answer[12..20].to_vec()),
            (0, &[2, 0, 7, 0][..], vec![192, 0, 2, 2, 192, 0, 2, 1])
        );
        assert_eq!(checksum(&answer[20..]), [0, 0]);
        assert_eq!(answer_to_ping(&answer), None);
        assert_eq!(answer_to_ping(&packet(17, ends, &[8, 0, 0, 0])), None);
    }
}
