//! What modems of one maker do differently.

use super::sim::Counter;

/// The differences of one maker's modems.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// In what `+CGMI` answers, in lower case.
    maker: &'static str,
    /// Where the tries left for the PIN may be read, the maker's own command first.
    pub pin_counters: &'static [Counter],
    /// `AT_OBLS` says whether the modem has finished starting. Until then Option's sticks refuse
    /// commands about messages.
    pub reports_readiness: bool,
}

/// Sources: ModemManager, plugins/option and plugins/huawei.
const TABLE: &[Quirks] = &[
    Quirks { maker: "option", pin_counters: &[Counter::Option, Counter::Standard], reports_readiness: true },
    Quirks { maker: "huawei", pin_counters: &[Counter::Huawei, Counter::Standard], reports_readiness: false },
];

/// A modem that follows TS 27.007.
const STANDARD: Quirks = Quirks { maker: "", pin_counters: &[Counter::Standard], reports_readiness: false };

impl Quirks {
    /// Those of the maker that `+CGMI` names.
    pub fn of(manufacturer: Option<&str>) -> &'static Self {
        let manufacturer = manufacturer.unwrap_or_default().to_ascii_lowercase();
        TABLE.iter().find(|quirks| manufacturer.contains(quirks.maker)).unwrap_or(&STANDARD)
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
            (Some("SIMCOM_Ltd"), &STANDARD),
            (None, &STANDARD),
        ];
        for (manufacturer, quirks) in table {
            assert_eq!(Quirks::of(manufacturer), quirks, "{manufacturer:?}");
        }
    }
}
