//! Whether the clock is set to the time that the network has sent.

use super::Effect;
use crate::clock::{Utc, WallClock};
use crate::log::Level;

/// A clock that is right to the second is left alone: WireGuard and the logs like no steps.
const TOLERATED: u64 = 2;

pub(super) fn set_clock(unix: i64, wall: WallClock, built: Option<i64>) -> Option<Effect> {
    if let Some(built) = built.filter(|built| unix < *built) {
        let (network, built) = (Utc(unix), Utc(built));
        let what = format!("the network's time {network} is ignored: this image was built at {built}");
        return Some(Effect::log(Level::Warning, what));
    }
    match wall {
        WallClock::Known(shown) if shown.abs_diff(unix) <= TOLERATED => None,
        WallClock::Known(_) | WallClock::Floor => Some(Effect::SetClock(unix)),
    }
}
