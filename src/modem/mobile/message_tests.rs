//! Incoming and outgoing messages, as transcripts.

use super::tests::{Modem, OPTION, SECOND, mobile, option, settled};
use super::*;
use crate::sms::pdu::Submit;

pub(super) const PDU: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";

/// A modem that has no messages on its card.
pub(super) const ONE_STORAGE: (&str, &str) = ("AT+CPMS=?", "+CPMS: (\"ME\"),(\"ME\"),(\"ME\")\r\nOK\r\n");

pub(super) fn listing(pdus: &[(u16, &str)]) -> String {
    let lines: Vec<_> =
        pdus.iter().map(|(index, pdu)| format!("+CMGL: {index},1,,30\r\n{pdu}\r\n")).collect();
    lines.concat() + "\r\nOK\r\n"
}

#[test]
fn a_message_is_reported_once_and_deleted_when_it_is_discarded() {
    let message = format!("+CMGR: 1,,30\r\n{PDU}\r\n\r\nOK\r\n");
    let listed = listing(&[(3, PDU)]);
    let modem = option(&[("AT+CMGR=3", &message), ("AT+CMGL=4", &listed), ("AT+CMGD=3", "OK\r\n")]);
    let mut mobile = settled(&option(&[ONE_STORAGE]));
    let written = modem.send_urc(&mut mobile, "+CMTI: \"ME\",3", 2 * SECOND);
    let place = Place::Stored(Storage::Modem, 3);
    let report = format!("{:?}\n", Report::Message { place, pdu: PDU.to_owned() });
    assert_eq!(written, format!("Info: modem says +CMTI: \"ME\",3\n> AT+CMGR=3\n{report}"));
    // The next listing has it again, and it is not reported again.
    let later: String = (2..=12).map(|minute| modem.talk(&mut mobile, minute * 60 * SECOND)).collect();
    assert!(later.contains("AT+CMGL=4") && !later.contains("AT+CMGR"), "{later}");

    assert!(!mobile.has_pending_orders());
    mobile.discard(place);
    assert!(mobile.has_pending_orders());
    assert!(
        mobile.next_deadline().is_some_and(|at| at <= 720 * SECOND),
        "at once, twelve minutes after the start"
    );
    assert_eq!(modem.talk(&mut mobile, 721 * SECOND), "> AT+CMGD=3\n");
    assert!(!mobile.has_pending_orders());
    assert_eq!(option(&[]).talk(&mut mobile, 722 * SECOND), "");
}

#[test]
fn messages_that_came_while_the_port_was_closed_are_found_at_the_start() {
    let message = format!("+CMGR: 0,,30\r\n{PDU}\r\n\r\nOK\r\n");
    let listed = listing(&[(1, PDU), (7, PDU)]);
    let messages = [("AT+CMGR=1", message.as_str()), ("AT+CMGR=7", &message), ("AT+CMGL=4", &listed)];
    let modem = option(&[&messages[..], &[ONE_STORAGE]].concat());
    let written = modem.talk(&mut mobile(), SECOND);
    assert_eq!(written.matches("Message {").count(), 2, "{written}");
}

/// After ten commands in a second no more is sent in it. What is delayed by that is not left to the next status check,
/// a minute later.
#[test]
fn what_the_pace_delays_is_done_within_a_second() {
    let message = format!("+CMGR: 0,,30\r\n{PDU}\r\n\r\nOK\r\n");
    let sent = [("AT+CMGS=13", "\r\n> "), ("AT+CMGR=1", message.as_str()), ("AT+CMGD=1", "\r\nOK\r\n")];
    let modem = option(&sent);
    for commands_before in 0..12 {
        let mut mobile = settled(&modem);
        for _ in 0..commands_before {
            mobile.pace.sent(2 * SECOND);
        }
        // In the storage that is not the one where new messages arrive.
        let mut written = modem.send_urc(&mut mobile, "+CMTI: \"SM\",1", 2 * SECOND);
        mobile.discard(Place::Stored(Storage::Card, 1));
        mobile.send(sms(1));
        written += &modem.talk_until(&mut mobile, 2 * SECOND, 5 * SECOND);
        let commands = ["AT+CMGR=1", "AT+CMGD=1", "AT+CMGS=", "AT+CPMS=\"ME\",\"ME\",\"ME\""];
        for command in commands {
            assert!(written.contains(command), "{command} after {commands_before} commands: {written}");
        }
    }
}

#[test]
fn a_full_storage_is_listed_because_the_modem_reports_no_more_messages() {
    let modem = option(&[]);
    for line in ["^SMMEMFULL: \"SM\"", "+CMS ERROR: 322"] {
        let mut mobile = settled(&modem);
        assert!(modem.send_urc(&mut mobile, line, 2 * SECOND).contains("AT+CMGL=4"), "{line}");
    }
}

#[test]
fn a_message_is_delivered_without_storage_if_the_modem_offers_nothing_else() {
    let modem = option(&[
        ("AT+CNMI=?", "\r\n+CNMI: (2),(0,2),(0),(0),(0)\r\n\r\nOK\r\n"),
        ("AT+CNMI=2,2,0,0,0", "\r\nOK\r\n"),
        ("AT+CSMS?", "\r\n+CSMS: 1,1,1,1\r\n\r\nOK\r\n"),
        ("AT+CNMA", "\r\nOK\r\n"),
    ]);
    let mut mobile = settled(&modem);
    let written = modem.send_urc(&mut mobile, &format!("+CMT: ,30\r\n{PDU}"), 2 * SECOND);
    assert!(written.starts_with("Message { place: NotStored"), "{written}");
    mobile.discard(Place::NotStored);
    assert_eq!(modem.talk(&mut mobile, 3 * SECOND), "> AT+CNMA\n");
}

#[test]
fn a_refused_setting_of_cnmi_is_followed_by_the_next_one() {
    let modem = option(&[
        ("AT+CNMI=?", "\r\nERROR\r\n"),
        ("AT+CNMI=2,1,2,1,0", "\r\n+CMS ERROR: 303\r\n"),
        ("AT+CNMI=2,1,2,2,0", "\r\n+CMS ERROR: 303\r\n"),
        ("AT+CNMI=2,1,2,0,0", "\r\nOK\r\n"),
    ]);
    let written = modem.talk(&mut mobile(), SECOND);
    let tried: Vec<_> = written.lines().filter_map(|line| line.strip_prefix("> AT+CNMI=")).collect();
    assert_eq!(tried, ["?", "2,1,2,1,0", "2,1,2,2,0", "2,1,2,0,0"]);
}

#[test]
fn the_storage_is_listed_every_minute_even_without_a_urc() {
    let message = format!("+CMGR: 0,,30\r\n{PDU}\r\n\r\nOK\r\n");
    let listed = listing(&[(4, PDU)]);
    let deaf = OPTION.iter().filter(|(asked, _)| !asked.starts_with("AT+CNMI")).copied();
    let mut mobile = settled(&Modem(deaf.clone().collect()));
    let first = [("AT+CMGL=4", listed.as_str()), ("AT+CMGR=4", message.as_str())];
    let written = Modem(first.into_iter().chain(deaf).collect()).talk(&mut mobile, 61 * SECOND);
    assert!(written.contains("Message {"), "{written}");
}

fn sms(id: u64) -> OutgoingSms {
    OutgoingSms { id: SmsId(id), message: Submit::text(&"112".parse().unwrap(), "ok").unwrap() }
}

#[test]
fn a_message_is_sent_and_reported_even_if_another_comes_in_between() {
    let sent = "\r\n+CMTI: \"ME\",5\r\n\r\n+CMGS: 12\r\n\r\nOK\r\n";
    let modem = option(&[("AT+CMGS=12", "\r\n> "), ("001100038111F200000B02EF35", sent)]);
    let mut mobile = settled(&modem);
    mobile.send(sms(9));
    insta::assert_snapshot!(modem.talk(&mut mobile, 2 * SECOND), @r#"
    > AT+CMGS=12
    > 001100038111F200000B02EF35
    Info: modem says +CMTI: "ME",5
    Sent(SmsId(9))
    > AT+CMGR=5
    "#);
}

/// TS 24.011 annex E-2: 38 is a network out of order.
#[test]
fn a_refused_message_is_sent_again_for_an_hour_after_growing_pauses() {
    let modem = option(&[
        ("AT+CMGS=12", "\r\n> "),
        ("001100038111F200000B02EF35", "\r\n+CMS ERROR: 38\r\n"),
        ("AT+CMGS=13", "\r\n+CMS ERROR: 322\r\n"),
    ]);
    let mut mobile = settled(&modem);
    mobile.send(sms(9));
    let (mut tries, mut not_sent) = (Vec::new(), Vec::new());
    for second in 2..4000 {
        let written = modem.talk(&mut mobile, second * SECOND);
        tries.extend(written.matches("> AT+CMGS=12").map(|_| second));
        not_sent.extend(written.matches("NotSent(").map(|_| second));
        assert!(mobile.next_deadline().is_some_and(|at| at > second * SECOND), "{second}");
    }
    assert_eq!(tries[..7], [2, 12, 42, 102, 222, 522, 822]);
    assert_eq!((tries.len(), not_sent), (16, vec![3522]));
    assert!(!mobile.has_pending_orders());
}

/// 322: the storage is full, also for incoming messages.
#[test]
fn the_storage_is_listed_after_a_refusal_because_of_it() {
    let modem = option(&[("AT+CMGS=12", "\r\n+CMS ERROR: 322\r\n")]);
    let mut mobile = settled(&modem);
    mobile.send(sms(9));
    let written = modem.talk(&mut mobile, 2 * SECOND);
    let expected = "Warning: a message was not sent: +CMS ERROR: 322; again in 10 s\n> AT+CMGL=4";
    assert!(written.contains(expected), "{written}");
}

#[test]
fn a_message_waits_for_an_earlier_one_to_the_same_number_and_for_no_other() {
    let refused = option(&[("AT+CMGS=12", "\r\n+CMS ERROR: 38\r\n"), ("AT+CMGS=18", "\r\n> ")]);
    let mut mobile = settled(&refused);
    let other = Submit::text(&"+33612345678".parse().unwrap(), "ok").unwrap();
    mobile.send(sms(1));
    mobile.send(sms(2));
    mobile.send(OutgoingSms { id: SmsId(3), message: other });
    let written = refused.talk(&mut mobile, 2 * SECOND);
    assert_eq!(written.matches("> AT+CMGS=12").count(), 1, "{written}");
    assert_eq!(written.matches("> AT+CMGS=").count(), 2, "{written}");
}

/// babca/python-gsmmodem and others: some modems give no reference (TS 27.005 §3.5.1).
#[test]
fn an_ok_alone_says_that_a_message_was_sent() {
    let modem = option(&[("AT+CMGS=12", "\r\n> "), ("001100038111F200000B02EF35", "\r\nOK\r\n")]);
    let mut mobile = settled(&modem);
    mobile.send(sms(9));
    assert!(modem.talk(&mut mobile, 2 * SECOND).ends_with("Sent(SmsId(9))\n"));
    let later: String = (3..4000).map(|second| modem.talk(&mut mobile, second * SECOND)).collect();
    assert!(!later.contains("CMGS"), "{later}");
}

#[test]
fn a_modem_that_loses_a_message_leaves_its_prompt_and_the_loss_is_reported() {
    let modem =
        option(&[("AT+CMGS=12", "\r\n> "), ("001100038111F200000B02EF35", ""), ("\x1b", "\r\nOK\r\n")]);
    let mut mobile = settled(&modem);
    mobile.send(sms(9));
    assert_eq!(modem.talk(&mut mobile, 2 * SECOND), "> AT+CMGS=12\n> 001100038111F200000B02EF35\n");
    assert_eq!(mobile.next_deadline(), Some(92 * SECOND));
    insta::assert_snapshot!(modem.talk(&mut mobile, 92 * SECOND), @r#"
    Warning: no answer to AT+CMGS=12
    NotSent(SmsId(9), "no answer to AT+CMGS=12")
    > ESC
    > AT+CREG?
    > AT+CGREG?
    > AT+CSQ
    > AT+CCLK?
    > AT+CMGL=4
    "#);
}

#[test]
fn after_an_unanswered_message_the_storage_is_listed_before_the_next_status_check() {
    let modem = option(&[("AT+CMGS=12", ""), ("\x1b", "\r\nOK\r\n")]);
    let mut mobile = settled(&modem);
    mobile.send(sms(9));
    assert_eq!(modem.talk(&mut mobile, 2 * SECOND), "> AT+CMGS=12\n");
    // The prompt may take 10 s; the next regular check is due at 61 s.
    insta::assert_snapshot!(modem.talk(&mut mobile, 12 * SECOND), @r#"
    Warning: no answer to AT+CMGS=12
    Warning: a message was not sent: no answer to AT+CMGS=12; again in 10 s
    > ESC
    > AT+CMGL=4
    "#);
}

#[test]
fn a_message_waits_for_the_network_for_a_limited_time() {
    let searching = option(&[("AT+CREG?", "+CREG: 0,2\r\nOK\r\n"), ("AT+CGREG?", "+CGREG: 0,2\r\nOK\r\n")]);
    let mut mobile = mobile();
    searching.talk(&mut mobile, SECOND);
    mobile.send(sms(1));
    let mut written = String::new();
    for second in 2..590 {
        written += &searching.talk(&mut mobile, second * SECOND);
    }
    assert!(!written.contains("CMGS") && !written.contains("NotSent"));
    let modem = option(&[("AT+CMGS=12", "\r\n> "), ("001100038111F200000B02EF35", "\r\n+CMGS: 1\r\nOK\r\n")]);
    assert!(modem.talk(&mut mobile, 600 * SECOND).contains("Sent(SmsId(1))"));

    let mut mobile = super::tests::mobile();
    mobile.send(sms(2));
    mobile.on_time(SECOND);
    let late = Action::Report(Report::NotSent(SmsId(2), "no network for too long".to_owned()));
    assert!(mobile.on_time(3601 * SECOND).contains(&late));
}
