//! The rate limit for wrong codes, and how the owner's commands get through an attack.
//!
//! There is one count for all senders, since any number can be forged. Only a wrong code costs an attempt, so frequent
//! commands do not lock out the owner. The first [`BURST`] messages of a flood are checked as they come; then one more
//! every [`REFILL`]. The count is full after a boot: if it were on the card, a stranger could cause writes there.
//!
//! When no attempt is left, codes are still compared, but one is no longer enough: the command runs with the second of
//! two right codes, at most [`SPAN`] moving factors later than the first and within [`PAIR_TIME`] of it (RFC 4226 §7.4
//! uses a sequence of codes for the same reason). So an owner who gets no answer sends the command again with the next
//! code of the app, which appears within 30 seconds, and the box carries it out on arrival. These comparisons have a
//! limit of their own, [`PAIR_BURST`] and one every [`PAIR_REFILL`]. More than one message a second for minutes would
//! use that up, too; but GSM's signalling channel is not that fast (an SDCCH has 782 bit/s, and each message is
//! acknowledged before the next one comes).
//!
//! # The chance of guessing
//!
//! Let there be *C* codes (10⁸ with 8 digits), *G* of which are right at any one moment. The forger learns nothing from
//! a refusal, so every comparison succeeds with a probability of at most *G/C*.
//!
//! - One code is enough for [`PER_DAY`] comparisons a day: at most `PER_DAY · G/C`.
//! - Otherwise two must be right. There are at most [`PAIRS_PER_DAY`] comparisons that may be the
//!   first; after each at most [`SECONDS_PER_FIRST`] that may be the second, of which only [`SPAN`]
//!   codes are right. Summed over all pairs: `PAIRS_PER_DAY · G/C · SECONDS_PER_FIRST · SPAN/C`.
//!
//! [`chance_per_day`] is the sum: 0.05 % with TOTP and 8 digits, 5 % with 6. If the owner sends a right code while no
//! attempt is left, the forger need not guess the first code: [`chance_per_command`].

use std::time::Duration;

use super::proof::{self, CodeCheck};
use crate::allowance::Allowance;
use crate::site::{OneTimeCode, Proof};

/// Attempts after a long pause: a flood of 500, and room for the owner's own errors.
pub const BURST: u32 = 600;
/// An attempt comes back in this time.
pub const REFILL: Duration = Duration::from_secs(10);
/// Attempts in the 24 hours after a boot.
pub const PER_DAY: u64 = per_day(BURST, REFILL);

/// Comparisons for a pair of codes after a long pause: a full storage of 255 messages, listed at once.
pub const PAIR_BURST: u32 = 300;
/// Another such comparison in this time.
pub const PAIR_REFILL: Duration = Duration::from_secs(1);
/// Such comparisons in the 24 hours after a boot.
pub const PAIRS_PER_DAY: u64 = per_day(PAIR_BURST, PAIR_REFILL);

/// The time from the first code to the second: the owner waits for an answer and types, and both messages may be late.
pub const PAIR_TIME: Duration = Duration::from_secs(300);
/// The most moving factors from the first code to the second: two minutes of TOTP.
pub const SPAN: u64 = 4;
/// The most comparisons in time after a right first code.
pub const SECONDS_PER_FIRST: u64 = PAIR_BURST as u64 + PAIR_TIME.as_secs() / PAIR_REFILL.as_secs();

const fn per_day(burst: u32, refill: Duration) -> u64 {
    burst as u64 + 24 * 3600 / refill.as_secs()
}

/// The remaining attempts.
#[derive(Debug)]
pub struct Attempts {
    single: Allowance,
    paired: Allowance,
    first: Option<FirstCode>,
}

/// A right code that waits for a second one.
#[derive(Debug, Clone, Copy)]
struct FirstCode {
    factor: u64,
    at: Duration,
}

/// The consequence of a compared code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The command runs. No code of this moving factor or an earlier one may be accepted again.
    Proven(u64),
    /// The code is right, and a second one must follow.
    FirstOfTwo,
    /// It was accepted before.
    Used,
    /// It is wrong.
    Wrong,
}

impl Attempts {
    /// All attempts, at boot.
    #[must_use]
    pub fn full() -> Self {
        Self {
            single: Allowance::full(BURST, REFILL),
            paired: Allowance::full(PAIR_BURST, PAIR_REFILL),
            first: None,
        }
    }

    /// Whether a code may be compared now.
    pub fn any_left(&mut self, now: Duration) -> bool {
        // Both must be evaluated: an allowance refills only then.
        let (single, paired) = (self.single.any_left(now), self.paired.any_left(now));
        single || paired
    }

    /// Counts a comparison.
    pub fn count(&mut self, check: CodeCheck, now: Duration) -> Verdict {
        let is_enough = self.single.any_left(now);
        match check {
            CodeCheck::Fresh(_) if is_enough => {}
            _ if is_enough => self.single.spend(),
            _ => self.paired.spend(),
        }
        match check {
            CodeCheck::Fresh(factor) if is_enough || self.is_second(factor, now) => {
                self.first = None;
                Verdict::Proven(factor)
            }
            CodeCheck::Fresh(factor) => {
                self.first = Some(FirstCode { factor, at: now });
                Verdict::FirstOfTwo
            }
            CodeCheck::Used => Verdict::Used,
            CodeCheck::Wrong => Verdict::Wrong,
        }
    }

    fn is_second(&self, factor: u64, now: Duration) -> bool {
        self.first.is_some_and(|first| {
            let later = factor.checked_sub(first.factor);
            later.is_some_and(|by| (1..=SPAN).contains(&by)) && now.saturating_sub(first.at) < PAIR_TIME
        })
    }
}

/// The chance that a stranger who can forge the number guesses a command's proof within a day, at
/// most. `None` if there is nothing to guess.
#[must_use]
pub fn chance_per_day(proof: &Proof) -> Option<f64> {
    let (Proof::Totp(OneTimeCode { digits, .. }) | Proof::Hotp(OneTimeCode { digits, .. })) = proof else {
        return None;
    };
    let right = proof::codes_at_once(proof) as f64 / f64::from(digits.codes());
    let first = PAIRS_PER_DAY as f64 * right;
    Some(PER_DAY as f64 * right + first * chance_per_command(proof)?)
}

/// The chance that a stranger guesses the second code after a right first one of the owner's, at
/// most. `None` if there is nothing to guess.
#[must_use]
pub fn chance_per_command(proof: &Proof) -> Option<f64> {
    let (Proof::Totp(code) | Proof::Hotp(code)) = proof else { return None };
    Some((SECONDS_PER_FIRST * SPAN) as f64 / f64::from(code.digits.codes()))
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
