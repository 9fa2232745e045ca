//! `lab power`: records the stories, cuts the power many times, and prints what was kept.

use super::boot;
use super::cut::Cut;
use super::facts::Fact;
use super::memory::{self, Reading};
use super::recording::Recording;
use super::replay::CutCard;
use super::story::{STORIES, Story};
use super::table::{HEAD, Tally, Verdict};
use super::verdicts::Verdicts;
use crate::bench::Bench;
use crate::card::Card;
use crate::error::{Error, Result};
use crate::kept::KeptBox;
use crate::random::Random;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;

/// How many cuts of each story are listed that broke something.
const LISTED: usize = 10;

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The directory of the recordings.
    pub dir: &'a Path,
    /// Cuts in all stories together.
    pub cuts: u64,
    /// Of which so many are booted.
    pub boots: u64,
    /// What the cuts are made from.
    pub seed: u64,
    /// Only this story.
    pub story: Option<&'a str>,
    /// Only the cut with this number; it is booted.
    pub only: Option<u64>,
    /// Record again.
    pub again: bool,
    /// Print JSON.
    pub json: bool,
}

/// Runs it. True if nothing was forgotten, and every card that was booted has booted.
pub fn run(bench: &Bench, plan: &Plan) -> Result<bool> {
    let stories: Vec<&Story> =
        STORIES.iter().filter(|story| plan.story.is_none_or(|name| name == story.name)).collect();
    if stories.is_empty() {
        let names = STORIES.each_ref().map(|story| story.name).join(", ");
        return Err(Error::Unexpected(format!("no such story; there are {names}")));
    }
    // A card holds the secrets of its site.
    fs::create_dir_all(plan.dir)
        .and_then(|()| fs::set_permissions(plan.dir, Permissions::from_mode(0o700)))
        .map_err(|e| Error::io("make", plan.dir, e))?;
    let kept = KeptBox::default();
    for story in &stories {
        let dir = story.dir(plan.dir);
        if plan.again || !Recording::is_in(&dir) {
            eprintln!("recording {}: {}", story.name, story.what);
            story.record(bench, &kept, &dir)?;
        }
    }
    let share = |all: u64| all.div_ceil(stories.len() as u64);
    let mut is_well = true;
    if !plan.json {
        println!("{HEAD}");
    }
    for story in &stories {
        let tally =
            judge(bench, &Plan { cuts: share(plan.cuts), boots: share(plan.boots), ..plan.clone() }, story)?;
        is_well &= tally.broken.is_empty();
        if plan.json {
            println!("{}", tally.json());
            continue;
        }
        println!("{tally}");
        for (index, why) in tally.broken.iter().take(LISTED) {
            println!("  BROKEN {}:{index} {why}", story.name);
            println!("    again: cargo xtask bench power --only {}:{index} --seed {}", story.name, plan.seed);
        }
    }
    Ok(is_well)
}

/// Cuts the power in one recorded story, as often as the plan says.
pub fn judge(bench: &Bench, plan: &Plan, story: &Story) -> Result<Tally> {
    Cuts::of(bench, plan, story)?.judge(plan.cuts, plan.boots)
}

/// The cuts of one story.
struct Cuts<'a> {
    bench: &'a Bench,
    plan: &'a Plan<'a>,
    story: &'a Story,
    recording: Recording,
    before: Rc<File>,
}

/// A cut that was judged by the card's files.
struct Judged {
    index: u64,
    cut: Cut,
    verdict: Verdict,
    why: String,
}

impl<'a> Cuts<'a> {
    fn of(bench: &'a Bench, plan: &'a Plan<'a>, story: &'a Story) -> Result<Self> {
        let recording = Recording::load(&story.dir(plan.dir))?;
        let before = File::open(&recording.card).map_err(|e| Error::io("open", &recording.card, e))?;
        Ok(Self { bench, plan, story, recording, before: Rc::new(before) })
    }

    fn judge(&self, cuts: u64, boots: u64) -> Result<Tally> {
        let mut tally = Tally {
            story: self.story.name.to_owned(),
            requests: self.recording.requests.len(),
            sectors: self.recording.writes.len(),
            flushes: self.recording.flushes,
            ..Tally::default()
        };
        let indices = self.plan.only.map_or(0..cuts, |only| only..only + 1);
        let mut judged = Vec::new();
        for index in indices {
            let it = self.read(index);
            tally.add(it.cut.damage, it.verdict);
            judged.push(it);
        }
        let boots = if self.plan.only.is_some() { 1 } else { usize::try_from(boots).unwrap_or(usize::MAX) };
        let booted = to_boot(&judged, boots, self.plan.seed);
        let mut verdicts = Verdicts::load(&self.story.dir(self.plan.dir), self.plan.seed);
        for it in &booted {
            match verdicts.of(it.index, || self.boot(it))? {
                Ok(found) => {
                    *tally.booted.entry(found.state).or_default() += 1;
                    if !found.forgotten.is_empty() {
                        let why = format!("{}: after the boot, {}", it.cut, found.forgotten.join("; "));
                        tally.broken.push((it.index, why));
                    }
                }
                Err(error) => tally.broken.push((it.index, format!("{}: {error}", it.cut))),
            }
        }
        // Of a card that was booted, the boot has judged.
        let is_booted = |it: &Judged| booted.iter().any(|other| other.index == it.index);
        for it in judged.iter().filter(|it| it.verdict == Verdict::Forgotten && !is_booted(it)) {
            tally.broken.push((it.index, format!("{}: {}", it.cut, it.why)));
        }
        for (index, _) in tally.broken.iter().take(LISTED) {
            self.keep(*index)?;
        }
        Ok(tally)
    }

    fn cut(&self, index: u64) -> Cut {
        Cut::numbered(index, self.plan.seed, &self.recording.requests)
    }

    fn card(&self, cut: &Cut) -> CutCard {
        CutCard::new(&self.recording, &self.before, cut)
    }

    fn read(&self, index: u64) -> Judged {
        let cut = self.cut(index);
        let facts = self.recording.known_after(cut.durable(&self.recording.requests));
        let (verdict, why) = match memory::read(&self.card(&cut)) {
            Reading::Unreadable(why) => (Verdict::Undecided, why),
            Reading::Read(memory) => {
                let missing = memory.missing(facts, self.recording.proof());
                let verdict = if missing.is_empty() { Verdict::Kept } else { Verdict::Forgotten };
                (verdict, missing.into_iter().map(Fact::to_string).collect::<Vec<_>>().join("; "))
            }
        };
        Judged { index, cut, verdict, why }
    }

    fn boot(&self, it: &Judged) -> Result<boot::Booted> {
        let Judged { index, cut, verdict, why } = it;
        let (story, damage) = (self.story.name, cut.damage.name());
        eprintln!("booting {story}:{index}, {damage} {cut}; {verdict} {why}");
        let durable = cut.durable(&self.recording.requests);
        boot::boot(self.bench, &self.recording, &self.card(cut), durable)
    }

    /// Keeps the card of a cut that broke something.
    fn keep(&self, index: u64) -> Result<()> {
        let dir = self.plan.dir.join("broken");
        fs::create_dir_all(&dir).map_err(|e| Error::io("make", &dir, e))?;
        let path = dir.join(format!("{}-{index}-{}.img", self.story.name, self.plan.seed));
        Card::at(self.recording.card.clone()).copy_to(&path)?;
        self.card(&self.cut(index)).write_onto(&path)
    }
}

/// The cuts to boot: first those that need it, as far as half of the boots; then any.
fn to_boot(judged: &[Judged], boots: usize, seed: u64) -> Vec<&Judged> {
    let (mut chosen, mut rest): (Vec<_>, Vec<_>) = judged.iter().partition(|it| it.verdict != Verdict::Kept);
    let mut random = Random::new(seed);
    let mut shuffle = |list: &mut Vec<_>| (1..list.len()).for_each(|at| list.swap(at, random.below(at + 1)));
    shuffle(&mut chosen);
    shuffle(&mut rest);
    let of_rest = boots.saturating_sub(chosen.len()).max(boots / 2).min(rest.len());
    chosen.truncate(boots - of_rest);
    chosen.extend(rest.into_iter().take(of_rest));
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::cut::Damage;
    use super::*;

    #[test]
    fn half_of_the_boots_go_to_cards_that_need_one() {
        let judged = |index: u64, verdict| {
            let cut = Cut { request: 0, damage: Damage::Prefix(0) };
            Judged { index, cut, verdict, why: String::new() }
        };
        let of = |undecided: u64, kept: u64| -> Vec<_> {
            let first = (0..undecided).map(|index| judged(index, Verdict::Undecided));
            first.chain((100..100 + kept).map(|index| judged(index, Verdict::Kept))).collect()
        };
        for (undecided, kept, boots, expected) in
            [(20, 20, 10, 5), (2, 20, 10, 2), (20, 2, 10, 8), (0, 3, 10, 0)]
        {
            let all = of(undecided, kept);
            let chosen = to_boot(&all, boots, 1);
            assert_eq!(chosen.iter().filter(|it| it.index < 100).count(), expected, "{undecided} {kept}");
            assert!(chosen.len() <= boots && chosen.len() == boots.min(all.len()));
        }
    }
}
