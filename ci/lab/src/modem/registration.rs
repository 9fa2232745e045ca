//! Registration and network time. TS 27.007 §7.2, TS 22.042.

use super::cell::{Attachment, Cell, Registration};
use super::settings::Settings;
use super::{Modem, Output, Rtc};

const NAMES: [&str; 3] = ["+CREG", "+CGREG", "+CEREG"];

impl Modem {
    /// `<stat>` of `+CREG`, from radio, SIM and `+COPS`.
    pub(super) fn registration(&self) -> Registration {
        match &self.cell.admits {
            _ if !self.is_on() => Registration::None,
            Some(admits) if self.cell.domains.is_lte() && !self.attached.fulfils(admits) => {
                Registration::Denied
            }
            _ => self.cell.registration,
        }
    }

    /// Takes the first context for the attachment to LTE.
    pub(super) fn attach(&mut self) {
        let apn = self.contexts.get(&1).map(|(_, apn)| apn.clone());
        self.attached = Attachment { apn, account: self.authentication.get(&1).cloned() };
    }

    /// Whether it may look for a network.
    fn is_on(&self) -> bool {
        self.functionality == 1 && !self.deregistered && self.sim_usable().is_ok()
    }

    /// `<stat>` of the command of this name.
    pub(super) fn registration_in(&self, name: &str) -> Registration {
        self.cell.domains.shown(name, self.registration())
    }

    /// Whether packet data are possible.
    pub(super) fn data_serves(&self) -> bool {
        ["+CGREG", "+CEREG"].iter().any(|name| self.registration_in(name).serves())
    }

    /// What follows `<stat>` at level 2: area and cell, and after `+CEREG` the technology.
    pub(super) fn place(&self, name: &str) -> String {
        let (lac, ci) = self.cell.place;
        match (self.registration_in(name).serves(), name) {
            (false, _) => String::new(),
            (true, "+CEREG") => format!(",\"{lac:04X}\",\"{ci:08X}\",{}", self.cell.domains.technology()),
            (true, _) => format!(",\"{lac:04X}\",\"{ci:08X}\""),
        }
    }

    /// Does something that may change the registration, and sends the URCs for a change.
    pub(super) fn with_registration(&mut self, change: impl FnOnce(&mut Self)) {
        let shown = |modem: &Self| NAMES.map(|name| modem.registration_in(name));
        let before = (self.registration(), shown(self));
        let was_on = self.is_on();
        change(self);
        // On LTE the first context is that of the attachment; a change of it waits for the next one (TS 23.401 §5.3.2.1).
        if self.is_on() && !was_on {
            self.attach();
        }
        let after = self.registration();
        if before == (after, shown(self)) {
            return;
        }
        for (name, before) in NAMES.into_iter().zip(before.1) {
            let stat = self.registration_in(name);
            if stat == before {
                continue;
            }
            let wants = |settings: &Settings, n| settings.number(name) == n;
            let stat = stat as u8;
            self.unsolicited(&format!("{name}: {stat}"), |settings| wants(settings, 1));
            let located = format!("{name}: {stat}{}", self.place(name));
            self.unsolicited(&located, |settings| wants(settings, 2));
        }
        self.update_clock();
        if after.serves() {
            // TS 24.011 §5.3.4: the network learns that messages can come.
            self.out.push(Output::RoomAgain);
        }
    }

    pub(super) fn radio(&mut self, cell: Cell) {
        self.with_registration(|modem| modem.cell = cell);
        self.update_clock();
    }

    /// Sets the modem's clock by the network's time, if `+CTZU` allows it.
    pub(super) fn update_clock(&mut self) {
        let Some(time) = self.cell.time.filter(|_| self.registration().serves()) else { return };
        let always = self.profile.mobile.is_some_and(|mobile| mobile.sets_its_clock);
        if always || self.ports.iter().any(|port| port.settings.number("+CTZU") == 1) {
            self.rtc = Rtc { origin: time.origin, quarters: time.quarters };
        }
    }
}
