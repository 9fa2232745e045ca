//! What differs between the modems of different makers. A new maker is a row.

use super::sim::Counter;

/// A maker, and how its modems depart from 3GPP.
#[derive(Debug)]
pub(crate) struct Maker {
    /// Part of the answer to `+CGMI`, in lower case.
    name: &'static str,
    /// Where the modem may say how many tries the PIN has left, the best first.
    pub pin_counters: &'static [Counter],
    /// Whether `AT_OBLS` tells when the SIM, the phone book and the messages are ready.
    pub has_obls: bool,
}

const MAKERS: [Maker; 2] = [
    // ModemManager, plugins/option
    Maker { name: "option", pin_counters: &[Counter::Option, Counter::Standard], has_obls: true },
    // ModemManager, plugins/huawei
    Maker { name: "huawei", pin_counters: &[Counter::Huawei, Counter::Standard], has_obls: false },
];

/// Modems that do as 3GPP says.
const OTHER: Maker = Maker { name: "", pin_counters: &[Counter::Standard], has_obls: false };

impl Maker {
    /// The maker of a modem, by its answer to `+CGMI`.
    pub fn from_cgmi(manufacturer: Option<&str>) -> &'static Self {
        let answer = manufacturer.unwrap_or_default().to_ascii_lowercase();
        MAKERS.iter().find(|maker| answer.contains(maker.name)).unwrap_or(&OTHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maker_is_known_by_what_its_modems_answer() {
        for (answer, name) in [
            (Some("Option N.V."), "option"),
            (Some("HUAWEI"), "huawei"),
            (Some("huawei"), "huawei"),
            (Some("Quectel"), ""),
            (None, ""),
        ] {
            assert_eq!(Maker::from_cgmi(answer).name, name, "{answer:?}");
        }
    }
}
