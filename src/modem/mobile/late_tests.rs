//! Late answers, as transcripts.

use super::message_tests::{ONE_STORAGE, PDU, listing};
use super::tests::{SECOND, option, settled, with_pin};

/// A late message is not logged: there is a one-time code in it.
#[test]
fn a_message_that_comes_too_late_is_read_again_and_not_logged() {
    let slow = option(&[("AT+CMGR=3", ""), ONE_STORAGE]);
    let mut mobile = settled(&option(&[ONE_STORAGE]));
    let mut written = slow.send_urc(&mut mobile, "+CMTI: \"ME\",3", 2 * SECOND);
    written += &option(&[("AT", "")]).talk(&mut mobile, 12 * SECOND);
    written += &slow.send_urc(&mut mobile, &format!("+CMGR: 0,,30\r\n{PDU}\r\n\r\nOK"), 13 * SECOND);
    written += &slow.send_urc(&mut mobile, PDU, 14 * SECOND);
    written += &slow.send_urc(&mut mobile, "connect 12345678", 15 * SECOND);
    assert!(!written.contains(&PDU[..16]) && !written.contains("12345678"), "{written}");
    let message = format!("+CMGR: 0,,30\r\n{PDU}\r\n\r\nOK\r\n");
    let listed = listing(&[(3, PDU)]);
    let again = option(&[("AT+CMGR=3", &message), ("AT+CMGL=4", &listed), ONE_STORAGE]);
    let later: String = (16..80).map(|second| again.talk(&mut mobile, second * SECOND)).collect();
    assert_eq!(later.matches("Message {").count(), 1, "{later}");
}

/// A late `OK` must not be taken for the answer to the PIN: a wrong PIN would count as accepted, and cost a try in
/// every boot.
#[test]
fn no_pin_is_given_while_an_earlier_answer_may_still_come() {
    let locked = [
        ("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"),
        ("AT+CCID", ""),
        ("AT+CPIN=\"4321\"", "\r\nOK\r\n"),
    ];
    let mut mobile = with_pin(None);
    let modem = option(&locked);
    let mut written = modem.talk(&mut mobile, SECOND);
    assert!(written.ends_with("> AT+CCID\n"), "{written}");
    // The card's number does not come within its five seconds, nor does anything else for now.
    written = modem.talk(&mut mobile, 6 * SECOND);
    assert_eq!(written, "Warning: no answer to AT+CCID\n> AT\n");
    assert_eq!(modem.send_urc(&mut mobile, "OK", 7 * SECOND), "Info: modem says OK\n");
    written = modem.talk_until(&mut mobile, 8 * SECOND, 35 * SECOND);
    assert_eq!(written, "> AT_OERCN?\n");
    written = modem.talk(&mut mobile, 36 * SECOND);
    assert!(written.starts_with("> AT_OERCN?\nInfo: giving the SIM its PIN\n"), "{written}");
}
