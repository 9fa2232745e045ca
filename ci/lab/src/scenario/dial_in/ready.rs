//! How soon a line is ready for the next call, in the box's own time.

use super::check;
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::lines::resets;
use crate::stage::Stage;
use std::time::Duration;

/// A line, and the deadline for it to be ready again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The name of the line in `dialctl lines`, and of its modem on the stage.
    pub line: &'static str,
    /// Counted from the end of the call, or from its start if no connection is made.
    pub within: Duration,
}

impl Deadline {
    /// A deadline in whole seconds.
    pub const fn new(line: &'static str, seconds: u64) -> Self {
        Self { line, within: Duration::from_secs(seconds) }
    }
}

/// The box's own time; on a busy host it is slower than the host's.
pub fn now(booted: &mut Booted) -> Result<Duration> {
    seconds(&booted.must("read up idle < /proc/uptime; echo $up")?)
}

/// Waits until a line is ready after `calls` calls since the boot, and checks the deadline.
///
/// It watches the modem: repeated commands would load the box and delay it.
pub fn kept(
    stage: &Stage,
    booted: &mut Booted,
    since: Duration,
    calls: usize,
    deadline: Deadline,
) -> Result<()> {
    let line = deadline.line;
    let reset = format!("{line} reset after call {calls}");
    stage.exchange().until(&reset, |network| (resets(network, line) > calls).then_some(()))?;
    booted.until("dialctl lines", &[&format!("{line}   ready, {calls} calls")])?;
    in_time(booted, since, deadline)
}

/// Checks that the line became ready before its deadline.
pub fn in_time(booted: &mut Booted, since: Duration, deadline: Deadline) -> Result<()> {
    let passed = now(booted)?.saturating_sub(since);
    check(passed <= deadline.within, || {
        let (line, within) = (deadline.line, deadline.within.as_secs());
        format!("{line} was to be ready within {within} s, but took {:.1} s", passed.as_secs_f64())
    })
}

fn seconds(uptime: &str) -> Result<Duration> {
    let seconds = uptime.trim().parse().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds.ok_or_else(|| Error::Unexpected(format!("/proc/uptime begins with {uptime:?}")))
}
