//! A local network with one host, which serves DHCP, DNS, HTTP and active FTP, and answers pings. It has no other
//! connection: none of its packets reaches a network of this machine.

mod dhcp;
mod dns;
mod frames;
mod ftp;
mod host;

pub use host::Asked;

use crate::error::{Error, Result};
use frames::Frames;
use host::Host;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the thread checks whether the network was dropped.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The network, until it is dropped. The emulator connects to its socket.
#[derive(Debug)]
pub struct Lan {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<Asked>>>,
    closing: Arc<AtomicBool>,
}

impl Lan {
    /// The host, which is the gateway and the name server, too.
    pub const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 32, 254);
    /// Another address of the host, which passes for one of the Internet (RFC 5737: for documentation).
    pub const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    /// The host's name.
    pub const NAME: &str = "server.lan";
    /// The address that every box gets.
    pub const GIVEN: Ipv4Addr = Ipv4Addr::new(192, 168, 32, 50);
    /// The network's prefix length.
    const PREFIX: u8 = 24;

    /// A network at this socket, whose host serves this page.
    pub fn open(socket: PathBuf, page: &str) -> Result<Self> {
        let listener = UnixListener::bind(&socket).map_err(|e| Error::io("listen at", &socket, e))?;
        listener.set_nonblocking(true).map_err(|e| Error::io("listen at", &socket, e))?;
        let lan = Self { socket, asked: Arc::default(), closing: Arc::default() };
        let (asked, closing, page) = (Arc::clone(&lan.asked), Arc::clone(&lan.closing), page.to_owned());
        std::thread::spawn(move || serve(&listener, &page, &asked, &closing));
        Ok(lan)
    }

    /// The emulator's socket.
    pub fn socket(&self) -> &Path {
        &self.socket
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
fn serve(listener: &UnixListener, page: &str, asked: &Mutex<Vec<Asked>>, closing: &AtomicBool) {
    while !closing.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((emulator, _)) => {
                // The box was switched off, or sends no frames.
                let _ = attend(emulator, Host::new(page), asked, closing);
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
    asked: &Mutex<Vec<Asked>>,
    closing: &AtomicBool,
) -> std::io::Result<()> {
    emulator.set_nonblocking(false)?;
    let (began, mut frames, mut buffer) = (Instant::now(), Frames::default(), vec![0; 64 << 10]);
    while !closing.load(Ordering::Relaxed) {
        let (sent, next) = host.turn(frames.take()?, began.elapsed());
        for frame in sent {
            emulator.write_all(&frames::framed(&frame))?;
        }
        asked.lock().unwrap_or_else(PoisonError::into_inner).extend(host.take_asked());
        let timeout = Timespec::try_from(next.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)).ok();
        let ready = poll(&mut [PollFd::new(&emulator, PollFlags::IN)], timeout.as_ref());
        if matches!(ready, Ok(1..)) {
            match emulator.read(&mut buffer)? {
                0 => return Ok(()),
                count => frames.push(&buffer[..count]),
            }
        }
    }
    Ok(())
}
