//! Tells when ports appear, when locks come and go, and when somebody opens a port, so that none of
//! these is waited for.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::lock;
use crate::paths::Paths;

/// A watch over some files.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
}

impl Watch {
    /// Whether another program opens this node: Debian's picocom uses no lock files, only flock(2),
    /// for which there is no notification.
    pub fn over_node(node: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&fd, node, WatchFlags::OPEN)?;
        Ok(Self { fd })
    }

    /// Nodes that appear in `/dev`, and locks.
    pub fn new(paths: &Paths) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&fd, paths.path("/dev"), WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
        let locks = paths.path(lock::DIRECTORY);
        fs::create_dir_all(&locks)?;
        // CLOSE_WRITE: pppd creates its lock empty and then writes its process id.
        let changes =
            WatchFlags::CREATE | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE | WatchFlags::MOVED_TO;
        inotify::add_watch(&fd, &locks, changes)?;
        Ok(Self { fd })
    }

    /// For poll(2).
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Whether anything has happened since the last time.
    pub fn drain(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 512];
        let mut events = inotify::Reader::new(&self.fd, &mut buffer);
        let mut happened = false;
        while events.next().is_ok() {
            happened = true;
        }
        happened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    #[test]
    fn a_port_that_appears_ends_the_wait() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        fs::create_dir_all(paths.path("/dev")).unwrap();
        let watch = Watch::new(&paths).unwrap();
        let wakes = |seconds| {
            let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
            poll(&mut [PollFd::new(watch.fd(), PollFlags::IN)], Some(&timeout)).unwrap() == 1
        };
        assert!(!wakes(0) && !watch.drain());
        let node = paths.path("/dev/ttyUSB0");
        fs::write(paths.path("/dev/new"), "").unwrap();
        assert!(wakes(60) && watch.drain());
        // As udev and a lab rename a node into its place.
        fs::rename(paths.path("/dev/new"), &node).unwrap();
        assert!(wakes(60) && watch.drain());
        assert!(!wakes(0), "all was drained");
    }
}
