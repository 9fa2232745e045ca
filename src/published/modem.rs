//! The record of a mobile modem.

use super::{Fields, Published};
use crate::record::Record;

const MANUFACTURER: &str = "manufacturer";
const MODEL: &str = "model";
const SIM: &str = "sim";
const REGISTRATION: &str = "registration";
const NO_DATA: &str = "no-data";
const TECHNOLOGY: &str = "technology";
const OPERATOR: &str = "operator";
const SIGNAL: &str = "signal-dbm";
const QUALITY: &str = "signal-quality";
const BAND: &str = "band";
const STORAGE: &str = "storage";

/// A mobile modem; unknown values are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModemStatus {
    /// The answer to `+CGMI`.
    pub manufacturer: Option<String>,
    /// The answer to `+CGMM`.
    pub model: Option<String>,
    /// The SIM's state, or why it is not unlocked, as text.
    pub sim: Option<String>,
    /// The registration, in words: `home`, `roaming`, `searching`, …
    pub registration: Option<String>,
    /// The registration for packet data, in the same words, if the modem is registered without it.
    pub no_data: Option<String>,
    /// The radio technology: `2G`, `3G`, `LTE`, …
    pub technology: Option<String>,
    /// Name and number, as in `Free (20815)`.
    pub operator: Option<String>,
    /// Received signal strength, in dBm.
    pub signal_dbm: Option<i32>,
    /// Better figures of the signal, as text: `RSRP -95 dBm, RSRQ -10 dB`.
    pub quality: Option<String>,
    /// The number of the band, of LTE.
    pub band: Option<u32>,
    /// Where messages arrive: `SM`, `ME`, … (TS 27.005 §3.1, `<mem3>`).
    pub storage: Option<String>,
}

impl Published for ModemStatus {
    fn fields(&self) -> Fields {
        Fields::new()
            .text(MANUFACTURER, self.manufacturer.as_ref())
            .text(MODEL, self.model.as_ref())
            .text(SIM, self.sim.as_ref())
            .text(REGISTRATION, self.registration.as_ref())
            .text(NO_DATA, self.no_data.as_ref())
            .text(TECHNOLOGY, self.technology.as_ref())
            .text(OPERATOR, self.operator.as_ref())
            .number(SIGNAL, self.signal_dbm)
            .text(QUALITY, self.quality.as_ref())
            .number(BAND, self.band)
            .text(STORAGE, self.storage.as_ref())
    }

    fn from_record(record: &Record) -> Option<Self> {
        let text = |key| record.get(key).map(str::to_owned);
        Some(Self {
            manufacturer: text(MANUFACTURER),
            model: text(MODEL),
            sim: text(SIM),
            registration: text(REGISTRATION),
            no_data: text(NO_DATA),
            technology: text(TECHNOLOGY),
            operator: text(OPERATOR),
            signal_dbm: record.get(SIGNAL).and_then(|dbm| dbm.parse().ok()),
            quality: text(QUALITY),
            band: record.get(BAND).and_then(|band| band.parse().ok()),
            storage: text(STORAGE),
        })
    }
}
