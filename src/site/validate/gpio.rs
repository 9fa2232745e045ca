//! `[gpio]`: each name and each line once, and only lines that the board has to spare.

use super::{check_distinct, problem};
use crate::site::error::{Checked, Problem};
use crate::site::{Bias, Gpio, GpioInput, GpioOutput, Level, raw};
use std::ops::Range;
use toml::Spanned;

pub(super) fn gpio(at: Range<usize>, raw: raw::Gpio) -> Checked<Gpio> {
    let outputs: Vec<raw::GpioOutput> = raw.output.into_iter().flatten().map(Spanned::into_inner).collect();
    let inputs: Vec<raw::GpioInput> = raw.input.into_iter().flatten().map(Spanned::into_inner).collect();
    if outputs.is_empty() && inputs.is_empty() {
        return problem(
            "no line is named",
            "add [[gpio.output]] or [[gpio.input]] with name and line, or remove `[gpio]`",
            at,
        );
    }
    let names = outputs.iter().map(|output| &output.name);
    check_distinct("name", names.chain(inputs.iter().map(|input| &input.name)))?;
    let lines = || outputs.iter().map(|output| &output.line).chain(inputs.iter().map(|input| &input.line));
    check_distinct("line", lines())?;
    for line in lines() {
        raw.board.check(*line.get_ref()).map_err(|invalid| Problem::from_value(invalid, line.span()))?;
    }
    let outputs = outputs.into_iter().map(|raw| GpioOutput {
        name: raw.name.into_inner(),
        line: raw.line.into_inner(),
        at_boot: raw.at_boot.unwrap_or(Level::Off),
        active_low: raw.active_low.unwrap_or(false),
    });
    let inputs = inputs.into_iter().map(|raw| GpioInput {
        name: raw.name.into_inner(),
        line: raw.line.into_inner(),
        bias: raw.bias.unwrap_or(Bias::None),
        active_low: raw.active_low.unwrap_or(false),
    });
    Ok(Gpio { outputs: outputs.collect(), inputs: inputs.collect() })
}
