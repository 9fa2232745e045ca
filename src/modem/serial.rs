//! A serial line in raw mode.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, ioctl};
use rustix::termios::{
    ControlModes, OptionalActions, QueueSelector, ioctl_tiocexcl, tcflush, tcgetattr, tcsetattr,
};

use crate::site::{FlowControl, Speed};

/// An open serial line, ours alone.
#[derive(Debug)]
pub struct Serial {
    fd: OwnedFd,
    /// What the port has not taken yet.
    unsent: Vec<u8>,
}

impl Serial {
    /// Opens the line, forgets what it has received, and raises DTR and RTS.
    pub fn open(path: &Path, speed: Speed, flow: FlowControl) -> io::Result<Self> {
        // O_NONBLOCK: without it the open waits for a carrier that comes only with a call.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open(path, flags, Mode::empty())?;
        ioctl_tiocexcl(&fd)?;
        let mut line = tcgetattr(&fd)?;
        line.make_raw();
        line.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD | ControlModes::HUPCL;
        let crtscts = flow == FlowControl::RtsCts;
        line.control_modes.set(ControlModes::CRTSCTS, crtscts);
        line.set_speed(speed.bits_per_second())?;
        tcsetattr(&fd, OptionalActions::Now, &line)?;
        raise_dtr_and_rts(&fd)?;
        tcflush(&fd, QueueSelector::IOFlush)?;
        Ok(Self { fd, unsent: Vec::new() })
    }

    /// For poll(2).
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Reads what is there, perhaps nothing. A line that has vanished is an error.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.fd, &mut *buffer) {
            Ok(0) | Err(Errno::IO) => Err(io::Error::other("the port has vanished")),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            result => Ok(result?),
        }
    }

    /// Writes what the port takes now, and keeps the rest for [`flush`](Self::flush). Whoever
    /// waits for an answer notices a port that takes nothing.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        self.flush()
    }

    /// Goes on writing what was kept.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match rustix::io::write(&self.fd, &self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What to poll(2) it for.
    pub fn awaits(&self) -> PollFlags {
        if self.unsent.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }
}

/// Ports of some modems do not raise them on open, and some know no such wires.
fn raise_dtr_and_rts(fd: &OwnedFd) -> io::Result<()> {
    // asm-generic/ioctls.h and asm-generic/termios.h: TIOCMBIS, TIOCM_DTR, TIOCM_RTS
    const TIOCMBIS: Opcode = 0x5416;
    const DTR_RTS: i32 = 0x2 | 0x4;
    // SAFETY: TIOCMBIS reads one int.
    match unsafe { ioctl(fd, Setter::<TIOCMBIS, i32>::new(DTR_RTS)) } {
        // hso's ports other than Modem give EINVAL; a pseudo-terminal gives ENOTTY.
        Ok(()) | Err(Errno::INVAL | Errno::NOTTY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
