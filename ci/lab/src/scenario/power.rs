//! Power cuts by replay: the short form of `cargo xtask bench power`.

use super::check;
use crate::error::{Error, Result};
use crate::leftovers;
use crate::power::run::{Plan, judge};
use crate::power::story::Story;
use crate::power::table::Verdict;
use crate::stage::Stage;

const STORY: &str = "message";
const CUTS: u64 = 300;
/// A boot costs seven seconds of processor time.
const BOOTS: u64 = 1;

/// Three commands are accepted by SMS while the writes to the card are recorded. Whatever a power cut then leaves of them,
/// no accepted code, budget or boot is forgotten; one such card is booted.
pub fn cuts(stage: &Stage) -> Result<()> {
    let dir = leftovers::private_dir()?;
    let _note = leftovers::directory(dir.path());
    let story = Story::named(STORY).ok_or_else(|| Error::Unexpected(format!("no story {STORY}")))?;
    story.record_on(stage, &story.dir(dir.path()))?;
    let plan = Plan {
        dir: dir.path(),
        cuts: CUTS,
        boots: BOOTS,
        seed: 1,
        story: None,
        only: None,
        again: false,
        json: false,
    };
    let tally = judge(stage.bench(), &plan, story)?;
    check(tally.broken.is_empty(), || format!("{tally}\n{:?}", tally.broken))?;
    check(tally.count(Verdict::Kept) as u64 > CUTS / 2, || format!("too few cards could be read:\n{tally}"))?;
    // The code of each of the three commands is stored in two places.
    check(tally.requests >= 6, || format!("the writes were not recorded:\n{tally}"))
}
