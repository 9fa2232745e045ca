//! Better figures of the signal than `+CSQ`, and the band.

use std::fmt;

use crate::modem::at::values::values;
use crate::site::SignalCommand;

/// What a modem measures of its cell: dBm and dB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quality {
    /// UTRAN: RSCP and Ec/Io (TS 25.133 §9.1.1 and §9.1.2).
    Third { rscp: i32, ecio: i32 },
    /// LTE: RSRP and RSRQ (TS 36.133 §9.1.4 and §9.1.7), and SINR if the modem has it.
    Lte { rsrp: i32, rsrq: i32, sinr: Option<i32> },
}

impl Quality {
    /// Parses the answer to a command; `None` without a network, or for a technology without these figures.
    pub fn from_answer(command: SignalCommand, answer: &[String]) -> Option<Self> {
        match command {
            SignalCommand::Cesq => Self::from_cesq(&values(answer, "+CESQ")?),
            SignalCommand::Hcsq => Self::from_hcsq(&values(answer, "^HCSQ")?),
            SignalCommand::Qcsq => Self::from_qcsq(&values(answer, "+QCSQ")?),
        }
    }

    /// TS 27.007 §8.69: `<rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp>`, indices of intervals; the lower bound is taken.
    fn from_cesq(values: &[&str]) -> Option<Self> {
        let index = |at: usize, last: i32| number(values, at).filter(|index| (0..=last).contains(index));
        if let (Some(rsrq), Some(rsrp)) = (index(4, 34), index(5, 97)) {
            return Some(Self::Lte { rsrp: rsrp - 141, rsrq: (rsrq - 40) / 2, sinr: None });
        }
        Some(Self::Third { rscp: index(2, 96)? - 121, ecio: (index(3, 49)? - 49) / 2 })
    }

    /// Huawei ME909 AT Command Interface, `^HCSQ`: `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>` or `"WCDMA",<rssi>,<rscp>,<ecio>`,
    /// indices of intervals. 255: not known.
    fn from_hcsq(values: &[&str]) -> Option<Self> {
        let index = |at: usize, last: i32| number(values, at).filter(|index| (0..=last).contains(index));
        match *values.first()? {
            "LTE" => Some(Self::Lte {
                rsrp: index(2, 97)? - 141,
                sinr: index(3, 251).map(|sinr| (sinr - 101) / 5),
                rsrq: (index(4, 34)? - 40) / 2,
            }),
            "WCDMA" => Some(Self::Third { rscp: index(2, 96)? - 121, ecio: (index(3, 65)? - 65) / 2 }),
            _ => None,
        }
    }

    /// Quectel EC25 AT Commands Manual, `+QCSQ`: `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>` or `"WCDMA",<rssi>,<rscp>,<ecio>`; of
    /// SINR an index, of the others the figure.
    fn from_qcsq(values: &[&str]) -> Option<Self> {
        let figure = |at: usize| number(values, at).filter(|figure| (-200..=0).contains(figure));
        let sinr = number(values, 3).filter(|index| (0..=250).contains(index));
        match *values.first()? {
            "LTE" => {
                Some(Self::Lte { rsrp: figure(2)?, sinr: sinr.map(|index| index / 5 - 20), rsrq: figure(4)? })
            }
            "WCDMA" => Some(Self::Third { rscp: figure(2)?, ecio: figure(3)? }),
            _ => None,
        }
    }
}

fn number(values: &[&str], at: usize) -> Option<i32> {
    values.get(at)?.parse().ok()
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Third { rscp, ecio } => write!(f, "RSCP {rscp} dBm, Ec/Io {ecio} dB"),
            Self::Lte { rsrp, rsrq, sinr } => {
                write!(f, "RSRP {rsrp} dBm, RSRQ {rsrq} dB")?;
                sinr.map_or(Ok(()), |sinr| write!(f, ", SINR {sinr} dB"))
            }
        }
    }
}

/// The number of the band in whatever words a maker has for it: `LTE BAND 3`, `EUTRAN-BAND3`, `LTE band:   B3`.
pub(super) fn band(answer: &[String]) -> Option<u32> {
    let after_the_word = |text: &str| {
        let number = text.trim_start_matches([' ', ':', '-', '_', '\t', '"', 'b', 'n']);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        number[..end].parse().ok().filter(|band| (1..=512).contains(band))
    };
    answer.iter().find_map(|line| line.to_ascii_lowercase().split("band").skip(1).find_map(after_the_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: SignalCommand, line: &str) -> Option<String> {
        Quality::from_answer(command, &[line.to_owned()]).map(|it| it.to_string())
    }

    #[test]
    fn every_command_s_figures_are_read() {
        use SignalCommand::{Cesq, Hcsq, Qcsq};
        for (command, line, expected) in [
            // TS 27.007 §8.69; u-blox SARA-R5 and Fibocom FM350 in public tests of drivers
            (Cesq, "+CESQ: 99,99,255,255,26,50", Some("RSRP -91 dBm, RSRQ -7 dB")),
            (Cesq, "+CESQ: 17,99,255,255,4,55,75,52,57", Some("RSRP -86 dBm, RSRQ -18 dB")),
            (Cesq, "+CESQ: 99,99,60,30,255,255", Some("RSCP -61 dBm, Ec/Io -9 dB")),
            (Cesq, "+CESQ: 99,99,255,255,255,255", None),
            (Cesq, "+CESQ: 30,0,255,255,255,255", None),
            (Cesq, "+CESQ: 99,99", None),
            // A log of a Huawei ME906, and the worked example of its manual's formula
            (Hcsq, "^HCSQ: \"LTE\",59,55,105,20", Some("RSRP -86 dBm, RSRQ -10 dB, SINR 0 dB")),
            (Hcsq, "^HCSQ: \"LTE\",45,34,106,19", Some("RSRP -107 dBm, RSRQ -10 dB, SINR 1 dB")),
            (Hcsq, "^HCSQ:\"LTE\",45,34,255,19", Some("RSRP -107 dBm, RSRQ -10 dB")),
            (Hcsq, "^HCSQ: \"WCDMA\",30,30,58", Some("RSCP -91 dBm, Ec/Io -3 dB")),
            (Hcsq, "^HCSQ: \"NOSERVICE\"", None),
            (Hcsq, "^HCSQ: \"LTE\",59,200,105,20", None),
            (Hcsq, "^HCSQ: \"LTE\",59,55,254,20", Some("RSRP -86 dBm, RSRQ -10 dB")),
            (Hcsq, "^HCSQ: \"WCDMA\",30,97,58", None),
            // Transcripts of EC25 and EG25
            (Qcsq, "+QCSQ: \"LTE\",-66,-94,142,-9", Some("RSRP -94 dBm, RSRQ -9 dB, SINR 8 dB")),
            (Qcsq, "+QCSQ: \"LTE\",-69,-102,150,-12", Some("RSRP -102 dBm, RSRQ -12 dB, SINR 10 dB")),
            (Qcsq, "+QCSQ: \"WCDMA\",-65,-68,-7", Some("RSCP -68 dBm, Ec/Io -7 dB")),
            (Qcsq, "+QCSQ: \"NOSERVICE\"", None),
            (Qcsq, "+QCSQ: \"LTE\",85,2147483648,55,-18", None),
        ] {
            assert_eq!(shown(command, line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_band_is_found_in_the_words_of_every_maker() {
        for (line, expected) in [
            ("+QNWINFO: \"FDD LTE\",\"46692\",\"LTE BAND 7\",3050", Some(7)),
            ("+QNWINFO: \"WCDMA\",\"46692\",\"WCDMA 2100\",10663", None),
            (
                "+CPSI: LTE,Online,228-02,0x9CA4,20964868,46,EUTRAN-BAND20,6200,3,3,-178,-1089,-742,8",
                Some(20),
            ),
            ("+CPSI: WCDMA,Online,252-02,0x2612,-294967296,WCDMA IMT 2000,437,10687", None),
            ("LTE band:      B2     \t\tLTE bw:      20 MHz  ", Some(2)),
            ("LTE band:      ---    \t\tLTE bw:      20 MHz  ", None),
            ("WCDMA band:    IMT2000", None),
            ("NR5G BAND 78", Some(78)),
            ("+QBAND: \"LTE BAND 3\"", Some(3)),
            ("BAND 99999999999", None),
            ("band", None),
        ] {
            assert_eq!(band(&[line.to_owned()]), expected, "{line}");
        }
    }
}
