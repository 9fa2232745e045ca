//! A serial line in raw mode.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, ioctl};
use rustix::termios::{ControlModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};

use crate::site::{FlowControl, Speed};

/// The line that tells a modem whether its computer is ready: when it goes off, the modem hangs up (V.250 §6.2.9,
/// `&D2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dtr {
    /// Ready.
    High,
    /// Not ready.
    Low,
}

/// The most bytes that may wait for a port: more than ten times the longest command with its text.
const MOST_UNSENT: usize = 16 << 10;

/// An open serial port. It is not in exclusive mode: another program may lock and open it while we only listen.
#[derive(Debug)]
pub struct Serial {
    fd: OwnedFd,
    /// Raw mode, with the speed and flow control of the site.
    settings: Termios,
    /// Bytes that the port has not accepted yet.
    unsent: Vec<u8>,
}

impl Serial {
    /// Opens and locks the port, discards received bytes, and raises DTR and RTS.
    ///
    /// # Errors
    /// `WouldBlock` if another program has the lock: then the port is unchanged.
    pub fn open(path: &Path, speed: Speed, flow: FlowControl) -> io::Result<Self> {
        // Without O_NONBLOCK the open waits for a carrier, which comes only with a call.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open(path, flags, Mode::empty())?;
        take_lock(&fd)?;
        let mut line = tcgetattr(&fd)?;
        line.make_raw();
        line.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD | ControlModes::HUPCL;
        let crtscts = flow == FlowControl::RtsCts;
        line.control_modes.set(ControlModes::CRTSCTS, crtscts);
        line.set_speed(speed.bits_per_second())?;
        tcsetattr(&fd, OptionalActions::Now, &line)?;
        raise_dtr_and_rts(&fd)?;
        tcflush(&fd, QueueSelector::IOFlush)?;
        Ok(Self { fd, settings: line, unsent: Vec::new() })
    }

    /// Takes the lock of programs that use flock(2), such as Debian's picocom.
    ///
    /// # Errors
    /// `WouldBlock` if another program has it.
    pub fn lock(&self) -> io::Result<()> {
        take_lock(&self.fd)
    }

    /// Releases it.
    pub fn unlock(&self) {
        // An error means that the lock is no longer ours.
        let _ = flock(&self.fd, FlockOperation::NonBlockingUnlock);
    }

    /// A descriptor of the port for another program.
    ///
    /// # Errors
    /// There are no more file descriptors.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Restores the settings of the port after another program has used it, and discards received bytes.
    ///
    /// # Errors
    /// The port has vanished, or lost its carrier: then it must be opened again (tty_hangup).
    pub fn reclaim(&mut self) -> io::Result<()> {
        // asm-generic/ioctls.h and linux/tty.h. A pppd that was killed leaves its line discipline.
        const TIOCSETD: Opcode = 0x5423;
        const N_TTY: i32 = 0;
        // SAFETY: TIOCSETD reads one int, by its address.
        unsafe { ioctl(&self.fd, Setter::<TIOCSETD, i32>::new(N_TTY)) }?;
        self.unsent.clear();
        tcsetattr(&self.fd, OptionalActions::Now, &self.settings)?;
        Ok(tcflush(&self.fd, QueueSelector::IOFlush)?)
    }

    /// Sets DTR.
    ///
    /// # Errors
    /// The line has vanished.
    pub fn set_dtr(&self, dtr: Dtr) -> io::Result<()> {
        match dtr {
            Dtr::High => set_wires::<TIOCMBIS>(&self.fd, DTR),
            Dtr::Low => set_wires::<TIOCMBIC>(&self.fd, DTR),
        }
    }

    /// For poll(2).
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Reads the bytes that are available, perhaps none. A port that has vanished is an error.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.fd, &mut *buffer) {
            Ok(0) | Err(Errno::IO) => Err(io::Error::other("the port has vanished")),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            result => Ok(result?),
        }
    }

    /// Writes what the port accepts now, and keeps the rest for [`flush`](Self::flush). The command's deadline detects
    /// a port that accepts nothing.
    ///
    /// # Errors
    /// The port has vanished, or more bytes wait than any command has.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.unsent.len() + bytes.len() > MOST_UNSENT {
            return Err(io::Error::other("the port accepts nothing"));
        }
        self.unsent.extend_from_slice(bytes);
        self.flush()
    }

    /// Writes the kept bytes.
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

    /// The events to poll(2) it for.
    pub fn awaits(&self) -> PollFlags {
        if self.unsent.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }
}

fn take_lock(fd: &OwnedFd) -> io::Result<()> {
    match flock(fd, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "locked by a program with flock(2)"))
        }
        done => Ok(done?),
    }
}

// asm-generic/ioctls.h and asm-generic/termios.h
const TIOCMBIS: Opcode = 0x5416;
const TIOCMBIC: Opcode = 0x5417;
const DTR: i32 = 0x2;
const RTS: i32 = 0x4;

/// Ports of some modems do not raise them on open.
fn raise_dtr_and_rts(fd: &OwnedFd) -> io::Result<()> {
    set_wires::<TIOCMBIS>(fd, DTR | RTS)
}

/// Sets or clears modem control lines, if the port has any.
fn set_wires<const REQUEST: Opcode>(fd: &OwnedFd, wires: i32) -> io::Result<()> {
    // SAFETY: TIOCMBIS and TIOCMBIC, the only requests of the callers, read one int by its address.
    match unsafe { ioctl(fd, Setter::<REQUEST, i32>::new(wires)) } {
        // hso's ports other than Modem give EINVAL; a pseudo-terminal gives ENOTTY.
        Ok(()) | Err(Errno::INVAL | Errno::NOTTY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
