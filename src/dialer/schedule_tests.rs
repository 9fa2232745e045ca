//! Boxes that live through years, by the minute.

use super::*;
use crate::ppp::DownReason;
use crate::site::{Role, Site};
use proptest::prelude::*;

const PARIS: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
/// 2026-07-14 00:00:00 UTC, a Tuesday.
const TUESDAY: i64 = 1_783_987_200;
const SECOND: Duration = Duration::from_secs(1);

fn scheduler(zone: &str, schedule: &str) -> Scheduler {
    let text = format!(
        "role='dialer'\nhostname='cabin-17'\n[operator]\nname='free'\napn='free'\n[schedule]\n{schedule}\n"
    );
    let site = Site::parse(&text).unwrap();
    let Role::Dialer(dialer) = site.role else { unreachable!() };
    Scheduler::new(dialer.schedule.unwrap(), zone.parse().unwrap(), &site.hostname)
}

fn known(unix: i64) -> WallClock {
    WallClock::Known(unix)
}

fn up() -> LinkOutcome {
    LinkOutcome::Up { addresses: None, left: None }
}

fn since(unix: i64) -> Duration {
    Duration::from_secs((unix - TUESDAY).unsigned_abs() + 100)
}

/// The starts of all links in so many days, as local time, each link coming up at once.
fn starts(scheduler: &mut Scheduler, days: i64) -> Vec<Civil> {
    let mut starts = Vec::new();
    for unix in (TUESDAY..TUESDAY + days * DAY).step_by(60) {
        if scheduler.poll(known(unix), since(unix)).is_some() {
            scheduler.note(&up(), known(unix));
            starts.push(Civil::from_unix(unix + scheduler.zone.offset_at(unix)));
        }
    }
    starts
}

#[test]
fn it_opens_once_on_each_of_its_days_at_its_time() {
    let no_spread = "spread='1s'";
    let mut daily = scheduler("UTC0", &format!("at='02:30'\n{no_spread}"));
    let days = starts(&mut daily, 3);
    assert_eq!(
        days.iter().map(|at| (at.day, at.hour, at.minute)).collect::<Vec<_>>(),
        [(14, 2, 30), (15, 2, 30), (16, 2, 30)]
    );

    let mut weekly = scheduler("UTC0", &format!("on='sunday'\nat='00:00'\n{no_spread}"));
    let days = starts(&mut weekly, 21).into_iter().map(|at| (at.month, at.day)).collect::<Vec<_>>();
    assert_eq!(days, [(7, 19), (7, 26), (8, 2)], "Sundays of 2026");

    let mut monthly = scheduler("UTC0", &format!("on='28'\nat='23:59'\nopen-for='2m'\n{no_spread}"));
    let days = starts(&mut monthly, 366 * 2);
    assert_eq!(days.len(), 24);
    assert!(days.iter().all(|at| (at.day, at.hour, at.minute) == (28, 23, 59)), "{days:?}");

    let mut first = scheduler("UTC0", &format!("on='1'\nat='00:10'\n{no_spread}"));
    let days = starts(&mut first, 366);
    assert_eq!(days.len(), 12);
    assert!(days.iter().all(|at| (at.day, at.hour, at.minute) == (1, 0, 10)), "{days:?}");
}

/// On 29 March 2026 the hour from 02:00 is skipped, on 25 October it comes twice.
#[test]
fn summer_time_neither_skips_nor_repeats_an_occurrence() {
    let mut daily = scheduler(PARIS, "at='02:30'\nspread='1s'\nopen-for='15m'");
    let days = starts(&mut daily, 365);
    let october = days.iter().filter(|at| (at.month, at.day) == (10, 25)).count();
    assert_eq!(october, 1, "{days:?}");
    let mut daily = scheduler(PARIS, "at='02:30'\nspread='1s'\nopen-for='45m'");
    let march = starts(&mut daily, 365).into_iter().find(|at| (at.month, at.day) == (3, 28));
    assert!(march.is_some());
}

#[test]
fn boxes_of_other_names_begin_at_other_times_within_the_spread() {
    let delays: Vec<i64> = (0..500)
        .map(|number| delay(&format!("cabin-{number}").parse().unwrap(), TimeSpan::minutes(60)))
        .collect();
    assert!(delays.iter().all(|delay| (0..3600).contains(delay)));
    for quarter in 0..4 {
        let in_it = delays.iter().filter(|delay| **delay / 900 == quarter).count();
        assert!((80..170).contains(&in_it), "{in_it} of 500 in quarter {quarter}");
    }
    let mut spread = scheduler("UTC0", "at='23:30'\nspread='12h'\nopen-for='5m'");
    assert_eq!(starts(&mut spread, 10).len(), 10, "also across midnight");
}

#[test]
fn a_failed_attempt_is_repeated_until_the_occurrence_is_over() {
    let mut daily = scheduler("UTC0", "at='02:30'\nspread='1s'\nopen-for='15m'");
    let start = TUESDAY + 150 * MINUTE;
    let mut tried = Vec::new();
    for unix in start - 60..start + 3600 {
        if let Some(length) = daily.poll(known(unix), since(unix)) {
            daily.note(&LinkOutcome::Failed(DownReason::Stopping), known(unix));
            tried.push((unix - start, length.as_secs()));
        }
    }
    assert_eq!(tried, [(0, 900), (300, 600), (600, 300)]);
}

#[test]
fn a_link_that_someone_closes_is_not_opened_again_in_the_same_occurrence() {
    let start = TUESDAY + 150 * MINUTE;
    for outcome in [
        up(),
        LinkOutcome::Closed(DownReason::Asked),
        LinkOutcome::Refused(RequestRefusal::Budget { used: Default::default(), limit: Default::default() }),
    ] {
        let mut daily = scheduler("UTC0", "at='02:30'\nspread='1s'\nopen-for='15m'");
        assert!(daily.poll(known(start), since(start)).is_some());
        daily.note(&outcome, known(start + 5));
        assert_eq!(daily.poll(known(start + 400), since(start + 400)), None, "{outcome:?}");
        assert!(daily.poll(known(start + DAY), since(start + DAY)).is_some(), "{outcome:?}");
    }
}

#[test]
fn it_waits_until_the_network_has_sent_the_time() {
    let mut daily = scheduler("UTC0", "at='02:30'\nspread='1s'\nopen-for='15m'");
    let start = TUESDAY + 150 * MINUTE;
    assert_eq!(daily.poll(WallClock::Floor(start), SECOND), None);
    assert_eq!(daily.deadline(WallClock::Floor(start), SECOND), None);
    assert_eq!(daily.upcoming(WallClock::Floor(start)), None);
    assert_eq!(daily.poll(known(start + 840), SECOND), Some(Duration::from_secs(60)), "late, for the rest");
}

#[test]
fn the_next_start_is_shown_in_unix_time() {
    let winter = scheduler(PARIS, "at='02:30'\nspread='1s'");
    assert_eq!(winter.upcoming(known(TUESDAY)), Some(TUESDAY + 30 * MINUTE), "02:30 in summer is 00:30 UTC");
    let weekly = scheduler(PARIS, "on='monday'\nat='02:30'\nspread='1s'");
    // 2026-10-24, the day before winter time begins; Monday is the 26th.
    let saturday = 1_792_800_000;
    assert_eq!(weekly.upcoming(known(saturday)), Some(saturday + 2 * DAY + 90 * MINUTE), "01:30 UTC");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A box that sleeps until each deadline opens its link as often as one that looks every minute.
    #[test]
    fn no_occurrence_is_missed_between_deadlines(
        on in prop_oneof![Just("daily".to_owned()), Just("friday".to_owned()), (1..29u8).prop_map(|day| day.to_string())],
        minutes in 0..1440u16, spread in 1..720u16,
    ) {
        let text = format!(
            "on='{on}'\nat='{:02}:{:02}'\nspread='{spread}m'\nopen-for='5m'", minutes / 60, minutes % 60
        );
        let mut watched = scheduler(PARIS, &text);
        let mut slept = watched.clone();
        let expected = starts(&mut watched, 70).len();
        let (mut unix, mut seen) = (TUESDAY, 0_usize);
        while unix < TUESDAY + 70 * DAY {
            if slept.poll(known(unix), since(unix)).is_some() {
                slept.note(&up(), known(unix));
                seen += 1;
            }
            let wake = slept.deadline(known(unix), since(unix)).unwrap();
            unix += i64::try_from((wake - since(unix)).as_secs()).unwrap().max(1);
        }
        prop_assert!(seen.abs_diff(expected) <= 1, "{seen} and {expected}: only at the very end may they differ");
    }

    #[test]
    fn no_clock_makes_it_panic(unix in -(1i64 << 40)..1 << 40, boot in 0u64..1 << 40) {
        let mut monthly = scheduler(PARIS, "on='28'\nat='23:59'\nspread='12h'");
        let now = Duration::from_secs(boot);
        monthly.poll(known(unix), now);
        monthly.note(&up(), known(unix));
        let wake = monthly.deadline(known(unix), now).unwrap();
        prop_assert!(wake > now && wake <= now + LOOK_EVERY);
        prop_assert!(monthly.upcoming(known(unix)).unwrap() > unix);
    }
}
