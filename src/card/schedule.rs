//! When the scrub runs, and how fast.

use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// A twin is not made before: the first minutes belong to the modem, and to somebody who tries the box out.
pub const TWIN_AFTER: Duration = Duration::from_secs(5 * 60);
/// A card whose last scrub is older is scrubbed soon: its box runs for a few hours a day only.
const OVERDUE: i64 = 2 * 86_400;

/// When to scrub, in time since boot: at a random minute that is at least an hour away from this boot and from the daily
/// reboot, which comes in `until_reboot`. If none is left, the time after that reboot counts: if the reboot is late,
/// the scrub takes place nevertheless.
pub fn next(now: Duration, until_reboot: Duration, is_overdue: bool, random: u32) -> Duration {
    let first = if is_overdue { 10 * MINUTE } else { HOUR };
    let window = |from: Duration, to: Duration| (from + MINUTE <= to).then_some((from, to));
    let today = until_reboot.checked_sub(HOUR).and_then(|end| window(first, end));
    let (from, to) = today.unwrap_or((until_reboot + HOUR, until_reboot + 23 * HOUR));
    let minutes = (to - from).as_secs() / MINUTE.as_secs();
    now + from + MINUTE * u32::try_from(u64::from(random) % minutes.max(1)).unwrap_or(0)
}

/// Whether the last scrub is too long ago; all times in seconds since 1970.
pub fn is_overdue(last: Option<i64>, now: i64) -> bool {
    last.is_none_or(|last| now.saturating_sub(last) >= OVERDUE)
}

/// Whether a scrub that is due may begin now: the clock may have been set since it was planned.
pub fn is_far_from_reboot(until_reboot: Duration) -> bool {
    until_reboot >= HOUR
}

/// For whom the card is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// For nobody in particular.
    Routine,
    /// Somebody waits for the result.
    Asked,
    /// The running root could not be read.
    Trouble,
}

/// A call or a link that shares processor and card with the scrub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// There is none.
    None,
    /// There is one, or it is being set up, since so long.
    For(Duration),
}

/// What to do before the next chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Rest for this long.
    Rest(Duration),
    /// Wait until the session has ended.
    Wait,
}

/// A session delays the routine for this long at most: one may last for ever.
const LONGEST_WAIT: Duration = HOUR;

/// Decides after a chunk that took `busy`. Beside a session, the scrub has at most a twenty-fifth of the time.
pub fn pace(busy: Duration, urgency: Urgency, session: Session) -> Pace {
    match (urgency, session) {
        (Urgency::Trouble, _) => Pace::Rest(Duration::ZERO),
        (Urgency::Asked, Session::None) => Pace::Rest(busy / 2),
        (Urgency::Routine, Session::None) => Pace::Rest(busy * 9),
        (Urgency::Routine, Session::For(since)) if since < LONGEST_WAIT => Pace::Wait,
        (Urgency::Asked | Urgency::Routine, Session::For(_)) => Pace::Rest(busy * 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_box_that_reboots_at_four_is_scrubbed_between_five_and_three() {
        let at = |random| next(Duration::ZERO, DAY, false, random).as_secs();
        assert_eq!((at(0), at(22 * 60 - 1), at(22 * 60)), (3600, 23 * 3600 - 60, 3600));
    }

    #[test]
    fn shortly_before_the_reboot_the_time_after_it_counts() {
        let minute = next(MINUTE, 30 * MINUTE, false, 0);
        assert_eq!(minute, MINUTE + 90 * MINUTE);
    }

    #[test]
    fn a_card_that_was_not_scrubbed_for_two_days_is_scrubbed_soon() {
        assert!(is_overdue(None, 0));
        assert!(!is_overdue(Some(1_000_000), 1_000_000 + 86_400));
        assert!(is_overdue(Some(1_000_000), 1_000_000 + 2 * 86_400));
        assert!(!is_overdue(Some(1_000_000), 0), "a clock that went back");
        assert_eq!(next(Duration::ZERO, DAY, true, 0), 10 * MINUTE);
    }

    #[test]
    fn beside_a_session_the_routine_waits_an_hour_and_then_takes_less_than_five_percent() {
        let busy = Duration::from_millis(10);
        let since = |seconds| Session::For(Duration::from_secs(seconds));
        let rest = |times| Pace::Rest(busy * times);
        let table = [
            (Urgency::Routine, Session::None, rest(9)),
            (Urgency::Routine, since(0), Pace::Wait),
            (Urgency::Routine, since(3599), Pace::Wait),
            (Urgency::Routine, since(3600), rest(24)),
            (Urgency::Asked, Session::None, Pace::Rest(busy / 2)),
            (Urgency::Asked, since(0), rest(24)),
            (Urgency::Trouble, since(0), rest(0)),
        ];
        for (urgency, session, expected) in table {
            assert_eq!(pace(busy, urgency, session), expected, "{urgency:?}, {session:?}");
        }
    }

    proptest! {
        #[test]
        fn a_scrub_is_an_hour_away_from_the_reboot_before_it_and_behind_it(
            until_reboot in 0u64..=86_400, random: u32, is_overdue: bool, now in 0u64..1 << 32,
        ) {
            let (now, until) = (Duration::from_secs(now), Duration::from_secs(until_reboot));
            let at = next(now, until, is_overdue, random) - now;
            let before = until.checked_sub(at).is_some_and(|left| left >= HOUR);
            let behind = at.checked_sub(until).is_some_and(|left| left >= HOUR && left <= 23 * HOUR);
            prop_assert!(before || behind, "{at:?} of {until:?}");
        }
    }
}
