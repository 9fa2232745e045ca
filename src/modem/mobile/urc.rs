//! Processes URCs, and messages that the modem delivers without storing them.

use std::time::Duration;

use super::listing::is_whole;
use super::step::Step;
use super::storage::Place;
use super::time::{self, Told};
use super::{Action, Mobile, RESTART_TAKES, Report, SOON};
use crate::log::Level;
use crate::modem::at::pending::is_message_header;
use crate::modem::at::response::{Final, extended_name};
use crate::modem::at::shown::shown;
use crate::modem::at::values::{fields, from_ucs2, values};
use crate::sms::pdu::Address;

/// So many kinds of unknown URCs are logged.
const LOGGED_URCS: usize = 30;

/// `+CLIP: "+33612345678",145,…`
fn caller(line: &str) -> Option<Address> {
    let line = [line.to_owned()];
    let values = values(&line, "+CLIP")?;
    let kind = values.get(1).and_then(|kind| kind.parse().ok());
    let number = *values.first()?;
    // A number of eight digits is none in UCS-2.
    let number = from_ucs2(number).filter(|it| it.is_ascii()).unwrap_or_else(|| number.to_owned());
    Address::of_caller(&number, kind)
}

impl Mobile {
    pub(super) fn unsolicited(&mut self, line: &str, now: Duration) -> Vec<Action> {
        if is_message_header(line) || Final::parse(line) == Some(Final::Ok) {
            self.comes_late(now);
        }
        // A late answer about the account, with the password of some modems.
        if line.starts_with("+CGAUTH") {
            return Vec::new();
        }
        if self.state.inbox.unsolicited(line) {
            return vec![Action::log(Level::Info, format!("modem says {}", shown(line)))];
        }
        if let Some(told) = self.time(line) {
            return vec![told];
        }
        if let Some(caller) = caller(line).filter(|_| self.hears_callers) {
            return vec![Action::Report(Report::Caller(caller))];
        }
        // It has restarted and forgotten its settings (u-blox and SIMCom; Huawei).
        let is_over = self.state.identified.is_some_and(|since| since + RESTART_TAKES <= now);
        if ["RDY", "^SYSSTART"].contains(&line) && self.state.known.answers && is_over {
            self.identify(now);
            return vec![Action::log(Level::Warning, "the modem has restarted")];
        }
        // The network has sent the time, or the SIM has changed: read the state.
        let step = match line {
            _ if line.starts_with("+CTZV") || line.starts_with("+CTZE") => Step::Clock,
            _ if line.starts_with("+CPIN:") => Step::Sim,
            _ => return self.unknown_urc(line),
        };
        if !self.state.plan.contains(&step) {
            self.state.plan.push_back(step);
        }
        Vec::new()
    }

    pub(super) fn time(&mut self, line: &str) -> Option<Action> {
        let told = time::parse(line, self.state.known.manufacturer.as_deref())?;
        self.state.has_time = true;
        Some(Action::Report(match told {
            Told::Universal(unix) => Report::NetworkTime(unix),
            Told::Reading(reading) => Report::ClockReading(reading),
        }))
    }

    /// An answer has come after its command has expired, and others may follow. Until then each command gets the answer
    /// of the one before it, and messages in late answers are lost: pauses, and lists the storage again.
    pub(super) fn comes_late(&mut self, now: Duration) {
        let state = &mut self.state;
        if !state.late.came(now) {
            return;
        }
        state.pause = state.pause.max(Some(now + SOON));
        state.inbox.look();
    }

    /// Some modems send URCs without end (`^RSSI`, `^BOOT`): logs the first of each kind.
    pub(super) fn unknown_urc(&mut self, line: &str) -> Vec<Action> {
        let kind = extended_name(line).map_or_else(|| shown(line), str::to_owned);
        let is_new = self.state.unknown_urc.len() < LOGGED_URCS && self.state.unknown_urc.insert(kind);
        is_new.then(|| Action::log(Level::Info, format!("modem says {}", shown(line)))).into_iter().collect()
    }

    /// A PDU that the modem delivers without storing it. Status reports and broadcasts are only logged.
    pub(super) fn delivered(&mut self, header: &str, pdu: String) -> Vec<Action> {
        let Some(values) = fields(header, "+CMT") else {
            return vec![Action::log(Level::Info, format!("modem says {}", shown(header)))];
        };
        let length = values.last().and_then(|length| length.parse().ok());
        if !is_whole(&pdu, length) {
            return vec![Action::log(Level::Warning, "a delivered message is garbled")];
        }
        vec![Action::Report(Report::Message { place: Place::NotStored, pdu })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_s_number_is_read_in_every_form() {
        for (line, expected) in [
            ("+CLIP: \"+33612345678\",145", Some("+33612345678")),
            ("+CLIP: \"33612345678\",145,,,,0", Some("+33612345678")),
            ("+CLIP: \"12345678\",129", Some("12345678")),
            // After AT+CSCS="UCS2"
            ("+CLIP: \"002B00330033003600310032003300340035003600370038\",145", Some("+33612345678")),
            ("+CLIP: \"\",128", None),
            ("+CLIP:", None),
            ("+CLIPX: \"+33612345678\",145", None),
        ] {
            assert_eq!(caller(line).map(|caller| caller.to_string()).as_deref(), expected, "{line}");
        }
    }
}
