//! SIP telephones of this machine in the local network: a datagram that one sends to its socket on the loopback interface
//! comes from a port of the host, and one to that port goes to the telephone.
//!
//! The box cannot be reached at its own address from here. So where it names itself, for the requests that follow
//! (Record-Route) and the responses (Via), the telephone reads the address of the socket, as behind a router with an
//! application layer gateway; and where it repeats the Record-Route, the box reads its own address again, for the other
//! telephone.

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

/// The header field that a telephone repeats in its response (RFC 3261 §12.1.1).
const RECORD_ROUTE: &[u8] = b"Record-Route:";

/// A telephone's socket, and where it sends from.
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

    /// A datagram that the telephone has sent. Those of others are dropped.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; LONGEST];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).ok()?;
            if *self.address.get_or_insert(from) == from {
                return Some(returned(&buffer[..length], &self.here()));
            }
        }
    }

    /// A datagram of the box for the telephone.
    pub fn give(&self, datagram: &[u8]) {
        let Some(address) = self.address else { return };
        // UDP may lose it.
        let _ = self.socket.send_to(&replaced(datagram, &the_box(), &self.here()), address);
    }

    /// Its address, as SIP writes it.
    fn here(&self) -> String {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port).to_string()
    }
}

/// The box's address, as SIP writes it.
fn the_box() -> String {
    SocketAddrV4::new(Lan::GIVEN, SIP).to_string()
}

/// A datagram of the telephone at this address, for the box. Its other fields stay: the digest of a password covers some.
fn returned(datagram: &[u8], here: &str) -> Vec<u8> {
    let lines = datagram.split_inclusive(|byte| *byte == b'\n');
    let line = |line: &[u8]| match line.starts_with(RECORD_ROUTE) {
        true => replaced(line, here, &the_box()),
        false => line.to_vec(),
    };
    lines.flat_map(line).collect()
}

/// The text with `new` in the place of each `old`.
fn replaced(text: &[u8], old: &str, new: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.windows(old.len()).position(|part| part == old.as_bytes()) {
        out.extend(&rest[..at]);
        out.extend(new.as_bytes());
        rest = &rest[at + old.len()..];
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
        let read = replaced(invite, &the_box(), "127.0.0.1:40000");
        let expected =
            b"Via: SIP/2.0/UDP 127.0.0.1:40000;branch=x\r\nRecord-Route: <sip:127.0.0.1:40000;lr>\r\n\xff";
        assert_eq!(read, expected);
        let answer = b"SIP/2.0 200 OK\r\nRecord-Route: <sip:127.0.0.1:40000;lr>\r\nContact: <sip:x@127.0.0.1:40000>\r\n";
        let expected =
            b"SIP/2.0 200 OK\r\nRecord-Route: <sip:192.168.32.50:5060;lr>\r\nContact: <sip:x@127.0.0.1:40000>\r\n";
        assert_eq!(returned(answer, "127.0.0.1:40000"), expected);
        assert_eq!(replaced(b"", "x", "y"), b"");
    }
}
