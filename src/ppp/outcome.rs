//! The outcome of a request or a link, with its text.

use std::fmt;
use std::net::Ipv4Addr;

use super::{Addresses, Exit};
use crate::chat::DialFailure;
use crate::site::{DataSize, TimeSpan};

/// An outcome, for the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The link is up.
    Up {
        /// Its addresses, if they are known.
        addresses: Option<Addresses>,
        /// How long it may stay up; `None` for a link that was opened by hand.
        left: Option<TimeSpan>,
    },
    /// The link was up already, or is being dialled, and may now stay up this long.
    Extended(TimeSpan),
    /// The link did not come up.
    Failed(DownReason),
    /// The link is closed.
    Closed(DownReason),
    /// Nothing was done.
    Refused(RequestRefusal),
}

/// Why a link ended, or did not come up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownReason {
    /// By request.
    Asked,
    /// It was idle for this long.
    Idle(TimeSpan),
    /// Its time was over.
    Time,
    /// The month's data are used up.
    Budget(DataSize),
    /// It took too long to come up.
    Slow,
    /// The call failed.
    DialFailure(DialFailure),
    /// The operator gave this address of the box's own networks.
    OwnAddress(Ipv4Addr),
    /// pppd ended by itself.
    Exit(Exit),
    /// The far side of the VPN does not answer over it.
    FarSideSilent,
    /// Other settings are used from now on.
    Changed,
    /// The box is about to stop.
    Stopping,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestRefusal {
    /// The month's data are used up.
    Budget {
        /// Used.
        used: DataSize,
        /// Allowed.
        limit: DataSize,
    },
    /// There is no link to close or to extend.
    NotConnected,
    /// It was opened by hand and has no limit to extend.
    ByHand,
}

impl LinkOutcome {
    /// Whether something failed, or ended without a request.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Up { .. }
            | Self::Extended(_)
            | Self::Refused(RequestRefusal::NotConnected | RequestRefusal::ByHand) => false,
            Self::Failed(_) | Self::Refused(RequestRefusal::Budget { .. }) => true,
            Self::Closed(why) => !matches!(
                why,
                DownReason::Asked
                    | DownReason::Idle(_)
                    | DownReason::Time
                    | DownReason::Changed
                    | DownReason::Stopping
            ),
        }
    }
}

impl DownReason {
    /// Whether another attempt may succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Exit(exit) => exit.may_pass(),
            Self::DialFailure(_) | Self::Slow | Self::FarSideSilent | Self::Changed => true,
            Self::Asked | Self::Idle(_) | Self::Time | Self::Budget(_) | Self::Stopping => false,
            Self::OwnAddress(_) => false,
        }
    }
}

impl fmt::Display for LinkOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up { addresses, left } => {
                f.write_str("connected")?;
                if let Some(Addresses { local, .. }) = addresses {
                    write!(f, " as {local}")?;
                }
                match left {
                    Some(left) => write!(f, ", for {left}"),
                    None => f.write_str(", opened by hand"),
                }
            }
            Self::Extended(left) => write!(f, "connected for another {left}"),
            Self::Failed(why) => write!(f, "not connected: {why}"),
            Self::Closed(why) => write!(f, "disconnected: {why}"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("as asked"),
            Self::Idle(span) => write!(f, "idle for {span}"),
            Self::Time => f.write_str("time is over"),
            Self::Budget(limit) => write!(f, "the month's {limit} are used up"),
            Self::Slow => f.write_str("no IPv4 address came in time"),
            Self::DialFailure(call) => call.fmt(f),
            Self::OwnAddress(address) => {
                write!(f, "the operator gives {address}, an address of the box's own network")
            }
            Self::Exit(exit) => exit.fmt(f),
            Self::FarSideSilent => f.write_str("the far side of the VPN is silent"),
            Self::Changed => f.write_str("other settings are used"),
            Self::Stopping => f.write_str("the box is stopping"),
        }
    }
}

impl fmt::Display for RequestRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget { used, limit } => {
                write!(f, "not connected: {used} of the month's {limit} are used")
            }
            Self::NotConnected => f.write_str("there is no link"),
            Self::ByHand => f.write_str("the link was opened by hand and has no limit"),
        }
    }
}
