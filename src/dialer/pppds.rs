//! The pppd processes that the dialer follows until they end: its own, and those started by hand.

use std::io;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::ppp::Event;
use crate::ppp::pppd::{Exit, Pppd, Signal};

/// The pppd processes that have not ended.
#[derive(Debug, Default)]
pub(super) struct Pppds {
    followed: Vec<Pppd>,
    /// Processes that could not be followed yet; [`remove_ended`](Self::remove_ended) tries again.
    pending: Vec<Pid>,
}

impl Pppds {
    /// Follows a pppd that was started here.
    pub fn push(&mut self, pppd: Pppd) {
        self.followed.push(pppd);
    }

    /// Follows a pppd of another program. Returns its end if it has ended already: no later poll would report it.
    ///
    /// # Errors
    /// It cannot be followed now, for example for lack of file descriptors. Further attempts follow.
    pub fn watch(&mut self, pid: Pid) -> io::Result<Option<Event>> {
        self.watched(pid, Pppd::watch(pid))
    }

    fn watched(&mut self, pid: Pid, watched: io::Result<Pppd>) -> io::Result<Option<Event>> {
        match watched {
            Ok(pppd) => {
                self.followed.push(pppd);
                Ok(None)
            }
            // pidfd_open(2): there is no such process. Any other error leaves it unknown.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => {
                Ok(Some(Event::Exited(pid, Exit::Unseen)))
            }
            Err(error) => {
                self.pending.push(pid);
                Err(error)
            }
        }
    }

    /// Signals a pppd. One that has ended is not an error.
    ///
    /// # Errors
    /// The signal is not allowed, or the process cannot be followed yet: another process may have its ID by now.
    pub fn signal(&self, pid: Pid, signal: Signal) -> io::Result<()> {
        match self.followed.iter().find(|pppd| pppd.pid() == pid) {
            Some(pppd) => pppd.signal(signal),
            None if self.pending.contains(&pid) => Err(io::Error::other("it cannot be followed yet")),
            None => Ok(()),
        }
    }

    /// Removes and returns the processes that have ended, with their exits.
    pub fn remove_ended(&mut self) -> Vec<(Pid, Exit)> {
        let mut ended = Vec::new();
        for pid in std::mem::take(&mut self.pending) {
            if let Ok(Some(_)) = self.watch(pid) {
                ended.push((pid, Exit::Unseen));
            }
        }
        self.followed.retain_mut(|pppd| {
            let exit = pppd.ended().unwrap_or_else(|error| Some(Exit::NotStarted(error.to_string())));
            let is_running = exit.is_none();
            ended.extend(exit.map(|exit| (pppd.pid(), exit)));
            is_running
        });
        ended
    }

    /// Readable when a pppd has ended.
    pub fn fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.followed.iter().map(|pppd| PollFd::new(pppd, PollFlags::IN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::poll;
    use std::process::{Child, Command};

    fn pid(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    #[test]
    fn a_pppd_that_ended_before_it_could_be_followed_has_exited() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = pid(&child);
        child.wait().unwrap();
        let mut pppds = Pppds::default();
        assert_eq!(pppds.watch(pid).unwrap(), Some(Event::Exited(pid, Exit::Unseen)));
        assert_eq!(pppds.remove_ended(), []);
    }

    #[test]
    fn the_end_of_a_pppd_started_by_another_program_is_reported_once() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = pid(&child);
        let mut pppds = Pppds::default();
        assert_eq!(pppds.watch(pid).unwrap(), None);
        assert_eq!(pppds.remove_ended(), []);
        pppds.signal(pid, Signal::Kill).unwrap();
        poll(&mut pppds.fds().collect::<Vec<_>>(), None).unwrap();
        assert_eq!(pppds.remove_ended(), [(pid, Exit::Unseen)]);
        assert_eq!(pppds.remove_ended(), []);
        child.wait().unwrap();
    }

    #[test]
    fn a_pppd_that_cannot_be_followed_has_not_ended_and_is_tried_again() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = pid(&child);
        let mut pppds = Pppds::default();
        for errno in [Errno::MFILE, Errno::NOMEM] {
            let watched = pppds.watched(pid, Err(errno.into()));
            assert_eq!(watched.unwrap_err().raw_os_error(), Some(errno.raw_os_error()));
            assert!(pppds.signal(pid, Signal::Terminate).is_err(), "the signal was not sent");
            assert_eq!(pppds.remove_ended(), []);
            assert_eq!(pppds.fds().count(), 1, "it is followed now");
            pppds = Pppds::default();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let watched = pppds.watched(pid, Err(Errno::MFILE.into()));
        assert!(watched.is_err());
        assert_eq!(pppds.remove_ended(), [(pid, Exit::Unseen)]);
    }
}
