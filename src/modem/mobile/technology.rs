//! The radio technology: `<AcT>` of `+COPS` (TS 27.007 §7.3).

use std::fmt;

use crate::modem::at::values::values;

/// A generation of the radio network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Technology {
    /// GSM with GPRS or EDGE.
    Second,
    /// UTRAN, with HSPA or without.
    Third,
    Lte,
    /// LTE for machines.
    LteM,
    NbIot,
    /// NR, alone or beside LTE.
    Fifth,
}

impl Technology {
    /// Parses the answer to `+COPS?`: `<mode>,<format>,<operator>,<AcT>`.
    pub fn from_answer(answer: &[String]) -> Option<Self> {
        Some(match values(answer, "+COPS")?.get(3)?.parse().ok()? {
            0_u8 | 1 | 3 => Self::Second,
            2 | 4..=6 => Self::Third,
            7 => Self::Lte,
            // The standard has EC-GSM-IoT here; Quectel's BG95 and BG96 show LTE-M.
            8 => Self::LteM,
            9 => Self::NbIot,
            10..=13 => Self::Fifth,
            _ => return None,
        })
    }
}

impl Technology {
    /// Whether it has LTE's figures of the signal.
    pub fn is_lte(self) -> bool {
        matches!(self, Self::Lte | Self::LteM | Self::NbIot | Self::Fifth)
    }
}

impl fmt::Display for Technology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "2G",
            Self::Third => "3G",
            Self::Lte => "LTE",
            Self::LteM => "LTE-M",
            Self::NbIot => "NB-IoT",
            Self::Fifth => "5G",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_technology_is_the_fourth_value_of_the_operator() {
        let table = [
            ("+COPS: 0,0,\"Free\",0", Some("2G")),
            ("+COPS: 0,2,\"20815\",2", Some("3G")),
            ("+COPS: 0,0,\"Free\",3", Some("2G")),
            ("+COPS: 0,0,\"Free\",6", Some("3G")),
            ("+COPS: 1,2,\"46000\",7", Some("LTE")),
            ("+COPS:0,0,\"MTS RUS\",7", Some("LTE")),
            ("+COPS: 0,0,\"Free\",8", Some("LTE-M")),
            ("+COPS: 0,0,\"Vodafone\",9", Some("NB-IoT")),
            ("+COPS: 0,0,\"Free\",11", Some("5G")),
            ("+COPS: 0,0,\"Free\",13", Some("5G")),
            ("+COPS: 0,0,\"Free\",99", None),
            ("+COPS: 0,0,\"Free\"", None),
            ("+COPS: 0", None),
        ];
        for (line, expected) in table {
            let shown = Technology::from_answer(&[line.to_owned()]).map(|it| it.to_string());
            assert_eq!(shown.as_deref(), expected, "{line}");
        }
    }
}
