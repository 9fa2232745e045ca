//! pppd in memory before the first caller waits for it.

use std::io;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags};

use crate::ppp::Pppd;

/// A pppd that is started for nothing but its pages, once. The root is compressed: to unpack pppd and
/// its libraries takes 0.7 s under QEMU, and the second start a hundredth of a second.
#[derive(Debug, Default)]
pub enum Preload {
    /// It was not started yet.
    #[default]
    Cold,
    /// It runs.
    Warming(Pppd),
    /// It has ended, or there is none.
    Warm,
}

impl Preload {
    /// Starts it, if that was not done yet. Never waits.
    ///
    /// # Errors
    /// pppd is not there or cannot be run; it is not tried again.
    pub fn begin(&mut self) -> io::Result<()> {
        if let Self::Cold = self {
            *self = Self::Warm;
            let mut pppd = Command::new("pppd");
            pppd.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            *self = Self::Warming(Pppd::follow(pppd.spawn()?)?);
        }
        Ok(())
    }

    /// What to wait for: then it has ended.
    pub fn fd(&self) -> Option<PollFd<'_>> {
        match self {
            Self::Warming(pppd) => Some(PollFd::from_borrowed_fd(pppd.as_fd(), PollFlags::IN)),
            Self::Cold | Self::Warm => None,
        }
    }

    /// Takes note of its end.
    pub fn poll(&mut self) {
        if let Self::Warming(pppd) = self
            && !matches!(pppd.ended(), Ok(None))
        {
            *self = Self::Warm;
        }
    }
}
