//! The pins of `[gpio]`. The outputs keep their levels while this service starts again.

use std::io;
use std::time::Duration;

use crate::dialer::{Switching, Which};
use crate::gpio::{Chip, Line, output::Output};
use crate::log::Log;
use crate::names::record;
use crate::paths::Paths;
use crate::record::Record;
use crate::site::{Gpio, Level};

/// How often the inputs are read. A change counts at the second reading that shows it.
const READ_EVERY: Duration = Duration::from_secs(1);

/// The pins; each is `None` if it could not be taken.
#[derive(Debug)]
pub(super) struct Pins<'a> {
    paths: &'a Paths,
    log: &'a Log,
    names: Vec<String>,
    outputs: Vec<Option<Output>>,
    inputs: Vec<Option<Line>>,
    /// The levels of the outputs but for pulses, for the next start of this service.
    levels: Record,
    read_at: Duration,
}

impl<'a> Pins<'a> {
    /// Takes the lines of a site: outputs at the level that a command has given them since the boot, or at that of the
    /// site.
    pub fn take(paths: &'a Paths, site: &Gpio, log: &'a Log) -> Self {
        let levels = paths.published(record::GPIO).unwrap_or_default();
        let outputs = site.outputs.iter().map(|output| {
            let name = output.name.as_str();
            let level = levels.get(name).and_then(Level::parse).unwrap_or(output.at_boot);
            taken(name, Output::take(paths, output, level), log)
        });
        let outputs = outputs.collect();
        let chip = Chip::open(paths);
        let inputs = site.inputs.iter().map(|input| {
            let chip = chip.as_ref().map_err(|error| io::Error::other(error.to_string()));
            taken(input.name.as_str(), chip.and_then(|chip| chip.input(input)), log)
        });
        let inputs = inputs.collect();
        let names = site.outputs.iter().map(|output| output.name.to_string()).collect();
        Self { paths, log, names, outputs, inputs, levels, read_at: Duration::ZERO }
    }

    /// Switches an output.
    pub fn switch(&mut self, Switching { output, level, time, .. }: &Switching) -> Result<(), String> {
        let (Some(Some(line)), Some(name)) = (self.outputs.get(*output), self.names.get(*output)) else {
            return Err(NOT_TAKEN.to_owned());
        };
        line.set(*level).map_err(|error| error.to_string())?;
        let later = if time.is_some() { level.other() } else { *level };
        let levels = std::mem::take(&mut self.levels);
        let others = levels.iter().filter(|(known, _)| known != name);
        self.levels =
            others.fold(Record::new(), |all, (name, level)| all.with(name, level)).with(name, later);
        if let Err(error) = self.paths.publish(record::GPIO, &self.levels) {
            self.log.warning(&format!("the levels of [gpio] last until this service starts again: {error}"));
        }
        Ok(())
    }

    /// The level at a pin.
    pub fn level(&self, line: Which) -> Result<Level, String> {
        let level = match line {
            Which::Output(at) => self.outputs.get(at).and_then(Option::as_ref).map(Output::level),
            Which::Input(at) => self.inputs.get(at).and_then(Option::as_ref).map(Line::level),
        };
        level.ok_or_else(|| NOT_TAKEN.to_owned())?.map_err(|error| error.to_string())
    }

    /// The levels of all inputs, if it is time to read them.
    pub fn read(&mut self, now: Duration) -> Option<Vec<Option<Level>>> {
        if self.inputs.is_empty() || now < self.read_at {
            return None;
        }
        self.read_at = now + READ_EVERY;
        let level = |line: &Option<Line>| line.as_ref().and_then(|line| line.level().ok());
        Some(self.inputs.iter().map(level).collect())
    }

    /// When to [read](Self::read) again, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        (!self.inputs.is_empty()).then_some(self.read_at)
    }
}

fn taken<L>(name: &str, line: io::Result<L>, log: &Log) -> Option<L> {
    line.map_err(|error| log.error(&format!("the line {name} of [gpio] cannot be used: {error}"))).ok()
}

const NOT_TAKEN: &str = "the line cannot be used: see logread";
