//! Decides whether a link is idle.

use std::time::Duration;

/// The bytes that the box may send in a minute over an idle link. Received bytes do not count: anybody can send them.
/// Real use sends more, and the background traffic of an unused link less, in the at most 70 s between two readings:
///
/// | noise | bytes sent in 70 s |
/// |---|---|
/// | WireGuard's keepalives every 25 s: 32 + 28 bytes (RFC 791, 768) | 180 |
/// | its handshake every 2 minutes: 148 or 92, and 28 bytes | 176 |
/// | or, with a dead peer, a handshake every 5 s (`REKEY_TIMEOUT`) | 2464 |
/// | answers to pings, as many as the firewall lets in (`MOBILE_PINGS`): 84 bytes each | 420 |
/// | LCP, not counted by the interface | 0 |
///
/// One keystroke over ssh in a tunnel is 156 bytes from the end that echoes it, and 280 from the end where it is typed:
/// a user who works types 11 to 20 of them, or makes the box print as many lines, in one minute of the idle limit.
pub const QUIET: u64 = 3_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Follows a link's counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// When the link was last used.
    used_at: Duration,
    /// The current minute: its start, and the counter then.
    since: Duration,
    mark: u64,
}

impl Idle {
    /// A link that has just come up.
    pub fn new(now: Duration) -> Self {
        Self { used_at: now, since: now, mark: 0 }
    }

    /// It was requested again.
    pub fn renew(&mut self, now: Duration) {
        self.used_at = now;
    }

    /// The counter of sent bytes was read.
    pub fn count(&mut self, sent: u64, now: Duration) {
        if sent.saturating_sub(self.mark) > QUIET {
            *self = Self { used_at: now, since: now, mark: sent };
        } else if now.saturating_sub(self.since) >= MINUTE {
            (self.since, self.mark) = (now, sent);
        }
    }

    /// How long the link has been idle.
    pub fn for_how_long(&self, now: Duration) -> Duration {
        now.saturating_sub(self.used_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Idle minutes after an hour in which the box sends so many bytes a minute, read every ten seconds.
    fn idle_after_an_hour(a_minute: u64) -> u64 {
        let mut idle = Idle::new(Duration::ZERO);
        for turn in 1..=360_u32 {
            idle.count(u64::from(turn) * a_minute / 6, turn * 10 * SECOND);
        }
        idle.for_how_long(3600 * SECOND).as_secs() / 60
    }

    #[test]
    fn background_traffic_is_not_use() {
        for (noise, a_minute) in [
            ("nothing", 0),
            ("keepalives every 25 s and handshakes", 144 + 88),
            ("keepalives every 10 s, the most a site may ask for, and handshakes", 360 + 88),
            ("a dead peer", 2112),
            ("a dead peer, and pings answered as often as the firewall lets them in", 2112 + 4 * 84),
        ] {
            assert_eq!(idle_after_an_hour(a_minute), 60, "{noise}");
        }
    }

    #[test]
    fn little_work_is_use() {
        for (work, a_minute) in [
            ("twenty keystrokes, echoed", 20 * 156),
            ("eleven keystrokes, typed", 11 * 280),
            ("an ssh screen", 8_000),
            ("the acknowledgements of a download of 1 MiB", 362 * 52),
        ] {
            assert!(idle_after_an_hour(a_minute) <= 1, "{work}");
        }
    }

    #[test]
    fn one_burst_ends_an_idle_hour() {
        let mut idle = Idle::new(Duration::ZERO);
        idle.count(10, 1800 * SECOND);
        idle.count(10 + QUIET + 1, 1810 * SECOND);
        idle.count(10 + QUIET + 1, 3600 * SECOND);
        assert_eq!(idle.for_how_long(3600 * SECOND), 1790 * SECOND);
    }

    #[test]
    fn a_link_that_is_requested_again_counts_as_used() {
        let mut idle = Idle::new(Duration::ZERO);
        idle.count(10, 1800 * SECOND);
        idle.renew(1810 * SECOND);
        assert_eq!(idle.for_how_long(1870 * SECOND), 60 * SECOND);
    }
}
