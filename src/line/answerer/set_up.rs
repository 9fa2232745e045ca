//! From the reset of the modem to the moment at which it waits for calls.

use super::{Action, Answerer, AnswererConfig, Phase};
use crate::line::ring::Call;
use crate::line::step::{self, Step, Task};
use crate::log::Level;

impl Answerer {
    pub(super) fn reset(&mut self) {
        self.phase = Phase::Resetting { tries: 0 };
        self.call = Call::default();
        self.in_call = false;
        self.plan = [Task::Ask(Step::Reset)].into();
        if self.config.null_modem {
            self.plan.clear();
        }
    }

    /// The modem is reset, and takes commands.
    pub(super) fn set_up(&mut self) -> Vec<Action> {
        self.phase = Phase::SettingUp;
        self.in_call = false;
        self.is_unproven = false;
        self.secret = None;
        let secret =
            (self.random)().map(|registers| [Step::SetSecret(registers), Step::ReadSecret(registers)]);
        let AnswererConfig { init, caller_id, settle, .. } = &self.config;
        // The box's own commands come last: `AT&F` in the site's undoes all before it.
        let steps = init.iter().cloned().map(Step::OfSite).chain([Step::InitString, Step::EscapeSequence]);
        let steps = steps.chain(secret.into_iter().flatten()).chain([Step::CallerId(caller_id.clone())]);
        let pause = if self.settles { step::SETTLING.max(*settle) } else { *settle };
        let pause = Some(pause).filter(|pause| !pause.is_zero()).map(Task::Wait);
        self.plan = pause.into_iter().chain(steps.map(Task::Ask)).collect();
        Vec::new()
    }

    /// The last command was answered or given up. A modem may not know caller ID, and work all the same. If it has rung
    /// often enough by now, the call is being answered.
    pub(super) fn ready(&mut self) -> Vec<Action> {
        if !matches!(self.phase, Phase::SettingUp) {
            return Vec::new();
        }
        self.phase = Phase::Ready;
        vec![Action::Publish, Action::log(Level::Info, "modem reset, waiting for calls")]
    }

    /// With a modem without these registers, only the caller can end the call reliably.
    pub(super) fn warn_of_no_secret(&mut self) -> Vec<Action> {
        if self.secret.is_some() || std::mem::replace(&mut self.has_warned, true) {
            return Vec::new();
        }
        let what = "the modem keeps no value in S8: nothing proves that it has left a call";
        vec![Action::log(Level::Warning, what)]
    }
}
