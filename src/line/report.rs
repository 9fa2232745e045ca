//! The answerer's reports about calls.

use std::time::Duration;

use crate::names::LineName;
use crate::paths::Paths;
use crate::published::{DriverStatus, LineCall, LineState, LineStatus, Published};
use crate::site::{Offer, UserName};

/// An event on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A caller is connected: the port is ready for what the caller gets, and the answerer sends nothing until
    /// [`hang_up`](super::Answerer::hang_up).
    Connected(Connected),
    /// A name and a password are to be [checked](super::authenticate). The caller waits for it, and no other line does.
    CheckPassword,
    /// A call was answered and failed.
    Lost {
        /// The caller's number, if known.
        caller: Option<String>,
        /// The cause, as text.
        why: String,
    },
    /// A caller was connected and did not log in.
    LoginFailed {
        /// The call.
        connected: Connected,
        /// The cause, as text.
        why: String,
    },
}

/// An answered call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// When, in time since boot.
    pub since: Duration,
    /// The caller's number, if the network sends it.
    pub caller: Option<String>,
    /// The modem's text after `CONNECT`, as in `33600/ARQ/V34`.
    pub speed: Option<String>,
    /// The user who has logged in at the prompt; `None` if pppd authenticates.
    pub user: Option<UserName>,
    /// What the caller gets.
    pub offer: Offer,
}

impl Connected {
    /// From the published record of an [`Answerer`](super::Answerer) during the call; `None` if there is none.
    pub(super) fn from_status(status: LineStatus) -> Option<Self> {
        let LineCall { since, speed, user, offer } = status.call?;
        Some(Self { since, caller: status.caller, speed, user, offer })
    }
}

/// Whether a call is being set up on one of the lines `1..=lines`: the modems negotiate, or the caller is at the
/// prompt. pppd does not run yet.
pub fn is_taking_a_call(paths: &Paths, lines: usize) -> bool {
    let published = (1..=lines).filter_map(|line| paths.published(&LineName(line).to_string()));
    published.filter_map(|record| DriverStatus::<LineStatus>::from_record(&record)).any(|status| match status
    {
        DriverStatus::Works { status, .. } => {
            matches!(status.state, LineState::Answering | LineState::LoggingIn)
        }
        DriverStatus::Trouble(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn a_caller_without_a_pppd_is_seen_in_the_lines_record() {
        let table = [
            ("line=answering\nrings=1\nport=/dev/ttyUSB0\n", true),
            ("line=logging-in\nport=/dev/ttyUSB0\n", true),
            ("line=ready\nport=/dev/ttyUSB0\n", false),
            ("line=connected\nport=/dev/ttyUSB0\n", false), // a pppd is running or has been
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
