//! Which messages cost an attempt, and the effect of another secret or none.

use super::*;

#[test]
fn messages_without_a_code_to_check_cost_no_attempt() {
    let mut gate = gate(&totp());
    for junk in 0..10_000 {
        refusal(gate.judge_text(STRANGER, &format!("connect {junk:08}")));
        refusal(gate.judge_text(OWNER, &format!("win {junk:08}")));
        refusal(gate.judge_text(OWNER, &format!("connect {:06}", junk)));
    }
    accepted(gate.judge_text(OWNER, &format!("connect {}", code(0))));
}

#[test]
fn without_the_time_totp_codes_are_refused_and_hotp_codes_are_not() {
    let order = message(OWNER, &format!("connect {}", code(0)), TIME);
    let mut by_clock = gate(&totp());
    assert_eq!(refusal(by_clock.judge(&order, WallClock::Floor(TIME), NOW)), GateRefusal::ClockNotSet);
    accepted(by_clock.judge(&order, WallClock::Known(TIME), NOW));

    let mut by_counter = gate(&site(Proof::Hotp(secret())));
    let order = message(OWNER, &format!("connect {:08}", proof::code(&secret(), 3)), TIME);
    let (_, stored) = accepted(by_counter.judge(&order, WallClock::Floor(TIME), NOW));
    assert_eq!(used(&stored), Some(3));
}

#[test]
fn a_new_secret_starts_with_no_used_codes() {
    let old = site(Proof::Hotp(secret()));
    let order = |of: &OneTimeCode, counter| format!("status {:08}", proof::code(of, counter));
    let mut counted = gate(&old);
    let (_, stored) = accepted(counted.judge_text(OWNER, &order(&secret(), 7)));
    let other = one_time_code("GEZDGNBVGY3TQOJQ");
    let mut changed = restarted(&site(Proof::Hotp(other.clone())), &stored);
    accepted(changed.judge_text(OWNER, &order(&other, 0)));
    // The same secret with the other kind of code also starts with no used codes.
    accepted(restarted(&totp(), &stored).judge_text(OWNER, &format!("status {}", code(0))));
}

#[test]
fn without_a_code_a_message_is_still_obeyed_only_once() {
    let site = site(Proof::SenderOnly);
    let mut open = gate(&site);
    assert_eq!(refusal(open.judge_text(STRANGER, "connect")), GateRefusal::UnknownNumber);
    let (command, stored) = accepted(open.judge_text(OWNER, "connect"));
    assert_eq!(command, Command::Connect(None));
    let mut next_boot = restarted(&site, &stored);
    assert_eq!(refusal(next_boot.judge_text(OWNER, "connect")), GateRefusal::AlreadyHandled);
    // The same words an hour later are another message.
    accepted(next_boot.judge(&message(OWNER, "connect", TIME + 3600), WallClock::Floor(TIME), NOW));
}

#[test]
fn the_stored_past_stays_small() {
    let mut open = gate(&site(Proof::SenderOnly));
    let mut stored = Past::NewCard;
    for sent in 0..1000 {
        stored = accepted(open.judge(&message(OWNER, "status", TIME + sent), WallClock::Floor(TIME), NOW)).1;
    }
    assert!(stored.to_record().to_string().len() < 1200, "{}", stored.to_record());
}

#[path = "gate_loss_tests.rs"]
mod loss;
