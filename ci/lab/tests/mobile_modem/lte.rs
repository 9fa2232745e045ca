//! Registration on every kind of network: what the modem's three commands say, what the box makes of it, and how far the
//! recovery goes.

use super::bench::{Bench, MINUTE, SECOND};
use dialbox::modem::mobile::{Report, SmsId};
use dialbox::modem::protocol::Protocol;
use dialbox::modem::recovery::RecoveryStep;
use lab::modem::profile::Profile;
use lab::modem::sim::SimCard;
use lab::modem::stick::ec25;
use lab::modem::stick::{cdc_acm, huawei, icon_225};
use lab::modem::{Cell, Domains, Event, Modem, Registration};

/// A kind of network, and what the box shows.
struct Case {
    profile: &'static Profile,
    domains: Domains,
    registration: Registration,
    works: bool,
    /// Technology, registration, and that for data if it is missing.
    shown: [Option<&'static str>; 3],
}

fn cases() -> Vec<Case> {
    use Domains::{CallsAndPackets, CallsOnly, Lte, LteWithoutCalls};
    use Registration::{Denied, Home, Roaming, Searching};
    let case =
        |profile, domains, registration, works, shown| Case { profile, domains, registration, works, shown };
    let mut cases = Vec::new();
    for (profile, domains) in [
        (icon_225(), CallsAndPackets),
        (huawei(), CallsAndPackets),
        (ec25(), CallsAndPackets),
        (ec25(), Lte),
        (ec25(), LteWithoutCalls),
    ] {
        let technology = Some(if domains.is_lte() { "LTE" } else { "3G" });
        cases.extend([
            case(profile, domains, Home, true, [technology, Some("home"), None]),
            case(profile, domains, Roaming, true, [technology, Some("roaming"), None]),
            // Roaming refused, or no contract
            case(profile, domains, Denied, false, [None, Some("denied"), None]),
            case(profile, domains, Searching, false, [None, Some("searching"), None]),
        ]);
    }
    // It has neither `+CGREG` nor `+CEREG`.
    cases.push(case(cdc_acm(), CallsAndPackets, Home, true, [Some("3G"), Some("home"), None]));
    cases.push(case(cdc_acm(), CallsAndPackets, Denied, false, [None, Some("denied"), None]));
    for profile in [icon_225(), ec25()] {
        cases.push(case(profile, CallsOnly, Home, true, [Some("3G"), Some("home"), Some("denied")]));
    }
    cases
}

/// Six hours at one network.
#[test]
fn a_network_is_used_if_any_domain_admits_the_modem_and_a_refusal_never_reboots_the_box() {
    for Case { profile, domains, registration, works, shown } in cases() {
        let mut modem = Modem::new(profile, SimCard::open());
        let cell = Cell { registration, domains, ..Cell::default() };
        modem.step(Event::Radio(cell), SECOND / 1000);
        let mut bench = Bench::new(modem);
        bench.run(MINUTE);
        let what = format!("{:?} {domains:?} {registration:?}", profile.identification);
        let record = bench.mobile.record();
        let known = ["technology", "registration", "no-data"].map(|key| record.get(key));
        assert_eq!((known, bench.mobile.works()), (shown, works), "{what}");
        bench.send(1);
        bench.run(360 * MINUTE);
        let is_sent = bench.reports.contains(&Report::Sent(SmsId(1)));
        assert_eq!((is_sent, bench.submitted), (works, usize::from(works)), "{what}");
        let last = bench.steps.iter().max();
        assert_eq!(last, (!works).then_some(&RecoveryStep::Restart), "{what}: {:?}", bench.steps);
    }
}

#[test]
fn a_modem_that_finds_a_network_again_needs_no_recovery() {
    for domains in [Domains::CallsAndPackets, Domains::Lte, Domains::LteWithoutCalls] {
        let mut bench = Bench::settled(ec25());
        let cell = |registration| Event::Radio(Cell { registration, domains, ..Cell::default() });
        bench.happens(cell(Registration::Denied));
        bench.run(5 * MINUTE);
        assert!(!bench.mobile.works());
        bench.happens(cell(Registration::Home));
        bench.run(MINUTE);
        assert!(bench.mobile.works(), "{domains:?}");
        assert_eq!(bench.steps, []);
    }
}
