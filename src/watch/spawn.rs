//! Whether the box can still start processes. One that cannot, since they have used up all process IDs or the memory,
//! keeps its services' heartbeats, and can neither open a link nor be logged in to.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// While it can: a few milliseconds of the Pi's processor each time.
const EVERY: Duration = Duration::from_secs(60);
/// Since it cannot.
const AGAIN: Duration = Duration::from_secs(10);
/// The program does nothing, and a box that takes longer over it is of no use.
const DEADLINE: Duration = Duration::from_secs(20);
/// A busy moment passes.
const FOR_TOO_LONG: Duration = Duration::from_secs(60);

/// When to try, and since when it has failed. No process and no clock: results and times are passed in.
#[derive(Debug, Default)]
struct Trials {
    next: Duration,
    failing_since: Option<Duration>,
}

impl Trials {
    fn note(&mut self, worked: bool, now: Duration) {
        self.failing_since = if worked { None } else { self.failing_since.or(Some(now)) };
        self.next = now + if worked { EVERY } else { AGAIN };
    }

    fn has_failed_for_too_long(&self, now: Duration) -> bool {
        self.failing_since.is_some_and(|since| now >= since + FOR_TOO_LONG)
    }
}

/// The check, to be polled by a loop.
#[derive(Debug)]
pub struct SpawnCheck {
    program: &'static str,
    trials: Trials,
    running: Option<(Child, Duration)>,
}

impl Default for SpawnCheck {
    fn default() -> Self {
        Self { program: "/bin/true", trials: Trials::default(), running: None }
    }
}

impl SpawnCheck {
    /// Starts the program when it is due, and looks whether it has ended. Returns whether none could be started for too
    /// long.
    pub fn poll(&mut self, now: Duration) -> bool {
        match &mut self.running {
            Some((child, started)) => {
                let has_ended = child.try_wait().is_ok_and(|status| status.is_some());
                if has_ended || now >= *started + DEADLINE {
                    if !has_ended {
                        // One that does not end at once stays a zombie until the reboot, which is not far.
                        let _ = child.kill();
                        let _ = child.try_wait();
                    }
                    self.running = None;
                    self.trials.note(has_ended, now);
                }
            }
            None if now >= self.trials.next => match self.start() {
                Ok(child) => self.running = Some((child, now)),
                // A box without the program can start others.
                Err(error) => self.trials.note(error.kind() == io::ErrorKind::NotFound, now),
            },
            None => {}
        }
        self.trials.has_failed_for_too_long(now)
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(self.program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_minute_without_a_process_is_too_long_and_one_that_starts_clears_it() {
        let mut trials = Trials::default();
        let mut now = Duration::ZERO;
        for (worked, seconds, too_long) in [
            (true, 60, false),
            (false, 10, false),
            (false, 10, false),
            (true, 60, false),
            (false, 10, false),
            (false, 49, false),
            (false, 1, true),
        ] {
            trials.note(worked, now);
            assert_eq!(trials.next, now + if worked { EVERY } else { AGAIN });
            now += seconds * SECOND;
            assert_eq!(trials.has_failed_for_too_long(now), too_long, "at {now:?}");
        }
    }

    /// Polls each second of the box's time until the trial that is due has a result.
    fn result_of(program: &'static str, ends: bool) -> Trials {
        let mut check = SpawnCheck { program, ..SpawnCheck::default() };
        let mut now = SECOND;
        while check.trials.next == Duration::ZERO {
            check.poll(now);
            if ends {
                sleep(Duration::from_millis(1));
            } else {
                now += SECOND;
            }
        }
        check.trials
    }

    #[test]
    fn a_program_that_ends_or_is_missing_is_well_and_one_that_hangs_or_cannot_be_started_is_not() {
        assert_eq!(result_of("/bin/true", true).failing_since, None);
        assert_eq!(result_of("/nonexistent/program", true).failing_since, None);

        assert_eq!(result_of("/usr/bin/yes", false).failing_since, Some(21 * SECOND));
        // Not a program: EACCES.
        assert_eq!(result_of("/", true).failing_since, Some(SECOND));
    }
}
