//! The commands, one file per subject.

mod basic;
mod clock;
mod context;
mod message;
mod network;
mod number;
mod power;
mod quality;
mod security;

use super::Modem;
use super::profile::Extended;
use super::refusal::{Cme, Cms};
use super::settings::ResultCode;
use super::syntax::{Command, Form};

/// What follows a command on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next command.
    Next,
    /// Nothing: this is the line's result.
    End(ResultCode),
    /// Nothing yet: the result comes at the end of what the command has started.
    Pending,
}

const REFUSED: Flow = Flow::End(ResultCode::Error);

impl From<Cme> for Flow {
    fn from(cme: Cme) -> Self {
        Self::End(ResultCode::Cme(cme))
    }
}

impl From<Cms> for Flow {
    fn from(cms: Cms) -> Self {
        Self::End(ResultCode::Cms(cms))
    }
}

/// The result of a command: how the line continues, or an error.
fn flow<E: Into<Flow>>(outcome: Result<(), E>) -> Flow {
    outcome.map_or_else(Into::into, |()| Flow::Next)
}

impl Modem {
    /// Executes one command.
    pub(super) fn run(&mut self, port: usize, command: Command) -> Flow {
        match command {
            Command::Basic(name, value) => self.basic(port, &name, value),
            Command::SetRegister(register, value) => {
                self.ports[port].settings.set_register(register, value).map_or(REFUSED, |()| Flow::Next)
            }
            Command::ReadRegister(register) => match self.ports[port].settings.register(register) {
                Some(value) => self.inform(port, &format!("{value:03}")),
                None => REFUSED,
            },
            Command::Dial(number) => self.dial(port, &number),
            Command::Extended(name, form) => self.extended(port, &name, &form),
        }
    }

    fn extended(&mut self, port: usize, name: &str, form: &Form) -> Flow {
        let Some((name, command)) = self.profile.extended.iter().find(|(known, _)| *known == name) else {
            return REFUSED;
        };
        match command {
            Extended::Text(text) => match form {
                Form::Act => self.inform(port, text),
                Form::Test => Flow::Next,
                _ => REFUSED,
            },
            Extended::Number(range) => self.number(port, name, range, form),
            Extended::Signal => self.signal(port, form),
            Extended::OptionSignal => self.option_signal(port, form),
            Extended::Quality(command) => self.quality(port, *command, form),
            Extended::Band => self.band(port, name, form),
            Extended::Registration => self.registration_command(port, name, form),
            Extended::Operator => self.operator(port, form),
            Extended::Attachment => self.attachment(port, form),
            Extended::Contexts => self.contexts(port, form),
            Extended::Account(parameters) => self.account(port, name, parameters, form),
            Extended::Pin => self.pin(port, form),
            Extended::PinRetries => self.pin_retries(port, form),
            Extended::PinTries(given, answer) => self.pin_tries(port, *given, *answer, form),
            Extended::OptionPinRetries => self.option_pin_retries(port, form),
            Extended::HuaweiPin => self.huawei_pin(port, form),
            Extended::FacilityLock => self.facility_lock(port, form),
            Extended::Password => self.password(port, form),
            Extended::OptionReady => self.option_ready(port, form),
            Extended::Functionality => self.functionality(port, form),
            Extended::Clock => self.clock(port, form),
            Extended::CharacterSet => self.character_set(port, form),
            Extended::ServiceCentre => self.service_centre(port, form),
            Extended::Message(command) => self.message_command(port, *command, form),
        }
    }
}
