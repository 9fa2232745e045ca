//! Reports when ports appear, locks change, and programs open a port: without polling for them.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::lock;
use crate::paths::Paths;

/// A watch over files.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
    /// The watch descriptor of `/dev`, if it is watched.
    dev: Option<i32>,
}

/// The kinds of events since the last call.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// A node has appeared in `/dev`.
    pub nodes: bool,
    /// Another event.
    pub others: bool,
}

impl Watch {
    /// A watch over openings of this node: Debian's picocom uses no lock files, only flock(2), which inotify does not
    /// report.
    pub fn over_node(node: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&fd, node, WatchFlags::OPEN)?;
        Ok(Self { fd, dev: None })
    }

    /// A watch over nodes that appear in `/dev`, and over locks.
    pub fn new(paths: &Paths) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let dev = inotify::add_watch(&fd, paths.path("/dev"), WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
        let locks = paths.path(lock::DIRECTORY);
        fs::create_dir_all(&locks)?;
        // CLOSE_WRITE: pppd creates its lock empty and then writes its process ID.
        let changes =
            WatchFlags::CREATE | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE | WatchFlags::MOVED_TO;
        inotify::add_watch(&fd, &locks, changes)?;
        Ok(Self { fd, dev: Some(dev) })
    }

    /// For poll(2).
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The events since the last call.
    pub fn changes(&self) -> Changes {
        let mut buffer = [MaybeUninit::uninit(); 512];
        let mut events = inotify::Reader::new(&self.fd, &mut buffer);
        let mut changes = Changes::default();
        while let Ok(event) = events.next() {
            match Some(event.wd()) == self.dev {
                true => changes.nodes = true,
                false => changes.others = true,
            }
        }
        changes
    }

    /// Whether there was an event since the last call.
    pub fn drain(&self) -> bool {
        self.changes() != Changes::default()
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
        assert!(wakes(60));
        assert_eq!(watch.changes(), Changes { nodes: true, others: false });
        fs::write(paths.path("/run/lock/LCK..ttyUSB0"), "").unwrap();
        assert!(wakes(60));
        assert_eq!(watch.changes(), Changes { nodes: false, others: true });
        // As udev renames a node into its place.
        fs::rename(paths.path("/dev/new"), &node).unwrap();
        assert!(wakes(60) && watch.drain());
        assert!(!wakes(0), "all was drained");
    }
}
