//! A server for FTP in active mode (RFC 959 §5.2): it connects to the address that the client names.

use smoltcp::iface::{Context, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address};
use std::net::Ipv4Addr;

const CONTROL: u16 = 21;
/// RFC 959 §3.2: the server's data port is the one beside its control port.
const DATA: u16 = 20;
/// RFC 959 §5.1: what every server must know, as far as it has a meaning for one file; and `PASS`.
const PLAIN: [(&str, &str); 6] = [
    ("PASS", "230 logged in\r\n"),
    ("TYPE", "200 type set\r\n"),
    ("MODE", "200 mode set\r\n"),
    ("STRU", "200 structure set\r\n"),
    ("NOOP", "200 done\r\n"),
    ("QUIT", "221 goodbye\r\n"),
];

/// The server, for one client at a time.
pub struct Ftp {
    control: SocketHandle,
    data: SocketHandle,
    received: Vec<u8>,
    greeted: bool,
    /// Where the client waits for data.
    to: Option<IpEndpoint>,
    transfer: Transfer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    None,
    Connecting,
    Sending,
}

impl Ftp {
    /// A server with these two sockets, which are closed.
    pub fn new(control: SocketHandle, data: SocketHandle) -> Self {
        Self { control, data, received: Vec::new(), greeted: false, to: None, transfer: Transfer::None }
    }

    /// Goes on; returns the client that has received the file.
    pub fn turn(
        &mut self,
        sockets: &mut SocketSet<'static>,
        context: &mut Context,
        file: &str,
    ) -> Option<Ipv4Addr> {
        self.attend(sockets);
        while let Some(line) = self.line() {
            let answer = self.command(&line, sockets, context);
            self.reply(sockets, answer);
        }
        self.go_on(sockets, file)
    }

    fn attend(&mut self, sockets: &mut SocketSet<'static>) {
        let socket = sockets.get_mut::<tcp::Socket>(self.control);
        if !socket.is_open() {
            (self.greeted, self.to, self.transfer) = (false, None, Transfer::None);
            self.received.clear();
            // The port is not 0, and the socket is closed.
            let _ = socket.listen(CONTROL);
        } else if socket.may_send() && !self.greeted {
            self.greeted = true;
            let _ = socket.send_slice(b"220 ready\r\n");
        }
        let received = &mut self.received;
        // An error means that there is no connection.
        let _ = socket.recv(|bytes| {
            received.extend_from_slice(bytes);
            (bytes.len(), ())
        });
        if !socket.may_recv() && socket.may_send() && self.greeted && self.transfer == Transfer::None {
            socket.close();
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = self.received.windows(2).position(|end| end == b"\r\n")?;
        let line: Vec<u8> = self.received.drain(..end + 2).take(end).collect();
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    fn command(
        &mut self,
        line: &str,
        sockets: &mut SocketSet<'static>,
        context: &mut Context,
    ) -> &'static str {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "USER" => "331 password, please\r\n",
            "PORT" => {
                // RFC 2577 §3: no connection to a third host.
                let client = sockets.get_mut::<tcp::Socket>(self.control).remote_endpoint();
                self.to = endpoint(argument).filter(|to| client.is_some_and(|it| it.addr == to.addr));
                if self.to.is_some() { "200 I connect there\r\n" } else { "501 not your address\r\n" }
            }
            "RETR" => {
                let socket = sockets.get_mut::<tcp::Socket>(self.data);
                socket.abort();
                let to = self.to.take();
                let connects = to.is_some_and(|to| socket.connect(context, to, DATA).is_ok());
                self.transfer = if connects { Transfer::Connecting } else { Transfer::None };
                if connects { "150 connecting\r\n" } else { "425 no PORT before\r\n" }
            }
            other => PLAIN.iter().find(|(verb, _)| *verb == other).map_or("502 unknown\r\n", |it| it.1),
        }
    }

    fn go_on(&mut self, sockets: &mut SocketSet<'static>, file: &str) -> Option<Ipv4Addr> {
        let socket = sockets.get_mut::<tcp::Socket>(self.data);
        match self.transfer {
            Transfer::Connecting if socket.may_send() => {
                // The file is shorter than the buffer.
                let _ = socket.send_slice(file.as_bytes());
                socket.close();
                self.transfer = Transfer::Sending;
            }
            Transfer::Connecting if !socket.is_open() => {
                self.transfer = Transfer::None;
                self.reply(sockets, "425 the client refuses\r\n");
            }
            // The client has acknowledged all of it.
            Transfer::Sending if socket.send_queue() == 0 => {
                self.transfer = Transfer::None;
                self.reply(sockets, "226 sent\r\n");
                let client = sockets.get_mut::<tcp::Socket>(self.control).remote_endpoint();
                return client.map(|IpEndpoint { addr: IpAddress::Ipv4(client), .. }| client);
            }
            Transfer::None | Transfer::Connecting | Transfer::Sending => {}
        }
        None
    }

    fn reply(&self, sockets: &mut SocketSet<'static>, words: &str) {
        // A client that has gone does not need it.
        let _ = sockets.get_mut::<tcp::Socket>(self.control).send_slice(words.as_bytes());
    }
}

/// The argument of `PORT`: four bytes of the address and two of the port (RFC 959 §4.1.2).
fn endpoint(text: &str) -> Option<IpEndpoint> {
    let bytes: Vec<u8> = text.split(',').map(|byte| byte.parse().ok()).collect::<Option<_>>()?;
    let [a, b, c, d, high, low] = bytes[..] else { return None };
    let port = u16::from_be_bytes([high, low]);
    (port != 0).then(|| IpEndpoint::new(IpAddress::Ipv4(Ipv4Address::new(a, b, c, d)), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_address_is_read() {
        let read = endpoint("192,168,32,105,19,137").unwrap();
        assert_eq!(read, IpEndpoint::new(IpAddress::Ipv4(Ipv4Address::new(192, 168, 32, 105)), 5001));
        for bad in ["", "1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,4,0,0", "1,2,3,256,1,1"] {
            assert_eq!(endpoint(bad), None, "{bad}");
        }
    }
}
