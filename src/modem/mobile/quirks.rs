//! The deviations of each maker's modems.

use super::pin_counter::{self, PinCounter};

/// The deviations of one maker's modems.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// One of these is in the answer to `+CGMI`, in lower case.
    makers: &'static [&'static str],
    /// The commands for the tries left for the PIN, the maker's own first.
    pub pin_counters: &'static [&'static PinCounter],
    /// `AT_OBLS` reports whether the modem has started. Until then Option's sticks refuse commands about messages.
    pub reports_readiness: bool,
}

const fn maker(makers: &'static [&'static str], pin_counters: &'static [&'static PinCounter]) -> Quirks {
    Quirks { makers, pin_counters, reports_readiness: false }
}

use pin_counter as pin;

/// Sources: ModemManager, plugins/option and plugins/huawei; for the PIN see [`pin_counter`].
const TABLE: &[Quirks] = &[
    Quirks { reports_readiness: true, ..maker(&["option"], &[&pin::OPTION, &pin::STANDARD]) },
    maker(&["huawei"], &[&pin::HUAWEI, &pin::STANDARD]),
    maker(&["u-blox"], &[&pin::UBLOX, &pin::STANDARD]),
    maker(&["sierra"], &[&pin::SIERRA, &pin::STANDARD]),
    maker(&["zte"], &[&pin::ZTE, &pin::STANDARD]),
    maker(&["simcom"], &[&pin::SIMCOM, &pin::STANDARD]),
    // Cinterion was Siemens, then Gemalto, then Thales, and is now Telit's.
    maker(
        &["cinterion", "siemens", "gemalto", "thales"],
        &[&pin::CINTERION, &pin::CINTERION_OLD, &pin::STANDARD],
    ),
    maker(&["telit"], &[&pin::TELIT, &pin::CINTERION, &pin::STANDARD]),
    maker(&["quectel"], &[&pin::QUECTEL, &pin::QUECTEL_OLD, &pin::STANDARD]),
    maker(&["ericsson"], &[&pin::ERICSSON, &pin::STANDARD]),
    maker(&["icera"], &[&pin::ICERA, &pin::STANDARD]),
    maker(&["alcatel", "tct"], &[&pin::ALCATEL, &pin::STANDARD]),
    maker(&["intel", "infineon"], &[&pin::INTEL, &pin::STANDARD]),
    maker(&["speedup", "linktop"], &[&pin::SPEEDUP, &pin::STANDARD]),
    // Sticks of many brands name the maker of their chip.
    maker(
        &["qualcomm"],
        &[&pin::STANDARD, &pin::SIERRA, &pin::ZTE, &pin::HUAWEI, &pin::QUECTEL, &pin::SIMCOM],
    ),
];

/// A modem that follows TS 27.007.
const STANDARD: Quirks = maker(&[], &[&pin::STANDARD]);

impl Quirks {
    /// Those of the maker that `+CGMI` names.
    pub fn of(manufacturer: Option<&str>) -> &'static Self {
        let manufacturer = manufacturer.unwrap_or_default().to_ascii_lowercase();
        let is_of = |quirks: &&Self| quirks.makers.iter().any(|maker| manufacturer.contains(maker));
        TABLE.iter().find(is_of).unwrap_or(&STANDARD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maker_is_recognized_in_what_its_modems_answer() {
        let table = [
            (Some("Option N.V."), &TABLE[0]),
            (Some("huawei"), &TABLE[1]),
            (Some("HUAWEI TECHNOLOGIES"), &TABLE[1]),
            (Some("SIMCOM_Ltd"), &TABLE[5]),
            (Some("Telit Cinterion"), &TABLE[6]),
            (Some("Acme"), &STANDARD),
            (None, &STANDARD),
        ];
        for (manufacturer, quirks) in table {
            assert_eq!(Quirks::of(manufacturer), quirks, "{manufacturer:?}");
        }
    }
}
