//! A service that starts while a link is up, or after a power cut.

use super::*;

#[test]
fn a_restarted_service_takes_over_its_own_link() {
    let mut before = in_state("up");
    before.carry(5, 1_000_000);
    let mut after = Harness::new(&before.remembered(), vec![Connection { addresses: None, ..ours() }]);
    assert_eq!(state(&after.session), "up");
    assert!(after.done.contains(&Done::Effect(SessionEffect::Watch(pid(OUR_PPPD)))));
    assert_eq!(after.reported(), [] as [String; 0]);
    after.receive(Event::IpDown { pid: pid(OUR_PPPD), carried: Some(5_100_000) });
    assert_eq!(after.session.budget().used(), 5_100_000);
}

#[test]
fn a_restarted_service_leaves_a_link_opened_by_hand_alone() {
    let before = in_state("by hand");
    for running in [vec![another()], vec![link("ppp0", 500, 9)]] {
        let after = Harness::new(&before.remembered(), running);
        assert_eq!(state(&after.session), "by hand");
    }
}

#[test]
fn after_a_power_cut_the_claim_is_charged_once() {
    let mut before = in_state("up");
    before.carry(5, 3_000_000);
    assert_eq!(before.session.budget().used(), 15_000_000);
    let mut remembered = before.remembered();
    for _ in 0..3 {
        let after = Harness::new(&remembered, Vec::new());
        assert_eq!(state(&after.session), "down");
        let used = after.session.budget().used();
        assert!((15_000_000..=16_000_000).contains(&used), "{used}");
        remembered = after.remembered();
    }
}

#[test]
fn traffic_that_only_the_second_copy_has_is_stored_at_once() {
    let copied = MonthTotal { month: Some(month("2026-07")), bytes: BUDGET };
    let (_, effects) = Session::new(&site(), &Record::new(), copied, Vec::new(), timestamp(SECOND));
    let stored = Record::new().with("month", "2026-07").with("used", BUDGET);
    assert_eq!(effects, [SessionEffect::Store(stored)]);
}
