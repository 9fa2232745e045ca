//! What the box says of values on trial.

use std::fmt;

use crate::site::TimeSpan;

/// How values on trial are confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The far side of the VPN answers over a link that was dialled with them.
    FarSide,
    /// Such a link comes up. The site has no VPN.
    Link,
    /// A command comes from one of the new numbers.
    Message,
}

/// Why values on trial are taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotKept {
    /// Nobody has confirmed them in time.
    Time(TimeSpan),
    /// The operator or the budget forbids the link.
    NoLink(String),
    /// The link was closed by request.
    Asked,
    /// The box could not write its files.
    NotWritten,
    /// The box has started anew too often meanwhile.
    Starts,
}

/// News of a trial, for its sender. Keys are named, values are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialNews {
    /// It begins.
    Begins {
        /// The keys.
        keys: String,
        /// What must happen.
        confirmation: Confirmation,
        /// Within which time.
        time: TimeSpan,
    },
    /// The values are kept.
    Kept(String),
    /// They are not.
    TakenBack(String, NotKept),
    /// They are not even tried.
    Refused(String),
    /// There is nothing to confirm.
    None,
}

impl fmt::Display for TrialNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begins { keys, confirmation, time } => {
                let condition = match confirmation {
                    Confirmation::FarSide => "the far side answers",
                    Confirmation::Link => "the link comes up",
                    Confirmation::Message => "a new number sends a command, or you send confirm,",
                };
                write!(f, "trying {keys}: kept if {condition} within {time}")
            }
            Self::Kept(keys) => write!(f, "kept: {keys}"),
            Self::TakenBack(keys, why) => write!(f, "taken back: {keys}; {why}"),
            Self::Refused(why) => write!(f, "not set: {why}"),
            Self::None => f.write_str("nothing is on trial"),
        }
    }
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "not confirmed within {time}"),
            Self::NoLink(why) => f.write_str(why),
            Self::Asked => f.write_str("the link was closed"),
            Self::NotWritten => f.write_str("the box cannot write its files"),
            Self::Starts => f.write_str("the box has restarted too often"),
        }
    }
}
