//! How soon a line is ready for the next call: in the box's own time.

use super::check;
use crate::error::{Error, Result};
use crate::machine::Booted;
use crate::stage::Stage;
use std::time::Duration;

/// A line, and the time within which it is ready again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// As `dialctl lines` calls it, and the stage its modem.
    pub line: &'static str,
    /// From what ends the call; from its beginning, if it never comes to anything.
    pub within: Duration,
}

impl Promise {
    /// A promise in whole seconds.
    pub const fn new(line: &'static str, seconds: u64) -> Self {
        Self { line, within: Duration::from_secs(seconds) }
    }
}

/// The box's own time: on a busy host it falls behind that of the host.
pub fn now(booted: &mut Booted) -> Result<Duration> {
    seconds(&booted.must("read up idle < /proc/uptime; echo $up")?)
}

/// Waits until a line is ready after so many calls since boot, and checks that it took no longer than was promised.
///
/// Its modem is listened to; a box that is asked again and again is kept from its work.
pub fn kept(
    stage: &Stage,
    booted: &mut Booted,
    since: Duration,
    calls: usize,
    promise: Promise,
) -> Result<()> {
    let Promise { line, within } = promise;
    stage.exchange().until(&format!("AT+VCID=1 on {line} after call {calls}"), |network| {
        // The end of a reset; one was before the first call.
        let resets = network.journal().typed(line).matches("AT+VCID=1").count();
        (resets > calls).then_some(())
    })?;
    let shown = booted.until("dialctl lines", &[&format!("{line}   ready, {calls} calls")])?;
    let passed = now(booted)?.saturating_sub(since);
    check(passed <= within, || {
        let (passed, within) = (passed.as_secs_f64(), within.as_secs());
        format!("{line} was to be ready within {within} s, but took {passed:.1} s:\n{shown}")
    })
}

fn seconds(uptime: &str) -> Result<Duration> {
    let seconds = uptime.trim().parse().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds.ok_or_else(|| Error::Unexpected(format!("/proc/uptime begins with {uptime:?}")))
}
