//! What a running emulator needs from outside, until it ends.

use super::Pace;
use crate::clock::{BoxClock, Clocks};
use crate::debugger::Debugger;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::system_timer;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::Duration;

/// How often the box's time is read, by the host's clock.
const LOOK: Duration = Duration::from_millis(250);
/// How often an emulator that counts instructions is woken, and a stopped one looks for the others' time.
const PULSE: Duration = Duration::from_millis(50);
/// How far a box may be ahead of another one.
const LEAD: Duration = Duration::from_millis(500);

/// Watches one emulator.
pub struct Watch {
    /// Its pace.
    pub pace: Pace,
    /// Its time.
    pub clock: BoxClock,
    /// The boxes with which it is kept in step, once it runs, if it is.
    pub others: Option<Arc<OnceLock<Clocks>>>,
    /// The socket of its debugger's stub.
    pub stub: PathBuf,
}

impl Watch {
    /// Watches until the emulator ends. Its monitor connects to `listener`.
    pub fn run(self, listener: &UnixListener) {
        // If the emulator ends before it connects, this waits as long as the lab runs.
        let Ok((line, _)) = listener.accept() else { return };
        let mut monitor = Monitor::on(line);
        // An error is the emulator's end.
        while self.look(&mut monitor).is_ok() {}
    }

    fn look(&self, monitor: &mut Monitor) -> Result<()> {
        match self.pace {
            Pace::Instructions => self.wake(monitor)?,
            Pace::Host => sleep(LOOK),
        }
        let timer = monitor.system_timer()?;
        self.clock.note(timer.micros());
        match self.pace {
            Pace::Instructions => self.keep_in_step(monitor),
            Pace::Host if timer.is_lost() => self.rearm(),
            Pace::Host => Ok(()),
        }
    }

    /// Wakes an emulator that counts instructions, until the next look.
    ///
    /// While its guest sleeps, a timer that QEMU's main loop sets advances the counted time. If the loop misses the
    /// moment at which the guest falls asleep, it corrects that in its next iteration (util/main-loop.c, "CPU thread can
    /// infinitely wait for event after missing the warp"). Without any event there is no next iteration: sometimes a
    /// box on a quiet line, and its clock, stood still for as long as the test waited for it. An empty line is an event.
    fn wake(&self, monitor: &mut Monitor) -> Result<()> {
        for _ in 0..LOOK.as_millis() / PULSE.as_millis() {
            monitor.wake()?;
            sleep(PULSE);
        }
        Ok(())
    }

    /// Stops a box that is ahead of another one, until that has caught up.
    ///
    /// The counted time of a box that sleeps passes with the host's, and that of one at work on a busy host several times
    /// slower. Without this, one would give up on the other: wvdial takes a server that does not speak PPP within some
    /// seconds for none.
    fn keep_in_step(&self, monitor: &mut Monitor) -> Result<()> {
        let Some(others) = self.others.as_ref().and_then(|others| others.get()) else { return Ok(()) };
        if others.lead(&self.clock) <= LEAD {
            return Ok(());
        }
        monitor.command("stop")?;
        while others.lead(&self.clock) > LEAD / 2 {
            sleep(PULSE);
        }
        monitor.command("cont").map(drop)
    }

    /// Sets a [timer that QEMU has lost](system_timer) again.
    fn rearm(&self) -> Result<()> {
        let mut board = Debugger::connect(&self.stub)?;
        system_timer::rearm(&mut board)?;
        board.resume()
    }
}
