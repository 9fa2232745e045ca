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
}
