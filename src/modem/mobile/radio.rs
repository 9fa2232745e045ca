//! Whether the modem's radio is on: `+CFUN` (TS 27.007 §8.2).

use crate::modem::at::values::values;

/// The extent to which the radio is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RadioOff {
    /// Only the radio: switching it on does not change the SIM.
    Alone,
    /// Perhaps the SIM, too: it may ask for its PIN again.
    WithSim,
}

/// The levels of one maker's modems at which the radio is off, besides 0 and 4. They differ: level 5 is full
/// functionality with power saving on Telit, and 2G only on Linktop (ModemManager, plugins/linktop).
struct Levels {
    /// In the answer to `+CGMI`, in lower case.
    maker: &'static str,
    off: &'static [u32],
}

/// Huawei, E3372 AT command interface specification, `AT+CFUN`: 7 is offline; u-blox, SARA-R4 AT commands manual,
/// `+CFUN`: 19 is minimum functionality.
const TABLE: &[Levels] = &[Levels { maker: "huawei", off: &[7] }, Levels { maker: "u-blox", off: &[19] }];

/// Parses the answer to `+CFUN?`; `None` if the radio is on, or if the answer does not say.
pub(super) fn off(answer: &[String], manufacturer: Option<&str>) -> Option<RadioOff> {
    let level = values(answer, "+CFUN")?.first()?.parse().ok()?;
    let manufacturer = manufacturer.unwrap_or_default().to_ascii_lowercase();
    let is_off = |levels: &Levels| manufacturer.contains(levels.maker) && levels.off.contains(&level);
    match level {
        4 => Some(RadioOff::Alone),
        0 => Some(RadioOff::WithSim),
        _ => TABLE.iter().any(is_off).then_some(RadioOff::WithSim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radio_that_saves_power_is_not_off() {
        let table = [
            ("+CFUN: 4", None, Some(RadioOff::Alone)), // D-Link DWM-157
            ("+CFUN: 0", None, Some(RadioOff::WithSim)),
            ("+CFUN: 1", None, None),
            ("+CFUN: 1,0", None, None), // Cinterion BGS5, babca/python-gsmmodem#86
            ("+CFUN: 5", Some("Telit"), None),
            ("+CFUN: 7", Some("huawei"), Some(RadioOff::WithSim)),
            ("+CFUN: 7", Some("Cinterion"), None),
            ("+CFUN: 19", Some("u-blox"), Some(RadioOff::WithSim)),
            ("+CFUN: x", None, None),
            ("OK", None, None),
        ];
        for (line, manufacturer, expected) in table {
            assert_eq!(off(&[line.to_owned()], manufacturer), expected, "{line} {manufacturer:?}");
        }
    }
}
