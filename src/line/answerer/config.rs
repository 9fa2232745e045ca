//! The settings of a line for the dialogue with its modem and its callers.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::line::login::PromptWords;
use crate::line::step;
use crate::site::LineConfig;

/// The settings of a line for the dialogue with its modem and its callers. It contains no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswererConfig {
    /// The number of rings before it answers.
    pub(super) rings: u16,
    /// The numbers whose calls are answered; `None` for all.
    pub(super) callers: Option<Vec<String>>,
    /// The login prompt, if there is one.
    pub(super) prompt: Option<PromptWords>,
    /// How long the modem ignores commands after its reset.
    pub(super) settle: Duration,
    /// The commands of the modem's model and of the site.
    pub(super) init: Vec<String>,
    /// There is no modem, but a cable.
    pub(super) null_modem: bool,
    /// Turns on the caller's number.
    pub(super) caller_id: Cow<'static, str>,
}

impl AnswererConfig {
    /// The settings of a line, on a box with these prompts.
    pub fn new(line: &LineConfig, prompts: &PromptWords) -> Self {
        let callers = line.callers.as_ref();
        let modem = &line.modem;
        let caller_id = modem.caller_id.as_ref().map(|command| command.to_string().into());
        Self {
            rings: line.rings.get(),
            callers: callers.map(|callers| callers.iter().map(ToString::to_string).collect()),
            prompt: line.login.then(|| prompts.clone()),
            settle: modem.settle,
            null_modem: line.null_modem,
            init: modem.init.iter().map(ToString::to_string).collect(),
            caller_id: caller_id.unwrap_or(step::CALLER_ID),
        }
    }
}
