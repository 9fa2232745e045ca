//! The modem's clock: TS 27.007 §8.15.

use super::{Flow, REFUSED};
use crate::modem::cell::TimeOfDay;
use crate::modem::profile::TimeForm;
use crate::modem::refusal::Cme;
use crate::modem::syntax::Form;
use crate::modem::{Modem, Rtc};

impl Modem {
    pub(super) fn clock(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Read => {
                let Rtc { origin, quarters } = self.rtc;
                let form = self.profile.mobile.map_or(TimeForm::Standard, |mobile| mobile.tells_time_as);
                let local = if form == TimeForm::Universal { 0 } else { quarters };
                let it = TimeOfDay { origin, quarters: local }.at(self.now);
                let rest =
                    format!("{:02}/{:02},{:02}:{:02}:{:02}", it.month, it.day, it.hour, it.minute, it.second);
                let right = match form {
                    TimeForm::Bare => format!("{:04}/{rest}", it.year),
                    TimeForm::Standard | TimeForm::Universal => {
                        format!("\"{:02}/{rest}{quarters:+03}\"", it.year.rem_euclid(100))
                    }
                };
                let wrong = self.wrong_time.as_ref().map(|wrong| format!("\"{wrong}\""));
                self.inform(port, &format!("+CCLK: {}", wrong.unwrap_or(right)))
            }
            Form::Test => Flow::Next,
            // None of our programs sets a modem's clock.
            Form::Set(_) => Cme::NotSupported.into(),
            Form::Act => REFUSED,
        }
    }
}
