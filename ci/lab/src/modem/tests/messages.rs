//! Messages: storages, indications, sending.

use super::*;

fn arrives(modem: &mut Modem) -> Vec<Output> {
    modem.step(Event::Message(HELLO.to_owned()), START)
}

#[test]
fn a_message_is_stored_indicated_listed_read_and_deleted() {
    let mut modem = without_echo(icon_225());
    answer(&mut modem, "AT+CNMI=2,1,0,0,0\r");
    let outputs = arrives(&mut modem);
    assert_eq!(said(&outputs), "\r\n+CMTI: \"SM\",1\r\n");
    assert!(outputs.contains(&Output::Received));
    let shown = |head: &str, status: u8| format!("\r\n{head}{status},,24\r\n{HELLO}\r\n\r\nOK\r\n");
    dialogue(
        &mut modem,
        &[
            ("AT+CMGL\r", &shown("+CMGL: 1,", 0)),
            ("AT+CMGL=0\r", "\r\nOK\r\n"),
            ("AT+CMGL=4\r", &shown("+CMGL: 1,", 1)),
            ("AT+CMGR=1\r", &shown("+CMGR: ", 1)),
            ("AT+CMGR=2\r", "\r\n+CMS ERROR: 321\r\n"),
            ("AT+CMGR=21\r", "\r\n+CMS ERROR: 321\r\n"),
            ("AT+CMGL=\"ALL\"\r", "\r\nERROR\r\n"),
            ("AT+CMGD=?\r", "\r\n+CMGD: (1-20),(0-4)\r\n\r\nOK\r\n"),
            ("AT+CMGD=1\r", "\r\nOK\r\n"),
            ("AT+CMGL=4\r", "\r\nOK\r\n"),
        ],
    );
}

#[test]
fn a_full_storage_refuses_and_free_room_is_reported_to_the_network() {
    let mut modem = without_echo(cdc_acm());
    for _ in 0..5 {
        assert!(arrives(&mut modem).contains(&Output::Received));
    }
    assert_eq!(arrives(&mut modem), [Output::Unreceived(Cms::MemoryFull)]);
    assert_eq!(answer(&mut modem, "AT+CPMS?\r"), "\r\n+CPMS: \"ME\",5,5,\"ME\",5,5,\"ME\",5,5\r\n\r\nOK\r\n");
    let outputs = modem.step(Event::Typed(0, b"AT+CMGD=3\r".to_vec()), START);
    assert!(outputs.contains(&Output::RoomAgain));
    assert!(arrives(&mut modem).contains(&Output::Received));
}

#[test]
fn a_huawei_stick_has_its_own_urc_for_a_full_storage() {
    let mut modem = without_echo(huawei());
    modem.step(Event::Breaks(Fault::StorageFull(HELLO.to_owned())), START);
    assert_eq!(said(&arrives(&mut modem)), "\r\n^SMMEMFULL: \"SM\"\r\n");
    assert_eq!(answer(&mut modem, "AT+CMGD=0,4\r"), "\r\nOK\r\n");
    assert_eq!(modem.stored_messages(), 0);
}

#[test]
fn storages_are_selected_by_name_and_differ_by_model() {
    dialogue(
        &mut without_echo(icon_225()),
        &[
            ("AT+CPMS=?\r", "\r\n+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")\r\n\r\nOK\r\n"),
            ("AT+CPMS=\"ME\",\"ME\",\"ME\"\r", "\r\n+CPMS: 0,100,0,100,0,100\r\n\r\nOK\r\n"),
            ("AT+CPMS=\"SR\"\r", "\r\n+CMS ERROR: 302\r\n"),
            ("AT+CPMS=ME\r", "\r\nERROR\r\n"),
            ("ATZE0\r", "\r\nOK\r\n"),
            ("AT+CPMS?\r", "AT+CPMS?\r\r\n+CPMS: \"SM\",0,20,\"SM\",0,20,\"SM\",0,20\r\n\r\nOK\r\n"),
        ][..5],
    );
    let ranges = |profile| answer(&mut without_echo(profile), "AT+CPMS=?\r");
    assert_eq!(ranges(huawei()), "\r\n+CPMS: (\"SM\"),(\"SM\"),(\"SM\")\r\n\r\nOK\r\n");
    assert_eq!(ranges(cdc_acm()), "\r\n+CPMS: (\"ME\"),(\"ME\"),(\"ME\")\r\n\r\nOK\r\n");
}

/// ModemManager tries 2,1,2,1,0, then 2,1,2,2,0, then 2,1,2,0,0 (its `plugins`): each model here accepts another one.
#[test]
fn accepted_cnmi_values_differ_by_model() {
    let table = [
        (icon_225(), "(0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)", [true, true, true]),
        (huawei(), "(0,1,2),(0,1,2,3),(0,2,3),(0,2),(0)", [false, true, true]),
        (cdc_acm(), "(0,2),(0,1),(0),(0),(0)", [false, false, false]),
    ];
    for (profile, ranges, taken) in table {
        let mut modem = without_echo(profile);
        assert_eq!(answer(&mut modem, "AT+CNMI=?\r"), format!("\r\n+CNMI: {ranges}\r\n\r\nOK\r\n"));
        for (wanted, taken) in ["2,1,2,1,0", "2,1,2,2,0", "2,1,2,0,0"].iter().zip(taken) {
            let expected = if taken { "\r\nOK\r\n" } else { "\r\n+CMS ERROR: 303\r\n" };
            assert_eq!(answer(&mut modem, &format!("AT+CNMI={wanted}\r")), expected, "{wanted}");
        }
        assert_eq!(answer(&mut modem, "AT+CNMI=2,1;+CNMI=,,0\r"), "\r\nOK\r\n");
    }
}

#[test]
fn a_message_can_be_passed_on_unstored_and_then_needs_an_acknowledgement() {
    let mut modem = without_echo(icon_225());
    answer(&mut modem, "AT+CSMS=1;+CNMI=2,2\r");
    assert_eq!(said(&arrives(&mut modem)), format!("\r\n+CMT: ,24\r\n{HELLO}\r\n"));
    dialogue(&mut modem, &[("AT+CNMA\r", "\r\nOK\r\n"), ("AT+CNMA\r", "\r\n+CMS ERROR: 340\r\n")]);
    assert_eq!(modem.stored_messages(), 0);
}

/// The SUBMIT "hello" to +33612345678, of 17 octets.
const SUBMIT: &str = "0001000B913316325476F8000005E8329BFD06";

#[test]
fn a_message_is_sent_after_the_prompt_and_gets_a_reference() {
    let mut modem = without_echo(icon_225());
    assert_eq!(answer(&mut modem, "AT+CMGF=0\r"), "\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "AT+CMGS=18\r"), "\r\n> ");
    let outputs = modem.step(Event::Typed(0, format!("{SUBMIT}\x1a").into()), START);
    let [Output::Submitted(tpdu)] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((tpdu.len(), tpdu[1]), (18, 1), "the modem counts TP-MR itself");
    assert_eq!(answer(&mut modem, "AT\r"), "", "it reads no command meanwhile");
    let done = said(&modem.step(Event::MessageTaken(Ok(())), START));
    assert_eq!(done, "\r\n+CMGS: 1\r\n\r\nOK\r\n\r\nOK\r\n");

    answer(&mut modem, "AT+CMGS=18\r");
    modem.step(Event::Typed(0, format!("{SUBMIT}\x1a").into()), START);
    let refused = said(&modem.step(Event::MessageTaken(Err(Cms::NetworkOutOfOrder)), START));
    assert_eq!(refused, "\r\n+CMS ERROR: 38\r\n");
}

#[test]
fn invalid_messages_are_not_sent() {
    let table = [
        ("AT+CMGS=17\r", format!("{SUBMIT}\x1a"), "\r\n> \r\n+CMS ERROR: 304\r\n"),
        ("AT+CMGS=18\r", format!("{SUBMIT}0\x1a"), "\r\n> \r\n+CMS ERROR: 304\r\n"),
        ("AT+CMGS=18\r", format!("{}\x1a", SUBMIT.replace("33", "3G")), "\r\n> \r\n+CMS ERROR: 304\r\n"),
        ("AT+CMGS=18\r", format!("{}\x1a", SUBMIT.replacen("01", "00", 1)), "\r\n> \r\n+CMS ERROR: 304\r\n"),
        ("AT+CMGS=18\r", format!("{SUBMIT}\x1b"), "\r\n> \r\nOK\r\n"),
        ("AT+CMGS=200\r", String::new(), "\r\n+CMS ERROR: 304\r\n"),
        ("AT+CMGS=\"+33612345678\"\r", String::new(), "\r\n+CMS ERROR: 304\r\n"),
        ("AT+CMGF=1\r", String::new(), "\r\n+CMS ERROR: 303\r\n"),
    ];
    for (typed, body, expected) in table {
        let mut modem = without_echo(icon_225());
        let actual = answer(&mut modem, typed) + &answer(&mut modem, &body);
        assert_eq!(actual, expected, "{typed:?} {body:?}");
    }
    let mut modem = without_echo(icon_225());
    modem.step(Event::Radio(Cell { registration: Registration::Searching, ..Cell::default() }), START);
    answer(&mut modem, "AT+CMGS=18\r");
    assert_eq!(answer(&mut modem, &format!("{SUBMIT}\x1a")), "\r\n+CMS ERROR: 331\r\n");
}

#[test]
fn no_message_is_sent_without_a_network() {
    let mut modem = without_echo(icon_225());
    modem.step(Event::Radio(Cell { registration: Registration::None, ..Cell::default() }), START);
    assert_eq!(arrives(&mut modem), [Output::Unreceived(Cms::NoNetworkService)]);
    let back = modem.step(Event::Radio(Cell::default()), START);
    assert!(back.contains(&Output::RoomAgain));
}

#[test]
fn a_modem_that_hangs_at_a_command_does_not_execute_it_and_is_silent_until_a_restart() {
    let mut modem = without_echo(icon_225());
    modem.step(Event::Breaks(Fault::HangsAt("+CMGD=".to_owned())), START);
    assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "at+cmgd=1\r"), "");
    assert_eq!(answer(&mut modem, "AT\r"), "");
    modem.step(Event::Breaks(Fault::Restarts), START);
    assert_eq!(answer(&mut modem, "ATE0\r"), "ATE0\r\r\nOK\r\n");
}
