//! A token bucket.

use std::time::Duration;

/// A token bucket: a burst after a long pause, and then one token at a time.
#[derive(Debug)]
pub struct Allowance {
    burst: u32,
    refill: Duration,
    left: u32,
    /// When the last token was added, in time since boot; none is added to a full bucket.
    refilled: Duration,
}

impl Allowance {
    /// A full bucket, at boot.
    #[must_use]
    pub fn full(burst: u32, refill: Duration) -> Self {
        Self { burst, refill, left: burst, refilled: Duration::ZERO }
    }

    /// Whether there is a token now.
    pub fn any_left(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.refilled).as_nanos() / self.refill.as_nanos().max(1);
        let back = u32::try_from(elapsed).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(back).min(self.burst);
        self.refilled = match self.left == self.burst {
            true => now,
            false => self.refilled.saturating_add(self.refill.saturating_mul(back)),
        };
        self.left > 0
    }

    /// Uses a token.
    pub fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BURST: u32 = 600;

    fn seconds(seconds: u32) -> Duration {
        seconds * SECOND
    }

    #[test]
    fn after_the_burst_one_comes_back_at_a_time() {
        let mut allowance = Allowance::full(BURST, 10 * SECOND);
        for _ in 0..BURST {
            assert!(allowance.any_left(seconds(1000)));
            allowance.spend();
        }
        assert!(!allowance.any_left(seconds(1009)));
        assert!(allowance.any_left(seconds(1010)));
        allowance.spend();
        assert!(!allowance.any_left(seconds(1019)));
        assert!(allowance.any_left(seconds(1025)));
        allowance.spend();
        assert!(allowance.any_left(seconds(1030)), "the five seconds are not lost");
    }

    #[test]
    fn no_more_than_a_burst_is_saved_up() {
        let mut allowance = Allowance::full(BURST, 10 * SECOND);
        assert!(allowance.any_left(seconds(10_000_000)));
        assert_eq!(allowance.left, BURST);
        allowance.spend();
        assert!(allowance.any_left(Duration::MAX));
        assert_eq!(allowance.left, BURST);
    }
}
