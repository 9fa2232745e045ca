//! The dialer's protocol for mobile modems against the lab's modems, which are as strict as real ones, in virtual time:
//! neither side has a port, a clock or a file. The faults are those seen in the field.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests covers only `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod bench;

use bench::{Bench, HELLO, MINUTE, SECOND};
use dialbox::modem::mobile::{Meaning, Place, Report, SmsId, Storage};
use dialbox::modem::protocol::Protocol;
use dialbox::modem::recovery::RecoveryStep;
use lab::modem::profile::{CDC_ACM, HUAWEI, ICON_225, Profile};
use lab::modem::sim::SimCard;
use lab::modem::{Cell, Event, Fault, Modem, Registration, TimeOfDay};
use std::time::Duration;

const PROFILES: [&Profile; 3] = [ICON_225, HUAWEI, CDC_ACM];

#[test]
fn every_modem_is_set_up_receives_deletes_and_sends() {
    for profile in PROFILES {
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
    for profile in PROFILES {
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
fn a_full_storage_is_emptied_although_it_tells_of_nothing() {
    for profile in PROFILES {
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
    let mut bench = Bench::settled(HUAWEI);
    bench.discards = false;
    bench.arrives();
    bench.run(20 * MINUTE);
    assert_eq!(bench.messages(), 1);
    bench.mobile.discard(Place::Stored(Storage::Card, 0));
    bench.run(SECOND);
    assert_eq!(bench.modem.stored_messages(), 0);
}

#[test]
fn a_message_in_the_middle_of_another_that_is_sent_is_not_lost() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Interrupts { port: 0, piece: 0, line: "+CMTI: \"SM\",1".to_owned() });
        bench.send(1);
        bench.run(5 * SECOND);
        assert_eq!(bench.reports, [Report::Sent(SmsId(1))], "{:?}", bench.sent);
        assert!(bench.count("AT+CMG") > 1, "the storage is looked at: {:?}", bench.sent);
    }
}

#[test]
fn garbage_and_an_echo_that_stays_do_no_harm() {
    for profile in PROFILES {
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
fn a_modem_that_hangs_for_minutes_is_got_back_and_a_message_is_told_as_lost() {
    let mut bench = Bench::settled(ICON_225);
    bench.send(1);
    bench.breaks(Fault::Hangs(3 * MINUTE));
    bench.run(2 * MINUTE + 50 * SECOND);
    assert!(!bench.mobile.works());
    assert!(matches!(bench.reports[..], [Report::NotSent(SmsId(1), _)]), "{:?}", bench.reports);
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works(), "{:?} {:?}", bench.steps, bench.sent);
    bench.send(2);
    bench.arrives();
    bench.run(2 * MINUTE);
    assert!(bench.reports.contains(&Report::Sent(SmsId(2))));
    assert_eq!(bench.messages(), 1);
}

#[test]
fn a_modem_that_starts_anew_by_itself_is_set_up_again() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Restarts);
        bench.run(15 * MINUTE);
        bench.arrives();
        bench.run(2 * MINUTE);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (1, 0), "{:?}", bench.sent);
    }
}

#[test]
fn a_call_that_was_left_open_is_hung_up_by_the_ladder() {
    let mut modem = Modem::new(ICON_225, SimCard::open());
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
    for profile in PROFILES {
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
fn a_stick_that_comes_back_locked_in_the_same_boot_waits_for_a_reboot() {
    let mut bench = Bench::with_pin(Modem::new(ICON_225, SimCard::locked("4321")), Some("4321"));
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
fn the_last_try_of_a_pin_and_a_puk_are_never_touched() {
    for (card, shown) in [
        (SimCard::locked("4321").with_tries(1), "wants SIM PIN, and too few tries are left: 1"),
        (SimCard::locked("4321").with_tries(0), "wants SIM PUK"),
        (SimCard::absent(), "unusable: no SIM"),
    ] {
        for profile in PROFILES {
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
fn a_sim_that_takes_its_time_is_waited_for() {
    for profile in PROFILES {
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
fn the_time_of_the_network_is_told_and_a_wrong_one_is_not() {
    let mut bench = Bench::settled(ICON_225);
    assert_eq!(bench.reports, [], "1980");
    let time = Some(TimeOfDay { origin: 1_784_001_598, quarters: 8 });
    bench.happens(Event::Radio(Cell { time, ..Cell::default() }));
    bench.run(2 * MINUTE);
    let told = bench.reports.iter().find_map(|report| match report {
        Report::ClockReading(reading) => Some(reading.unix(Meaning::Local, |_| 0)),
        _ => None,
    });
    assert!(told.is_some_and(|unix| (0..300).contains(&(unix - 1_784_001_598))), "{:?}", bench.reports);
}

#[test]
fn a_network_that_is_gone_for_an_hour_puts_the_modem_on_the_ladder_and_loses_no_message() {
    let mut bench = Bench::settled(ICON_225);
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
    for profile in PROFILES {
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
fn an_idle_modem_is_spoken_to_once_a_minute() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.run(60 * MINUTE);
        assert_eq!(bench.count("AT+CSQ"), 60);
        assert!(bench.sent.len() < 420, "{} commands an hour", bench.sent.len());
    }
}
