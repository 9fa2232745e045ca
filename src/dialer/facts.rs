//! The facts that the loop reads once for the [`Dialer`](super::Dialer), and the time in the site's calendar.

use super::Facts;
use crate::build::Build;
use crate::clock::{self, Month, Plausible, WallClock};
use crate::names::record;
use crate::paths::Paths;
use crate::ppp::{Calendar, Timestamp};
use crate::published::{CardStatus, LastBoot, Published};
use crate::site::{LinkConfig, Site};
use crate::sms::reply::CardHealth;

const DAY: i64 = 86_400;

/// The facts of this box and its image.
pub(super) fn facts(paths: &Paths, site: &Site) -> Facts {
    let ledger = paths.published(record::LEDGER).as_ref().and_then(LastBoot::from_record);
    let boots = ledger.map(|boot| (boot.number, boot.cause));
    let build = Build::load(paths);
    Facts {
        version: build.version,
        boots,
        plausible: Plausible::since_build(build.epoch),
        timezone: Some(site.timezone.clone()),
    }
}

/// The card's copies, as far as `scrubd` has published them.
pub(super) fn card(paths: &Paths) -> Option<CardHealth> {
    let status = paths.published(record::SCRUB).as_ref().and_then(CardStatus::from_record)?;
    Some(CardHealth { scrubbed: status.scrubbed, healed: status.healed, bad: status.bad })
}

/// The current time. The month of the budget begins on the billing day, and has the name of the month in which it begins.
pub(super) fn timestamp(site: &Site, link: &LinkConfig, wall: WallClock) -> Timestamp {
    let days_before = i64::from(link.billing_day.get()) - 1;
    let local = |unix| unix + site.timezone.offset_at(unix) - days_before * DAY;
    let calendar = match wall {
        WallClock::Known(unix) => Calendar::Known(Month::from_local(local(unix))),
        WallClock::Floor(unix) => Calendar::NotBefore(Month::from_local(local(unix))),
    };
    Timestamp { now: clock::since_boot(), calendar }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Role;

    #[test]
    fn the_month_of_the_budget_begins_on_the_billing_day() {
        for (day, unix, month) in [
            (1, 1_785_542_399, "2026-07"), // 2026-07-31 23:59:59
            (1, 1_785_542_400, "2026-08"),
            (15, 1_784_073_599, "2026-06"), // 2026-07-14 23:59:59
            (15, 1_784_073_600, "2026-07"),
            (15, 1_785_542_400, "2026-07"),
            (28, 1_803_772_799, "2027-01"), // 2027-02-27 23:59:59
            (28, 1_803_772_800, "2027-02"),
        ] {
            let text = format!(
                "role='dialer'\nhostname='x'\n[operator]\nname='x'\napn='x'\n\
                 [link]\ndata-budget='1GB'\nbilling-day={day}\n"
            );
            let site = Site::parse(&text).unwrap();
            let Role::Dialer(role) = &site.role else { unreachable!() };
            let Timestamp { calendar, .. } = timestamp(&site, &role.link, WallClock::Known(unix));
            assert_eq!(calendar, Calendar::Known(Month::parse(month).unwrap()), "{day} {unix}");
        }
    }
}
