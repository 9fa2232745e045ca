//! Answers that come after their command has expired. Until the last of them has come, each command gets the answer of
//! the one before it.

use std::time::Duration;

/// How long after a command has expired its answer may still come.
const LATE: Duration = Duration::from_secs(30);

/// Which late answers are to be expected.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// When the last command has expired.
    silence: Option<Duration>,
    /// When the last late answer came.
    answer: Option<Duration>,
}

impl Late {
    /// A command has expired.
    pub fn silent(&mut self, now: Duration) {
        self.silence = Some(now);
    }

    /// Until when an answer may be another command's.
    pub fn until(&self, now: Duration) -> Option<Duration> {
        self.silence.map(|at| at + LATE).filter(|until| now < *until)
    }

    /// A late answer has come. Returns whether it is the first of several: further ones have no effect, since a modem
    /// may send them without end.
    pub fn came(&mut self, now: Duration) -> bool {
        let is_first = self.answer.is_none_or(|at| at + LATE <= now);
        if is_first {
            self.answer = Some(now);
        }
        is_first
    }
}
