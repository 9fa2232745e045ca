//! A request for a proxy has the whole address in its first line, `GET http://mirror.example/x HTTP/1.1` (RFC 9112,
//! section 3.2.2), where one for a server has the path. ureq 3 knows no such requests: it asks every proxy for a tunnel.

use std::io;

use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
    },
};

/// The field that names the whole address; it replaces the path, and is not sent.
pub const MARK: &str = "dialbox-whole-address";

/// Connects as ureq does, and writes the first line of requests that are marked.
#[derive(Debug, Default)]
pub struct WholeAddress(DefaultConnector);

impl Connector<()> for WholeAddress {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let connection = self.0.connect(details, chained)?;
        Ok(connection.map(|it| if details.needs_tls() { it } else { Box::new(Rewriting(it)) }))
    }
}

#[derive(Debug)]
struct Rewriting(Box<dyn Transport>);

impl Transport for Rewriting {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.0.buffers().output();
        let amount = match rewritten(&output[..amount]) {
            None => amount,
            Some(head) if head.len() <= output.len() => {
                output[..head.len()].copy_from_slice(&head);
                head.len()
            }
            Some(_) => return Err(Error::Io(io::Error::other("the address is too long for a proxy"))),
        };
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }
}

/// The head of a marked request as a proxy gets it.
fn rewritten(head: &[u8]) -> Option<Vec<u8>> {
    let head = str::from_utf8(head).ok()?;
    let is_mark = |line: &&str| line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case(MARK));
    let (_, address) = head.lines().find(is_mark)?.split_once(": ")?;
    let lines = head.split_inclusive("\r\n").skip(1).filter(|line| !is_mark(line));
    Some(format!("GET {address} HTTP/1.1\r\n{}", lines.collect::<String>()).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_request_has_the_whole_address_and_no_mark() {
        let head = "GET / HTTP/1.1\r\nhost: a.example\r\ndialbox-whole-address: http://a.example/x\r\nrange: bytes=3-\r\n\r\n";
        let sent = "GET http://a.example/x HTTP/1.1\r\nhost: a.example\r\nrange: bytes=3-\r\n\r\n";
        assert_eq!(rewritten(head.as_bytes()).unwrap(), sent.as_bytes());
        assert_eq!(rewritten(b"GET /x HTTP/1.1\r\nhost: a.example\r\n\r\n"), None);
    }
}
