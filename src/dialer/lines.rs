//! The lines of `[gpio]`: their names, how long an output has its level, and which level an input has.

use std::time::Duration;

use crate::site::{Gpio, Level, LineName, TimeSpan};
use crate::sms::command::Switch;

/// A longer one would too often be cut short by the daily reboot.
const LONGEST_PULSE: TimeSpan = TimeSpan::minutes(60);

/// A line, by its place in the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// An output.
    Output(usize),
    /// An input.
    Input(usize),
}

/// The state of the lines, as far as it is not in the hardware.
#[derive(Debug, Default)]
pub struct Lines {
    outputs: Vec<Output>,
    inputs: Vec<Input>,
}

#[derive(Debug)]
struct Output {
    name: LineName,
    /// Until when it has its level, and which one follows.
    pulse: Option<(Duration, Level)>,
}

#[derive(Debug)]
struct Input {
    name: LineName,
    /// The last reading.
    last: Option<Level>,
    /// The last level of two readings in a row.
    settled: Option<Level>,
}

impl Lines {
    /// Those of a site.
    #[must_use]
    pub fn new(site: &Gpio) -> Self {
        let outputs = site.outputs.iter().map(|it| Output { name: it.name.clone(), pulse: None });
        let inputs = site.inputs.iter().map(|it| Input { name: it.name.clone(), last: None, settled: None });
        Self { outputs: outputs.collect(), inputs: inputs.collect() }
    }

    /// Takes a reading of every input. A contact bounces, and a cable picks up noise: a level counts when two readings in
    /// a row show it.
    pub fn read(&mut self, levels: &[Option<Level>]) {
        for (input, level) in self.inputs.iter_mut().zip(levels) {
            if level.is_some() && input.last == *level {
                input.settled = *level;
            }
            input.last = *level;
        }
    }

    /// The inputs whose level is known.
    pub fn settled(&self) -> Vec<(LineName, Level)> {
        self.inputs.iter().filter_map(|input| Some((input.name.clone(), input.settled?))).collect()
    }

    /// All of them, with their names.
    pub fn all(&self) -> impl Iterator<Item = (Which, &LineName)> {
        let outputs = self.outputs.iter().enumerate().map(|(at, it)| (Which::Output(at), &it.name));
        outputs.chain(self.inputs.iter().enumerate().map(|(at, it)| (Which::Input(at), &it.name)))
    }

    /// The name of one.
    pub fn name(&self, line: Which) -> &str {
        let name = self.all().find(|(which, _)| *which == line);
        name.map_or("", |(_, name)| name.as_str())
    }

    /// The end of the next pulse, in time since boot.
    pub fn deadline(&self) -> Option<Duration> {
        self.outputs.iter().filter_map(|output| output.pulse).map(|(until, _)| until).min()
    }

    /// An output gets another level after this time since boot; `None` if it keeps the one that it has.
    pub fn set_pulse(&mut self, output: usize, pulse: Option<(Duration, Level)>) {
        if let Some(output) = self.outputs.get_mut(output) {
            output.pulse = pulse;
        }
    }

    /// The outputs whose time is over, and their next levels.
    pub fn end_pulses(&mut self, now: Duration) -> Vec<(usize, Level)> {
        let ended = self.outputs.iter_mut().enumerate().filter_map(|(output, state)| {
            let (_, level) = state.pulse.take_if(|(until, _)| *until <= now)?;
            Some((output, level))
        });
        ended.collect()
    }

    /// The line of this name, or which ones there are.
    pub fn find(&self, name: &LineName) -> Result<Which, String> {
        let found = self.all().find(|(_, known)| *known == name).map(|(which, _)| which);
        found.ok_or_else(|| {
            let known: Vec<_> = self.all().map(|(_, name)| name.as_str()).collect();
            match known.is_empty() {
                true => "the site has no [gpio]".to_owned(),
                false => format!("no line is called {name}: {}", known.join(", ")),
            }
        })
    }

    /// The output that a command switches, and for how long; or why it cannot.
    pub fn output(&self, switch: &Switch) -> Result<(usize, Option<TimeSpan>), String> {
        let Which::Output(output) = self.find(&switch.name)? else {
            return Err(format!("{} is an input", switch.name));
        };
        let time = switch.time.map(TimeSpan::whole);
        if time.is_some_and(|time| time > LONGEST_PULSE) {
            return Err(format!("{} can be switched for {LONGEST_PULSE} at most", switch.name));
        }
        Ok((output, time))
    }
}
