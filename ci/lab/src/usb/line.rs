//! Where a serial port of a device leads: a socket that a modem listens at.

use crate::exchange::Dcd;
use rustix::event::{PollFd, PollFlags};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Where a line leads.
pub struct Wires {
    /// Where the modem listens.
    pub socket: PathBuf,
    /// The one wire of the modem's that a socket does not carry; always on without it.
    pub dcd: Option<Dcd>,
}

/// One port's line. A socket carries no DTR; that it is closed and opened again stands for a drop of it.
pub struct Line {
    /// To the modem, if there is one.
    wires: Option<Wires>,
    socket: Option<UnixStream>,
    /// What the modem has not taken yet.
    pub unsent: Vec<u8>,
    /// How much the device takes now.
    pub room: usize,
}

impl Line {
    /// A line that is closed.
    pub fn new(wires: Option<Wires>) -> Self {
        Self { wires, socket: None, unsent: Vec::new(), room: 0 }
    }

    /// Opens it, unless it is open. A modem that does not listen yet is asked again.
    pub fn open(&mut self) {
        if let (None, Some(wires)) = (&self.socket, &self.wires) {
            let socket =
                UnixStream::connect(&wires.socket).and_then(|it| it.set_nonblocking(true).map(|()| it));
            self.socket = socket.ok();
        }
    }

    /// Whether the modem tells of a carrier.
    pub fn carrier(&self) -> bool {
        self.wires.as_ref().and_then(|wires| wires.dcd.as_ref()).is_none_or(Dcd::is_on)
    }

    /// Closes it; the modem loses what it has not taken.
    pub fn close(&mut self) {
        self.socket = None;
        self.unsent.clear();
    }

    /// Passes on what the modem takes.
    pub fn write(&mut self) {
        let Some(socket) = &mut self.socket else { return self.unsent.clear() };
        while let Ok(count @ 1..) = socket.write(&self.unsent) {
            self.unsent.drain(..count);
        }
    }

    /// What the modem has said, as much as there is room for.
    pub fn read(&mut self) -> Vec<u8> {
        let Some(socket) = &mut self.socket else { return Vec::new() };
        let mut bytes = vec![0; self.room.min(4096)];
        match socket.read(&mut bytes) {
            Ok(0) if !bytes.is_empty() => self.socket = None, // it closed
            Ok(count) => {
                bytes.truncate(count);
                return bytes;
            }
            Err(_) => {} // nothing was said
        }
        Vec::new()
    }

    /// What to wait for.
    pub fn interest(&self) -> Option<PollFd<'_>> {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, self.room > 0);
        events.set(PollFlags::OUT, !self.unsent.is_empty());
        self.socket.as_ref().map(|socket| PollFd::new(socket, events))
    }
}
