//! A serial port of the equipment over TCP: raw bytes in both directions, for one client at a time.
//!
//! Debian's busybox has no `tcpsvd`, its `nc` does not notice a client that has vanished, and `socat` and `ser2net` take
//! more of the card than the rest of the image leaves. What is needed of them is this file.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;

use crate::log::Log;
use crate::modem::ports;
use crate::modem::serial::Serial;
use crate::paths::Paths;
use crate::site::{FlowControl, SerialForward};

/// A client that has vanished is noticed after two minutes without an answer: a mobile link may lose some.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);
const KEEPALIVES: u32 = 3;
/// The same for a client that takes no more data.
const GIVE_UP_AFTER_MS: u32 = 120_000;
/// Bytes that are read at once, and bytes that wait for the client at most.
const CHUNK: usize = 4096;

/// One port of the box and its serial port.
#[derive(Debug)]
pub struct Forward<'a> {
    paths: &'a Paths,
    log: &'a Log,
    site: &'a SerialForward,
    listener: TcpListener,
    session: Option<Session>,
}

/// A client and the serial port that it has.
#[derive(Debug)]
struct Session {
    client: TcpStream,
    from: SocketAddr,
    port: Serial,
    /// Bytes that the client has not taken yet.
    waiting: Vec<u8>,
    /// Whether the client still sends.
    is_sending: bool,
}

/// How a session goes on.
enum Next {
    Goes,
    Ends,
}

impl<'a> Forward<'a> {
    /// Listens at all addresses; the firewall lets in the VPN alone.
    ///
    /// # Errors
    /// Another program has the port.
    pub fn open(paths: &'a Paths, log: &'a Log, site: &'a SerialForward) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, site.listen.get()))?;
        listener.set_nonblocking(true)?;
        Ok(Self { paths, log, site, listener, session: None })
    }

    /// What to poll(2).
    pub fn fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let listener = PollFd::from_borrowed_fd(self.listener.as_fd(), PollFlags::IN);
        let session = self.session.iter().flat_map(|session| {
            let client = PollFd::from_borrowed_fd(session.client.as_fd(), session.client_awaits());
            let port = PollFd::from_borrowed_fd(session.port.fd().as_fd(), session.port_awaits());
            // One that has hung up is always ready (poll(2), POLLHUP): while nothing is wanted of it, it would keep the
            // processor busy.
            [(client, session.client_awaits()), (port, session.port_awaits())]
        });
        let session = session.filter(|(_, awaited)| !awaited.is_empty()).map(|(fd, _)| fd);
        std::iter::once(listener).chain(session)
    }

    /// Passes on what there is.
    pub fn poll(&mut self) {
        while let Ok((client, from)) = self.listener.accept() {
            match &self.session {
                Some(session) => self.say(&format!("{from} is refused, {} has the port", session.from)),
                None => match self.start(client, from) {
                    Ok(session) => self.session = Some(session),
                    Err(error) => self.log.warning(&format!("{}: {from}: {error}", self.site.listen)),
                },
            }
        }
        let Some(session) = &mut self.session else { return };
        let why = match session.pass_on() {
            Ok(Next::Goes) => return,
            Ok(Next::Ends) => "has gone".to_owned(),
            Err(error) => error.to_string(),
        };
        let from = session.from;
        self.session = None;
        self.say(&format!("{from}: {why}"));
    }

    fn start(&self, client: TcpStream, from: SocketAddr) -> io::Result<Session> {
        let found = ports::candidates(self.paths, &self.site.port);
        let device = found.first().ok_or_else(|| io::Error::other("the serial port is not plugged in"))?;
        let path = self.paths.path(&device.device);
        let port = Serial::open(&path, self.site.speed, FlowControl::None)?;
        client.set_nonblocking(true)?;
        client.set_nodelay(true)?;
        sockopt::set_socket_keepalive(&client, true)?;
        sockopt::set_tcp_keepidle(&client, KEEPALIVE_AFTER)?;
        sockopt::set_tcp_keepintvl(&client, KEEPALIVE_EVERY)?;
        sockopt::set_tcp_keepcnt(&client, KEEPALIVES)?;
        sockopt::set_tcp_user_timeout(&client, GIVE_UP_AFTER_MS)?;
        self.say(&format!("{from} has {}", device.device.display()));
        Ok(Session { client, from, port, waiting: Vec::new(), is_sending: true })
    }

    fn say(&self, what: &str) {
        self.log.info(&format!("{}: {what}", self.site.listen));
    }
}

impl Session {
    /// Nothing is read from one side while the other one does not take it.
    fn client_awaits(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.is_sending && !self.is_port_full());
        flags.set(PollFlags::OUT, !self.waiting.is_empty());
        flags
    }

    fn port_awaits(&self) -> PollFlags {
        let mut flags = self.port.awaits();
        flags.set(PollFlags::IN, self.waiting.is_empty());
        flags
    }

    fn is_port_full(&self) -> bool {
        self.port.awaits().contains(PollFlags::OUT)
    }

    fn pass_on(&mut self) -> io::Result<Next> {
        let mut chunk = [0; CHUNK];
        self.port.flush()?;
        if self.is_sending && !self.is_port_full() {
            match self.client.read(&mut chunk) {
                // What it has sent before is still delivered.
                Ok(0) => self.is_sending = false,
                Ok(length) => self.port.write(&chunk[..length])?,
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if self.waiting.is_empty() {
            let length = self.port.read(&mut chunk)?;
            self.waiting.extend_from_slice(&chunk[..length]);
        }
        while !self.waiting.is_empty() {
            match self.client.write(&self.waiting) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(if self.is_sending || self.is_port_full() { Next::Goes } else { Next::Ends })
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Role, Site};
    use rustix::event::{Timespec, poll};
    use rustix::fs::OFlags;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::fs::File;
    use std::os::fd::OwnedFd;

    /// A device at the other end of a pseudo-terminal, and the site that forwards it.
    fn device(listen: u16) -> (File, SerialForward) {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller: OwnedFd = openpt(flags).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        rustix::fs::fcntl_setfl(&controller, OFlags::NONBLOCK).unwrap();
        let text = format!(
            "role='dialer'\nhostname='x'\n[modem]\nport='1-1'\n[operator]\nname='x'\napn='x'\n[vpn]\n\
             address='10.9.0.2/24'\nprivate-key='yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk='\n\
             public-key='b/+8yjlfqle5awL8Vne6lpRdvSDyQz5sbyoEugWxDcc='\nendpoint='203.0.113.5:51820'\n\
             networks=['10.9.0.0/24']\n[[forward.serial]]\nlisten={listen}\nport='{name}'\nspeed=9600\n"
        );
        let Role::Dialer(role) = Site::parse(&text).unwrap().role else { unreachable!() };
        (controller.into(), role.forward.unwrap().serial.remove(0))
    }

    struct Test<'a> {
        forward: Forward<'a>,
        at: SocketAddr,
    }

    impl Test<'_> {
        /// Passes on until it holds.
        fn until(&mut self, mut holds: impl FnMut(&Forward) -> bool) {
            while !holds(&self.forward) {
                let mut fds: Vec<_> = self.forward.fds().collect();
                // The device may have something, too: it is looked at again soon.
                let soon = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
                poll(&mut fds, Some(&soon)).unwrap();
                drop(fds);
                self.forward.poll();
            }
        }

        fn connect(&self) -> TcpStream {
            let client = TcpStream::connect(self.at).unwrap();
            client.set_nonblocking(true).unwrap();
            client
        }

        /// Sends all of it through, and returns what has arrived.
        fn send(&mut self, from: &mut impl Write, to: &mut impl Read, bytes: &[u8]) -> Vec<u8> {
            let (mut sent, mut arrived) = (0, Vec::new());
            let mut chunk = [0; 1024];
            self.until(|_| {
                if let Ok(length) = from.write(&bytes[sent..bytes.len().min(sent + 1000)]) {
                    sent += length;
                }
                while let Ok(length @ 1..) = to.read(&mut chunk) {
                    arrived.extend_from_slice(&chunk[..length]);
                }
                arrived.len() >= bytes.len()
            });
            arrived
        }
    }

    fn free_port() -> u16 {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn every_byte_passes_both_ways_for_one_client_after_the_other() {
        let (paths, port) = (Paths::default(), free_port());
        let log = Log::new("test", &Paths::below("/nowhere"));
        let (mut device, site) = device(port);
        let forward = Forward::open(&paths, &log, &site).unwrap();
        let mut test = Test { forward, at: (Ipv4Addr::LOCALHOST, port).into() };
        let all: Vec<u8> = (0..64).flat_map(|_| 0..=255).collect();
        for _ in 0..2 {
            let mut client = test.connect();
            test.until(|forward| forward.session.is_some());
            assert!(test.send(&mut client, &mut device, &all) == all, "to the device");
            assert!(test.send(&mut device, &mut client, &all) == all, "from the device");
            // A second client is refused, and the first one goes on.
            let mut second = test.connect();
            let mut byte = [0];
            test.until(|_| matches!(second.read(&mut byte), Ok(0)) || second.take_error().unwrap().is_some());
            assert_eq!(test.send(&mut client, &mut device, b"on"), b"on");
            assert!(sockopt::socket_keepalive(&test.forward.session.as_ref().unwrap().client).unwrap());
            drop(client);
            test.until(|forward| forward.session.is_none());
        }
    }

    #[test]
    fn a_client_that_has_gone_does_not_keep_the_processor_busy_while_its_bytes_are_sent() {
        let (paths, port) = (Paths::default(), free_port());
        let log = Log::new("test", &Paths::below("/nowhere"));
        let (_device, site) = device(port);
        let forward = Forward::open(&paths, &log, &site).unwrap();
        let mut test = Test { forward, at: (Ipv4Addr::LOCALHOST, port).into() };
        let mut client = test.connect();
        // The device reads nothing: its queue fills up.
        let is_full = |forward: &Forward| forward.session.as_ref().is_some_and(Session::is_port_full);
        test.until(|forward| {
            let _ = client.write(&[0; 4096]);
            is_full(forward)
        });
        // Bytes that wait unread make the end of the connection a reset.
        sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
        drop(client);
        let session = test.forward.session.as_ref().unwrap();
        let mut reset = [PollFd::from_borrowed_fd(session.client.as_fd(), PollFlags::empty())];
        poll(&mut reset, None).unwrap();
        let mut fds: Vec<_> = test.forward.fds().collect();
        assert_eq!(poll(&mut fds, Some(&Timespec::default())).unwrap(), 0, "nothing is to be done");
    }

    #[test]
    fn without_its_serial_port_a_client_is_refused() {
        let port = free_port();
        let log = Log::new("test", &Paths::below("/nowhere"));
        let (device, site) = device(port);
        drop(device);
        let elsewhere = Paths::below("/nowhere");
        let forward = Forward::open(&elsewhere, &log, &site).unwrap();
        let mut test = Test { forward, at: (Ipv4Addr::LOCALHOST, port).into() };
        let mut client = test.connect();
        let mut byte = [0];
        test.until(|_| matches!(client.read(&mut byte), Ok(0)));
    }
}
