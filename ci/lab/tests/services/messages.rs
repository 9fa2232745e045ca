//! Messages as other makers' modems and other networks bring and take them.

use super::field::{break_modem, open, until_settled};
use super::host_box::{HostBox, ONLY_PORT, OWNER, order, site};
use dialbox::sms::pdu::{Body, Deliver, Part, ServiceCentreTime};
use lab::modem::refusal::Cms;
use lab::modem::stick::{cdc_acm, huawei};
use lab::modem::{Fault, Sending};
use std::time::{Duration, Instant};

/// The owner's order in a message that is otherwise as any.
fn message(words: &str, counter: u64) -> Deliver {
    let sent = ServiceCentreTime::new(1_784_001_598, 8).unwrap();
    Deliver { from: OWNER.parse().unwrap(), sent, body: Body::Text(order(words, counter)), part: None }
}

/// Brings a message with this centre's address before it.
fn bring(host_box: &HostBox, centre: &str, message: &Deliver) {
    let (pdu, _) = message.encode(None).unwrap();
    let pdu = format!("{centre}{}", pdu.strip_prefix("00").unwrap());
    host_box.exchange.with(|network, now| network.bring(host_box.modem, &pdu, now));
}

/// SIM7670G
#[test]
fn a_prompt_that_ends_like_a_line_gets_its_text() {
    for profile in [cdc_acm(), huawei()] {
        let host_box = HostBox::dialer(&site(""), open(profile), ONLY_PORT);
        until_settled(&host_box);
        break_modem(&host_box, Fault::Sends(Sending { prompt_is_a_line: true, ..Sending::default() }));
        host_box.text(OWNER, &order("help", 0));
        host_box.answers(1);
        host_box.until_empty();
    }
}

/// Networks that do not say how a number is meant, or write it in their own way, refuse that form as a recipient.
#[test]
fn a_sender_in_his_country_s_own_form_is_obeyed_and_answered_in_the_site_s() {
    let host_box = HostBox::dialer(&site(""), open(cdc_acm()), ONLY_PORT);
    for (counter, from) in (0..).zip(["33612345678", "0612345678", "0033612345678"]) {
        host_box.text(from, &order("help", counter));
        host_box.answers(usize::try_from(counter).unwrap() + 1);
    }
    host_box.until_empty();
}

/// babca/python-gsmmodem#15; oFono's `sr_pdu3`
#[test]
fn a_message_with_a_time_or_a_centre_that_makes_no_sense_is_read() {
    let host_box = HostBox::dialer(&site(""), open(huawei()), ONLY_PORT);
    let no_zone = [0x61, 0x01, 0x03, 0x40, 0x95, 0x44, 0xc2];
    let month_0 = [0x62, 0x00, 0x71, 0x30, 0x95, 0x85, 0x80];
    for (counter, octets) in (0..).zip([no_zone, month_0, [0; 7]]) {
        let sent = ServiceCentreTime::from_octets(octets);
        bring(&host_box, "00", &Deliver { sent, ..message("help", counter) });
        host_box.answers(usize::try_from(counter).unwrap() + 1);
    }
    host_box.until_said("its time is not understood (610103409544C2)");
    for (counter, centre) in (3..).zip(["0297F1", "0791F1436587F9F1", "05D0D4E2940A", "0191"]) {
        bring(&host_box, centre, &message("help", counter));
        host_box.answers(usize::try_from(counter).unwrap() + 1);
    }
    host_box.until_empty();
}

#[test]
fn the_only_part_of_a_message_is_a_whole_message() {
    let host_box = HostBox::dialer(&site(""), open(cdc_acm()), ONLY_PORT);
    let part = |number, of| Some(Part { reference: 0xc3, number, of });
    bring(&host_box, "00", &Deliver { part: part(1, 2), ..message("help", 0) });
    host_box.until_empty();
    bring(&host_box, "00", &Deliver { part: part(1, 1), ..message("status", 0) });
    assert!(host_box.answers(1)[0].contains("link"), "{:?}", host_box.answers(1));
}

/// Vectors of gammu, babca/python-gsmmodem and of python-messaging
#[test]
fn a_reply_is_sent_once_whatever_the_modem_says_of_it() {
    let host_box = HostBox::dialer(&site(""), open(cdc_acm()), ONLY_PORT);
    until_settled(&host_box);
    // `OK` without `+CMGS: <mr>`.
    break_modem(&host_box, Fault::Sends(Sending { omits_reference: true, ..Sending::default() }));
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
    // The network is out of order, and the modem tells it some seconds later.
    let late_by = Duration::from_secs(3);
    break_modem(&host_box, Fault::Sends(Sending { late_by, ..Sending::default() }));
    host_box.exchange.with(|network, _| network.centre().refuse_next(Cms::NetworkOutOfOrder));
    let began = Instant::now();
    host_box.text(OWNER, &order("help", 1));
    host_box.until_said("a message was not sent: +CMS ERROR: 38; again in 10 s");
    host_box.answers(2);
    assert!(began.elapsed() > Duration::from_secs(10), "{:?}", began.elapsed());
    host_box.until_empty();
    assert_eq!(host_box.typed().matches("AT+CMGS=").count(), 3, "{}", host_box.typed());
}

/// The answer to `+CMGR` comes after its time is over: it is read again, and what it says is in no log.
#[test]
fn a_message_that_comes_too_late_is_in_no_log_and_obeyed_all_the_same() {
    let host_box = HostBox::dialer(&site(""), open(cdc_acm()), ONLY_PORT);
    until_settled(&host_box);
    // Within the line of the PDU.
    let lasts = Duration::from_secs(12);
    let message = message("help", 0);
    let (pdu, _) = message.encode(None).unwrap();
    break_modem(&host_box, Fault::HoldsBack { command: "+CMGR".to_owned(), after: 30, lasts });
    bring(&host_box, "00", &message);
    host_box.answers(1);
    host_box.until_empty();
    let said = host_box.said().join("\n");
    assert!(said.contains("no answer to AT+CMGR="), "{said}");
    assert!(!said.contains(order("", 0).trim()), "{said}");
    assert!(!pdu.as_bytes().windows(12).any(|part| said.contains(str::from_utf8(part).unwrap())), "{said}");
}
