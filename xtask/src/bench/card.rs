//! Power cuts by replay, rot, and what a box writes to its card: all by the lab, which prints its own tables.

use std::path::Path;
use std::process::Command;

use crate::{
    cli::{Bench, Damages},
    context::BuildContext,
    error::Result,
    lab,
};

/// The directory of the recordings, in cargo's target directory.
const RECORDINGS: &str = "power";

/// Cuts the power. Fails if a card has forgotten something or does not boot.
pub fn cut_power(ctx: &BuildContext, image: &Path, args: &Damages) -> Result<()> {
    let mut command = with_recordings(ctx, image, "power")?;
    let Damages { cuts, patterns: _, boots, seed, story, only, record, json } = args;
    add_numbers(&mut command, [("--cuts", cuts), ("--boots", boots), ("--seed", seed)]);
    for (option, text) in [("--story", story), ("--only", only)] {
        command.args(text.iter().flat_map(|text| [option, text.as_str()]));
    }
    for (option, is_given) in [("--record", record), ("--json", json)] {
        command.args(is_given.then_some(option));
    }
    lab::run(command, "a power cut has broken something, or was not tried")
}

/// Rots cards. Fails if one was not healed or does not boot.
pub fn rot(ctx: &BuildContext, image: &Path, args: &Damages) -> Result<()> {
    let mut command = lab::with_image(ctx, lab::command(ctx, "rot"), image)?;
    let Damages { patterns, boots, seed, .. } = args;
    add_numbers(&mut command, [("--patterns", patterns), ("--boots", boots), ("--seed", seed)]);
    lab::run(command, "rot was not healed, or not tried")
}

fn add_numbers(command: &mut Command, options: [(&str, &Option<u64>); 3]) {
    for (option, number) in options {
        command.args(number.iter().flat_map(|number| [option.to_owned(), number.to_string()]));
    }
}

/// Measures the writes of an idle box.
pub fn wear(ctx: &BuildContext, image: &Path, args: &Bench) -> Result<()> {
    let mut command = with_recordings(ctx, image, "wear")?;
    command.args(["--minutes", &args.minutes.to_string()]);
    lab::run(command, "the writes were not measured")
}

fn with_recordings(ctx: &BuildContext, image: &Path, verb: &str) -> Result<Command> {
    let mut command = lab::with_image(ctx, lab::command(ctx, verb), image)?;
    command.arg("--dir").arg(ctx.target.join(RECORDINGS));
    Ok(command)
}
