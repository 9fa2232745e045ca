use super::*;
use crate::site::Digits;

const SECOND: Duration = Duration::from_secs(1);

/// Attempts with those for one code used up, at this time.
fn used_up(now: Duration) -> Attempts {
    let mut attempts = Attempts::full();
    for _ in 0..BURST {
        assert!(attempts.any_left(now));
        assert_eq!(attempts.count(CodeCheck::Wrong, now), Verdict::Wrong);
    }
    attempts
}

/// How many wrong codes of a flood are compared against one right code, and how many against two.
fn compared(seconds: u64) -> (u64, u64) {
    let mut attempts = Attempts::full();
    let (mut single, mut paired) = (0, 0);
    for tenth in 0..seconds * 10 {
        let now = Duration::from_millis(tenth * 100);
        if attempts.any_left(now) {
            let is_single = attempts.single.any_left(now);
            attempts.count(CodeCheck::Wrong, now);
            *if is_single { &mut single } else { &mut paired } += 1;
        }
    }
    (single, paired)
}

#[test]
fn a_flood_never_gets_more_checks_a_day_than_documented() {
    let (single, paired) = compared(24 * 3600);
    assert!(single <= PER_DAY && single > PER_DAY - 2, "{single}");
    // It takes a minute to use up the others.
    assert!(paired <= PAIRS_PER_DAY && paired > PAIRS_PER_DAY - 100, "{paired}");
}

#[test]
fn after_a_first_code_no_more_codes_are_compared_than_documented() {
    let first = Duration::from_secs(1000);
    let mut attempts = used_up(first);
    let mut paired = 0;
    for tenth in 0..PAIR_TIME.as_secs() * 10 {
        let now = first + Duration::from_millis(tenth * 100);
        if attempts.any_left(now) && !attempts.single.any_left(now) {
            paired += 1;
        }
        attempts.count(CodeCheck::Wrong, now);
    }
    assert!(paired <= SECONDS_PER_FIRST && paired > SECONDS_PER_FIRST - 40, "{paired}");
}

#[test]
fn guessing_succeeds_as_rarely_as_documented() {
    let code = |digits| OneTimeCode { secret: "A".repeat(32).parse().unwrap(), digits };
    for (proof, day, command) in [
        // 9240 · 5/10⁸, and 86 700 · 5/10⁸ · 2400/10⁸ = 0.000 000 1
        (Proof::Totp(code(Digits::Eight)), 0.000_462_1, 0.000_024),
        // 9240 · 5/10⁶, and 86 700 · 5/10⁶ · 2400/10⁶ = 0.001 04
        (Proof::Totp(code(Digits::Six)), 0.047_240_4, 0.002_4),
        (Proof::Hotp(code(Digits::Eight)), 0.000_924_2, 0.000_024),
        (Proof::Hotp(code(Digits::Six)), 0.094_480_8, 0.002_4),
    ] {
        let (day_is, command_is) = (chance_per_day(&proof).unwrap(), chance_per_command(&proof).unwrap());
        assert!((day_is - day).abs() < 1e-7, "{proof:?}: {day_is}");
        assert!((command_is - command).abs() < 1e-7, "{proof:?}: {command_is}");
    }
    assert_eq!(chance_per_day(&Proof::SenderOnly), None);
    assert_eq!(chance_per_command(&Proof::SenderOnly), None);
}

#[test]
fn with_an_attempt_left_one_right_code_is_enough_and_costs_nothing() {
    let mut attempts = Attempts::full();
    for factor in 0..u64::from(BURST) * 2 {
        assert_eq!(attempts.count(CodeCheck::Fresh(factor), Duration::ZERO), Verdict::Proven(factor));
    }
}

#[test]
fn without_an_attempt_the_second_of_two_right_codes_is_accepted() {
    let now = Duration::from_secs(1000);
    for (second, after, verdict) in [
        (101, Duration::ZERO, Verdict::Proven(101)),
        (104, 9 * SECOND, Verdict::Proven(104)),
        (105, Duration::ZERO, Verdict::FirstOfTwo),
        (100, Duration::ZERO, Verdict::FirstOfTwo),
        (99, Duration::ZERO, Verdict::FirstOfTwo),
    ] {
        let mut attempts = used_up(now);
        assert_eq!(attempts.count(CodeCheck::Fresh(100), now), Verdict::FirstOfTwo);
        assert_eq!(attempts.count(CodeCheck::Wrong, now), Verdict::Wrong);
        assert_eq!(attempts.count(CodeCheck::Used, now), Verdict::Used);
        assert_eq!(attempts.count(CodeCheck::Fresh(second), now + after), verdict, "{second}");
    }
}

#[test]
fn a_pair_proves_one_command_and_a_third_code_begins_another() {
    let now = Duration::from_secs(1000);
    let mut attempts = used_up(now);
    assert_eq!(attempts.count(CodeCheck::Fresh(100), now), Verdict::FirstOfTwo);
    assert_eq!(attempts.count(CodeCheck::Fresh(101), now), Verdict::Proven(101));
    assert_eq!(attempts.count(CodeCheck::Fresh(102), now), Verdict::FirstOfTwo);
}

#[test]
fn a_first_code_waits_for_the_second_no_longer_than_documented() {
    let now = Duration::from_secs(1000);
    for (waited, verdict) in [(PAIR_TIME - SECOND, Verdict::Proven(101)), (PAIR_TIME, Verdict::FirstOfTwo)] {
        let mut attempts = used_up(now);
        assert_eq!(attempts.count(CodeCheck::Fresh(100), now), Verdict::FirstOfTwo);
        // The flood continues and uses every new attempt.
        for second in 1..=waited.as_secs() {
            attempts.count(CodeCheck::Wrong, now + Duration::from_secs(second));
        }
        assert_eq!(attempts.count(CodeCheck::Fresh(101), now + waited), verdict);
    }
}
