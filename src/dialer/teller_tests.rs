use super::*;
use crate::site::{DataSize, TimeSpan, Whole};

/// 2026-07-14
const TODAY: i64 = 20_648 * DAY;
const MB: u64 = 1_000_000;

fn teller(a_day: u32, told: &Record) -> Teller {
    let on = [Occasion::Boot, Occasion::Budget, Occasion::Limit, Occasion::Card, Occasion::Undervoltage];
    let on = on.into_iter().chain([Occasion::Gpio]).collect();
    let site = Tell { to: vec!["+33612345678".parse().unwrap()], on, a_day: limit(a_day) };
    Teller::new(site, &"hut".parse().unwrap(), told)
}

fn limit(a_day: u32) -> crate::site::MessagesADay {
    match a_day {
        1 => Whole::constant(1),
        2 => Whole::constant(2),
        _ => Whole::constant(50),
    }
}

fn nothing() -> Situation {
    let spent = Spent {
        used: DataSize::from_bytes(0),
        limit: Some(DataSize::from_bytes(500 * MB)),
        month: Month::parse("2026-07"),
    };
    Situation {
        boot: Some((12, Cause::Daily)),
        spent,
        bad: None,
        undervoltage: false,
        inputs: Vec::new(),
        closed: None,
    }
}

fn used(bytes: u64, month: &str) -> Situation {
    let spent = Spent { used: DataSize::from_bytes(bytes), month: Month::parse(month), ..nothing().spent };
    Situation { spent, ..nothing() }
}

fn texts(teller: &mut Teller, now: &Situation, unix: i64) -> Vec<String> {
    teller.poll(now, WallClock::Known(unix)).map(|telling| telling.texts).unwrap_or_default()
}

#[test]
fn a_boot_is_told_once_with_its_cause_and_a_planned_one_is_not() {
    for (cause, said) in [
        (Cause::Unknown, vec!["hut: up again, boot 12: power cut or unknown"]),
        (Cause::Stuck("sms-dialer".to_owned()), vec!["hut: up again, boot 12: stuck sms-dialer"]),
        (Cause::Daily, vec![]),
        (Cause::Requested, vec![]),
    ] {
        let now = Situation { boot: Some((12, cause)), ..nothing() };
        let mut first = teller(50, &Record::new());
        let telling = first.poll(&now, WallClock::Known(TODAY));
        assert_eq!(telling.as_ref().map(|telling| telling.texts.clone()).unwrap_or_default(), said);
        assert_eq!(first.poll(&now, WallClock::Known(TODAY)), None);
        // The service restarts.
        let told = telling.map(|telling| telling.told).unwrap_or_default();
        assert_eq!(teller(50, &told).poll(&now, WallClock::Known(TODAY)), None);
    }
}

#[test]
fn each_share_of_the_budget_is_told_once_a_month() {
    let mut teller = teller(50, &Record::new());
    for (bytes, month, said) in [
        (399 * MB, "2026-07", None),
        (400 * MB, "2026-07", Some("hut: 80 % of the month's data: 400MB of 500MB used in 2026-07")),
        (450 * MB, "2026-07", None),
        (500 * MB, "2026-07", Some("hut: 100 % of the month's data: 500MB of 500MB used in 2026-07")),
        (600 * MB, "2026-07", None),
        (MB, "2026-08", None),
        // A fast link: both shares between two readings are one message.
        (510 * MB, "2026-08", Some("hut: 100 % of the month's data: 510MB of 500MB used in 2026-08")),
    ] {
        assert_eq!(texts(&mut teller, &used(bytes, month), TODAY), Vec::from_iter(said), "{bytes} {month}");
    }
}

#[test]
fn only_a_limit_that_closes_a_link_is_told() {
    let mut teller = teller(50, &Record::new());
    for (why, is_told) in [
        (DownReason::Idle(TimeSpan::minutes(10)), true),
        (DownReason::Time, true),
        (DownReason::Budget(DataSize::from_bytes(500 * MB)), true),
        (DownReason::Asked, false),
        (DownReason::Stopping, false),
        (DownReason::FarSideSilent, false),
    ] {
        let now = Situation { closed: Some(why.clone()), ..nothing() };
        let said = Vec::from_iter(is_told.then(|| format!("hut: disconnected: {why}")));
        assert_eq!(texts(&mut teller, &now, TODAY), said);
    }
}

#[test]
fn a_low_voltage_is_told_once_a_boot() {
    let mut first = teller(50, &Record::new());
    assert_eq!(texts(&mut first, &nothing(), TODAY), [""; 0]);
    let low = Situation { undervoltage: true, ..nothing() };
    let telling = first.poll(&low, WallClock::Known(TODAY)).unwrap();
    assert_eq!(telling.texts, ["hut: the supply voltage was too low"]);
    assert_eq!(first.poll(&low, WallClock::Known(TODAY + DAY)), None);
    // The service restarts, and then the box.
    assert_eq!(teller(50, &telling.told).poll(&low, WallClock::Known(TODAY)), None);
    let low = Situation { boot: Some((13, Cause::Daily)), ..low };
    assert_eq!(texts(&mut teller(50, &telling.told), &low, TODAY).len(), 1);
}

#[test]
fn a_card_is_told_when_it_gets_worse() {
    let mut teller = teller(50, &Record::new());
    let counts = [None, Some(0), Some(1), Some(1), Some(3), None, Some(0), Some(3), Some(4)];
    let told = [false, false, true, false, true, false, false, false, true];
    for (bad, is_told) in counts.into_iter().zip(told) {
        let said = texts(&mut teller, &Situation { bad, ..nothing() }, TODAY);
        assert_eq!(said.len(), usize::from(is_told), "{bad:?}: {said:?}");
    }
}

#[test]
fn no_more_is_told_than_the_site_wants_even_if_the_box_reboots_again_and_again() {
    let mut told = Record::new();
    let mut said = Vec::new();
    for boot in 1..20 {
        let now = Situation { boot: Some((boot, Cause::Unknown)), ..nothing() };
        // A clock without battery starts at the same time again.
        if let Some(telling) = teller(2, &told).poll(&now, WallClock::Known(TODAY + 100)) {
            said.extend(telling.texts);
            told = telling.told;
        }
    }
    assert_eq!(said.len(), 2);
    let now = Situation { boot: Some((20, Cause::Unknown)), ..nothing() };
    assert_eq!(texts(&mut teller(2, &told), &now, TODAY - DAY).len(), 0, "the clock was set back");
    assert_eq!(texts(&mut teller(2, &told), &now, TODAY + DAY).len(), 1);
}

#[test]
fn what_the_limit_of_a_day_holds_back_is_told_the_next_day() {
    let mut teller = teller(1, &Record::new());
    let now = Situation { bad: Some(1), ..used(400 * MB, "2026-07") };
    assert_eq!(texts(&mut teller, &now, TODAY).len(), 1);
    assert_eq!(texts(&mut teller, &now, TODAY + 3600).len(), 0);
    let said = texts(&mut teller, &now, TODAY + DAY);
    assert!(matches!(&said[..], [said] if said.contains("the card")), "{said:?}");
}

fn inputs(of: &[(&str, Level)]) -> Situation {
    let inputs = of.iter().map(|(name, level)| (name.parse().unwrap(), *level)).collect();
    Situation { inputs, ..nothing() }
}

#[test]
fn a_change_of_an_input_is_told_once_and_after_a_restart_too() {
    let mut teller = teller(50, &Record::new());
    let mut told = Record::new();
    for (now, text) in [
        (inputs(&[]), None),
        (inputs(&[("door", Level::Off), ("water", Level::Off)]), None),
        (inputs(&[("door", Level::On), ("water", Level::Off)]), Some("hut: door is on")),
        (inputs(&[("door", Level::On), ("water", Level::Off)]), None),
        (inputs(&[]), None),
        (inputs(&[("door", Level::Off), ("water", Level::On)]), Some("hut: door is off, water is on")),
    ] {
        let telling = teller.poll(&now, WallClock::Known(TODAY));
        assert_eq!(telling.as_ref().map(|telling| telling.texts[0].as_str()), text);
        told = telling.map_or(told, |telling| telling.told);
    }
    let mut after = super::tests::teller(50, &told);
    assert_eq!(texts(&mut after, &inputs(&[("door", Level::Off)]), TODAY), [""; 0]);
    assert_eq!(texts(&mut after, &inputs(&[("door", Level::On)]), TODAY), ["hut: door is on"]);
}

#[test]
fn a_flapping_input_is_told_as_often_as_the_site_wants_and_its_last_level_the_next_day() {
    let mut teller = teller(2, &Record::new());
    let levels = [Level::Off, Level::On].into_iter().cycle().take(20);
    let told: usize = levels.map(|it| texts(&mut teller, &inputs(&[("door", it)]), TODAY).len()).sum();
    assert_eq!(told, 2);
    assert_eq!(texts(&mut teller, &inputs(&[("door", Level::On)]), TODAY + DAY), ["hut: door is on"]);
}

/// The clock was two years ahead, as a network has set it, and then right again.
#[test]
fn the_limit_of_a_day_that_is_far_ahead_does_not_hold_until_it_comes() {
    let ends = Situation { closed: Some(DownReason::Time), ..nothing() };
    let told_by = |wall: &[WallClock]| {
        let mut teller = teller(2, &Record::new());
        wall.iter().map(|wall| usize::from(teller.poll(&ends, *wall).is_some())).collect::<Vec<_>>()
    };
    let known = |days: i64| WallClock::Known(TODAY + days * DAY);
    assert_eq!(told_by(&[known(730); 3]), [1, 1, 0]);
    let by_day = told_by(&[known(730), known(730), known(0), known(0), known(1), known(1), known(1)]);
    assert_eq!(by_day, [1, 1, 0, 0, 1, 1, 0], "the count goes on, and begins again the next day");
    // A day may begin twice by a few hours, and a clock that was not set is behind.
    let floor = WallClock::Floor(TODAY);
    assert_eq!(told_by(&[known(1), known(1), known(0), known(1)]), [1, 1, 0, 0]);
    assert_eq!(told_by(&[known(9), known(9), floor, known(9)]), [1, 1, 0, 0]);
}
