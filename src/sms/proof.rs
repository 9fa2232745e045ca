//! One-time codes: HOTP (RFC 4226) and TOTP (RFC 6238) with HMAC-SHA-1, the only ones that every
//! authenticator app makes.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::command::Code;
use crate::clock::WallClock;
use crate::site::{OneTimeCode, OtpSecret, Proof};

/// Seconds that a TOTP code is shown (RFC 6238 §4.1, X).
pub const STEP: u64 = 30;

/// Steps by which the telephone's clock may be ahead of the box's, which has its time from the
/// network.
const AHEAD: u64 = 1;

/// Steps that a message may be late. RFC 6238 §5.2 recommends one for a person who types into a
/// web page; here a text message is typed, sent, delivered (5 to 20 s, more at night on a busy
/// cell) and may wait for a minute behind a flood of forged ones. With three, a code is good until
/// 90 to 120 seconds after it appeared.
const LATE: u64 = 3;

/// HOTP counters that may have been skipped, by pressing the app's button in vain (RFC 4226 §7.4).
const LOOK_AHEAD: u64 = 10;

/// What a code turned out to be. A "moving factor" is RFC 4226's word for what both sides count:
/// time steps or codes made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeCheck {
    /// Good, of this moving factor: no code of it or before it may be taken again.
    Fresh(u64),
    /// It was good once.
    Used,
    /// Of no moving factor in the window.
    Wrong,
}

/// The box does not know what time it is, or not well enough.
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

/// How many codes are good at any one moment: each makes guessing so many times easier.
#[must_use]
pub fn codes_at_once(proof: &Proof) -> u64 {
    match proof {
        Proof::Totp(_) => LATE + 1 + AHEAD,
        Proof::Hotp(_) => LOOK_AHEAD,
        Proof::SenderOnly => 0,
    }
}

/// Judges a TOTP code; `used` is the last step that was accepted.
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

/// The step of the newest code that [`judge_totp`] can have accepted by then, in seconds since 1970.
#[must_use]
pub fn newest_step_at(unix: i64) -> u64 {
    (u64::try_from(unix).unwrap_or(0) / STEP).saturating_add(AHEAD)
}

/// Judges an HOTP code; `used` is the last counter that was accepted.
#[must_use]
pub fn judge_hotp(of: &OneTimeCode, typed: &Code, used: Option<u64>) -> CodeCheck {
    let next = used.map_or(0, |used| used.saturating_add(1));
    judge(of, typed, next.saturating_sub(LOOK_AHEAD)..=next.saturating_add(LOOK_AHEAD - 1), used)
}

/// How far [`find_pair`] looks: 27 codes a day for ten years. It takes a Pi 1 some seconds.
pub const FARTHEST: u64 = 100_000;

/// The counter of the second of two HOTP codes in a row, the first such pair of the secret: RFC 4226
/// §7.4 has a sequence of codes for a server that has lost the counter. That a pair is found which is
/// not the right one has a probability of one in 10⁷ with codes of 6 digits.
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

/// Every code of the window is computed and compared as a number, whatever the others were: how
/// long it takes says nothing of them.
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
