//! An emulator that runs.

use super::PROGRAM;
use crate::clock::{BoxClock, Clocks};
use crate::error::{Error, Result};
use crate::leftovers::Note;
use crate::scheduling::Core;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A running emulator; dropping it cuts the power.
#[derive(Debug)]
pub struct Running {
    pub(super) child: Child,
    pub(super) clock: BoxClock,
    /// The boxes with which it is kept in step.
    pub(super) others: Arc<OnceLock<Clocks>>,
    /// Where its processor time is counted.
    pub(super) charged: Option<Clocks>,
    pub(super) _core: Option<Core>,
    pub(super) _note: Note,
}

impl Running {
    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.charge();
        self.child.wait().map_err(|e| Error::io("wait for", Path::new(PROGRAM), e))
    }

    /// Adds its processor time to these clocks as soon as it has ended.
    pub fn charge_to(&mut self, clocks: Clocks) {
        self.charged = Some(clocks);
    }

    /// Keeps its time with that of the other boxes, from now on.
    pub fn keep_in_step(&self, clocks: Clocks) {
        // A second call has the same clocks.
        drop(self.others.set(clocks));
    }

    /// Waits until it has ended, and adds up its processor time. `NOWAIT` keeps the figures for the reading.
    fn charge(&mut self) {
        let Some(clocks) = self.charged.take() else { return };
        let ended =
            waitid(WaitId::Pid(Pid::from_child(&self.child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        // The figure is for people: without it, nothing fails.
        if let Some(time) = ended.ok().and_then(|_| processor_time(&self.child)) {
            clocks.add_processor_time(time);
        }
    }

    /// The box's own time.
    pub fn clock(&self) -> &BoxClock {
        &self.clock
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.child.kill());
        self.charge();
        drop(self.child.wait());
    }
}

/// The processor time of a process, with all its threads (proc(5), `/proc/pid/stat`, fields 14 and 15, in ticks of
/// 10 ms).
fn processor_time(child: &Child) -> Option<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The second field, the name, may contain spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = |field: &str| field.parse::<u32>().ok();
    let mut times = fields.split_whitespace().skip(11).map_while(ticks);
    Some(TICK * (times.next()? + times.next()?))
}
