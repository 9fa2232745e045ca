//! pppd in memory before the first caller waits for it.

use std::io;
use std::process::{Child, Command, Stdio};

/// A pppd that is started for nothing but its pages, once. The root is compressed: to unpack pppd and
/// its libraries takes 0.7 s under QEMU, and the second start a hundredth of a second.
#[derive(Debug, Default)]
pub enum Warmth {
    /// It was not started yet.
    #[default]
    Cold,
    /// It runs.
    Warming(Child),
    /// It has ended.
    Warm,
}

impl Warmth {
    /// Starts it if it was not started yet, and sees to its end. Never waits.
    ///
    /// # Errors
    /// pppd is not there or cannot be run; it is not tried again.
    pub fn see_to(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Warm) {
            Self::Cold => {
                let mut pppd = Command::new("pppd");
                pppd.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                *self = Self::Warming(pppd.spawn()?);
            }
            Self::Warming(mut pppd) => {
                if pppd.try_wait()?.is_none() {
                    *self = Self::Warming(pppd);
                }
            }
            Self::Warm => {}
        }
        Ok(())
    }
}
