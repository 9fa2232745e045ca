//! The rules of the PIN, day after day.

use super::*;
use crate::site::{Role, Site};

fn pin(digits: &str) -> Pin {
    let site =
        format!("role='dialer'\nhostname='x'\n[modem]\npin='{digits}'\n[operator]\nname='x'\napn='x'\n");
    let Role::Dialer(dialer) = Site::parse(&site).unwrap().role else { unreachable!() };
    dialer.modem.pin.unwrap()
}

/// A card that counts wrong PINs.
struct Card {
    pin: &'static str,
    tries: u32,
}

/// The content of the state partition.
#[derive(Default)]
struct State(Option<Record>);

/// One boot: the SIM waits for its PIN, and the power may fail before the outcome is stored.
fn boot(
    day: u32,
    site: &str,
    card: &mut Card,
    state: &mut State,
    power_cut: bool,
) -> Result<(), PinWithheld> {
    let memory = state.0.as_ref().and_then(Memory::from_record);
    let mut pin_policy = PinPolicy::new(Some(pin(site)), memory, format!("boot-{day}"));
    let (given, record) = pin_policy.attempt(Some(card.tries), Some("8933150100000000001"))?;
    state.0 = Some(record);
    let verdict = if given.reveal() == card.pin {
        card.tries = 3;
        Final::Ok
    } else {
        card.tries -= 1;
        Final::Refused(CommandError::Equipment("16".to_owned()))
    };
    if !power_cut {
        state.0 = pin_policy.learn(&verdict);
    }
    Ok(())
}

#[test]
fn a_wrong_pin_is_never_tried_twice() {
    let (mut card, mut state) = (Card { pin: "4321", tries: 3 }, State::default());
    assert_eq!(boot(1, "1234", &mut card, &mut state, false), Ok(()));
    for day in 2..100 {
        assert_eq!(boot(day, "1234", &mut card, &mut state, false), Err(PinWithheld::Refused));
    }
    assert_eq!(card.tries, 2);
    assert_eq!(PinWithheld::Refused.to_string(), "PIN refused; correct site.toml");
    assert_eq!(boot(100, "4321", &mut card, &mut state, false), Ok(()), "a corrected site gets its try");
    assert_eq!(card.tries, 3);
}

#[test]
fn a_power_cut_between_a_wrong_pin_and_its_refusal_makes_no_second_try() {
    let (mut card, mut state) = (Card { pin: "4321", tries: 3 }, State::default());
    assert_eq!(boot(1, "1234", &mut card, &mut state, true), Ok(()));
    for day in 2..10 {
        assert_eq!(boot(day, "1234", &mut card, &mut state, true), Err(PinWithheld::Refused));
    }
    assert_eq!(card.tries, 2);
}

#[test]
fn a_power_cut_does_not_lock_the_box_out_of_a_card_whose_pin_is_right() {
    let (mut card, mut state) = (Card { pin: "4321", tries: 3 }, State::default());
    for day in 1..10 {
        assert_eq!(boot(day, "4321", &mut card, &mut state, true), Ok(()));
    }
}

#[test]
fn a_box_without_a_memory_still_leaves_the_last_try() {
    let mut card = Card { pin: "4321", tries: 3 };
    for day in 1..10 {
        let _ = boot(day, "1234", &mut card, &mut State::default(), false);
    }
    assert_eq!(card.tries, 1);
}

#[test]
fn a_pin_is_sent_once_a_boot_even_if_it_is_right() {
    let mut pin_policy = PinPolicy::new(Some(pin("4321")), None, "today".to_owned());
    pin_policy.attempt(Some(3), None).unwrap();
    assert!(!pin_policy.has_opened());
    pin_policy.learn(&Final::Ok);
    assert!(pin_policy.has_opened());
    assert_eq!(pin_policy.attempt(Some(3), None).unwrap_err(), PinWithheld::GivenThisBoot);
}

#[test]
fn a_pin_that_the_card_has_accepted_may_be_used_by_hand() {
    let mut pin_policy = PinPolicy::new(Some(pin("4321")), None, "today".to_owned());
    assert!(pin_policy.proven(Some(3), Some("1")).is_none(), "not tried yet");
    pin_policy.attempt(Some(3), Some("1")).unwrap();
    assert!(pin_policy.proven(Some(3), Some("1")).is_none(), "no result yet");
    pin_policy.learn(&Final::Ok);
    assert!(pin_policy.proven(Some(3), Some("1")).is_some());
    for (tries, card) in [(Some(1), Some("1")), (None, Some("1")), (Some(3), Some("2"))] {
        assert!(pin_policy.proven(tries, card).is_none(), "{tries:?} {card:?}");
    }
}

#[test]
fn a_pin_is_withheld_when_the_tries_are_unknown_or_too_few() {
    let attempt =
        |tries| PinPolicy::new(Some(pin("4321")), None, "today".to_owned()).attempt(tries, None).map(drop);
    assert_eq!(attempt(None), Err(PinWithheld::TriesUnknown));
    assert_eq!(attempt(Some(0)), Err(PinWithheld::TooFewTries(0)));
    assert_eq!(attempt(Some(1)), Err(PinWithheld::TooFewTries(1)));
    assert_eq!(attempt(Some(2)), Ok(()));
    let without = PinPolicy::new(None, None, "today".to_owned()).attempt(Some(3), None).map(drop);
    assert_eq!(without, Err(PinWithheld::NoneInSite));
}

#[test]
fn a_refusal_counts_for_the_card_that_refused_and_for_one_without_a_number() {
    let after = |card_then: Option<&str>, card_now: Option<&str>| {
        let mut pin_policy = PinPolicy::new(Some(pin("1234")), None, "yesterday".to_owned());
        pin_policy.attempt(Some(3), card_then).unwrap();
        let record = pin_policy.learn(&Final::Refused(CommandError::Equipment("16".to_owned()))).unwrap();
        let memory = Memory::from_record(&record);
        PinPolicy::new(Some(pin("1234")), memory, "today".to_owned()).attempt(Some(3), card_now).map(drop)
    };
    assert_eq!(after(Some("1"), Some("1")), Err(PinWithheld::Refused));
    assert_eq!(after(Some("1"), None), Err(PinWithheld::Refused));
    assert_eq!(after(None, Some("1")), Err(PinWithheld::Refused));
    assert_eq!(after(Some("1"), Some("2")), Ok(()));
}

#[test]
fn after_another_error_the_tries_left_tell_whether_the_pin_was_wrong() {
    let mut pin_policy = PinPolicy::new(Some(pin("1234")), None, "yesterday".to_owned());
    let (_, record) = pin_policy.attempt(Some(3), None).unwrap();
    assert_eq!(pin_policy.learn(&Final::Refused(CommandError::Equipment("14".to_owned()))), None);
    for (left, expected) in [(3, Ok(())), (2, Err(PinWithheld::Refused))] {
        let mut pin_policy =
            PinPolicy::new(Some(pin("1234")), Memory::from_record(&record), "today".to_owned());
        assert_eq!(pin_policy.attempt(Some(left), None).map(drop), expected);
    }
}

#[test]
fn the_pin_is_not_stored() {
    let mut pin_policy = PinPolicy::new(Some(pin("4321")), None, "today".to_owned());
    let (_, record) = pin_policy.attempt(Some(3), Some("8933150100000000001")).unwrap();
    insta::assert_snapshot!(record, @"
    pin=d5f12e53a182c062
    card=8933150100000000001
    tries=3
    boot=today
    outcome=unknown
    ");
    assert!(!format!("{pin_policy:?}").contains("4321"));
}

/// The codes are those of TS 27.007 §8.3, the errors those of §9.2.
#[test]
fn every_answer_to_cpin_is_parsed() {
    let refused = |said: &str| Final::Refused(CommandError::Equipment(said.to_owned()));
    for (said, result, shown) in [
        ("+CPIN: READY", Final::Ok, "ready"),
        ("+CPIN:READY", Final::Ok, "ready"), // SIM800 (SIMCom's manual, and many programs' tests)
        ("+CPIN: \"READY\"", Final::Ok, "ready"), // Motorola EZX (ModemManager, mm-broadband-modem.c)
        ("+CPIN:   SIM PIN", Final::Ok, "wants SIM PIN"), // ModemManager skips blanks, too
        ("+CPIN: \"SIM PIN\"", Final::Ok, "wants SIM PIN"),
        ("+CPIN: SIM PUK", Final::Ok, "wants SIM PUK"),
        ("+CPIN: SIM PIN2", Final::Ok, "wants SIM PIN2"),
        ("+CPIN: PH-SIM PIN", Final::Ok, "wants PH-SIM PIN"),
        ("+CPIN: PH-NET PIN", Final::Ok, "wants PH-NET PIN"), // locked to an operator
        ("+CPIN: PH-FSIM PIN", Final::Ok, "wants PH-FSIM PIN"),
        ("+CPIN: PH_SIM PIN", Final::Ok, "wants PH_SIM PIN"), // SIM800
        ("+CPIN: NOT INSERTED", Final::Ok, "unusable: no SIM"), // SIM800, SIM7600 (TinyGSM)
        ("+CPIN: NOT READY", Final::Ok, "unusable: SIM busy"), // SIM800, SIM7600
        ("+CPIN: SIM REMOVED", Final::Ok, "unusable: no SIM"), // SIM7600
        ("", refused("10"), "unusable: no SIM"),
        ("", refused("SIM not inserted"), "unusable: no SIM"), // +CMEE=2
        ("", refused("SIM wrong"), "unusable: wrong SIM"),
        ("", refused("13"), "unusable: SIM failure"),
        ("", refused("SIM failure"), "unusable: SIM failure"),
        ("", refused("14"), "unusable: SIM busy"),
        ("", refused("SIM busy"), "unusable: SIM busy"),
        ("", refused("515"), "unusable: error 515"), // Quectel: please wait, init
        ("", Final::Refused(CommandError::Unexplained), "unusable: no answer to +CPIN?"),
        ("", Final::Ok, "unusable: no answer to +CPIN?"),
    ] {
        let sim = Sim::from_answer(&result, &[said.to_owned()]);
        assert_eq!(sim.to_string(), shown, "{said:?} {result:?}");
        assert_eq!(sim.wants_pin(), shown == "wants SIM PIN", "{said:?}");
        assert_eq!(sim.is_missing(), ["unusable: no SIM", "unusable: wrong SIM"].contains(&shown));
    }
}

/// Some modems explain errors in words whatever `+CMEE` says.
#[test]
fn a_pin_that_is_refused_in_words_is_refused() {
    for (said, is_refused) in [
        ("16", true),
        ("incorrect password", true),
        ("12", true),
        ("SIM PUK required", true),
        ("14", false),
        ("SIM busy", false),
        ("unknown error", false),
    ] {
        let mut pin_policy = PinPolicy::new(Some(pin("1234")), None, "today".to_owned());
        pin_policy.attempt(Some(3), None).unwrap();
        let learned = pin_policy.learn(&Final::Refused(CommandError::Equipment(said.to_owned())));
        assert_eq!(learned.is_some(), is_refused, "{said}");
    }
}

#[test]
fn the_number_of_a_card_is_parsed() {
    let table = [
        ("+CCID: \"8933150100000000001\"", Some("8933150100000000001")),
        ("8933150100000000001F", Some("8933150100000000001")),
        ("+CCID: 89331501000000000012", Some("89331501000000000012")),
        ("+CCID: 12", None),
        ("", None),
    ];
    for (line, number) in table {
        assert_eq!(card_number(&[line.to_owned()]).as_deref(), number, "{line}");
    }
}
