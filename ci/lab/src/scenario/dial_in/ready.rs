//! How soon a line is ready for the next call: in the box's own time.

use super::check;
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::lines::resets;
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
    let line = promise.line;
    let reset = format!("{line} reset after call {calls}");
    stage.exchange().until(&reset, |network| (resets(network, line) > calls).then_some(()))?;
    booted.until("dialctl lines", &[&format!("{line}   ready, {calls} calls")])?;
    in_time(booted, since, promise)
}

/// Checks that no more time has passed until a line was ready than was promised.
pub fn in_time(booted: &mut Booted, since: Duration, promise: Promise) -> Result<()> {
    let passed = now(booted)?.saturating_sub(since);
    check(passed <= promise.within, || {
        let (line, within) = (promise.line, promise.within.as_secs());
        format!("{line} was to be ready within {within} s, but took {:.1} s", passed.as_secs_f64())
    })
}

fn seconds(uptime: &str) -> Result<Duration> {
    let seconds = uptime.trim().parse().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds.ok_or_else(|| Error::Unexpected(format!("/proc/uptime begins with {uptime:?}")))
}
