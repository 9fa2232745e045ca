//! The standards' own vectors, and which codes are accepted when.

use super::*;
use crate::site::Digits;
use crate::sms::command::Order;

fn of(secret: &str, digits: Digits) -> OneTimeCode {
    OneTimeCode { secret: secret.parse().unwrap(), digits }
}

/// "12345678901234567890", the secret of both RFCs' appendices.
fn rfc(digits: Digits) -> OneTimeCode {
    of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", digits)
}

/// A code as a person types it.
fn typed(of: &OneTimeCode, factor: u64) -> Code {
    let code = format!("{:0width$}", code(of, factor), width = of.digits.count());
    Order::parse(&format!("status {code}")).unwrap().code.unwrap()
}

/// RFC 4226, Appendix D.
#[test]
fn hotp_gives_the_codes_of_its_standard() {
    let expected = [755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489];
    for (counter, expected) in (0..).zip(expected) {
        assert_eq!(code(&rfc(Digits::Six), counter), expected);
    }
}

/// RFC 6238, Appendix B: the rows for SHA-1.
#[test]
fn totp_gives_the_codes_of_its_standard() {
    for (seconds, expected) in [
        (59, 94_287_082),
        (1_111_111_109, 7_081_804),
        (1_111_111_111, 14_050_471),
        (1_234_567_890, 89_005_924),
        (2_000_000_000, 69_279_037),
        (20_000_000_000, 65_353_130),
    ] {
        assert_eq!(code(&rfc(Digits::Eight), seconds / STEP), expected, "{seconds}");
    }
}

#[test]
fn a_totp_code_is_valid_for_two_minutes_at_most_and_once() {
    let secret = rfc(Digits::Eight);
    let step = 60_000_000;
    let now = WallClock::Known(step as i64 * 30 + 29);
    let judge = |factor, used| judge_totp(&secret, &typed(&secret, factor), used, now);
    for (factor, used, verdict) in [
        (step, None, CodeCheck::Fresh(step)),
        (step + 1, None, CodeCheck::Fresh(step + 1)), // the telephone's clock is fast
        (step - 3, None, CodeCheck::Fresh(step - 3)), // it came late
        (step + 2, None, CodeCheck::Wrong),
        (step - 4, None, CodeCheck::Wrong),
        (step, Some(step - 1), CodeCheck::Fresh(step)),
        (step, Some(step), CodeCheck::Used),
        (step - 1, Some(step), CodeCheck::Used), // an older one than the last
        (step - 4, Some(step), CodeCheck::Wrong),
        // A clock that was set back does not bring old codes back.
        (step, Some(step + 1000), CodeCheck::Used),
    ] {
        assert_eq!(judge(factor, used), Ok(verdict), "{factor} after {used:?}");
    }
}

#[test]
fn a_totp_code_needs_the_time() {
    let secret = rfc(Digits::Eight);
    for wall in [WallClock::Floor(0), WallClock::Known(-1)] {
        assert_eq!(judge_totp(&secret, &typed(&secret, 0), None, wall), Err(ClockNotSet));
    }
    for unix in [0, i64::MAX] {
        assert!(judge_totp(&secret, &typed(&secret, 0), None, WallClock::Known(unix)).is_ok());
    }
}

#[test]
fn an_hotp_code_may_skip_nine_and_is_valid_once() {
    let secret = rfc(Digits::Eight);
    let judge = |factor, used| judge_hotp(&secret, &typed(&secret, factor), used);
    for (factor, used, verdict) in [
        (0, None, CodeCheck::Fresh(0)),
        (9, None, CodeCheck::Fresh(9)),
        (10, None, CodeCheck::Wrong),
        (6, Some(5), CodeCheck::Fresh(6)),
        (15, Some(5), CodeCheck::Fresh(15)),
        (16, Some(5), CodeCheck::Wrong),
        (5, Some(5), CodeCheck::Used),
        (0, Some(5), CodeCheck::Used),
        (5, Some(20), CodeCheck::Wrong),
    ] {
        assert_eq!(judge(factor, used), verdict, "{factor} after {used:?}");
    }
    // At the last counter no code is left.
    assert_eq!(judge(0, Some(u64::MAX)), CodeCheck::Wrong);
    assert_eq!(judge(u64::MAX, Some(u64::MAX)), CodeCheck::Used);
}

#[test]
fn two_consecutive_codes_give_the_counter() {
    let secret = rfc(Digits::Eight);
    let find = |first, second| find_pair(&secret, &typed(&secret, first), &typed(&secret, second));
    for first in [0, 1, 500, FARTHEST - 2] {
        assert_eq!(find(first, first + 1), Some(first + 1));
    }
    for (first, second) in [(0, 2), (1, 0), (7, 7), (FARTHEST - 1, FARTHEST)] {
        assert_eq!(find(first, second), None, "{first} {second}");
    }
    let six = rfc(Digits::Six);
    assert_eq!(find_pair(&secret, &typed(&six, 0), &typed(&six, 1)), None);
}

#[test]
fn another_secret_gives_other_codes() {
    let other = of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", Digits::Eight);
    let verdict = judge_hotp(&rfc(Digits::Eight), &typed(&other, 0), None);
    assert_eq!(verdict, CodeCheck::Wrong);
}
