//! What the gate accepts when the used codes are not known.

use super::*;

/// The service has started at [`NOW`], and the past is lost.
fn after_a_loss(site: &Sms) -> Gate {
    Gate::new(site, &Past::Lost, NOW)
}

#[test]
fn with_a_lost_counter_no_code_is_accepted_until_it_is_set() {
    let mut gate = after_a_loss(&site(Proof::Hotp(secret())));
    let order = |counter| format!("status {:08}", proof::code(&secret(), counter));
    assert!(gate.lacks_counter());
    // More than the attempts for wrong codes: none of these is one.
    for counter in 0..u64::from(attempts::BURST) + 10 {
        assert_eq!(refusal(gate.judge_text(OWNER, &order(counter))), GateRefusal::CounterLost);
    }
    assert_eq!(refusal(gate.judge_text(OWNER, "status")), GateRefusal::NoCode);
    let stored = gate.set_counter(41).unwrap();
    assert_eq!(used(&stored), Some(41));
    assert!(!gate.lacks_counter());
    for mut gate in [gate, restarted(&site(Proof::Hotp(secret())), &stored)] {
        assert_eq!(refusal(gate.judge_text(OWNER, &order(41))), GateRefusal::UsedCode);
        accepted(gate.judge_text(OWNER, &order(42)));
    }
}

#[test]
fn a_counter_can_be_set_only_for_hotp() {
    for proof in [Proof::Totp(secret()), Proof::SenderOnly] {
        assert_eq!(gate(&site(proof)).set_counter(41), None);
    }
}

/// A code of step *n* is shown from 30·*n* on; the app may be a step ahead of the box.
#[test]
fn after_a_loss_a_totp_code_must_be_newer_than_the_start() {
    let step = u64::try_from(TIME).unwrap() / proof::STEP;
    for (seconds, factor, why) in [
        // Accepted just before the loss, and sent again.
        (0, step, Some(GateRefusal::OlderThanStart)),
        (0, step + 1, Some(GateRefusal::OlderThanStart)),
        (59, step + 1, Some(GateRefusal::OlderThanStart)),
        (0, step + 2, Some(GateRefusal::WrongCode)),
        // The owner's next ones.
        (31, step + 2, None),
        (60, step + 2, None),
        (3600, step + 120, None),
    ] {
        let mut gate = after_a_loss(&totp());
        assert!(!gate.lacks_counter());
        let text = format!("status {:08}", proof::code(&secret(), factor));
        let wall = WallClock::Known(TIME + i64::try_from(seconds).unwrap());
        let judgement = gate.judge(&message(OWNER, &text, TIME), wall, NOW + Duration::from_secs(seconds));
        match why {
            Some(why) => assert_eq!(refusal(judgement), why, "{seconds} s, {factor}"),
            None => assert_eq!(used(&accepted(judgement).1), Some(factor), "{seconds} s"),
        }
    }
}

#[test]
fn after_a_loss_a_site_without_codes_still_obeys() {
    let (_, stored) = accepted(after_a_loss(&site(Proof::SenderOnly)).judge_text(OWNER, "connect"));
    assert!(matches!(stored, Past::Known(_)));
}
