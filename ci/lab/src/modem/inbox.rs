//! A message from the centre arrives: TS 27.005 §3.4.1.

use super::refusal::Cms;
use super::settings::Settings;
use super::{Modem, Output};

/// The delivery that `<mt>` and `<ds>` of `+CNMI` select.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// It is stored silently.
    Store,
    /// It is stored, and its index is indicated.
    StoreAndIndicate,
    /// It is passed on, and not stored.
    PassOn,
}

impl Modem {
    pub(super) fn message(&mut self, pdu: String) {
        let outcome =
            if self.registration().serves() { self.arrive(pdu) } else { Err(Cms::NoNetworkService) };
        self.out.push(outcome.map_or_else(Output::Unreceived, |()| Output::Received));
    }

    fn arrive(&mut self, pdu: String) -> Result<(), Cms> {
        let octets = tpdu_octets(&pdu).ok_or(Cms::InvalidPduParameter)?;
        let is_report = is_status_report(&pdu);
        // If the ports differ, the first with a setting other than silence decides.
        let ask = |settings: &Settings| settings.indications[if is_report { 3 } else { 1 }];
        let asked = self.ports.iter().map(|port| ask(&port.settings)).find(|asked| *asked > 0).unwrap_or(0);
        let route = match (is_report, asked) {
            (false, 0) => Route::Store,
            (false, 1) | (true, 2) => Route::StoreAndIndicate,
            (false, _) | (true, 1) => Route::PassOn,
            // A report that no port enables is not stored.
            (true, _) => return Ok(()),
        };
        let (passed_on, indication) = if is_report { ("+CDS", "+CDSI") } else { ("+CMT", "+CMTI") };
        if route == Route::PassOn {
            self.unacknowledged = self.ports.iter().any(|port| port.settings.number("+CSMS") == 1);
            let head =
                if is_report { format!("{passed_on}: {octets}") } else { format!("{passed_on}: ,{octets}") };
            self.unsolicited(&format!("{head}\r\n{pdu}"), |settings| ask(settings) == asked);
            return Ok(());
        }
        match self.storages.arrive(pdu) {
            Ok((storage, index)) => {
                if route == Route::StoreAndIndicate {
                    self.unsolicited(&format!("{indication}: \"{storage}\",{index}"), |settings| {
                        ask(settings) == asked
                    });
                }
                Ok(())
            }
            Err(cms) => {
                if let Some(line) = self.profile.mobile.and_then(|mobile| mobile.says_full) {
                    self.unsolicited(line, |_| true);
                }
                Err(cms)
            }
        }
    }
}

/// Octets of the TPDU after the centre's address; `None` if the hex is too short.
pub fn tpdu_octets(pdu: &str) -> Option<usize> {
    let centre = usize::from(u8::from_str_radix(pdu.get(..2)?, 16).ok()?);
    (pdu.len() / 2).checked_sub(1 + centre).filter(|octets| *octets > 0)
}

/// TS 23.040 §9.2.3.1: TP-MTI 10 in what the centre sends.
fn is_status_report(pdu: &str) -> bool {
    let first_octet = || {
        let centre = usize::from(u8::from_str_radix(pdu.get(..2)?, 16).ok()?);
        let at = 2 * (1 + centre);
        u8::from_str_radix(pdu.get(at..at + 2)?, 16).ok()
    };
    first_octet().is_some_and(|octet| octet & 0b11 == 0b10)
}
