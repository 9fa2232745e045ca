//! Packets of LCP and of the protocols that negotiate like it: RFC 1661 §5 and §6.

use super::frame::framed;

/// The protocols that the lab speaks.
pub const LCP: u16 = 0xc021;
/// RFC 1334
pub const PAP: u16 = 0xc023;
/// RFC 1332
pub const IPCP: u16 = 0x8021;
/// RFC 1962
pub const CCP: u16 = 0x80fd;
/// RFC 1332 §3
pub const IP: u16 = 0x0021;

/// Codes of packets.
pub const REQUEST: u8 = 1;
/// All options are accepted.
pub const ACK: u8 = 2;
/// Some options are to have other values.
pub const NAK: u8 = 3;
/// Some options are unknown.
pub const REJECT: u8 = 4;
/// The end of the link.
pub const TERMINATE_REQUEST: u8 = 5;
/// Its confirmation.
pub const TERMINATE_ACK: u8 = 6;
/// A protocol is unknown.
pub const PROTOCOL_REJECT: u8 = 8;
/// A question whether the other end is there.
pub const ECHO_REQUEST: u8 = 9;
/// Its answer.
pub const ECHO_REPLY: u8 = 10;

/// An option of a negotiation: its type, and its value.
pub type Choice = (u8, Vec<u8>);

/// A framed packet with LCP's header.
pub fn coded(protocol: u16, code: u8, id: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + content.len()).unwrap_or(u16::MAX).to_be_bytes();
    framed(protocol, &[&[code, id, length[0], length[1]], content].concat())
}

/// Options as they are sent: type, length, value.
pub fn written(options: &[Choice]) -> Vec<u8> {
    let of_one = |(kind, value): &Choice| {
        let length = u8::try_from(2 + value.len()).unwrap_or(u8::MAX);
        [&[*kind, length], value.as_slice()].concat()
    };
    options.iter().flat_map(of_one).collect()
}

/// The options in a packet, up to the first that is none.
pub fn read(mut bytes: &[u8]) -> Vec<Choice> {
    let mut options = Vec::new();
    while let [kind, length, rest @ ..] = bytes {
        let Some((value, others)) =
            usize::from(*length).checked_sub(2).and_then(|it| rest.split_at_checked(it))
        else {
            break;
        };
        options.push((*kind, value.to_vec()));
        bytes = others;
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_they_are_written() {
        let options = [(2, vec![0, 10, 0, 0]), (7, Vec::new()), (3, vec![192, 0, 2, 1])];
        assert_eq!(read(&written(&options)), options);
        assert_eq!(read(&[3, 6, 1, 2]), []);
        assert_eq!(read(&[3, 1, 0]), []);
    }
}
