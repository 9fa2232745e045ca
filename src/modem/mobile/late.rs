//! Answers that come after their command was given up. Until the last of them has come, each command gets
//! the one before's.

use std::time::Duration;

/// How long after a command was given up its answer may still come.
const LATE: Duration = Duration::from_secs(30);

/// What is still to come, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// When the last command was given up.
    silence: Option<Duration>,
    /// When the last answer came that nobody waited for.
    answer: Option<Duration>,
}

impl Late {
    /// A command is given up.
    pub fn silent(&mut self, now: Duration) {
        self.silence = Some(now);
    }

    /// Until when an answer may be another command's.
    pub fn until(&self, now: Duration) -> Option<Duration> {
        self.silence.map(|at| at + LATE).filter(|until| now < *until)
    }

    /// An answer has come that nobody waited for. Whether it is the first of several: a modem that says
    /// such things without end is not listened to without end.
    pub fn came(&mut self, now: Duration) -> bool {
        let is_first = self.answer.is_none_or(|at| at + LATE <= now);
        if is_first {
            self.answer = Some(now);
        }
        is_first
    }
}
