//! SIP telephones of this machine in the local network: a datagram that one sends to its socket on the loopback interface
//! comes from a port of the host, and one to that port goes to the telephone.
//!
//! The box cannot be reached at its own address from here. So where it names itself, for the requests that follow
//! (Record-Route) and the responses (Via), the telephone reads the address of the socket, as behind a router with an
//! application layer gateway.

use super::Lan;
use std::io::Result;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

/// How many there are.
pub const PHONES: usize = 2;
/// The exchange's port.
pub const SIP: u16 = 5060;
/// The host's port for the first telephone.
pub const FIRST: u16 = 5061;
/// More than an Ethernet frame carries.
const LONGEST: usize = 2048;

/// A telephone's socket, and where it has sent from.
#[derive(Debug)]
pub struct Phone {
    socket: UdpSocket,
    port: u16,
    address: Option<SocketAddr>,
}

impl Phone {
    /// A socket at a port that no other program has.
    pub fn open() -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port, address: None })
    }

    /// The socket's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The socket, to wait for.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// A datagram that the telephone has sent.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; LONGEST];
        let (length, from) = self.socket.recv_from(&mut buffer).ok()?;
        self.address = Some(from);
        buffer.truncate(length);
        Some(buffer)
    }

    /// A datagram of the box for the telephone.
    pub fn give(&self, datagram: &[u8]) {
        let Some(address) = self.address else { return };
        let here = SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port);
        // UDP may lose it.
        let _ = self.socket.send_to(&readdressed(datagram, &here.to_string()), address);
    }
}

/// The datagram with this address in the place of the box's.
fn readdressed(datagram: &[u8], here: &str) -> Vec<u8> {
    let name = SocketAddrV4::new(Lan::GIVEN, SIP).to_string();
    let (mut out, mut rest) = (Vec::new(), datagram);
    while let Some(at) = rest.windows(name.len()).position(|part| part == name.as_bytes()) {
        out.extend(&rest[..at]);
        out.extend(here.as_bytes());
        rest = &rest[at + name.len()..];
    }
    out.extend(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_box_names_itself_the_telephone_reads_an_address_it_can_reach() {
        let invite = b"Via: SIP/2.0/UDP 192.168.32.50:5060;branch=x\r\nRecord-Route: <sip:192.168.32.50:5060;lr>\r\n\xff";
        let read = readdressed(invite, "127.0.0.1:40000");
        let expected =
            b"Via: SIP/2.0/UDP 127.0.0.1:40000;branch=x\r\nRecord-Route: <sip:127.0.0.1:40000;lr>\r\n\xff";
        assert_eq!(read, expected);
        assert_eq!(readdressed(b"", "x"), b"");
    }
}
