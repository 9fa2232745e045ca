//! Records are the same after writing and reading.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Month;

/// Text as a record keeps it: one line without blanks around it.
fn text() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,20}[!-~])?"
}

fn maybe<S: Strategy>(of: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::of(of)
}

fn seconds() -> impl Strategy<Value = Duration> {
    (0..=u64::from(u32::MAX)).prop_map(Duration::from_secs)
}

prop_compose! {
    fn modem()(
        manufacturer in maybe(text()), model in maybe(text()), sim in maybe(text()),
        registration in maybe(text()), no_data in maybe(text()), technology in maybe(text()),
        operator in maybe(text()), signal_dbm in maybe(-113..=-51),
        (quality, band) in (maybe(text()), maybe(1..=512u32)), storage in maybe(text()),
    ) -> ModemStatus {
        let signal = ModemStatus { signal_dbm, quality, band, ..ModemStatus::default() };
        ModemStatus { manufacturer, model, sim, registration, no_data, technology, operator, storage, ..signal }
    }
}

prop_compose! {
    fn line_call()(
        since in seconds(), speed in maybe(text()), user in maybe("[a-z]{1,8}"),
        offer in prop::sample::select(&["ppp", "slip", "cslip", "bbs"][..]),
    ) -> LineCall {
        let user = user.map(|user| user.parse().expect("a user's name"));
        LineCall { since, speed, user, offer: offer.parse().expect("an offer") }
    }
}

#[test]
fn the_source_of_the_clock_is_read_as_it_was_published() {
    for source in [ClockSource::Network, ClockSource::Unproven, ClockSource::Saved, ClockSource::NotSet] {
        assert_eq!(ClockSource::from_record(&source.to_record()), Some(source));
    }
    assert_eq!(ClockSource::from_record(&Record::new()), None);
}

fn line_state() -> impl Strategy<Value = LineState> {
    use LineState::{Answering, Connected, HangingUp, LoggingIn, Ready, Resetting};
    prop::sample::select(vec![Resetting, Ready, Answering, LoggingIn, Connected, HangingUp])
}

prop_compose! {
    fn line()(
        state in line_state(), calls in any::<u64>(), rings in any::<u64>(), caller in maybe(text()),
        call in maybe(line_call()),
    ) -> LineStatus {
        LineStatus { state, calls, rings, caller, call }
    }
}

fn phase() -> impl Strategy<Value = LinkPhase> {
    use LinkPhase::{Closed, Closing, Dialling, Waiting};
    let up = ("ppp[0-9]", maybe(any::<u32>()), maybe(any::<u32>()), maybe(seconds()));
    prop_oneof![
        prop::sample::select(vec![Closed, Closing, Dialling, Waiting]),
        up.prop_map(|(interface, local, remote, until)| LinkPhase::Up {
            interface,
            local: local.map(Into::into),
            remote: remote.map(Into::into),
            until,
        }),
    ]
}

prop_compose! {
    fn link()(
        phase in phase(), used in any::<u64>(), budget in maybe(any::<u64>()),
        month in maybe(0..4_000_000_000i64), opens in maybe(any::<i64>()), last_error in maybe(text()),
        far_side in maybe(far_side()), tunnel in maybe(text()), changed in maybe(text()), on_trial in maybe((text(), any::<u32>())),
    ) -> LinkStatus {
        let month = month.map(Month::from_local);
        let on_trial = on_trial.map(|(values, seconds)| {
            OnTrial { values, until: Duration::from_secs(seconds.into()) }
        });
        LinkStatus { phase, used, budget, month, opens, far_side, tunnel, changed, on_trial, last_error }
    }
}

fn far_side() -> impl Strategy<Value = FarSide> {
    prop_oneof![Just(FarSide::Answers), any::<u32>().prop_map(|tried| FarSide::Silent { tried })]
}

fn driver<S: Strategy>(status: S) -> impl Strategy<Value = DriverStatus<S::Value>>
where
    S::Value: Clone,
{
    let ports = (text(), maybe(text()), maybe(text()));
    let ports = ports.prop_map(|(command, data, instead_of)| PortNames { command, data, instead_of });
    let works = (ports, status).prop_map(|(ports, status)| DriverStatus::Works { ports, status });
    prop_oneof![text().prop_map(DriverStatus::Trouble), works]
}

fn is_read_back<P: Published + PartialEq>(status: &P) -> bool {
    P::from_record(&Record::parse(&status.to_record().to_string())).as_ref() == Some(status)
}

proptest! {
    #[test]
    fn a_modem_is_read_as_it_was_published(status in driver(modem())) {
        prop_assert!(is_read_back(&status), "{status:?}");
    }

    #[test]
    fn a_line_is_read_as_it_was_published(status in driver(line())) {
        prop_assert!(is_read_back(&status), "{status:?}");
    }

    #[test]
    fn a_link_is_read_as_it_was_published(status in link()) {
        prop_assert!(is_read_back(&status), "{status:?}");
    }

    #[test]
    fn codes_are_read_as_they_were_published(lacks_counter in any::<bool>(), copy_trouble in maybe(text())) {
        let status = CodesStatus { lacks_counter, copy_trouble };
        prop_assert!(is_read_back(&status), "{status:?}");
    }

    #[test]
    fn a_boot_is_read_as_it_was_published(
        number in any::<u64>(), cause in text(), root in maybe(text()), check in maybe(text()),
        trouble in maybe(text()), started in maybe(any::<u64>())
    ) {
        let boot = LastBoot { number, cause };
        prop_assert!(is_read_back(&boot));
        let status = BootStatus {
            root,
            root_check: check,
            root_trouble: trouble.clone(),
            state_trouble: trouble,
            init_started_ms: started,
            ..BootStatus::default()
        };
        prop_assert!(is_read_back(&status), "{status:?}");
    }
}

#[test]
fn an_empty_variable_of_pppd_is_not_a_name() {
    let note = CallerNote::from_record(&Record::parse("user=\ninterface=ppp0\n"));
    assert_eq!(note, CallerNote { user: None, interface: Some("ppp0".to_owned()) });
    assert_eq!(TrafficNote::from_record(&Record::parse("received=\nsent=7\n")).bytes, None);
}
