//! The pppd processes that the dialer follows to their end: its own, and those started by hand.

use std::io;

use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;

use crate::ppp::Event;
use crate::ppp::pppd::{Exit, Pppd, Signal};

/// Every pppd that has not ended.
#[derive(Debug, Default)]
pub(super) struct Pppds(Vec<Pppd>);

impl Pppds {
    /// Follows a pppd that was started here.
    pub fn push(&mut self, pppd: Pppd) {
        self.0.push(pppd);
    }

    /// Follows a pppd that somebody else has started. One that has ended before it could be
    /// followed gives its end now: no later poll would.
    #[must_use = "a pppd that has ended already reports it only here"]
    pub fn watch(&mut self, pid: Pid) -> Option<Event> {
        match Pppd::watch(pid) {
            Ok(pppd) => {
                self.0.push(pppd);
                None
            }
            Err(_) => Some(Event::Exited(pid, Exit::Unseen)),
        }
    }

    /// Signals a pppd. One that has ended is no error.
    pub fn signal(&self, pid: Pid, signal: Signal) -> io::Result<()> {
        self.0.iter().find(|pppd| pppd.pid() == pid).map_or(Ok(()), |pppd| pppd.signal(signal))
    }

    /// Those that have ended since the last call, and how.
    pub fn remove_ended(&mut self) -> Vec<(Pid, Exit)> {
        let mut ended = Vec::new();
        self.0.retain_mut(|pppd| {
            let exit = pppd.ended().unwrap_or_else(|error| Some(Exit::NotStarted(error.to_string())));
            let is_running = exit.is_none();
            ended.extend(exit.map(|exit| (pppd.pid(), exit)));
            is_running
        });
        ended
    }

    /// Readable when a pppd has ended.
    pub fn fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.0.iter().map(|pppd| PollFd::new(pppd, PollFlags::IN))
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
        assert_eq!(pppds.watch(pid), Some(Event::Exited(pid, Exit::Unseen)));
        assert_eq!(pppds.remove_ended(), []);
    }

    #[test]
    fn the_end_of_a_pppd_that_somebody_else_started_is_reported_once() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = pid(&child);
        let mut pppds = Pppds::default();
        assert_eq!(pppds.watch(pid), None);
        assert_eq!(pppds.remove_ended(), []);
        pppds.signal(pid, Signal::Kill).unwrap();
        poll(&mut pppds.fds().collect::<Vec<_>>(), None).unwrap();
        assert_eq!(pppds.remove_ended(), [(pid, Exit::Unseen)]);
        assert_eq!(pppds.remove_ended(), []);
        child.wait().unwrap();
    }
}
