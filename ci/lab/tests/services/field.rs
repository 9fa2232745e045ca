//! Faults seen in the field: one test for each row of the table that a simulated modem can reproduce.

use super::host_box::{HostBox, ONLY_PORT, OWNER, Tty, code_by_the_clock, order, site, site_by_the_clock};
use lab::modem::profile::{Mobile, Profile, ReadForm, TimeForm};
use lab::modem::refusal::Cms;
use lab::modem::sim::SimCard;
use lab::modem::stick::{cdc_acm, huawei, icon_225};
use lab::modem::{Fault, Modem, Registration};
use std::time::Duration;

/// The reference stick's ports, as hso numbers them.
const HSO: &[Tty] = &[
    Tty { name: "ttyHS0", port: 2, hsotype: Some("Control") },
    Tty { name: "ttyHS1", port: 1, hsotype: Some("Application") },
    Tty { name: "ttyHS2", port: 9, hsotype: Some("Diagnostic") },
    Tty { name: "ttyHS3", port: 0, hsotype: Some("Modem") },
];
/// An old message.
const OLD: &str = "0791361907002039040B913316325476F800006270413025948005E8329BFD06";

pub fn open(profile: &'static Profile) -> Modem {
    Modem::new(profile, SimCard::open())
}

pub fn break_modem(host_box: &HostBox, fault: Fault) {
    host_box.exchange.with(|network, now| network.break_modem(host_box.modem, fault, now));
}

/// Waits until the modem is configured and announces messages.
pub fn until_settled(host_box: &HostBox) {
    host_box.until_published("modem", |record| record.get("storage").is_some());
    host_box.until("a look at the storage", |network| {
        let typed = network.journal().typed("box");
        typed.rsplit("+CNMI=").next()?.contains("+CMGL=4").then_some(())
    });
}

pub fn until_known(host_box: &HostBox) {
    host_box.until_published("modem", |record| record.get("signal-dbm").is_some());
}

/// A box whose modem gets this fault after its configuration still answers.
fn answers_after(profile: &'static Profile, faults: impl IntoIterator<Item = Fault>) {
    let host_box = HostBox::dialer(&site(""), open(profile), ONLY_PORT);
    until_settled(&host_box);
    for (number, fault) in (0..).zip(faults) {
        break_modem(&host_box, fault);
        host_box.text(OWNER, &order("help", number));
        host_box.answers(usize::try_from(number).unwrap() + 1);
        host_box.until_empty();
    }
}

/// A box whose modem has these faults from its start answers a command.
fn answers_in_spite_of(profile: &'static Profile, faults: impl IntoIterator<Item = Fault>) -> HostBox {
    let mut host_box = HostBox::switched_off(&site(""), open(profile));
    faults.into_iter().for_each(|fault| break_modem(&host_box, fault));
    host_box.plug_in(ONLY_PORT);
    host_box.start();
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
    host_box.until_empty();
    host_box
}

/// `command` is answered so, or never.
fn answers(command: &str, lines: Option<&'static [&'static str]>) -> Fault {
    Fault::Answers { command: command.to_owned(), lines }
}

/// ModemManager, mm-serial-parsers.c; gammu, protocol/at/at.c; oFono, plugins/huawei.c
#[test]
fn a_refusal_in_a_makers_own_words_ends_the_command_at_once() {
    let refusals: [(&str, &'static [&'static str]); 5] = [
        ("+CTZU=1", &["COMMAND NOT SUPPORT"]),
        ("+CTZR=1", &["MODEM ERROR: 4"]),
        ("+CCLK?", &["NA"]),
        ("+COPS=3,2", &["TOO MANY PARAMETERS"]),
        ("+CGREG?", &["+EXT ERROR: 1"]),
    ];
    let host_box =
        answers_in_spite_of(huawei(), refusals.map(|(command, lines)| answers(command, Some(lines))));
    assert!(!host_box.said().iter().any(|line| line.contains("no answer")), "{:?}", host_box.said());
}

#[test]
fn an_optional_command_that_is_never_answered_does_not_cost_the_modem() {
    let host_box =
        answers_in_spite_of(cdc_acm(), ["+COPS=3,2", "+CTZU=1", "+CTZR=1"].map(|it| answers(it, None)));
    assert_eq!(host_box.typed().matches("ATE0").count(), 1, "{}", host_box.typed());
}

/// D-Link DWM-157
#[test]
fn a_modem_that_starts_with_its_radio_off_is_switched_on_before_the_pin() {
    let locked = Modem::new(huawei(), SimCard::locked("4321")).with_functionality(4);
    let host_box = HostBox::dialer(&site("[modem]\npin = '4321'"), locked, ONLY_PORT);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
    let typed = host_box.typed();
    assert_eq!(typed.matches("+CFUN=1").count(), 1, "{typed}");
    assert!(typed.find("+CFUN=1") < typed.find("+CPIN=\""), "{typed}");
}

/// A box with codes by the clock, at a modem that tells the time so; its network is an hour east of Greenwich.
fn box_by_the_clock(tells_time_as: TimeForm) -> HostBox {
    let mobile: &'static Mobile = Box::leak(Box::new(Mobile { tells_time_as, ..*huawei().mobile.unwrap() }));
    let profile: &'static Profile = Box::leak(Box::new(Profile { mobile: Some(mobile), ..*huawei() }));
    let host_box = HostBox::dialer(&site_by_the_clock("timezone = 'CET-1'"), open(profile), ONLY_PORT);
    host_box.until_said("the clock is set");
    until_settled(&host_box);
    host_box
}

/// gammu, atgen.c; ModemManager, test-modem-helpers.c
#[test]
fn a_time_without_quotes_or_zone_and_with_a_long_year_is_understood() {
    let host_box = box_by_the_clock(TimeForm::Bare);
    host_box.text(OWNER, &code_by_the_clock("help"));
    host_box.answers(1);
    host_box.until_published("clock", |record| record.get("source") == Some("network"));
}

/// ModemManager, plugins/quectel/mm-shared-quectel.c; arduino-libraries/MKRNB#28
#[test]
fn a_clock_that_shows_universal_time_with_a_zone_is_found_out_by_a_code() {
    let host_box = box_by_the_clock(TimeForm::Universal);
    host_box.until_published("clock", |record| record.get("source") == Some("network-unproven"));
    host_box.text(OWNER, &code_by_the_clock("help"));
    host_box.answers(1);
    host_box.until_published("clock", |record| record.get("source") == Some("network"));
    let set = host_box.said().iter().filter(|line| line.contains("the clock is set")).count();
    assert_eq!(set, 2, "once as it was likely, and once as it is: {:?}", host_box.said());
}

/// Iridium; vshymanskyy/TinyGSM#467
#[test]
fn a_registration_in_another_form_or_told_for_lte_alone_is_understood() {
    let iridium = [("+CREG?", &["+CREG:002,001,\"18d8\",\"ffff\"", "OK"])];
    let lte: [(&str, &[&str]); 3] = [
        ("+CREG?", &["+CREG: 0,0", "OK"]),
        ("+CGREG?", &["+CGREG: 0,0", "OK"]),
        ("+CEREG?", &["+CEREG: 0,9", "OK"]),
    ];
    for forms in [&iridium.map(|(command, lines)| (command, &lines[..]))[..], &lte] {
        let faults = forms.iter().map(|(command, lines)| answers(command, Some(lines)));
        let host_box = answers_in_spite_of(huawei(), faults);
        host_box.until_published("modem", |record| record.get("registration") == Some("home"));
    }
}

/// gammu 78fd6a92, tests/at-cpms-sr/generic.dump; Cinterion MC75i, gammu/gammu#1206
#[test]
fn a_list_of_storages_with_broken_quotes_or_unequal_to_the_others_is_chosen_from() {
    for line in [r#"+CPMS: (SM", "SR"), ("ME", "SR"), ("SM")"#, r#"+CPMS: ("ME","SM"),("ME"),("SM","MT")"#] {
        let lines: &'static [&'static str] = Vec::leak(vec![line, "OK"]);
        let host_box = HostBox::switched_off(&site(""), open(icon_225()));
        break_modem(&host_box, answers("+CPMS=?", Some(lines)));
        host_box.plug_in(HSO);
        let mut host_box = host_box;
        host_box.start();
        host_box.until_published("modem", |record| record.get("storage") == Some("SM"));
        host_box.text(OWNER, &order("help", 0));
        host_box.answers(1);
        host_box.until_empty();
    }
}

/// gammu 78fd6a92, tests/at-sms; ModemManager, test_cmgr_response_generic
#[test]
fn a_message_is_read_and_deleted_in_whatever_form_the_modem_shows_it() {
    let forms = [ReadForm::WithoutStatus, ReadForm::IndexFirst, ReadForm::OnOneLine, ReadForm::Refused];
    for reads_as in forms {
        let mobile: &'static Mobile = Box::leak(Box::new(Mobile { reads_as, ..*huawei().mobile.unwrap() }));
        let profile: &'static Profile = Box::leak(Box::new(Profile { mobile: Some(mobile), ..*huawei() }));
        let host_box = HostBox::dialer(&site(""), open(profile), ONLY_PORT);
        until_settled(&host_box);
        for counter in 0..2 {
            host_box.text(OWNER, &order("help", counter));
            host_box.answers(usize::try_from(counter).unwrap() + 1);
        }
        host_box.until_empty();
    }
}

/// The list is asked for again with a pause, the messages that can be read are read, and the log says it once.
#[test]
fn a_list_that_cannot_be_understood_keeps_nobody_from_being_served() {
    let lists: [&'static [&'static str]; 3] = [
        &["+CMGL: 0,1,,25", "OK"],
        &["+CMGL: 1,\"REC UNREAD\",\"+336\",,\"26/07/14,05:59:58+08\"", "connect", "OK"],
        &["MODEM: READY", "+CMGL: 0,1,\"Zo\u{eb}\",25", "OK"],
    ];
    for list in lists {
        let mut host_box = HostBox::switched_off(&site(""), open(cdc_acm()));
        break_modem(&host_box, answers("+CMGL=4", Some(list)));
        host_box.plug_in(ONLY_PORT);
        host_box.start();
        until_settled(&host_box);
        host_box.text(OWNER, &order("help", 0));
        host_box.answers(1);
        host_box.text(OWNER, &order("connect", 1));
        host_box.until_said("pppd did not start");
        assert!(host_box.typed().matches("+CMGL=4").count() < 10, "{}", host_box.typed());
        let said = host_box.said().iter().filter(|line| line.contains("cannot be read")).count();
        assert!(said <= 1, "{:?}", host_box.said());
    }
}

/// wdoekes/asterisk-chan-dongle#47
#[test]
fn a_full_storage_is_emptied_and_waiting_messages_arrive() {
    let mut host_box = HostBox::switched_off(&site(""), open(huawei()));
    break_modem(&host_box, Fault::StorageFull(OLD.to_owned()));
    host_box.text(OWNER, &order("help", 0));
    host_box.plug_in(ONLY_PORT);
    host_box.start();
    host_box.answers(1);
    host_box.until_empty();
}

/// Sierra's forum: +CMTI during +CMGS
#[test]
fn a_urc_within_an_answer_is_tolerated() {
    let line = || "+CMTI: \"ME\",1".to_owned();
    answers_after(cdc_acm(), (0..6).map(|piece| Fault::Interrupts { port: 0, piece, line: line() }));
}

#[test]
fn ring_and_proprietary_urcs_are_tolerated() {
    let lines = ["RING", "^RSSI: 17", "_OSIGQ: 12,0", "+CREG: 1", "+CMTI: \"XX\",99", "NO CARRIER"];
    answers_after(huawei(), lines.map(|line| Fault::Says(line.to_owned())));
}

/// faucamp/python-gsmmodem#60, gammu#1207
#[test]
fn the_indications_and_storages_of_every_model_are_detected() {
    for (profile, ttys) in [(icon_225(), HSO), (huawei(), ONLY_PORT), (cdc_acm(), ONLY_PORT)] {
        let host_box = HostBox::dialer(&site(""), open(profile), ttys);
        until_settled(&host_box);
        host_box.text(OWNER, &order("help", 0));
        host_box.answers(1);
        host_box.until_empty();
    }
}

#[test]
fn a_modem_without_indications_is_polled_for_messages() {
    let mobile = Mobile { indications: [&[0]; 5], ..*cdc_acm().mobile.unwrap() };
    let mobile: &'static Mobile = Box::leak(Box::new(mobile));
    let silent: &'static Profile = Box::leak(Box::new(Profile { mobile: Some(mobile), ..*cdc_acm() }));
    let mut host_box = HostBox::switched_off(&site(""), open(silent));
    host_box.text(OWNER, &order("help", 0));
    host_box.plug_in(ONLY_PORT);
    host_box.start();
    host_box.answers(1);
}

#[test]
fn of_two_sticks_the_one_with_a_sim_is_used() {
    let without = Modem::new(huawei(), SimCard::absent());
    let mut host_box = HostBox::dialer(&site(""), without, ONLY_PORT);
    until_known(&host_box);
    let other = Tty { name: "ttyUSB5", port: 0, hsotype: None };
    host_box.modem = host_box.plug_in_another("+33600000002", open(cdc_acm()), &[other]);
    host_box.until_published("modem", |record| record.get("storage").is_some());
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
    host_box.until_empty();
}

/// Minors are the first free ones.
#[test]
fn a_stick_that_returns_under_other_names_is_found() {
    let host_box = HostBox::dialer(&site(""), open(icon_225()), HSO);
    until_settled(&host_box);
    host_box.pull_out(HSO);
    let moved = HSO.iter().zip(["ttyHS4", "ttyHS5", "ttyHS6", "ttyHS7"]);
    let moved: Vec<Tty> = moved.map(|(tty, name)| Tty { name, ..*tty }).collect();
    host_box.until_published("modem", |record| record.get("trouble").is_some());
    host_box.plug_in(&moved);
    until_settled(&host_box);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
}

/// raspberrypi/linux#633
#[test]
fn a_stick_whose_only_answering_port_is_the_last_one_is_found() {
    let deaf = |tty: &Tty| Tty { port: if tty.hsotype == Some("Modem") { 0 } else { 9 }, ..*tty };
    let ttys: Vec<Tty> = HSO.iter().map(deaf).collect();
    let host_box = HostBox::dialer(&site(""), open(icon_225()), &ttys);
    until_settled(&host_box);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
}

/// raspberrypi/linux#580
#[test]
fn a_stick_whose_only_answering_port_is_the_first_one_is_found() {
    let deaf = |tty: &Tty| Tty { port: if tty.hsotype == Some("Control") { 0 } else { 9 }, ..*tty };
    let ttys: Vec<Tty> = HSO.iter().map(deaf).collect();
    let host_box = HostBox::dialer(&site(""), open(icon_225()), &ttys);
    until_settled(&host_box);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
}

/// Sierra's forum: garbage after a reset, which on USB is also a replug.
#[test]
fn garbage_and_a_restart_are_tolerated() {
    let host_box = HostBox::dialer(&site(""), open(cdc_acm()), ONLY_PORT);
    for counter in 0..3 {
        until_settled(&host_box);
        break_modem(&host_box, Fault::Garbage(0, b"\xff\x00\xfe~}#\xc0!\r\n\x80garbage".to_vec()));
        host_box.text(OWNER, &order("help", counter));
        host_box.answers(usize::try_from(counter).unwrap() + 1);
        host_box.pull_out(ONLY_PORT);
        break_modem(&host_box, Fault::Restarts);
        host_box.until_published("modem", |record| record.get("trouble").is_some());
        host_box.plug_in(ONLY_PORT);
    }
}

#[test]
fn a_permanent_echo_is_tolerated() {
    answers_after(huawei(), [Fault::KeepsEcho]);
}

/// commaai/openpilot#36433
#[test]
fn the_dialer_waits_for_a_modem_that_hangs_or_stalls() {
    let stall = Fault::Stalls { port: 0, after: 9, lasts: Duration::from_secs(2) };
    answers_after(cdc_acm(), [stall, Fault::Hangs(Duration::from_secs(3))]);
}

#[test]
fn messages_are_answered_with_a_slow_modem() {
    let slow = open(cdc_acm()).thinking(Duration::from_millis(150));
    let host_box = HostBox::dialer(&site(""), slow, ONLY_PORT);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
}

#[test]
fn a_message_waits_for_the_network_to_come_back() {
    let host_box = HostBox::dialer(&site(""), open(huawei()), ONLY_PORT);
    until_settled(&host_box);
    let registered = |registration: Registration| {
        host_box.exchange.with(|network, now| {
            network.set_cell(host_box.modem, |cell| cell.registration = registration, now);
        });
    };
    registered(Registration::Searching);
    host_box.text(OWNER, &order("help", 0));
    registered(Registration::Roaming);
    host_box.answers(1);
}

#[test]
fn an_answer_that_the_network_refuses_is_sent_again() {
    let host_box = HostBox::dialer(&site(""), open(huawei()), ONLY_PORT);
    until_settled(&host_box);
    host_box.exchange.with(|network, _| network.centre().refuse_next(Cms::NetworkOutOfOrder));
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
}

/// A clock that was never set must not set the box's clock.
#[test]
fn a_modem_with_a_wrong_time_does_not_set_the_clock() {
    for shown in ["80/01/06,00:00:00+00", "", "00/00/00,00:00:00", "26/13/45,99:00:00+00"] {
        let mut host_box = HostBox::switched_off(&site(""), open(huawei()));
        break_modem(&host_box, Fault::WrongTime(shown.to_owned()));
        host_box.plug_in(ONLY_PORT);
        host_box.start();
        host_box.text(OWNER, &order("help", 0));
        host_box.answers(1);
        assert!(
            !host_box.said().iter().any(|line| line.contains("the clock is set")),
            "{:?}",
            host_box.said()
        );
    }
}
