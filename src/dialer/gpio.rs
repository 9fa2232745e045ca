//! Commands for the lines of `[gpio]`: what [`Lines`](super::Lines) knows becomes effects.

use std::time::Duration;

use super::lines::Which;
use super::{Dialer, Effect, Requester, Switching, View};
use crate::log::Level as LogLevel;
use crate::site::{Level, LineName};
use crate::sms::command::Switch;
use crate::sms::reply::Reply;

impl Dialer {
    pub(super) fn switch(&mut self, switch: &Switch, requester: &Requester, view: View) -> Vec<Effect> {
        match self.lines.output(switch) {
            Ok((output, time)) => {
                let requester = Some(requester.clone());
                vec![Effect::Switch(Switching { output, level: switch.level, time, requester })]
            }
            Err(why) => self.answer(requester, Reply::Line(Err(why)), view.at.now),
        }
    }

    /// An output was switched, or could not be.
    pub(super) fn switched(
        &mut self,
        switching: Switching,
        done: Result<(), String>,
        view: View,
    ) -> Vec<Effect> {
        let Switching { output, level, time, requester } = switching;
        let name = self.lines.name(Which::Output(output)).to_owned();
        let until = time.map(|time| (view.at.now + time.get(), level.other()));
        let reply = done.map_err(|why| format!("{name} is not switched: {why}")).map(|()| {
            let time = time.map_or(String::new(), |time| format!(" for {time}"));
            format!("{name} is {level}{time}")
        });
        let said = match &reply {
            Ok(what) => Effect::log(LogLevel::Info, what),
            Err(why) => Effect::log(LogLevel::Error, why),
        };
        if reply.is_ok() {
            self.lines.set_pulse(output, until);
        }
        let answer = requester.map(|to| self.answer(&to, Reply::Line(reply), view.at.now));
        [said].into_iter().chain(answer.into_iter().flatten()).collect()
    }

    /// Reads one line, or all of them.
    pub(super) fn get(&mut self, name: Option<&LineName>, requester: &Requester, view: View) -> Vec<Effect> {
        let lines = match name {
            Some(name) => self.lines.find(name).map(|line| vec![line]),
            None => Ok(self.lines.all().map(|(line, _)| line).collect()),
        };
        match lines {
            Ok(lines) if !lines.is_empty() => vec![Effect::ReadLines(lines, requester.clone())],
            Ok(_) => {
                self.answer(requester, Reply::Line(Err("the site has no [gpio]".to_owned())), view.at.now)
            }
            Err(why) => self.answer(requester, Reply::Line(Err(why)), view.at.now),
        }
    }

    pub(super) fn lines_read(
        &mut self,
        levels: &[(Which, Result<Level, String>)],
        requester: &Requester,
        view: View,
    ) -> Vec<Effect> {
        let shown = levels.iter().map(|(line, level)| {
            let name = self.lines.name(*line);
            level.as_ref().map_or_else(|why| format!("{name}: {why}"), |level| format!("{name} is {level}"))
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let is_known = levels.iter().any(|(_, level)| level.is_ok());
        let reply = Reply::Line(if is_known { Ok(shown) } else { Err(shown) });
        self.answer(requester, reply, view.at.now)
    }

    pub(super) fn end_pulses(&mut self, now: Duration) -> impl Iterator<Item = Effect> + use<> {
        let ended = self.lines.end_pulses(now).into_iter();
        ended.map(|(output, level)| Effect::Switch(Switching { output, level, time: None, requester: None }))
    }

    pub(super) fn pulse_deadline(&self) -> Option<Duration> {
        self.lines.deadline()
    }

    /// A reading of every input.
    pub fn know_inputs(&mut self, levels: &[Option<Level>]) {
        self.lines.read(levels);
    }
}
