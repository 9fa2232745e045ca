//! The line of a device's serial port: a connection to the socket where a modem listens.

use crate::exchange::Dcd;
use rustix::event::{PollFd, PollFlags};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// The modem's end of a line.
pub struct Wires {
    /// The modem's socket.
    pub socket: PathBuf,
    /// DCD, which a socket does not carry; always on without it.
    pub dcd: Option<Dcd>,
}

/// One port's line. A socket carries no DTR: closing and reopening it means a drop of DTR.
pub struct Line {
    /// To the modem, if there is one.
    wires: Option<Wires>,
    socket: Option<UnixStream>,
    /// What the modem has not taken yet.
    pub unsent: Vec<u8>,
    /// How much the device accepts now.
    pub room: usize,
}

impl Line {
    /// A line that is closed.
    pub fn new(wires: Option<Wires>) -> Self {
        Self { wires, socket: None, unsent: Vec::new(), room: 0 }
    }

    /// Opens it, unless it is open. If the modem does not listen yet, the next call tries again.
    pub fn open(&mut self) {
        if let (None, Some(wires)) = (&self.socket, &self.wires) {
            let socket =
                UnixStream::connect(&wires.socket).and_then(|it| it.set_nonblocking(true).map(|()| it));
            self.socket = socket.ok();
        }
    }

    /// Whether the modem reports a carrier.
    pub fn carrier(&self) -> bool {
        self.wires.as_ref().and_then(|wires| wires.dcd.as_ref()).is_none_or(Dcd::is_on)
    }

    /// Closes it; unsent bytes are lost.
    pub fn close(&mut self) {
        self.socket = None;
        self.unsent.clear();
    }

    /// Sends what the modem accepts.
    pub fn write(&mut self) {
        let Some(socket) = &mut self.socket else { return self.unsent.clear() };
        while let Ok(count @ 1..) = socket.write(&self.unsent) {
            self.unsent.drain(..count);
        }
    }

    /// Reads from the modem, as far as there is room.
    pub fn read(&mut self) -> Vec<u8> {
        let Some(socket) = &mut self.socket else { return Vec::new() };
        let mut bytes = vec![0; self.room.min(4096)];
        match socket.read(&mut bytes) {
            Ok(0) if !bytes.is_empty() => self.socket = None, // it closed
            Ok(count) => {
                bytes.truncate(count);
                return bytes;
            }
            Err(_) => {} // no data
        }
        Vec::new()
    }

    /// The events to poll for.
    pub fn interest(&self) -> Option<PollFd<'_>> {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, self.room > 0);
        events.set(PollFlags::OUT, !self.unsent.is_empty());
        self.socket.as_ref().map(|socket| PollFd::new(socket, events))
    }
}
