//! What a line has to tell of its calls.

use std::time::Duration;

use super::ppp_session::name;
use crate::paths::Paths;
use crate::record::Record;
use crate::site::UserName;

/// What a line has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A caller is connected: the port is ready for pppd, and nothing is said here until
    /// [`hang_up`](super::Answerer::hang_up).
    Connected(Connected),
    /// A call was taken and came to nothing.
    Lost {
        /// Who called, if it is known.
        caller: Option<String>,
        /// Why, for a person.
        why: String,
    },
    /// A caller was connected and has not logged in.
    TurnedAway {
        /// The call.
        connected: Connected,
        /// Why, for a person.
        why: String,
    },
}

/// A call that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// When, in time since boot.
    pub since: Duration,
    /// Who calls, if the network tells it.
    pub caller: Option<String>,
    /// What the modem says after `CONNECT`, as in `33600/ARQ/V34`.
    pub speed: Option<String>,
    /// Who has logged in already; nobody, if it is for pppd to ask.
    pub user: Option<UserName>,
}

impl Connected {
    /// As an [`Answerer`](super::Answerer) has published it while the call went on; `None` if none did.
    pub fn read(published: &Record) -> Option<Self> {
        let text = |key| published.get(key).map(str::to_owned);
        Some(Self {
            since: Duration::from_secs(published.number(SINCE)?),
            caller: text(CALLER),
            speed: text(SPEED),
            user: published.get(USER).and_then(|user| user.parse().ok()),
        })
    }

    /// Adds what is to be known of the call to the record of its line.
    pub(super) fn write(&self, record: Record) -> Record {
        record
            .with(SINCE, self.since.as_secs())
            .with_known(SPEED, self.speed.as_ref())
            .with_known(USER, self.user.as_ref())
    }
}

/// Whether somebody calls whom no pppd serves yet, on one of so many lines: the modems still whistle, or
/// the caller is at the prompt.
pub fn is_taking_a_call(paths: &Paths, lines: usize) -> bool {
    (1..=lines).filter_map(|line| paths.published(&name(line))).any(|record| {
        let state = record.get(STATE);
        record.get("trouble").is_none() && (state == Some(ANSWERING) || state == Some(LOGGING_IN))
    })
}

// The keys of a record; `since` is there while a caller is connected.
/// What the line does.
pub(super) const STATE: &str = "line";
/// The caller's number.
pub(super) const CALLER: &str = "caller";
const SINCE: &str = "since";
const SPEED: &str = "speed";
const USER: &str = "user";

// Values of `line`.
pub(super) const ANSWERING: &str = "answering";
pub(super) const LOGGING_IN: &str = "logging-in";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_without_a_pppd_is_seen_by_what_the_line_has_published() {
        let table = [
            ("line=answering\nrings=1\n", true),
            ("line=logging-in\n", true),
            ("line=ready\n", false),
            ("line=connected\n", false), // there is a pppd, or there was one
            ("line=answering\ntrouble=no answer to ATA\n", false),
        ];
        for (published, expected) in table {
            let dir = tempfile::tempdir().unwrap();
            let paths = Paths::below(dir.path());
            assert!(!is_taking_a_call(&paths, 2));
            paths.publish("line2", &Record::parse(published)).unwrap();
            assert_eq!(is_taking_a_call(&paths, 2), expected, "{published}");
            assert!(!is_taking_a_call(&paths, 1), "no line of this box");
        }
    }
}
