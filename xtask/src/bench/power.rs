//! Power cuts by replay, and what a box writes to its card: both by the lab, which prints its own tables.

use std::path::Path;
use std::process::Command;

use crate::{
    cli::{Bench, PowerCuts},
    context::BuildContext,
    error::Result,
    lab,
};

/// The directory of the recordings, in cargo's target directory.
const RECORDINGS: &str = "power";

/// Cuts the power. Fails if a card has forgotten something or does not boot.
pub fn cut(ctx: &BuildContext, image: &Path, args: &PowerCuts) -> Result<()> {
    let mut command = with_recordings(ctx, image, "power")?;
    let PowerCuts { cuts, boots, seed, story, only, record, json } = args;
    let numbers = [("--cuts", cuts), ("--boots", boots), ("--seed", seed)];
    for (option, number) in numbers {
        command.args(number.iter().flat_map(|number| [option.to_owned(), number.to_string()]));
    }
    for (option, text) in [("--story", story), ("--only", only)] {
        command.args(text.iter().flat_map(|text| [option, text.as_str()]));
    }
    for (option, is_given) in [("--record", record), ("--json", json)] {
        command.args(is_given.then_some(option));
    }
    lab::run(command, "a power cut has broken something, or was not tried")
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
