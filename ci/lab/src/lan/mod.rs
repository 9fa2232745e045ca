//! A local network with one host, which serves DHCP, DNS, HTTP and active FTP, and answers pings. It has no other
//! connection but the telephones of a scenario, on the loopback interface: none of its packets reaches a network of this
//! machine.

mod dhcp;
mod dns;
mod flood;
mod frames;
mod ftp;
mod host;
mod phones;

pub use flood::Flood;
pub use host::Asked;

use crate::error::{Error, Result};
use frames::Frames;
use host::Host;
use phones::{PHONES, Phone};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The kernel keeps so many bytes for the emulator, a few frames. Its Ethernet adapter takes some hundred frames a second: in
/// a flood, an ARP reply behind a full socket of 200 KB would come after the box has given up the host.
const SEND_BUFFER: usize = 4096;
/// How often the thread checks whether the network was dropped.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The command of a box that requests a page.
pub fn get(address: &str, port: u16) -> String {
    format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 4 {address} {port}")
}

/// The network, until it is dropped. The emulator connects to its socket.
#[derive(Debug)]
pub struct Lan {
    socket: PathBuf,
    phones: [u16; PHONES],
    asked: Arc<Mutex<Vec<Asked>>>,
    flood: Arc<Flood>,
    closing: Arc<AtomicBool>,
}

impl Lan {
    /// The host, which is the gateway and the name server, too.
    pub const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 32, 254);
    /// Another address of the host, which passes for one of the Internet (RFC 5737: for documentation).
    pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    /// The host's name.
    pub const NAME: &str = "server.lan";
    /// A name of the Internet, and its address: that of an operator's end of a link.
    pub const PEER: (&str, Ipv4Addr) = ("vpn.example.org", Ipv4Addr::new(10, 64, 0, 1));
    /// The address that every box gets.
    pub const GIVEN: Ipv4Addr = Ipv4Addr::new(192, 168, 32, 50);
    /// The network's prefix length.
    const PREFIX: u8 = 24;

    /// A network at this socket, whose host serves this page.
    pub fn open(socket: PathBuf, page: &str) -> Result<Self> {
        let listener = UnixListener::bind(&socket).map_err(|e| Error::io("listen at", &socket, e))?;
        listener.set_nonblocking(true).map_err(|e| Error::io("listen at", &socket, e))?;
        let phone = || Phone::open().map_err(|e| Error::io("listen at", Path::new("127.0.0.1"), e));
        let phones = [phone()?, phone()?];
        let ports = phones.each_ref().map(Phone::port);
        let lan = Self {
            socket,
            phones: ports,
            asked: Arc::default(),
            flood: Arc::default(),
            closing: Arc::default(),
        };
        let (asked, flood, closing) =
            (Arc::clone(&lan.asked), Arc::clone(&lan.flood), Arc::clone(&lan.closing));
        let page = page.to_owned();
        std::thread::spawn(move || serve(&listener, &page, phones, (&asked, &flood), &closing));
        Ok(lan)
    }

    /// The emulator's socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The ports at 127.0.0.1 where two SIP telephones of this machine find the box, each one its own.
    pub fn phones(&self) -> [u16; PHONES] {
        self.phones
    }

    /// The stranger who floods the exchange.
    pub fn flood(&self) -> &Flood {
        &self.flood
    }

    /// The requests to the host so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// Serves one emulator after the other; each gets a freshly started host.
fn serve(
    listener: &UnixListener,
    page: &str,
    mut phones: [Phone; PHONES],
    shared: (&Mutex<Vec<Asked>>, &Flood),
    closing: &AtomicBool,
) {
    while !closing.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((emulator, _)) => {
                // The box was switched off, or sends no frames.
                let _ = attend(emulator, Host::new(page), &mut phones, shared, closing);
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                let timeout = Timespec::try_from(LOOK_AGAIN).ok();
                let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], timeout.as_ref());
            }
            Err(_) => return,
        }
    }
}

fn attend(
    mut emulator: UnixStream,
    mut host: Host,
    phones: &mut [Phone; PHONES],
    (asked, flood): (&Mutex<Vec<Asked>>, &Flood),
    closing: &AtomicBool,
) -> std::io::Result<()> {
    emulator.set_nonblocking(false)?;
    sockopt::set_socket_send_buffer_size(&emulator, SEND_BUFFER)?;
    let (began, mut frames, mut buffer) = (Instant::now(), Frames::default(), vec![0; 64 << 10]);
    while !closing.load(Ordering::Relaxed) {
        for (at, phone) in phones.iter_mut().enumerate() {
            while let Some(datagram) = phone.take() {
                host.call_box(at, &datagram);
            }
        }
        host.flood(flood);
        let (sent, next) = host.turn(frames.take()?, began.elapsed());
        for frame in sent {
            emulator.write_all(&frames::framed(&frame))?;
        }
        asked.lock().unwrap_or_else(PoisonError::into_inner).extend(host.take_asked());
        for (at, phone) in phones.iter().enumerate() {
            for datagram in host.take_calls(at) {
                phone.give(&datagram);
            }
        }
        let longest = if flood.left() > 0 { Duration::ZERO } else { LOOK_AGAIN };
        let timeout = Timespec::try_from(next.unwrap_or(LOOK_AGAIN).min(longest)).ok();
        let sockets = phones.iter().map(|phone| PollFd::new(phone.socket(), PollFlags::IN));
        let mut fds: Vec<PollFd> =
            std::iter::once(PollFd::new(&emulator, PollFlags::IN)).chain(sockets).collect();
        let _ = poll(&mut fds, timeout.as_ref());
        let is_ready = fds.first().is_some_and(|fd| !fd.revents().is_empty());
        drop(fds);
        if is_ready {
            match emulator.read(&mut buffer)? {
                0 => return Ok(()),
                count => frames.push(&buffer[..count]),
            }
        }
    }
    Ok(())
}
