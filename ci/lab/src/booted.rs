//! A running box.

use crate::card::Card;
use crate::clock::Clocks;
use crate::console::{Console, Finished};
use crate::emulator::Running;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use std::fs::File;
use std::io::Write;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

/// How long a command is repeated until its output is as expected, by the clock of the slowest box.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
/// The pause before the first repetition of a command, by the same clock; it is doubled each time, up to a second. Each
/// repetition starts programs on the box, which costs it time.
const LOOK_AGAIN: Duration = Duration::from_millis(125);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// A running box, with a shell on its console.
pub struct Booted<'a> {
    /// The card must not be changed while the box is on.
    pub(crate) machine: PhantomData<&'a Card>,
    pub(crate) clocks: Clocks,
    pub(crate) console: Console,
    pub(crate) running: Running,
    pub(crate) monitor: PathBuf,
    pub(crate) log: PathBuf,
}

impl Booted<'_> {
    /// Runs a command on the box; it may fail.
    pub fn run(&mut self, command: &str) -> Result<Finished> {
        self.console.run(command)
    }

    /// Runs a command that must succeed; returns its output.
    pub fn must(&mut self, command: &str) -> Result<String> {
        match self.run(command)? {
            Finished { code: 0, text } => Ok(text),
            Finished { code, text } => {
                Err(Error::Unexpected(format!("`{command}` ended with {code}:\n{text}")))
            }
        }
    }

    /// Repeats a command until it succeeds and its output contains all of `wanted`.
    pub fn until(&mut self, command: &str, wanted: &[&str]) -> Result<String> {
        let mut waited = self.clocks.stopwatch();
        let mut pause = LOOK_AGAIN;
        loop {
            let Finished { code, text } = self.run(command)?;
            let missing: Vec<_> = wanted.iter().filter(|part| !text.contains(**part)).collect();
            if code == 0 && missing.is_empty() {
                return Ok(text);
            }
            if waited.elapsed() > SETTLED_WITHIN {
                return Err(Error::Unexpected(format!(
                    "`{command}` does not show {missing:?}, but:\n{text}"
                )));
            }
            let since = waited.elapsed();
            while waited.elapsed() < since.saturating_add(pause) {
                std::thread::sleep(LOOK_AGAIN);
            }
            pause = LOOK_AT_LEAST_EVERY.min(pause * 2);
        }
    }

    /// The same, for owned strings.
    pub fn until_all(&mut self, command: &str, wanted: &[String]) -> Result<String> {
        self.until(command, &wanted.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Starts a command that does not end. [`line`](Self::line) reads its output; no other command can be run after it.
    pub fn follow(&mut self, command: &str) -> Result<()> {
        self.console.send(command)
    }

    /// The next line of the [followed](Self::follow) command, if one comes within this time.
    pub fn line(&mut self, within: Duration) -> Result<Option<String>> {
        self.console.line(within)
    }

    /// Cuts the power. Data that the kernel has not written to the card yet is lost. As on a real card, written data is
    /// kept once it is acknowledged; but this card never tears a block.
    pub fn cut_power(self) {
        drop(self);
    }

    /// Runs a command that resets the box, and waits for that.
    pub fn reboots_after(mut self, command: &str, within: Duration) -> Result<()> {
        self.console.send(command)?;
        self.reboots(within)
    }

    /// Waits for the box to reset itself; it is then off and can be booted again.
    pub fn reboots(mut self, within: Duration) -> Result<()> {
        if !self.console.wait_end(within) {
            return Err(Error::Unexpected(format!("no reboot within {} s", within.as_secs())));
        }
        let status = self.running.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::Unexpected(format!("the emulator ended with {status}")))
        }
    }
}

/// Ends its console's log with the box's own time and program counter: they show whether a silent box was still
/// running.
impl Drop for Booted<'_> {
    fn drop(&mut self) {
        let look = || {
            let mut monitor = Monitor::connect(&self.monitor)?;
            Ok((monitor.since_power_on()?, monitor.program_counter()?))
        };
        let last = match look() {
            Ok((time, at)) => format!("\n[{:.1} s since power-on, at {at:08x}]\n", time.as_secs_f64()),
            Err::<_, Error>(gone) => format!("\n[{gone}]\n"),
        };
        // The log is only for people; a full disk must not change the test's result.
        let log = File::options().append(true).open(&self.log);
        drop(log.and_then(|mut log| log.write_all(last.as_bytes())));
    }
}
