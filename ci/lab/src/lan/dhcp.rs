//! DHCP (RFC 2131), as far as a network with one client needs it.

use super::Lan;
use smoltcp::wire::{DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr};
use std::net::Ipv4Addr;

/// The server's port.
pub const PORT: u16 = DHCP_SERVER_PORT;
/// The lease time in seconds; longer than any test.
const LEASE: u32 = 86_400;

/// The answer to a client's message, if there is one, and where to: a client that renews its lease has an address (RFC
/// 2131 §4.1).
pub fn answer(message: &[u8]) -> Option<(Ipv4Addr, Vec<u8>)> {
    let packet = DhcpPacket::new_checked(message).ok()?;
    let asked = DhcpRepr::parse(&packet).ok()?;
    let message_type = match asked.message_type {
        DhcpMessageType::Discover => DhcpMessageType::Offer,
        // There is only one address, so it is the requested one.
        DhcpMessageType::Request => DhcpMessageType::Ack,
        _ => return None,
    };
    let mask = u32::MAX << (u32::BITS - u32::from(Lan::PREFIX));
    let answer = DhcpRepr {
        message_type,
        your_ip: Lan::GIVEN,
        server_ip: Lan::HOST,
        router: Some(Lan::HOST),
        subnet_mask: Some(Ipv4Addr::from_bits(mask)),
        server_identifier: Some(Lan::HOST),
        dns_servers: Some(std::iter::once(Lan::HOST).collect()),
        lease_duration: Some(LEASE),
        requested_ip: None,
        client_identifier: None,
        parameter_request_list: None,
        max_size: None,
        ..asked
    };
    let mut bytes = vec![0; answer.buffer_len()];
    answer.emit(&mut DhcpPacket::new_unchecked(&mut bytes)).ok()?;
    let to = if asked.client_ip.is_unspecified() { Ipv4Addr::BROADCAST } else { asked.client_ip };
    Some((to, bytes))
}
