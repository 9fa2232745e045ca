//! The data link: pppd over the modem, with limits of time and data.
//!
//! ```text
//!  connect, disconnect, extend          pppd's exit, ip-up.d and ip-down.d, the kernel's counters
//!              \                                     /
//!               `--------->  Session  <-------------'       pure: time comes in, effects go out
//!                            |  Budget                      docs/dialer.md has its table
//!                            v
//!       start pppd, signal it, read counters, store the budget, report the outcome
//! ```

pub mod budget;
pub mod counters;
pub mod idle;
mod month_total;
pub mod name_servers;
pub mod outcome;
pub mod own_networks;
pub mod pppd;
pub mod pppd_log;
pub mod session;
pub mod vpn;

pub use budget::{Budget, Calendar, Spent};
pub use month_total::MonthTotal;
pub use outcome::{DownReason, LinkOutcome, RequestRefusal};
pub use pppd::{Exit, Pppd};
pub use session::{Event, KILL_AFTER, Phase, Reaction, Session, SessionEffect};

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::process::Pid;

/// A time by the monotonic clock and by the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Time since boot.
    pub now: Duration,
    /// The month, as far as known.
    pub calendar: Calendar,
}

/// The name of a network interface, as the kernel accepts it (linux/net/core/dev.c,
/// `dev_valid_name`): it is part of a path below `/sys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface(String);

impl Interface {
    /// Validates a name; `None` if no interface can have it.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_graphic() && !"/:".contains(c);
        let fits = (1..16).contains(&name.len()) && name.chars().all(allowed) && name != "." && name != "..";
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An interface and the pppd behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Normally `ppp0`.
    pub interface: Interface,
    /// The process of its pppd.
    pub pid: Pid,
    /// Its addresses; `None` if it came up while the dialer was not running.
    pub addresses: Option<Addresses>,
}

/// Parses a process ID.
pub fn pid(text: &str) -> Option<Pid> {
    let number = text.trim().parse().ok().filter(|number| *number > 0)?;
    Pid::from_raw(number)
}

/// The addresses of a point-to-point link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The box's.
    pub local: Ipv4Addr,
    /// The operator's.
    pub remote: Ipv4Addr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_cannot_lead_out_of_its_directory() {
        for (name, fits) in [
            ("ppp0", true),
            ("ppp1.4", true),
            ("a23456789012345", true),
            ("a234567890123456", false),
            ("", false),
            (".", false),
            ("..", false),
            ("../../etc", false),
            ("ppp 0", false),
            ("ppp0\n", false),
        ] {
            assert_eq!(Interface::new(name).is_some(), fits, "{name:?}");
        }
    }
}
