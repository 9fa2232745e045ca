//! Better figures of the signal than `+CSQ`, and the band: TS 27.007 §8.69, and makers' own commands.

use super::{Flow, REFUSED};
use crate::modem::Modem;
use crate::modem::syntax::Form;
use dialbox::site::SignalCommand;

impl Modem {
    pub(super) fn quality(&mut self, port: usize, command: SignalCommand, form: &Form) -> Flow {
        let is_asked = match command {
            SignalCommand::Hcsq => *form == Form::Read,
            SignalCommand::Cesq | SignalCommand::Qcsq => *form == Form::Act,
        };
        match (is_asked, form) {
            (true, _) => self.inform(port, &self.quality_shown(command)),
            (false, Form::Test) => Flow::Next,
            (false, _) => REFUSED,
        }
    }

    /// As the modem shows it: an index for each interval of the figure, or the figure itself.
    fn quality_shown(&self, command: SignalCommand) -> String {
        let [rsrp, rsrq, sinr] = self.cell.quality;
        let rssi = 2 * i32::from(self.cell.signal) - 113;
        let serves = self.data_serves();
        let is_lte = serves && self.cell.domains.is_lte();
        match command {
            SignalCommand::Cesq if is_lte => format!("+CESQ: 99,99,255,255,{},{}", 2 * rsrq + 40, rsrp + 141),
            SignalCommand::Cesq => "+CESQ: 99,99,255,255,255,255".to_owned(),
            SignalCommand::Hcsq if is_lte => {
                let [rssi, rsrp] = [rssi + 121, rsrp + 141];
                format!("^HCSQ: \"LTE\",{rssi},{rsrp},{},{}", 5 * sinr + 101, 2 * rsrq + 40)
            }
            SignalCommand::Hcsq if serves => format!("^HCSQ: \"WCDMA\",{},{},50", rssi + 121, rssi + 118),
            SignalCommand::Hcsq => "^HCSQ: \"NOSERVICE\"".to_owned(),
            SignalCommand::Qcsq if is_lte => {
                format!("+QCSQ: \"LTE\",{rssi},{rsrp},{},{rsrq}", 5 * (sinr + 20))
            }
            SignalCommand::Qcsq if serves => format!("+QCSQ: \"WCDMA\",{rssi},{},-7", rssi - 3),
            SignalCommand::Qcsq => "+QCSQ: \"NOSERVICE\"".to_owned(),
        }
    }

    /// In the form of the maker, as transcripts have it.
    pub(super) fn band(&mut self, port: usize, name: &'static str, form: &Form) -> Flow {
        if !matches!(form, Form::Act | Form::Read) {
            return REFUSED;
        }
        let band = self.cell.band;
        let is_lte = self.data_serves() && self.cell.domains.is_lte();
        let numeric = &self.cell.numeric;
        let shown = match (name, is_lte) {
            ("+QNWINFO", true) => format!("+QNWINFO: \"FDD LTE\",\"{numeric}\",\"LTE BAND {band}\",1300"),
            ("+QNWINFO", false) => "+QNWINFO: No Service".to_owned(),
            ("+CPSI", true) => format!(
                "+CPSI: LTE,Online,228-02,0x9CA4,20964868,46,EUTRAN-BAND{band},6200,3,3,-178,-1089,-742,8"
            ),
            ("+CPSI", false) => "+CPSI: NO SERVICE,Online".to_owned(),
            ("!GSTATUS", true) => format!(
                "!GSTATUS: \r\nCurrent Time:  22016\t\tTemperature: 40\r\n\
                 System mode:   LTE        \tPS state:    Attached     \r\n\
                 LTE band:      B{band}     \t\tLTE bw:      20 MHz  "
            ),
            ("!GSTATUS", false) => "!GSTATUS: \r\nSystem mode:   No service".to_owned(),
            (_, true) => format!("{name}: \"LTE BAND {band}\""),
            (_, false) => format!("{name}: \"NOSERVICE\""),
        };
        self.inform(port, &shown)
    }
}
