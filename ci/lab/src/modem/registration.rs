//! Registration and network time. TS 27.007 §7.2, TS 22.042.

use super::cell::{Cell, Registration};
use super::settings::Settings;
use super::{Modem, Output, Rtc};

impl Modem {
    /// `<stat>` of `+CREG`, from radio, SIM and `+COPS`.
    pub(super) fn registration(&self) -> Registration {
        let on = self.functionality == 1 && !self.deregistered && self.sim_usable().is_ok();
        if on { self.cell.registration } else { Registration::None }
    }

    /// Does something that may change the registration, and sends the URCs for a change.
    pub(super) fn with_registration(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.registration();
        change(self);
        let after = self.registration();
        if before == after {
            return;
        }
        for name in ["+CREG", "+CGREG"] {
            let stat = after as u8;
            let (lac, ci) = self.cell.place;
            let wants = |settings: &Settings, n| settings.number(name) == n;
            self.unsolicited(&format!("{name}: {stat}"), |settings| wants(settings, 1));
            let located = match after.serves() {
                true => format!("{name}: {stat},\"{lac:04X}\",\"{ci:08X}\""),
                false => format!("{name}: {stat}"),
            };
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
