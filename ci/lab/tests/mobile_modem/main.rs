//! The dialer's protocol for mobile modems against the lab's modems, which are as strict as real ones, in virtual time:
//! neither side has a port, a clock or a file. The faults are those seen in the field.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests covers only `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod attach;
mod bench;
mod lte;

use bench::{Bench, HELLO, MINUTE, SECOND};
use dialbox::modem::mobile::{Meaning, Place, Report, SmsId, Storage};
use dialbox::modem::protocol::Protocol;
use dialbox::modem::recovery::RecoveryStep;
use lab::modem::profile::Profile;
use lab::modem::sim::SimCard;
use lab::modem::stick::{huawei, icon_225, sticks};
use lab::modem::{Cell, Event, Fault, Modem, Registration, Sending, TimeOfDay};
use std::time::Duration;

/// Every model that the box has a file of.
fn profiles() -> impl Iterator<Item = &'static Profile> {
    sticks().values().map(|stick| stick.profile)
}

#[test]
fn every_modem_is_configured_receives_deletes_and_sends() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        bench.arrives();
        bench.run(5 * SECOND);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
        assert_eq!(bench.modem.stored_messages(), 0, "{:?}", bench.sent);
        bench.send(1);
        bench.run(5 * SECOND);
        assert_eq!((bench.submitted, bench.reports.last()), (1, Some(&Report::Sent(SmsId(1)))));
        assert_eq!(bench.mobile.record().get("signal-dbm"), Some("-77"));
        assert!(bench.mobile.record().get("operator").unwrap().contains("Free"));
        assert_eq!(bench.steps, []);
    }
}

#[test]
fn messages_that_came_before_are_found_at_the_start() {
    for profile in profiles() {
        let mut modem = Modem::new(profile, SimCard::open());
        for _ in 0..3 {
            modem.step(Event::Message(HELLO.to_owned()), Duration::ZERO);
        }
        let mut bench = Bench::new(modem);
        bench.run(30 * SECOND);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (3, 0), "{:?}", bench.sent);
    }
}

#[test]
fn a_full_storage_is_emptied_although_it_sends_no_indication() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::StorageFull(HELLO.to_owned()));
        assert!(bench.modem.stored_messages() >= 5);
        bench.arrives(); // no room for it
        bench.run(2 * MINUTE);
        assert_eq!(bench.modem.stored_messages(), 0, "{:?}", bench.sent);
        let before = bench.messages();
        bench.arrives();
        bench.run(5 * SECOND);
        assert_eq!(bench.messages(), before + 1);
    }
}

#[test]
fn a_message_that_is_not_discarded_is_not_reported_every_minute() {
    let mut bench = Bench::settled(huawei());
    bench.discards = false;
    bench.arrives();
    bench.run(20 * MINUTE);
    assert_eq!(bench.messages(), 1);
    bench.mobile.discard(Place::Stored(Storage::Card, 0));
    bench.run(SECOND);
    assert_eq!(bench.modem.stored_messages(), 0);
}

#[test]
fn a_message_that_arrives_while_another_is_sent_is_not_lost() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Interrupts { port: 0, piece: 0, line: "+CMTI: \"SM\",1".to_owned() });
        bench.send(1);
        bench.run(5 * SECOND);
        assert_eq!(bench.reports, [Report::Sent(SmsId(1))], "{:?}", bench.sent);
        assert!(bench.count("AT+CMG") > 1, "the storage is looked at: {:?}", bench.sent);
    }
}

#[test]
fn garbage_and_a_permanent_echo_are_tolerated() {
    for profile in profiles() {
        let mut modem = Modem::new(profile, SimCard::open());
        modem.step(Event::Breaks(Fault::KeepsEcho), Duration::ZERO);
        let mut bench = Bench::new(modem);
        bench.breaks(Fault::Garbage(0, b"\xff\xfe\0\x80\r\n".to_vec()));
        bench.run(30 * SECOND);
        assert!(bench.mobile.works(), "{:?}", bench.sent);
        bench.breaks(Fault::Garbage(0, b"~\xff}#\xc0!}!}".to_vec()));
        bench.arrives();
        bench.send(1);
        bench.run(3 * MINUTE);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
        assert!(bench.reports.contains(&Report::Sent(SmsId(1))), "{:?}", bench.sent);
    }
}

#[test]
fn a_modem_that_hangs_for_minutes_is_recovered_and_sends_what_it_was_not_given() {
    let mut bench = Bench::settled(icon_225());
    bench.send(1);
    bench.breaks(Fault::Hangs(3 * MINUTE));
    bench.run(2 * MINUTE + 50 * SECOND);
    assert!(!bench.mobile.works());
    assert_eq!(bench.reports, []);
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works(), "{:?} {:?}", bench.steps, bench.sent);
    assert_eq!(bench.reports, [Report::Sent(SmsId(1))]);
    bench.send(2);
    bench.arrives();
    bench.run(2 * MINUTE);
    assert!(bench.reports.contains(&Report::Sent(SmsId(2))));
    assert_eq!(bench.messages(), 1);
}

#[test]
fn a_modem_that_restarts_by_itself_is_configured_again() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Restarts);
        bench.run(15 * MINUTE);
        bench.arrives();
        bench.run(2 * MINUTE);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (1, 0), "{:?}", bench.sent);
    }
}

#[test]
fn the_recovery_hangs_up_a_call_that_was_left_open() {
    let mut modem = Modem::new(icon_225(), SimCard::open());
    modem.step(Event::Typed(0, b"AT+CGDCONT=1,\"IP\",\"free\"\r".to_vec()), Duration::ZERO);
    modem.step(Event::Typed(0, b"ATD*99#\r".to_vec()), Duration::ZERO);
    modem.step(Event::Connected(7_200_000), Duration::ZERO);
    assert!(modem.carries_data(0));
    let mut bench = Bench::new(modem);
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works(), "{:?} {:?}", bench.steps, bench.sent);
    assert_eq!(bench.steps.last(), Some(&RecoveryStep::HangUp));
}

#[test]
fn a_wrong_pin_is_never_tried_twice() {
    for profile in profiles() {
        let mut bench = Bench::with_pin(Modem::new(profile, SimCard::locked("4321")), Some("1234"));
        bench.run(10 * MINUTE);
        for day in 2..5 {
            bench.breaks(Fault::Restarts);
            bench.reboot(day, "1234");
            bench.run(10 * MINUTE);
        }
        assert_eq!(bench.modem.sim().tries().0, 2, "{:?}", bench.sent);
        assert_eq!(bench.mobile.record().get("sim"), Some("PIN refused; correct site.toml"));
        bench.reboot(6, "4321");
        bench.run(MINUTE);
        assert_eq!(bench.mobile.record().get("sim"), Some("ready"));
        assert_eq!((bench.modem.sim().tries().0, bench.count("AT+CPIN=")), (3, 2));
    }
}

#[test]
fn a_stick_that_returns_locked_in_the_same_boot_waits_for_a_reboot() {
    let mut bench = Bench::with_pin(Modem::new(icon_225(), SimCard::locked("4321")), Some("4321"));
    bench.run(MINUTE);
    assert!(bench.mobile.works());
    bench.breaks(Fault::Restarts);
    bench.closed = Some((bench.now, None));
    bench.run(10 * MINUTE);
    assert_eq!(
        (bench.count("AT+CPIN="), bench.steps.last()),
        (1, Some(&RecoveryStep::Reboot)),
        "{:?}",
        bench.steps
    );
    bench.reboot(2, "4321");
    bench.run(MINUTE);
    assert!(bench.mobile.works());
    assert_eq!(bench.count("AT+CPIN="), 2);
}

#[test]
fn the_last_pin_try_and_the_puk_are_never_used() {
    for (card, shown) in [
        (SimCard::locked("4321").with_tries(1), "wants SIM PIN, and too few tries are left: 1"),
        (SimCard::locked("4321").with_tries(0), "wants SIM PUK"),
        (SimCard::absent(), "unusable: no SIM"),
    ] {
        for profile in profiles() {
            let untouched = Modem::new(profile, card.clone());
            let mut bench = Bench::with_pin(untouched.clone(), Some("4321"));
            bench.run(30 * MINUTE);
            assert_eq!(bench.mobile.record().get("sim"), Some(shown));
            assert_eq!((bench.count("AT+CPIN="), bench.modem.sim()), (0, untouched.sim()));
            assert_eq!(bench.steps, [], "a person must help, no recovery");
        }
    }
}

#[test]
fn the_dialer_waits_for_a_slow_sim() {
    for profile in profiles() {
        let modem = Modem::new(profile, SimCard::open()).with_slow_sim(20 * SECOND).thinking(SECOND / 5);
        let mut bench = Bench::new(modem);
        bench.run(2 * MINUTE);
        bench.arrives();
        bench.run(MINUTE + 10 * SECOND);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
        assert_eq!(bench.steps, []);
    }
}

#[test]
fn network_time_is_reported_and_a_wrong_time_is_not() {
    let mut bench = Bench::settled(icon_225());
    assert_eq!(bench.reports, [], "1980");
    let time = Some(TimeOfDay { origin: 1_784_001_598, quarters: 8 });
    bench.happens(Event::Radio(Cell { time, ..Cell::default() }));
    bench.run(2 * MINUTE);
    let reported = bench.reports.iter().find_map(|report| match report {
        Report::ClockReading(reading) => Some(reading.unix(Meaning::Local, |_| 0)),
        _ => None,
    });
    assert!(reported.is_some_and(|unix| (0..300).contains(&(unix - 1_784_001_598))), "{:?}", bench.reports);
}

#[test]
fn an_hour_without_a_network_starts_the_recovery_and_loses_no_message() {
    let mut bench = Bench::settled(icon_225());
    let cell = |registration| Event::Radio(Cell { registration, ..Cell::default() });
    bench.happens(cell(Registration::Searching));
    bench.run(60 * MINUTE);
    assert!(!bench.steps.is_empty() && !bench.mobile.works());
    bench.happens(cell(Registration::Roaming));
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works());
    bench.arrives();
    bench.run(2 * MINUTE);
    assert_eq!(bench.messages(), 1);
}

#[test]
fn five_hundred_messages_are_all_reported_once() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        for _ in 0..500 {
            bench.arrives();
            bench.run(SECOND / 4);
        }
        bench.run(MINUTE);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (500, 0));
    }
}

#[test]
fn an_idle_modem_is_polled_once_a_minute() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        bench.run(60 * MINUTE);
        assert_eq!(bench.count("AT+CSQ"), 60);
        assert!(bench.sent.len() < 420, "{} commands an hour", bench.sent.len());
    }
}

/// Its result comes ten seconds after nobody waits for it any more: the network has the message.
#[test]
fn a_message_whose_result_comes_too_late_is_sent_once() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Sends(Sending { late_by: 100 * SECOND, ..Sending::default() }));
        bench.send(1);
        bench.run(60 * MINUTE);
        assert_eq!(bench.submitted, 1, "{:?}", bench.sent);
        assert!(matches!(bench.reports[..], [Report::NotSent(SmsId(1), _)]), "{:?}", bench.reports);
        bench.breaks(Fault::Sends(Sending::default()));
        bench.send(2);
        bench.arrives();
        bench.run(2 * MINUTE);
        assert!(bench.reports.contains(&Report::Sent(SmsId(2))), "{:?}", bench.sent);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
    }
}

/// gammu and others have seen both: the prompt is a line, and no reference follows.
#[test]
fn a_message_goes_out_once_to_a_modem_that_asks_and_answers_in_its_own_way() {
    for profile in profiles() {
        let mut bench = Bench::settled(profile);
        let sends = Sending { prompt_is_a_line: true, omits_reference: true, ..Sending::default() };
        bench.breaks(Fault::Sends(sends));
        bench.send(1);
        bench.run(60 * MINUTE);
        assert_eq!(
            (bench.submitted, &bench.reports[..]),
            (1, &[Report::Sent(SmsId(1))][..]),
            "{:?}",
            bench.sent
        );
    }
}
