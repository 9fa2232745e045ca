//! One-time codes: HOTP (RFC 4226) and TOTP (RFC 6238) with HMAC-SHA-1, which every authenticator app supports.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::code::Code;
use crate::clock::WallClock;
use crate::site::{OneTimeCode, OtpSecret, Proof};

/// Seconds that a TOTP code is shown (RFC 6238 §4.1, X).
pub const STEP: u64 = 30;

/// The most steps by which the telephone's clock may be ahead of the box's, which is set by the network.
const AHEAD: u64 = 1;

/// The most steps by which a message may be late. RFC 6238 §5.2 recommends one for input on a web page; a text message
/// is typed, sent, delivered (5 to 20 s, more on a busy cell) and may wait for a minute behind a flood of forged ones.
/// With three, a code is valid until 90 to 120 seconds after it appeared.
const LATE: u64 = 3;

/// The most HOTP counters that may be skipped by codes that were not used (RFC 4226 §7.4).
pub(crate) const LOOK_AHEAD: u64 = 10;

/// The result of checking a code. A "moving factor" (RFC 4226) is a time step or a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeCheck {
    /// Valid, of this moving factor: no code of it or an earlier one may be accepted again.
    Fresh(u64),
    /// It was valid once.
    Used,
    /// Of no moving factor in the window.
    Wrong,
}

/// The box does not know the time well enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockNotSet;

/// The code of one moving factor (RFC 4226 §5.3), below [`Digits::codes`](crate::site::Digits).
#[must_use]
pub fn code(of: &OneTimeCode, factor: u64) -> u32 {
    let tag = tag(&of.secret, factor);
    let offset = usize::from(tag[19] & 0xf);
    // 15 at most and four octets: never beyond the 20 of SHA-1.
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| tag[offset + index]);
    (u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff) % of.digits.codes()
}

fn tag(secret: &OtpSecret, factor: u64) -> [u8; 20] {
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.reveal()).expect("a key of any length");
    mac.update(&factor.to_be_bytes());
    mac.finalize().into_bytes().into()
}

/// How many codes are valid at any one moment, which makes guessing so many times easier.
#[must_use]
pub fn codes_at_once(proof: &Proof) -> u64 {
    match proof {
        Proof::Totp(_) => LATE + 1 + AHEAD,
        Proof::Hotp(_) => LOOK_AHEAD,
        Proof::SenderOnly => 0,
    }
}

/// Checks a TOTP code; `used` is the last accepted step.
///
/// # Errors
/// The time is not known.
pub fn judge_totp(
    of: &OneTimeCode,
    typed: &Code,
    used: Option<u64>,
    wall: WallClock,
) -> Result<CodeCheck, ClockNotSet> {
    let WallClock::Known(unix) = wall else { return Err(ClockNotSet) };
    let step = u64::try_from(unix).map_err(|_| ClockNotSet)? / STEP;
    Ok(judge(of, typed, step.saturating_sub(LATE)..=step.saturating_add(AHEAD), used))
}

/// The step of the newest code that [`judge_totp`] can have accepted by this time, in seconds since 1970.
#[must_use]
pub fn newest_step_at(unix: i64) -> u64 {
    (u64::try_from(unix).unwrap_or(0) / STEP).saturating_add(AHEAD)
}

/// Checks an HOTP code; `used` is the last accepted counter.
#[must_use]
pub fn judge_hotp(of: &OneTimeCode, typed: &Code, used: Option<u64>) -> CodeCheck {
    let next = used.map_or(0, |used| used.saturating_add(1));
    judge(of, typed, next.saturating_sub(LOOK_AHEAD)..=next.saturating_add(LOOK_AHEAD - 1), used)
}

/// The number of counters that [`find_pair`] searches: 27 codes a day for ten years. It takes a Pi 1 some seconds.
pub const FARTHEST: u64 = 100_000;

/// The counter of the second of two consecutive HOTP codes, for the first such pair of the secret: RFC 4226 §7.4 uses a
/// sequence of codes if a server has lost the counter. With codes of 6 digits the probability of a wrong pair is 10⁻⁷.
#[must_use]
pub fn find_pair(of: &OneTimeCode, first: &Code, second: &Code) -> Option<u64> {
    if [first, second].iter().any(|typed| typed.reveal().len() != of.digits.count()) {
        return None;
    }
    let [first, second] = [first, second].map(|typed| typed.reveal().parse::<u32>().ok());
    let mut before = Some(code(of, 0));
    (1..FARTHEST).find(|counter| {
        let here = Some(code(of, *counter));
        std::mem::replace(&mut before, here) == first && here == second
    })
}

/// Computes every code of the window and compares it as a number, whatever the others were: the time it takes reveals
/// nothing.
fn judge(
    of: &OneTimeCode,
    typed: &Code,
    window: impl DoubleEndedIterator<Item = u64>,
    used: Option<u64>,
) -> CodeCheck {
    let typed = typed.reveal().parse().ok();
    // Backwards, so that of two factors with the same code the earlier one counts.
    window.rev().fold(CodeCheck::Wrong, |verdict, factor| {
        let is_it = Some(code(of, factor)) == typed;
        let is_used = used.is_some_and(|used| factor <= used);
        match (is_it, is_used, verdict) {
            (true, false, _) => CodeCheck::Fresh(factor),
            (true, true, CodeCheck::Wrong) => CodeCheck::Used,
            _ => verdict,
        }
    })
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
