//! The facts that the loop reads once for the [`Dialer`](super::Dialer), and the time in the site's calendar.

use super::Facts;
use crate::build::Build;
use crate::clock::{self, Month, Plausible, WallClock};
use crate::names::record;
use crate::paths::Paths;
use crate::ppp::{Calendar, Timestamp};
use crate::published::{CardStatus, LastBoot, Published};
use crate::site::Site;
use crate::sms::reply::CardHealth;

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

/// The current time.
pub(super) fn timestamp(site: &Site, wall: WallClock) -> Timestamp {
    let local = |unix| unix + site.timezone.offset_at(unix);
    let calendar = match wall {
        WallClock::Known(unix) => Calendar::Known(Month::from_local(local(unix))),
        WallClock::Floor(unix) => Calendar::NotBefore(Month::from_local(local(unix))),
    };
    Timestamp { now: clock::since_boot(), calendar }
}
