//! Models of analogue modems, from `image/modems/lines.toml`, where the keys are described.

use std::time::Duration;

use super::at::AtCommand;
use super::error::{Checked, Problem, unknown};
use super::number::Whole;
use super::table::{Value, Written, integer, tables, text};
use super::text::Text;
use super::{FlowControl, error::problem};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const MODELS: &str = include_str!("../../image/modems/lines.toml");

/// A model of modem.
#[derive(Clone, Debug, PartialEq)]
pub struct ModemModel {
    /// Its name in `site.toml`.
    pub name: String,
    /// The modems meant.
    pub summary: String,
    /// How long it ignores commands after the `OK` to its reset; zero for most.
    pub settle: Duration,
    /// Words for a ring, besides `RING`.
    pub rings: Vec<String>,
    /// Words for a connection.
    pub connects: Vec<String>,
    init: Vec<AtCommand>,
    rts_cts: AtCommand,
    no_flow: AtCommand,
    caller_id: Option<AtCommand>,
    plain: Vec<AtCommand>,
    /// Bits per second of the telephone line, and the commands for exactly this speed.
    fixed_speed: Vec<(u32, Vec<AtCommand>)>,
}

impl ModemModel {
    /// All models, by name.
    #[must_use]
    pub fn all() -> Vec<Self> {
        // Not `?`: the file is part of the program, and a test reads it.
        read_all().unwrap_or_else(|_| unreachable!("image/modems/lines.toml is valid"))
    }

    /// The commands after a reset, before the box's own.
    #[must_use]
    pub fn init(&self, flow: FlowControl) -> Vec<AtCommand> {
        let flow = match flow {
            FlowControl::RtsCts => &self.rts_cts,
            FlowControl::None => &self.no_flow,
        };
        self.init.iter().chain([flow]).cloned().collect()
    }

    /// Turns on the caller's number; `None` for the command of ITU-T V.253.
    #[must_use]
    pub fn caller_id(&self) -> Option<&AtCommand> {
        self.caller_id.as_ref()
    }

    /// The commands for a connection without error correction.
    #[must_use]
    pub fn plain(&self) -> &[AtCommand] {
        &self.plain
    }

    /// The speeds of the telephone line that can be fixed, in bit/s, each with its commands.
    #[must_use]
    pub fn fixed_speeds(&self) -> &[(u32, Vec<AtCommand>)] {
        &self.fixed_speed
    }
}

impl Value for ModemModel {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let name = text(value, "a model of modem")?;
        let models = ModemModel::all();
        if let Some(model) = models.iter().find(|model| model.name == name) {
            return Ok(model.clone());
        }
        let known: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        Err(Problem::from_value(unknown("model", name, &known), value.span()))
    }
}

fn read_all() -> Checked<Vec<ModemModel>> {
    let document = DeTable::parse(MODELS).map_err(|error| Problem::from_syntax(&error))?;
    document.get_ref().iter().map(|(name, table)| model(name.get_ref(), table)).collect()
}

tables! {
    struct Model {
        summary: Words,
        source: Words,
        init: Option<Vec<AtCommand>>,
        rts_cts: AtCommand,
        no_flow: AtCommand,
        caller_id: Option<AtCommand>,
        settle_ms: Option<Whole<0, 5000>>,
        plain: Vec<AtCommand>,
        fixed_speed: Option<Speeds>,
        rings: Option<Vec<Words>>,
        connects: Option<Vec<Words>>,
    }
}

fn model(name: &str, table: &Written<'_>) -> Checked<ModemModel> {
    let raw = <Model as Value>::read(table)?;
    if raw.source.0.is_empty() {
        return problem("no source for its commands", "name the manual", table.span());
    }
    let words = |words: Option<Vec<Words>>| words.into_iter().flatten().map(|word| word.0).collect();
    Ok(ModemModel {
        name: name.to_owned(),
        summary: raw.summary.0,
        settle: Duration::from_millis(raw.settle_ms.map_or(0, |settle| settle.get().into())),
        rings: words(raw.rings),
        connects: words(raw.connects),
        init: raw.init.unwrap_or_default(),
        rts_cts: raw.rts_cts,
        no_flow: raw.no_flow,
        caller_id: raw.caller_id,
        plain: raw.plain,
        fixed_speed: raw.fixed_speed.map(|speeds| speeds.0).unwrap_or_default(),
    })
}

/// Any text.
pub(super) struct Words(pub(super) String);

impl Text for Words {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Result<Self, super::text::Invalid> {
        Ok(Self(text.to_owned()))
    }
}

pub(super) struct Speeds(Vec<(u32, Vec<AtCommand>)>);

impl Value for Speeds {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let DeValue::Table(speeds) = value.get_ref() else {
            return problem("expected speeds", "write { 2400 = [\"AT…\"] }", value.span());
        };
        let speed = |(key, commands): (&Spanned<_>, &Written<'_>)| {
            let key: &Spanned<std::borrow::Cow<'_, str>> = key;
            match key.get_ref().parse() {
                Ok(speed) => Ok((speed, <Vec<_> as Value>::read(commands)?)),
                Err(_) => problem("not a speed", "write bits per second", key.span()),
            }
        };
        let mut speeds = speeds.iter().map(speed).collect::<Checked<Vec<_>>>()?;
        speeds.sort_by_key(|(speed, _)| *speed);
        Ok(Self(speeds))
    }
}

/// The speed of the telephone line, in bit/s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpeed(pub u32);

impl Value for LineSpeed {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let speed = integer(value, "a speed in bit/s")?;
        let known = u32::try_from(speed).ok().filter(|speed| (300..=56_000).contains(speed));
        match known {
            Some(speed) => Ok(Self(speed)),
            None => problem(format!("{speed} bit/s is no modem's"), "write 300 to 56000", value.span()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::line_init::LineInit;

    #[test]
    fn no_model_undoes_what_the_box_relies_on() {
        let models = read_all().unwrap_or_else(|problem| panic!("{:?}", problem.reason));
        for model in &models {
            let flows = [FlowControl::RtsCts, FlowControl::None].map(|flow| model.init(flow));
            let speeds = model.fixed_speed.iter().flat_map(|(_, commands)| commands);
            for command in flows.iter().flatten().chain(speeds).chain(&model.plain) {
                LineInit::from_text(command.as_str())
                    .unwrap_or_else(|error| panic!("{}: {error}", model.name));
            }
        }
        assert!(models.len() >= 6);
    }
}
