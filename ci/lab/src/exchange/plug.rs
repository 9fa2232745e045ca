//! The computer's end of a modem's port: a local socket or a pseudo-terminal.

use crate::error::{Error, Result};
use crate::network::{Network, Subscriber};
use rustix::event::PollFlags;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the computer opens.
#[derive(Debug)]
enum End {
    /// A socket, and who is connected to it.
    Socket { listener: UnixListener, line: Option<UnixStream> },
    /// A pseudo-terminal's master side, and whether a program has the other side open.
    Terminal { master: OwnedFd, path: PathBuf, watch: Option<i32>, open: bool },
}

/// The computer's end of a port.
#[derive(Debug)]
pub struct Plug {
    pub modem: Subscriber,
    pub port: usize,
    /// How many bytes the modem takes now.
    pub room: usize,
    /// What the computer has not taken yet.
    unsent: Vec<u8>,
    end: End,
}

/// Reports when a pseudo-terminal is opened: poll(2) reports only that one is closed.
pub fn watch_openings() -> Result<OwnedFd, Errno> {
    inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)
}

/// Marks those that were opened.
pub fn note_openings(openings: BorrowedFd, plugs: &mut [Plug]) {
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut reader = inotify::Reader::new(openings, &mut buffer);
    while let Ok(event) = reader.next() {
        for plug in plugs.iter_mut() {
            if let End::Terminal { watch, open, .. } = &mut plug.end
                && *watch == Some(event.wd())
            {
                *open = true;
            }
        }
    }
}

impl Plug {
    /// A local socket, to which a computer may connect repeatedly.
    pub fn socket(modem: Subscriber, port: usize, path: &Path) -> Result<Self> {
        let fault = |e| Error::io("listen at", path, e);
        let listener = UnixListener::bind(path).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        Ok(Self { modem, port, room: 0, unsent: Vec::new(), end: End::Socket { listener, line: None } })
    }

    /// A pseudo-terminal, and the path of its slave side.
    pub fn terminal(modem: Subscriber, port: usize) -> Result<(Self, PathBuf)> {
        // A program that inherited these would keep the port open.
        let made = || -> Result<(OwnedFd, PathBuf), Errno> {
            let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
            grantpt(&master)?;
            unlockpt(&master)?;
            rustix::io::ioctl_fionbio(&master, true)?;
            let name = ptsname(&master, Vec::new())?;
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes()));
            // A serial port does not echo before it is configured.
            let ours =
                rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
            let mut line = tcgetattr(&ours)?;
            line.make_raw();
            tcsetattr(&ours, OptionalActions::Now, &line)?;
            Ok((master, path))
        };
        let (master, path) =
            made().map_err(|e| Error::io("make", Path::new("a pseudo-terminal"), e.into()))?;
        let end = End::Terminal { master, path: path.clone(), watch: None, open: false };
        Ok((Self { modem, port, room: 0, unsent: Vec::new(), end }, path))
    }

    /// Watches it for openings from here on.
    pub fn watch(&mut self, openings: BorrowedFd) {
        if let End::Terminal { path, watch, .. } = &mut self.end {
            *watch = inotify::add_watch(openings, path.as_path(), WatchFlags::OPEN).ok();
        }
    }

    /// What to poll.
    pub fn fd(&self) -> BorrowedFd<'_> {
        match &self.end {
            End::Socket { line: Some(line), .. } => line.as_fd(),
            End::Socket { listener, .. } => listener.as_fd(),
            End::Terminal { master, .. } => master.as_fd(),
        }
    }

    /// The events to poll for; `None` while no computer is there: poll(2) would return at once.
    pub fn interest(&self) -> Option<PollFlags> {
        match &self.end {
            End::Terminal { open: false, .. } => return None,
            End::Socket { line: None, .. } => return Some(PollFlags::IN),
            End::Socket { .. } | End::Terminal { .. } => {}
        }
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, self.room > 0);
        interest.set(PollFlags::OUT, !self.unsent.is_empty());
        Some(interest)
    }

    /// Sends bytes to the computer; they are lost if none is there.
    pub fn send(&mut self, bytes: &[u8]) {
        match &self.end {
            End::Socket { line: Some(_), .. } | End::Terminal { open: true, .. } => {
                self.unsent.extend(bytes);
                self.flush();
            }
            End::Socket { .. } | End::Terminal { .. } => {}
        }
    }

    /// Accepts a connection, reads, writes, as far as possible.
    pub fn poll(&mut self, network: &mut Network, now: Duration) {
        if let End::Socket { listener, line: line @ None } = &mut self.end {
            if let Ok((connection, _)) = listener.accept()
                && connection.set_nonblocking(true).is_ok()
            {
                *line = Some(connection);
                network.dtr(self.modem, self.port, true, now);
            }
            return;
        }
        self.flush();
        let mut bytes = vec![0; self.room.min(65_536)];
        if bytes.is_empty() {
            return;
        }
        match rustix::io::read(self.fd(), bytes.as_mut_slice()) {
            Ok(count) if count > 0 => {
                bytes.truncate(count);
                network.typed(self.modem, self.port, bytes, now);
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            // End of file of a socket, or EIO of a pseudo-terminal: DTR drops.
            Ok(_) | Err(_) => {
                self.detach();
                network.dtr(self.modem, self.port, false, now);
            }
        }
    }

    fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match rustix::io::write(self.fd(), &self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(Errno::INTR) => {}
                // A full buffer, or an end of file that the next read sees.
                Err(_) => return,
            }
        }
    }

    fn detach(&mut self) {
        self.unsent.clear();
        match &mut self.end {
            End::Socket { line, .. } => *line = None,
            End::Terminal { open, .. } => *open = false,
        }
    }
}
