//! Loads pppd into memory before the first caller needs it.

use std::io;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags};

use crate::ppp::Pppd;

/// A pppd that is started once, only to read its pages from the card. The root is compressed: unpacking pppd and its
/// libraries takes 0.7 s under QEMU, and the second start a hundredth of a second.
#[derive(Debug, Default)]
pub enum Preload {
    /// Not started yet.
    #[default]
    Cold,
    /// Running.
    Warming(Pppd),
    /// Ended, or it could not be started.
    Warm,
}

impl Preload {
    /// Starts it unless that was done already. Never blocks.
    ///
    /// # Errors
    /// pppd is missing or cannot be executed; there is no second try.
    pub fn begin(&mut self) -> io::Result<()> {
        self.begin_with(|| {
            let mut pppd = Command::new("sh");
            // The driver's module loads the firewall's rules. The shell's built-in modprobe would not.
            pppd.args(["-c", "/sbin/modprobe ppp_async; exec pppd --version"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            Pppd::follow(pppd.spawn()?)
        })
    }

    fn begin_with(&mut self, start: impl FnOnce() -> io::Result<Pppd>) -> io::Result<()> {
        if let Self::Cold = self {
            *self = Self::Warm;
            *self = Self::Warming(start()?);
        }
        Ok(())
    }

    /// Readable when it has ended; `None` if it is not running.
    pub fn fd(&self) -> Option<PollFd<'_>> {
        match self {
            Self::Warming(pppd) => Some(PollFd::from_borrowed_fd(pppd.as_fd(), PollFlags::IN)),
            Self::Cold | Self::Warm => None,
        }
    }

    /// Records its end.
    pub fn poll(&mut self) {
        if let Self::Warming(pppd) = self
            && !matches!(pppd.ended(), Ok(None))
        {
            *self = Self::Warm;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::poll;

    #[test]
    fn pppd_is_started_once_and_its_end_is_recorded() {
        let mut preload = Preload::default();
        let mut starts = 0;
        for _ in 0..3 {
            preload
                .begin_with(|| {
                    starts += 1;
                    Pppd::follow(Command::new("true").spawn()?)
                })
                .unwrap();
            if let Some(fd) = preload.fd() {
                poll(&mut [fd], None).unwrap();
            }
            preload.poll();
            assert!(matches!(preload, Preload::Warm));
        }
        assert_eq!(starts, 1);
    }

    #[test]
    fn no_second_pppd_is_started_while_one_runs() {
        let mut preload = Preload::default();
        preload.begin_with(|| Pppd::follow(Command::new("sleep").arg("60").spawn()?)).unwrap();
        preload.poll();
        preload.begin_with(|| panic!("a second start")).unwrap();
        let Preload::Warming(mut pppd) = preload else { panic!("it runs") };
        pppd.signal(crate::ppp::pppd::Signal::Kill).unwrap();
        poll(&mut [PollFd::new(&pppd, PollFlags::IN)], None).unwrap();
        pppd.ended().unwrap();
    }

    #[test]
    fn a_failed_start_is_not_repeated() {
        let mut preload = Preload::default();
        assert!(preload.begin_with(|| Err(io::ErrorKind::NotFound.into())).is_err());
        preload.begin_with(|| panic!("a second start")).unwrap();
    }
}
