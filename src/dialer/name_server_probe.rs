//! Whether a name server answers: one question over UDP (RFC 1035). It resolves nothing: any reply proves that the link
//! carries packets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// How long a reply is awaited. The longest round trip over a mobile link with a signal is below three seconds.
const WITHIN: Duration = Duration::from_secs(5);
const PORT: u16 = 53;
/// The length of a header (RFC 1035 §4.1.1).
const HEADER: usize = 12;

/// A question that is under way.
#[derive(Debug)]
pub(super) struct NameServerProbe {
    socket: UdpSocket,
    servers: Vec<Ipv4Addr>,
    id: [u8; 2],
    until: Duration,
}

impl NameServerProbe {
    /// Asks each of these servers.
    ///
    /// # Errors
    /// No server can be asked.
    pub fn ask(servers: Vec<Ipv4Addr>, now: Duration) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        // A guessed ID could only keep the box from dialling again.
        let id = (now.subsec_nanos() as u16).to_be_bytes();
        let sent = servers.iter().map(|server| socket.send_to(&question(id), (*server, PORT)));
        sent.reduce(io::Result::or).unwrap_or(Ok(0))?;
        Ok(Self { socket, servers, id, until: now + WITHIN })
    }

    /// Whether a server has answered, once that is known.
    pub fn result(&self, now: Duration) -> Option<bool> {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let is_asked = matches!(from, SocketAddr::V4(from) if self.servers.contains(from.ip()));
            if is_asked && from.port() == PORT && is_reply(buffer.get(..length)?, self.id) {
                return Some(true);
            }
        }
        (self.until <= now).then_some(false)
    }

    /// When the result is known at the latest, in time since boot.
    pub fn deadline(&self) -> Duration {
        self.until
    }
}

/// The name servers of the root, recursion desired.
fn question(id: [u8; 2]) -> Vec<u8> {
    let [flags, questions, none] = [[1, 0], [0, 1], [0, 0]];
    let root = 0;
    let (ns, internet) = ([0, 2], [0, 1]);
    let header = [id, flags, questions, none, none, none].concat();
    [header, vec![root], [ns, internet].concat()].concat()
}

/// Any reply counts, also a refusal.
fn is_reply(packet: &[u8], id: [u8; 2]) -> bool {
    packet.len() >= HEADER && packet.starts_with(&id) && packet.get(2).is_some_and(|flags| flags & 0x80 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `dig +noedns NS .` and tcpdump, with another ID.
    #[test]
    fn the_question_is_for_the_servers_of_the_root() {
        assert_eq!(question([0x12, 0x34]), *b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01");
    }

    #[test]
    fn only_a_reply_to_the_question_counts() {
        let refused = b"\x12\x34\x81\x05\0\x01\0\0\0\0\0\0";
        assert!(is_reply(refused, [0x12, 0x34]));
        assert!(!is_reply(refused, [0x12, 0x35]));
        assert!(!is_reply(&refused[..11], [0x12, 0x34]));
        assert!(!is_reply(&question([0x12, 0x34]), [0x12, 0x34]), "it is no reply");
        assert!(!is_reply(b"", [0, 0]));
    }

    #[test]
    fn a_server_that_is_silent_for_five_seconds_does_not_answer() {
        let probe = NameServerProbe::ask(Vec::new(), Duration::from_secs(100)).unwrap();
        assert_eq!(probe.result(Duration::from_secs(104)), None);
        assert_eq!(probe.result(probe.deadline()), Some(false));
    }
}
