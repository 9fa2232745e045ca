//! `lab rot`: rots a card in many ways, and lets the box's own code read and heal it.

use super::pattern::{self, Rot};
use super::whole::WholeCard;
use crate::bench::Bench;
use crate::error::{Error, Result};
use crate::own::own_box;
use crate::stage::Stage;
use dialbox::card::BLOCK;
use dialbox::card::composition::compose;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many patterns of rot.
    pub patterns: u64,
    /// Of which the first so many are booted, too.
    pub boots: u64,
    /// What they are made from.
    pub seed: u64,
    /// Only the pattern with this number; it is booted.
    pub only: Option<u64>,
}

/// The partitions of the roots, counted from 1.
const ROOTS: [usize; 2] = [2, 3];

/// Runs it and prints a table. True if every pattern was healed in one pass, and every card that was booted has booted.
///
/// # Errors
/// The image cannot be read.
pub fn run(bench: &Bench, plan: Plan) -> Result<bool> {
    let card = WholeCard::of(bench.image.clone())?;
    let (mut healed, mut booted, mut broken) = (0, 0, 0);
    let (mut least, mut most) = (usize::MAX, 0);
    for index in plan.only.map_or(0..plan.patterns, |only| only..only + 1) {
        let rotten = pattern::numbered(index, plan.seed, card.blocks());
        (least, most) = (least.min(rotten.len()), most.max(rotten.len()));
        let is_booted = index < plan.boots || plan.only.is_some();
        let result = heals(&card, &rotten).and_then(|()| {
            healed += 1;
            if is_booted { boots(&Stage::new(bench)?, &card, &rotten) } else { Ok(()) }
        });
        match result {
            Ok(()) => booted += u64::from(is_booted),
            Err(error) => {
                broken += 1;
                println!("BROKEN pattern {index}: {error}");
                println!("  again: cargo run -p lab -- rot --only {index} --seed {}", plan.seed);
            }
        }
    }
    println!("{} blocks are on the card twice, {} of them the root's", card.blocks(), card.root_blocks());
    println!("{} patterns of {least} to {most} rotten blocks: {healed} healed in one pass", healed + broken);
    println!("{booted} of them booted from what both roots have left");
    Ok(broken == 0)
}

/// The two roots together have every block of the root, and one pass makes the card what it was.
///
/// # Errors
/// They do not, or it is not.
pub fn heals(card: &WholeCard, rotten: &[Rot]) -> Result<()> {
    let content = card.rotten(rotten);
    let composition = compose(&card.built().root, ROOTS.len(), |copy, number| {
        let at = usize::try_from(number).ok()? * BLOCK;
        content[copy + 1].get(at..)?.first_chunk().copied()
    });
    match composition {
        Some(composition) if composition.lost.is_empty() => {}
        found => return Err(Error::Unexpected(format!("blocks of the root are lost: {found:?}"))),
    }
    card.write(&content)?;
    is_healed(card)
}

fn is_healed(card: &WholeCard) -> Result<()> {
    let outcome = card.scrub()?;
    if outcome.bad() > 0 || !card.is_whole()? {
        let troubles = outcome.troubles.join("; ");
        return Err(Error::Unexpected(format!(
            "after a pass the card is not what it was: {outcome}; {troubles}"
        )));
    }
    Ok(())
}

/// A box with both rotten roots starts all its services from a verified root, and then one pass makes the card what it was.
/// The boot partition is whole: nothing can help before the firmware has loaded kernel and initramfs.
///
/// # Errors
/// It does not boot, or says that something is lost.
pub fn boots(stage: &Stage, card: &WholeCard, rotten: &[Rot]) -> Result<()> {
    let (own, machine) = own_box(stage)?;
    let [boot, a, b] = card.rotten(rotten);
    machine.card().write_partition(ROOTS[0], &a)?;
    machine.card().write_partition(ROOTS[1], &b)?;
    let mut booted = machine.boot()?;
    let status = booted.until_all("dialctl status", &own.up())?;
    booted.cut_power();
    let root = status.lines().find(|line| line.starts_with("root ")).unwrap_or_default();
    if !root.ends_with("read-only, verified") {
        return Err(Error::Unexpected(format!("the status says: {root}")));
    }
    let [a, b] = ROOTS.map(|number| machine.card().read_partition(number));
    card.write(&[boot, a?, b?])?;
    is_healed(card)
}
