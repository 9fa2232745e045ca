//! What other modems do differently.

use super::super::makers::MAKERS;
use super::super::profile::{Extended, Given};
use super::*;

const SUBMIT: &str = "0001000B913316325476F8000005E8329BFD06\x1a";

#[test]
fn every_maker_tells_the_tries_in_the_form_of_its_own() {
    for maker in &MAKERS {
        let (name, Extended::PinTries(given, _)) = &maker.counter else { panic!("{}", maker.name) };
        let extended = Vec::leak(vec![maker.counter.clone()]);
        let profile = Box::leak(Box::new(Profile { extended, ..*cdc_acm() }));
        let mut modem = Modem::new(profile, SimCard::locked("0321").with_tries(2));
        answer(&mut modem, "ATE0\r");
        for (form, ending) in
            [(Given::Acting, ""), (Given::Reading, "?"), (Given::Testing, "=?"), (Given::Setting, "=\"SC\"")]
        {
            let told = answer(&mut modem, &format!("AT{name}{ending}\r"));
            let (is_told, has_tries) = (told.contains(name), told.contains('2'));
            assert_eq!((is_told, has_tries), (form == *given, form == *given), "{name}{ending}: {told:?}");
        }
    }
}

/// TS 27.005 §3.3.1
#[test]
fn the_centre_s_number_is_shown_and_can_be_changed() {
    dialogue(
        &mut without_echo(cdc_acm()),
        &[
            ("AT+CSCA?\r", "\r\n+CSCA: \"+33695000695\",145\r\n\r\nOK\r\n"),
            ("AT+CSCA=\"0695000695\"\r", "\r\nOK\r\n"),
            ("AT+CSCA?\r", "\r\n+CSCA: \"0695000695\",129\r\n\r\nOK\r\n"),
            ("AT+CSCA=\"+33695000695\",145\r", "\r\nOK\r\n"),
            ("AT+CSCA=1,2,3\r", "\r\n+CMS ERROR: 304\r\n"),
        ],
    );
    let mut locked = Modem::new(cdc_acm(), SimCard::locked("0321"));
    answer(&mut locked, "ATE0\r");
    assert_eq!(answer(&mut locked, "AT+CSCA?\r"), "\r\n+CMS ERROR: 311\r\n");
}

#[test]
fn a_prompt_and_a_result_come_as_others_give_them() {
    let mut modem = without_echo(cdc_acm());
    let sends = Sending { prompt_is_a_line: true, omits_reference: true, late_by: Duration::from_secs(100) };
    modem.step(Event::Breaks(Fault::Sends(sends)), START);
    assert_eq!(answer(&mut modem, "AT+CMGS=18\r"), "\r\n>\r\n");
    modem.step(Event::Typed(0, SUBMIT.into()), START);
    assert_eq!(said(&modem.step(Event::MessageTaken(Ok(())), START)), "");
    let late = START + Duration::from_secs(100);
    assert_eq!(said(&modem.step(Event::Time, late)), "\r\nOK\r\n");
}

#[test]
fn a_call_is_refused_in_any_words_after_a_line_that_nobody_asked_for() {
    let mut modem = without_echo(icon_225());
    answer(&mut modem, "AT+CGDCONT=1,\"IP\",\"free\"\r");
    let dials =
        |refuses: Option<&str>| Fault::Dials(Some("+CMS ERROR: 322".to_owned()), refuses.map(str::to_owned));
    modem.step(Event::Breaks(dials(Some("NO DIAL TONE"))), START);
    assert_eq!(answer(&mut modem, "ATDT*99#\r"), "\r\n+CMS ERROR: 322\r\n\r\nNO DIAL TONE\r\n");
    assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    modem.step(Event::Breaks(dials(None)), START);
    let outputs = modem.step(Event::Typed(0, b"ATDT*99#\r".to_vec()), START);
    assert!(outputs.contains(&Output::Dialled("*99#".to_owned())), "{outputs:?}");
}

#[test]
fn an_answer_is_held_back_and_comes_whole() {
    let mut modem = without_echo(cdc_acm());
    let lasts = Duration::from_secs(12);
    let fault = Fault::HoldsBack { command: "+CSQ".to_owned(), after: 4, lasts };
    modem.step(Event::Breaks(fault), START);
    assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "AT+CSQ\r"), "\r\n+C");
    let rest = said(&modem.step(Event::Time, START + lasts));
    assert_eq!(rest, "SQ: 18,99\r\n\r\nOK\r\n");
}
