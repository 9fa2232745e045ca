//! Answers to `+CMGL` and `+CMGR` of real modems.

use super::*;
use proptest::prelude::*;

/// ModemManager 1d4caa92, src/tests/test-modem-helpers.c: 147 octets.
const LONG: &str = "07914306073011F00405812261F700003130916191314095C274D96D2FBBD3E437280CB2BEC961F3DB5D76818EF2F0381D9E83\
E06F39A8CC2E9FD372F77BEE0249CBE37A594E0E83E2F532085E2F93CB73D0B93CA7A7DFEEB01C447F93DF7310BD3E07CDCB727B7A9C7ECF41E432\
C8FC96B7C32079189E26874179D0F8DD7E93C3A0B21B246AA641D637396C7EBBCB22D0FD7E77B5D376B3AB3C07";
/// The same file, `test_cmgr_response_telit`: 50 octets.
const TELIT: &str = "07916163838428F9040B916121021021F700005190514164220A23C4B0BCFD5E8740C4B0BCFD5E83C26E3248196687C9A0\
301D440DBBC3677918";
/// gammu 78fd6a92, tests/at-sms/07.dump: 23 octets.
const SHORT: &str = "0791534850020200040C9153486507895500006090608164138004D4F29C0E";
/// tests/at-sms/03.dump: 25 octets.
const GERMAN: &str = "0791198948004544040C9119894882006200007050307040042206CF35689E9603";
/// tests/at-sms/38.dump, a status report: 24 octets.
const REPORT: &str = "079124602009999006B4098106326906F2212041015554402120410155054000";
/// tests/atgen/incoming-sms-info.c, a status report without a service centre: 25 octets.
const BARE: &str = "0006D60B911326880736F4111011719551401110117195714000";
/// tests/atgen/smsd-incoming-cmt.c: 23 octets.
const CMT: &str = "07918497483252F0040B918496445078F700007121320144744004D4F29C0E";
/// gammu/gammu#126, a Huawei E1752: 23 octets.
const E1752: &str = "07913366003051F5040B913366304381F90000518071913480404D4F29C0E";

/// An answer, and its messages.
type ListCase<'a> = (&'a [&'a str], &'a [(u16, &'a str)]);
/// An answer, the messages that can be read, the indices of the others, and how many could not be parsed.
type BrokenCase<'a> = (&'a [&'a str], Vec<(u16, String)>, &'a [u16], usize);

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn every_modem_s_form_of_a_message_is_read() {
    let telit_on_one_line = format!("+CMGR: 0,\"\",50,{TELIT}");
    let on_one_line = format!("+CMGR: 1,,147 {LONG}");
    let table = [
        (1, vec!["+CMGR: 1,,25", GERMAN], GERMAN),   // gammu, at-sms/03.dump
        (0, vec!["+CMGR: 0,23", SHORT], SHORT),      // 07.dump: no name
        (1, vec!["+CMGR: 24", REPORT], REPORT),      // 38.dump: the length alone
        (91, vec!["+CMGR: ,,24", REPORT], REPORT),   // as 39.dump: no status
        (4, vec!["+CMGR: 4,1,,25", GERMAN], GERMAN), // as 26.dump: index first
        (0, vec![&on_one_line], LONG),               // MM, test_cmgr_response_generic
        (0, vec!["+CMGR: 0,\"\",50", TELIT], TELIT), // MM, Telit HE910
        (0, vec![&telit_on_one_line], TELIT),        // the same on one line
        (0, vec!["+CMGR: 1,,25", BARE], BARE),       // gammu, incoming-sms-info.c, its length corrected
        (1, vec!["+CMGR: 1,\"\",23", CMT], CMT),     // gammu, smsd-incoming-cmt.c
        (3, vec!["+CMGR: 3,,25", GERMAN], GERMAN),   // sent from here: status 3, as 05.dump
        (1, vec!["+CMGR: 1,\"Zo?, the 2nd\",25", GERMAN], GERMAN), // a name with a comma
        (1, vec!["+CMGR: 1,Smith,,25", GERMAN], GERMAN), // four values, and yet no index
        (1, vec!["MODEM: READY", "+CMGR: 1,,25", "MODEM: READY", GERMAN], GERMAN),
    ];
    for (index, answer, expected) in table {
        assert_eq!(message(&lines(&answer), index), Reading::Message(expected.to_owned()), "{answer:?}");
    }
}

#[test]
fn only_what_is_certainly_the_message_of_the_index_is_read() {
    let (cut, odd) = (&GERMAN[..40], &GERMAN[..41]);
    let table = [
        (vec![], Reading::Empty),
        (vec!["+CMGR: 0,,0"], Reading::Empty), // an empty place of a Huawei stick
        (vec!["+CMGR: 2,2,,25", GERMAN], Reading::Garbled), // that of another index, as gammu's at-sms-failing/33.dump
        (vec!["+CMGR: 1,,25", cut], Reading::Garbled),
        (vec!["+CMGR: 1,,25", odd], Reading::Garbled),
        (vec!["+CMGR: 1,,25"], Reading::Garbled),
        (vec!["+CMGR: 1,,99", GERMAN], Reading::Garbled),
        (vec!["+CMGR: 0,23", REPORT], Reading::Garbled), // as at-sms/28.dump: another length
        (vec![GERMAN], Reading::Garbled),
        // gammu, at-sms-txt-detail/sample.dump and atgen/get-sms-text-fallback.c: text mode
        (
            vec![
                "+CMGR:\"REC READ\",\"+393488535999\",,\"07/04/05,18:02:28+08\",145,4,0,0,\"+393492000466\",145,93",
            ],
            Reading::Garbled,
        ),
        (vec!["+CMGR: \"REC UNREAD\",\"+393312345678\",,\"16/05/10,10:33:31+08\"", GERMAN], Reading::Garbled),
    ];
    for (answer, expected) in table {
        assert_eq!(message(&lines(&answer), 1), expected, "{answer:?}");
    }
}

/// The messages of a listing, and the indices of those that could not be read.
fn listed(answer: &[&str]) -> (Vec<(u16, String)>, Vec<u16>) {
    let Listing { messages, broken, .. } = listing(&lines(answer));
    (messages, broken)
}

#[test]
fn every_modem_s_form_of_a_listing_is_read() {
    let on_one_line = format!("+CMGL: 1,1,,147 {LONG}");
    let table: [ListCase; 13] = [
        (&[], &[]),
        (&["+CMGL: 0,1,,147", LONG], &[(0, LONG)]), // MM, test_cmgl_response_generic
        (
            &["+CMGL: 0,1,,147", LONG, "+CMGL: 1,1,,147", LONG, "+CMGL: 2,1,,147", LONG],
            &[(0, LONG), (1, LONG), (2, LONG)],
        ), // MM, …_multiple
        (&["+CMGL: 17,3,25", GERMAN], &[(17, GERMAN)]), // as MM's test_cmgl_response_pantech: no name
        (&["+CMGL: 17,3,25", GERMAN, "+CMGL: 15,3,23", SHORT], &[(17, GERMAN), (15, SHORT)]), // …_pantech_multiple
        (&["+CMGL:1,0,,25", GERMAN], &[(1, GERMAN)]), // gammu, tests/at-parser.c: no space
        (&["+CMGL: 1,0,\"\",23", CMT], &[(1, CMT)]),  // gammu, smsd-incoming-cmt.c
        (&["+CMGL: 1, 0,,23", CMT], &[(1, CMT)]),     // D-Link DWM-156, faucamp/python-gsmmodem#38
        (&["+CMGL: 0,0,,23", SHORT], &[(0, SHORT)]),  // gammu/gammu#126: index 0, as ARMmbed/mbed-os#11249
        (&["+CMGL: 1,1,\"Zo?\",23", CMT], &[(1, CMT)]),
        (&[&on_one_line], &[(1, LONG)]),
        // An empty place, as Huawei's sticks show it, between two messages.
        (&["+CMGL: 0,1,,23", SHORT, "+CMGL: 1,1,,0", "+CMGL: 2,1,,25", GERMAN], &[(0, SHORT), (2, GERMAN)]),
        // URCs, anywhere.
        (&["MODEM: READY", "+CMGL: 0,1,,23", "MODEM: READY", SHORT, "RING RING"], &[(0, SHORT)]),
    ];
    for (answer, expected) in table {
        let expected = expected.iter().map(|(index, pdu)| (*index, (*pdu).to_owned())).collect();
        assert_eq!(listed(answer), (expected, vec![]), "{answer:?}");
        assert_eq!(listing(&lines(answer)).unreadable, 0, "{answer:?}");
    }
    assert_eq!(E1752.len() % 2, 1, "the report has lost a digit: such a line is no message");
    assert_eq!(listed(&["+CMGL: 0,0,,23", E1752]), (vec![], vec![0]));
}

#[test]
fn an_entry_that_cannot_be_parsed_is_left_out_and_the_others_are_read() {
    let short = |index| (index, SHORT.to_owned());
    let table: [BrokenCase; 8] = [
        (&["+CMGL: 0,1,,23", SHORT, "+CMGL: 1,1,,25"], vec![short(0)], &[1], 1),
        (&["+CMGL: 1,1,,25", "+CMGL: 0,1,,23", SHORT], vec![short(0)], &[1], 1),
        (&["+CMGL: x,1,,23", SHORT, "+CMGL: 2,1,,23", SHORT], vec![short(2)], &[], 1),
        (&["+CMGL: 70000,1,,23", SHORT, "+CMGL: 2,1,,23", SHORT], vec![short(2)], &[], 1),
        (&[SHORT, "+CMGL: 2,1,,23", SHORT], vec![short(2)], &[], 1),
        (&["+CMGL: 1,1,,23", GERMAN, "+CMGL: 2,1,,23", SHORT], vec![short(2)], &[1], 1),
        // Two messages at one index: neither is certainly the one that a deletion would delete.
        (
            &["+CMGL: 1,1,,25", GERMAN, "+CMGL: 1,1,,23", SHORT, "+CMGL: 2,1,,23", SHORT],
            vec![short(2)],
            &[1],
            1,
        ),
        (&["+CMGL:"], vec![], &[], 1),
    ];
    for (answer, messages, broken, unreadable) in table {
        let listing = listing(&lines(answer));
        let expected = Listing { messages, broken: broken.to_vec(), unreadable, is_text_mode: false };
        assert_eq!(listing, expected, "{answer:?}");
    }
}

/// SIM7670G and others list a text unchanged, whatever its sender has written.
#[test]
fn in_text_mode_a_line_that_looks_like_a_message_is_ignored() {
    let answer =
        ["+CMGL: 1,\"REC UNREAD\",\"+336\",,\"26/07/14,05:59:58+08\"", "hello", "+CMGL: 7,1,,23", SHORT];
    let expected = Listing { is_text_mode: true, ..Listing::default() };
    assert_eq!(listing(&lines(&answer)), expected);
}

#[test]
fn a_pdu_is_whole_when_it_has_the_length_that_was_announced() {
    assert!(is_whole(GERMAN, Some(25)));
    assert!(is_whole("00AABB", Some(2)), "without a service centre");
    for (pdu, length) in
        [(GERMAN, Some(24)), (GERMAN, None), ("", Some(0)), ("0", Some(0)), ("FFAA", Some(1))]
    {
        assert!(!is_whole(pdu, length), "{pdu} {length:?}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(answer in prop::collection::vec("(\\+CMG[LR]: ?)?[0-9A-F, \"]{0,20}\\PC{0,10}", 0..6)) {
        listing(&answer);
        message(&answer, 1);
        is_whole(&answer.concat(), Some(1));
    }
}
