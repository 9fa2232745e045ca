//! The exchange: beside Debian's kamailio on this machine, its relay of the sound, and its times on the box, in the guest's time.

mod beside;
mod guest;
mod messages;
mod relay;
mod server;

use crate::bench::Bench;
use crate::emulator::Pace;
use crate::error::Result;
use std::path::PathBuf;

/// Programs of this machine.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The exchange, built for it.
    pub exchange: PathBuf,
    /// Unpacked Debian packages with kamailio.
    pub kamailio: PathBuf,
    /// Unpacked Debian packages with the telephones.
    pub sip_tools: PathBuf,
}

/// Measures all of it.
pub fn run(bench: &Bench, runs: u32, pace: Pace, programs: &Programs) -> Result<()> {
    beside::run(programs, runs)?;
    relay::run(programs, runs)?;
    guest::run(bench, runs, pace, programs)
}
