//! Which messages are obeyed and which are refused: unknown number, wrong code, replayed code, old step, flood.

#[path = "gate_cost_tests.rs"]
mod cost;

use super::*;
use crate::record::Record;
use crate::site::{Digits, OneTimeCode};
use crate::sms::attempts;
use crate::sms::pdu::ServiceCentreTime;
use proptest::collection::vec;
use proptest::prelude::*;

type Judged = Result<AcceptedOrder, GateRefusal>;

const OWNER: &str = "+33612345678";
const STRANGER: &str = "+33699999999";
/// 2026-07-14 03:59:58 UTC.
const TIME: i64 = 1_784_001_598;
const NOW: Duration = Duration::from_secs(1000);

fn one_time_code(secret: &str) -> OneTimeCode {
    OneTimeCode { secret: secret.repeat(2).parse().unwrap(), digits: Digits::Eight }
}

fn secret() -> OneTimeCode {
    one_time_code("JBSWY3DPEHPK3PXP")
}

fn site(proof: Proof) -> Sms {
    Sms { numbers: vec![OWNER.parse().unwrap()], proof, may_set: true }
}

fn totp() -> Sms {
    site(Proof::Totp(secret()))
}

fn gate(site: &Sms) -> Gate {
    Gate::new(site, &Past::NewCard, Duration::ZERO)
}

/// The code of the step `late` steps before [`TIME`].
fn code(late: i64) -> String {
    let step = u64::try_from(TIME).unwrap() / proof::STEP;
    format!("{:08}", proof::code(&secret(), step.checked_add_signed(-late).unwrap()))
}

fn message(from: &str, text: &str, sent: i64) -> Deliver {
    Deliver {
        from: from.parse().unwrap(),
        sent: ServiceCentreTime::new(sent, 8).unwrap(),
        body: Body::Text(text.to_owned()),
        part: None,
    }
}

impl Gate {
    fn judge_text(&mut self, from: &str, text: &str) -> Judged {
        self.judge(&message(from, text, TIME), WallClock::Known(TIME), NOW)
    }
}

fn refusal(judged: Judged) -> GateRefusal {
    judged.unwrap_err()
}

/// The gate after a boot, with the stored past.
fn restarted(site: &Sms, stored: &Past) -> Gate {
    let read = Past::from_record(&Record::parse(&stored.to_record().to_string()));
    assert_eq!(read.as_ref(), Some(stored));
    Gate::new(site, stored, Duration::ZERO)
}

/// The moving factor of the last code that was accepted.
fn used(stored: &Past) -> Option<u64> {
    match stored {
        Past::Known(accepted) => accepted.used,
        Past::NewCard | Past::Lost => None,
    }
}

/// The accepted command, and the past to store.
fn accepted(judged: Judged) -> (Command, Past) {
    let order = judged.unwrap();
    (order.command, order.remember)
}

/// Two hours later, and two hours before, where the code was shown then.
#[test]
fn while_the_clock_is_uncertain_a_code_that_is_right_by_either_time_tells_which() {
    let clock = |late: i64, other: Option<i64>| {
        let clocks = Clocks { wall: WallClock::Known(TIME), other };
        let order = message(OWNER, &format!("help {}", code(late)), TIME);
        gate(&totp()).judge(&order, clocks, NOW).map(|order| order.clock)
    };
    let two_hours = 7200;
    let steps = two_hours / 30;
    for other in [None, Some(TIME + two_hours)] {
        assert_eq!(clock(0, other), Ok(Some(RightClock::Wall)));
        assert_eq!(clock(steps, other), Err(GateRefusal::WrongCode), "of two hours ago");
    }
    assert_eq!(clock(-steps, None), Err(GateRefusal::WrongCode));
    assert_eq!(clock(-steps, Some(TIME + two_hours)), Ok(Some(RightClock::Other)));
    assert_eq!(clock(steps, Some(TIME - two_hours)), Ok(Some(RightClock::Other)));
    let counted = gate(&site(Proof::SenderOnly)).judge_text(OWNER, "help");
    assert_eq!(counted.unwrap().clock, None, "it depends on no clock");
}

#[test]
fn the_owner_with_a_code_is_obeyed() {
    let judgement = gate(&totp()).judge_text(OWNER, &format!("Connect 2h {}", code(0)));
    let AcceptedOrder { command, from, .. } = judgement.unwrap();
    assert_eq!(command, Command::Connect(Some(Duration::from_secs(7200))));
    assert_eq!(from.to_string(), OWNER);
}

#[test]
fn every_form_of_the_owner_s_country_is_accepted_and_the_site_s_form_is_answered() {
    for from in [OWNER, "33612345678", "0612345678", "0033612345678"] {
        let judgement = gate(&totp()).judge_text(from, &format!("status {}", code(0)));
        let answered = judgement.unwrap_or_else(|why| panic!("{from}: {why}")).from;
        assert_eq!(answered, Address::of(&OWNER.parse().unwrap()), "{from}");
    }
    // With owners in two countries, 0612345678 is a number of either.
    let mut abroad = totp();
    abroad.numbers.push("+390612345678".parse().unwrap());
    for (from, refused) in [("0612345678", true), ("33612345678", false)] {
        let judgement = gate(&abroad).judge_text(from, &format!("status {}", code(0)));
        assert_eq!(judgement == Err(GateRefusal::UnknownNumber), refused, "{from}");
    }
}

#[test]
fn unused_fields_of_a_message_do_not_matter() {
    let order = message(OWNER, &format!("status {}", code(0)), TIME);
    // Part 1 of 1 is a whole message, and an invalid time stamp does not matter.
    let sent = ServiceCentreTime::from_octets([0; 7]);
    let odd = Deliver { part: Some(Part { reference: 7, number: 1, of: 1 }), sent, ..order };
    let mut gate = gate(&totp());
    accepted(gate.judge(&odd, WallClock::Known(TIME), NOW));
    let again = refusal(gate.judge(&odd, WallClock::Known(TIME), NOW));
    assert_eq!(again, GateRefusal::AlreadyHandled);
    // Two messages that differ only in such a time stamp are two messages.
    let other = Deliver { sent: ServiceCentreTime::from_octets([1, 0, 0, 0, 0, 0, 0]), ..odd };
    assert_eq!(refusal(gate.judge(&other, WallClock::Known(TIME), NOW)), GateRefusal::UsedCode);
}

#[test]
fn every_other_sender_and_message_is_refused() {
    let good = format!("connect {}", code(0));
    let part = Part { reference: 1, number: 1, of: 2 };
    for (message, why) in [
        (message(STRANGER, &good, TIME), GateRefusal::UnknownNumber),
        (message("612345678", &good, TIME), GateRefusal::UnknownNumber),
        (message("0612345679", &good, TIME), GateRefusal::UnknownNumber),
        (message("Bank", &good, TIME), GateRefusal::UnknownNumber),
        (Deliver { part: Some(part), ..message(OWNER, &good, TIME) }, GateRefusal::Multipart(part)),
        (
            Deliver { body: Body::Binary(good.clone().into()), ..message(OWNER, "", TIME) },
            GateRefusal::Binary,
        ),
        (message(OWNER, "please connect", TIME), GateRefusal::NotAnOrder(NotAnOrder::NoCommand)),
        (message(OWNER, "connect", TIME), GateRefusal::NoCode),
        (message(OWNER, "connect 123456", TIME), GateRefusal::NoCode),
        (message(OWNER, "connect 00000000", TIME), GateRefusal::WrongCode),
        (message(OWNER, &format!("connect {}", code(4)), TIME), GateRefusal::WrongCode),
        (message(OWNER, &format!("connect {}", code(-2)), TIME), GateRefusal::WrongCode),
    ] {
        let mut gate = gate(&totp());
        assert_eq!(refusal(gate.judge(&message, WallClock::Known(TIME), NOW)), why, "{message:?}");
        // The owner is obeyed afterwards.
        accepted(gate.judge_text(OWNER, &good));
    }
}

#[test]
fn nothing_is_set_if_the_site_forbids_it() {
    let text = format!("set apn web {}", code(0));
    let forbidden = gate(&Sms { may_set: false, ..totp() }).judge_text(OWNER, &text);
    assert_eq!(refusal(forbidden), GateRefusal::NothingIsSet);
    accepted(gate(&totp()).judge_text(OWNER, &text));
}

#[test]
fn lines_are_for_proven_senders_only() {
    let by_number = Sms { proof: Proof::SenderOnly, may_set: false, ..totp() };
    for text in ["set router off", "get router", "get"] {
        assert_eq!(refusal(gate(&by_number).judge_text(OWNER, text)), GateRefusal::NotProven, "{text}");
        let (command, _) = accepted(gate(&totp()).judge_text(OWNER, &format!("{text} {}", code(0))));
        assert!(matches!(command, Command::Switch(_) | Command::Get(_)), "{text}");
        // Lines are no values of the site.
        accepted(gate(&Sms { may_set: false, ..totp() }).judge_text(OWNER, &format!("{text} {}", code(0))));
    }
}

#[test]
fn a_replayed_code_is_refused_from_any_sender() {
    let mut gate = gate(&totp());
    accepted(gate.judge_text(OWNER, &format!("status {}", code(0))));
    assert_eq!(refusal(gate.judge_text(OWNER, &format!("reboot {}", code(0)))), GateRefusal::UsedCode);
    assert_eq!(refusal(gate.judge_text(OWNER, &format!("reboot {}", code(1)))), GateRefusal::UsedCode);
    accepted(gate.judge_text(OWNER, &format!("reboot {}", code(-1))));
}

#[test]
fn after_a_power_cut_between_acceptance_and_execution_the_message_is_not_run() {
    let site = totp();
    let order = format!("reboot {}", code(0));
    let (_, stored) = accepted(gate(&site).judge_text(OWNER, &order));
    let mut next_boot = restarted(&site, &stored);
    assert_eq!(refusal(next_boot.judge_text(OWNER, &order)), GateRefusal::AlreadyHandled);
    assert_eq!(refusal(next_boot.judge_text(OWNER, &format!("status {}", code(0)))), GateRefusal::UsedCode);
}

#[test]
fn what_is_stored_shows_no_secret_and_no_code() {
    let order = format!("reboot {}", code(0));
    let mut gate = gate(&totp());
    let (_, stored) = accepted(gate.judge_text(OWNER, &order));
    let shown = format!("{stored:?} {} {gate:?}", stored.to_record());
    assert!(!shown.contains(&code(0)) && !shown.contains("JBSWY3DP"), "{shown}");
}

#[test]
fn a_message_that_the_modem_fails_to_delete_is_judged_once() {
    let mut gate = gate(&totp());
    let order = format!("reboot {}", code(0));
    accepted(gate.judge_text(OWNER, &order));
    for _ in 0..10_000 {
        assert_eq!(refusal(gate.judge_text(OWNER, &order)), GateRefusal::AlreadyHandled);
    }
    // This one is too early by a step; later its code would be right.
    let early = message(OWNER, &format!("reboot {}", code(-2)), TIME);
    assert_eq!(refusal(gate.judge(&early, WallClock::Known(TIME), NOW)), GateRefusal::WrongCode);
    for later in 0..10_000 {
        let wall = WallClock::Known(TIME + later);
        assert_eq!(refusal(gate.judge(&early, wall, NOW)), GateRefusal::AlreadyRefused);
    }
    accepted(gate.judge_text(OWNER, &format!("status {}", code(-1))));
}

/// Forged messages with codes of the right form, faster than any network brings them.
#[test]
fn in_a_flood_of_500_the_owner_is_obeyed_within_a_minute() {
    let mut gate = gate(&totp());
    for forged in 0..500 {
        let guess = message(OWNER, &format!("connect {forged:08}"), TIME);
        assert_eq!(refusal(gate.judge(&guess, WallClock::Known(TIME), NOW)), GateRefusal::WrongCode);
    }
    // It arrives after a minute behind the others; its code had been shown for 25 s.
    let order = message(OWNER, &format!("connect {}", code(0)), TIME);
    let minute = Duration::from_secs(60);
    accepted(gate.judge(&order, WallClock::Known(TIME + 60 + 25), NOW + minute));
}

#[test]
fn a_flood_that_never_ends_is_checked_no_faster_than_the_limits() {
    let mut gate = gate(&totp());
    let mut checked = 0;
    for tenth in 0..36_000_u32 {
        let at = NOW + Duration::from_millis(100) * tenth;
        let guess = message(OWNER, &format!("connect {tenth:08}"), TIME);
        match refusal(gate.judge(&guess, WallClock::Known(TIME), at)) {
            GateRefusal::WrongCode => checked += 1,
            GateRefusal::TooManyFailures => {}
            other => panic!("{other:?}"),
        }
    }
    let in_an_hour = |burst, refill: Duration| u64::from(burst) + 3600 / refill.as_secs();
    let expected = in_an_hour(attempts::BURST, attempts::REFILL)
        + in_an_hour(attempts::PAIR_BURST, attempts::PAIR_REFILL);
    // The second allowance is full for the minute in which the first is used up.
    assert!((expected - 100..=expected).contains(&checked), "{checked} of {expected}");
}

/// A gate with all attempts for one code used up.
fn flooded(site: &Sms) -> Gate {
    let mut gate = gate(site);
    for forged in 0..attempts::BURST {
        let guess = message(OWNER, &format!("connect {forged:08}"), TIME);
        assert_eq!(refusal(gate.judge(&guess, WallClock::Known(TIME), NOW)), GateRefusal::WrongCode);
    }
    gate
}

#[test]
fn in_a_flood_the_second_right_code_is_obeyed_and_both_are_used() {
    let mut gate = flooded(&totp());
    let first = format!("connect {}", code(0));
    assert_eq!(refusal(gate.judge_text(OWNER, &first)), GateRefusal::SecondCodeNeeded);
    // The same message again, or its code in another message, is not a second code.
    assert_eq!(refusal(gate.judge_text(OWNER, &first)), GateRefusal::AlreadyRefused);
    let copied = format!("reboot {}", code(0));
    assert_eq!(refusal(gate.judge_text(OWNER, &copied)), GateRefusal::SecondCodeNeeded);
    let (command, stored) = accepted(gate.judge_text(OWNER, &format!("status {}", code(-1))));
    assert_eq!(command, Command::Status);
    let mut next_boot = restarted(&totp(), &stored);
    for used in [0, -1] {
        let again = format!("help {}", code(used));
        assert_eq!(refusal(next_boot.judge_text(OWNER, &again)), GateRefusal::UsedCode);
    }
}

#[test]
fn a_first_code_that_was_refused_is_not_obeyed_when_the_flood_is_over() {
    let mut gate = flooded(&site(Proof::Hotp(secret())));
    let first = message(OWNER, &format!("connect {:08}", proof::code(&secret(), 0)), TIME);
    let judged = |gate: &mut Gate, message: &Deliver, at| {
        refusal(gate.judge(message, WallClock::Known(TIME), NOW + at))
    };
    assert_eq!(judged(&mut gate, &first, Duration::ZERO), GateRefusal::SecondCodeNeeded);
    for second in 1..=2 * REFUSED as u64 {
        let guess = message(OWNER, &format!("status {second:08}"), TIME);
        assert_eq!(judged(&mut gate, &guess, Duration::from_secs(second)), GateRefusal::WrongCode);
    }
    // The modem has failed to delete it, and lists it hours later, when one code is enough again.
    assert_eq!(judged(&mut gate, &first, Duration::from_secs(4 * 3600)), GateRefusal::AlreadyRefused);
}

#[test]
fn in_a_flood_two_hotp_codes_are_obeyed_too() {
    let mut gate = flooded(&site(Proof::Hotp(secret())));
    let order = |counter| format!("status {:08}", proof::code(&secret(), counter));
    assert_eq!(refusal(gate.judge_text(OWNER, &order(2))), GateRefusal::SecondCodeNeeded);
    let (_, stored) = accepted(gate.judge_text(OWNER, &order(3)));
    assert_eq!(used(&stored), Some(3));
}

/// The owner commands a box during a flood: each message arrives `delay` seconds after it was sent. The owner sends the
/// code that the app shows, and if nothing happens the next code when it appears. Returns the time from the first
/// message to the command's execution.
fn command_in_flood(flood: &mut Flood, sent: u64, delay: u64) -> Option<u64> {
    let wall = |second: u64| TIME + i64::try_from(second).unwrap();
    let step_at = |second: u64| u64::try_from(wall(second)).unwrap() / proof::STEP;
    let next = (sent..).find(|at| step_at(*at) != step_at(sent))?;
    [sent, next].into_iter().find_map(|typed| {
        let arrives = typed + delay;
        flood.until(arrives);
        let text = format!("connect {:08}", proof::code(&secret(), step_at(typed)));
        let order = message(OWNER, &text, wall(typed));
        let judgement =
            flood.gate.judge(&order, WallClock::Known(wall(arrives)), Duration::from_secs(arrives));
        judgement.ok().map(|_| arrives - sent)
    })
}

/// Forged messages with wrong codes, at these intervals.
struct Flood {
    gate: Gate,
    intervals: std::iter::Cycle<std::vec::IntoIter<u64>>,
    /// When the next one arrives, in milliseconds since boot, and how many have come.
    next: u64,
    forged: i64,
}

impl Flood {
    fn of(intervals: Vec<u64>) -> Self {
        Self { gate: gate(&totp()), intervals: intervals.into_iter().cycle(), next: 0, forged: 0 }
    }

    fn until(&mut self, second: u64) {
        while self.next < second * 1000 {
            let at = Duration::from_millis(self.next);
            let wall = TIME + i64::try_from(at.as_secs()).unwrap();
            let step = u64::try_from(wall).unwrap() / proof::STEP;
            // One more than a right code is wrong.
            let wrong = (proof::code(&secret(), step) + 1) % 100_000_000;
            let guess = message(OWNER, &format!("connect {wrong:08}"), TIME - 1 - self.forged);
            refusal(self.gate.judge(&guess, WallClock::Known(wall), at));
            self.forged += 1;
            self.next += self.intervals.next().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// The forger has sent for two hours when the owner starts, and continues.
    #[test]
    fn in_any_flood_the_owner_is_obeyed_with_the_next_code(
        intervals in vec(1000_u64..=5000, 1..50),
        pauses in vec(0_u64..=60, 71),
        delay in 1_u64..=60,
    ) {
        let mut flood = Flood::of(intervals);
        let mut second = 7200;
        for pause in pauses {
            let took = command_in_flood(&mut flood, second, delay);
            prop_assert!(took.is_some_and(|took| took <= proof::STEP + delay), "{:?}", took);
            second += pause + 2 * (proof::STEP + delay);
        }
    }
}
