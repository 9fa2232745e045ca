//! How often somebody may guess.
//!
//! One bucket for all senders, since their numbers are forged as easily as any. Only a wrong code
//! costs an attempt, so the owner never locks himself out by commanding much. A flood of forged
//! messages is checked as it comes, up to [`BURST`] of them; then one more every [`REFILL`], which
//! is about as fast as a network delivers them to one telephone. The bucket is full after a boot:
//! keeping it on the card would let a stranger write there.
//!
//! So a box that boots once a day checks at most [`PER_DAY`] codes a day: with codes of 8 digits
//! and 5 of them good at once (TOTP), guessing succeeds on a day of uninterrupted flood with
//! [`chance_per_day`] = 0.05 %; with 6 digits, with 5 %.

use std::time::Duration;

use super::proof;
use crate::site::Proof;

/// Attempts after a long silence: a flood of 500, and room for the owner's own slips.
pub const BURST: u32 = 600;
/// An attempt comes back in this time.
pub const REFILL: Duration = Duration::from_secs(10);
/// Attempts in the 24 hours after a boot.
pub const PER_DAY: u64 = BURST as u64 + 24 * 3600 / REFILL.as_secs();

/// The chance that a stranger who can forge the number guesses a code within a day, at most.
/// `None` if there is nothing to guess.
#[must_use]
pub fn chance_per_day(proof: &Proof) -> Option<f64> {
    let (Proof::Totp(code) | Proof::Hotp(code)) = proof else { return None };
    let good = (PER_DAY * proof::codes_at_once(proof)) as f64;
    Some(good / f64::from(code.digits.codes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Digits, OneTimeCode};
    use crate::sms::allowance::Allowance;

    #[test]
    fn a_days_flood_never_checks_more_than_is_said() {
        let mut attempts = Allowance::full(BURST, REFILL);
        let mut checked = 0;
        for tenth in 0..24 * 3600 * 10 {
            if attempts.any_left(Duration::from_millis(tenth * 100)) {
                attempts.spend();
                checked += 1;
            }
        }
        assert!(checked <= PER_DAY && checked > PER_DAY - 2, "{checked}");
    }

    #[test]
    fn guessing_succeeds_as_rarely_as_is_said() {
        let code = |digits| OneTimeCode { secret: "A".repeat(32).parse().unwrap(), digits };
        for (proof, chance) in [
            (Proof::Totp(code(Digits::Eight)), Some(0.000_462)),
            (Proof::Totp(code(Digits::Six)), Some(0.046_2)),
            (Proof::Hotp(code(Digits::Eight)), Some(0.000_924)),
            (Proof::SenderOnly, None),
        ] {
            assert_eq!(chance_per_day(&proof), chance);
        }
    }
}
