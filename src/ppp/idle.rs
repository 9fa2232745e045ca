//! When a link counts as unused.

use std::time::Duration;

/// What a link may carry in a minute and still be idle. Real use carries more; the noise of an unused link
/// stays below it:
///
/// | noise | bytes a minute |
/// |---|---|
/// | WireGuard's keepalives, both sides every 25 s: 32 + 28 bytes (RFC 791, 768) each | 290 |
/// | its handshake every 2 minutes: 148 + 92 + 32 + 3 × 28 bytes | 180 |
/// | or, with a dead peer, a handshake every 5 s (`REKEY_TIMEOUT`), each refused by ICMP | 4560 |
/// | LCP, not counted by the interface | 0 |
///
/// One keystroke over ssh in a tunnel is some 430 bytes with its echo: who works types 14 of them,
/// or makes the far end write three lines, in one minute of the idle limit.
pub const QUIET: u64 = 6_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Follows a link's counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// When the link was last seen to be used.
    used_at: Duration,
    /// The minute that is watched: its beginning, and the counter then.
    since: Duration,
    mark: u64,
}

impl Idle {
    /// A link that has just come up, or was just asked for.
    pub fn new(now: Duration, total: u64) -> Self {
        Self { used_at: now, since: now, mark: total }
    }

    /// The counter was read.
    pub fn count(&mut self, total: u64, now: Duration) {
        if total.saturating_sub(self.mark) > QUIET {
            *self = Self::new(now, total);
        } else if now.saturating_sub(self.since) >= MINUTE {
            (self.since, self.mark) = (now, total);
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

    /// Idle minutes after an hour of so many bytes a minute, read every ten seconds.
    fn idle_after_an_hour(a_minute: u64) -> u64 {
        let mut idle = Idle::new(Duration::ZERO, 0);
        for turn in 1..=360_u32 {
            idle.count(u64::from(turn) * a_minute / 6, turn * 10 * SECOND);
        }
        idle.for_how_long(3600 * SECOND).as_secs() / 60
    }

    #[test]
    fn the_noise_of_a_link_is_not_use() {
        for (noise, a_minute) in [
            ("nothing", 0),
            ("keepalives every 25 s and handshakes", 290 + 180),
            ("keepalives every 10 s, the most a site may ask for, and handshakes", 720 + 180),
            ("a dead peer", 4560),
        ] {
            assert_eq!(idle_after_an_hour(a_minute), 60, "{noise}");
        }
    }

    #[test]
    fn little_work_is_use() {
        for (work, a_minute) in
            [("fifteen keystrokes", 15 * 430), ("an ssh screen", 8_000), ("a download", 1 << 20)]
        {
            assert!(idle_after_an_hour(a_minute) <= 1, "{work}");
        }
    }

    #[test]
    fn one_burst_ends_the_idleness_of_an_hour() {
        let mut idle = Idle::new(Duration::ZERO, 0);
        idle.count(10, 1800 * SECOND);
        idle.count(10 + QUIET + 1, 1810 * SECOND);
        idle.count(10 + QUIET + 1, 3600 * SECOND);
        assert_eq!(idle.for_how_long(3600 * SECOND), 1790 * SECOND);
    }
}
