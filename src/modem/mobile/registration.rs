//! The registration with the network: `+CREG`, `+CGREG` and `+CEREG`.

use std::fmt;

/// `<stat>` of `+CREG`, `+CGREG` and `+CEREG` (TS 27.007 §7.2, §10.1.20, §10.1.22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// 0: the modem does not search.
    Off,
    /// 1; and 9, where voice calls are not preferred.
    Home,
    /// 2
    Searching,
    /// 3
    Denied,
    /// 4: out of coverage, or the modem does not say.
    Unknown,
    /// 5; and 10, where voice calls are not preferred.
    Roaming,
    /// 6 and 7: registered for messages only.
    MessagesOnly,
    /// 8 and 11: registered for emergency calls only.
    EmergencyOnly,
}

/// The longest `<stat>`: Iridium's modems write `001`. What is longer is a location area.
const LONGEST_STATE: usize = 3;

impl Registration {
    /// Parses the answer to `+CREG?` and the like: `<n>,<stat>[,…]`. A URC of that name, which starts with the state,
    /// counts only without another line.
    pub(super) fn from_answer(answer: &[String], name: &str) -> Option<Self> {
        let lines = || answer.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        match lines().find_map(|line| state(line, 1)) {
            Some(number) => Self::from_number(number),
            None => Self::from_number(lines().find_map(|line| state(line, 0))?),
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Off,
            1 | 9 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            4 => Self::Unknown,
            5 | 10 => Self::Roaming,
            6 | 7 => Self::MessagesOnly,
            8 | 11 => Self::EmergencyOnly,
            _ => return None,
        })
    }

    /// Whether messages can be sent and received.
    pub(super) fn lets_in(self) -> bool {
        self.serves() || self == Self::MessagesOnly
    }

    /// Whether the network gives the full service of this domain.
    pub(super) fn serves(self) -> bool {
        matches!(self, Self::Home | Self::Roaming)
    }

    /// Which one to show of several domains: the higher one. A refusal says more than a search that goes on elsewhere.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Home | Self::Roaming => 6,
            Self::MessagesOnly => 5,
            Self::Denied => 4,
            Self::EmergencyOnly => 3,
            Self::Searching => 2,
            Self::Unknown => 1,
            Self::Off => 0,
        }
    }
}

/// A possible `<stat>` at this place of a line.
fn state(line: &str, at: usize) -> Option<u32> {
    line.split(',').nth(at).map(str::trim).filter(|number| number.len() <= LONGEST_STATE)?.parse().ok()
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Home => "home",
            Self::Searching => "searching",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Roaming => "roaming",
            Self::MessagesOnly => "messages only",
            Self::EmergencyOnly => "emergency calls only",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Registration::{Denied, EmergencyOnly, Home, MessagesOnly, Off, Roaming, Searching};
    use proptest::prelude::*;

    fn answered(name: &str, answer: &[&str]) -> Option<Registration> {
        let answer: Vec<_> = answer.iter().map(|line| (*line).to_owned()).collect();
        Registration::from_answer(&answer, name)
    }

    /// ModemManager 1d4caa92, src/tests/test-modem-helpers.c, `test_creg_match`, but where another source is named.
    #[test]
    fn every_modem_s_form_of_the_registration_is_parsed() {
        let table = [
            ("+CREG", "+CREG: 1,3", Some(Denied)),
            ("+CREG", "+CREG: 1,1,84CD,00D30173", Some(Home)), // Sierra Mercury
            ("+CREG", "+CREG: 2,1,\"CE00\",\"01CEAD8F\"", Some(Home)), // Sony Ericsson K850i
            ("+CREG", "+CREG: 2,0,00,0", Some(Off)),           // Huawei E160G
            ("+CREG", "+CREG: 2,1,8BE3,2BAF", Some(Home)),
            ("+CREG", "+CREG:002,001,\"18d8\",\"ffff\"", Some(Home)), // Iridium
            ("+CREG", "+CREG:2,1,0001,0010", Some(Home)),
            ("+CREG", "+CREG:002,001,\"0001\",\"0010\"", Some(Home)),
            ("+CREG", "+CREG: 2,6,\"8B37\",\"0A265185\",7", Some(MessagesOnly)),
            ("+CREG", "+CREG: 2,5,\"0502\",\"0404736D\"", Some(Roaming)), // Sony-Ericsson MD400
            ("+CREG", "+CREG: 2,1,000B,2816, B, C2816", Some(Home)),      // Samsung Wave S8500
            ("+CREG", "+CREG: 2,1,  0 5, 2715", Some(Home)),              // Qualcomm Gobi 1000
            ("+CREG", "+CREG: 2,,", Some(Searching)),                     // Novatel XU870's URC
            ("+CGREG", "+CGREG: 1,3", Some(Denied)),
            ("+CGREG", "+CGREG: 2,1,\"8BE3\",\"00002B5D\",3", Some(Home)), // Ericsson F3607gw
            ("+CGREG", "+CGREG: 2,1, 81ED, 1A9CEB", Some(Home)),           // Alcatel One-Touch X220D
            ("+CGREG", "+CGREG: 2, 1, \"0426\", \"F00F\"", Some(Home)),    // Thuraya
            ("+CEREG", "+CEREG: 1,3", Some(Denied)),
            ("+CEREG", "+CEREG: 2,1, 1F00, 79D903 ,7", Some(Home)),
            ("+CEREG", "+CEREG: 1, 2, 0001, 00000100, 7", Some(Searching)), // Altair LTE
            ("+CEREG", "+CEREG: 2,1, 1F00, 20 ,79D903 ,7", Some(Home)),     // Novatel LTE E362
            // TS 27.007 §7.2 and §10.1.22, the states of release 14
            ("+CEREG", "+CEREG: 0,4", Some(Registration::Unknown)),
            ("+CEREG", "+CEREG: 0,7", Some(MessagesOnly)),
            ("+CEREG", "+CEREG: 0,8", Some(EmergencyOnly)),
            ("+CEREG", "+CEREG: 0,9", Some(Home)),
            ("+CEREG", "+CEREG: 0,10", Some(Roaming)),
            ("+CEREG", "+CEREG: 0,11", Some(EmergencyOnly)),
            ("+CEREG", "+CEREG: 0,12", None),
            ("+CREG", "+CGREG: 0,1", None),
            ("+CREG", "+CREG:", None),
        ];
        for (name, line, expected) in table {
            assert_eq!(answered(name, &[line]), expected, "{line}");
        }
    }

    /// The same source: lines that start with the state.
    #[test]
    fn an_unsolicited_registration_counts_only_without_another_line() {
        let table = [
            ("+CREG", &["+CREG: 3"][..], Some(Denied)),
            ("+CREG", &["+CREG: 1,84CD,00D30156"], Some(Home)),
            ("+CREG", &["+CREG: 1,\"CE00\",\"00005449\""], Some(Home)),
            ("+CREG", &["+CREG: 1,0001,0010,0"], Some(Home)),
            ("+CREG", &["+CREG: 001,\"0001\",\"0010\",000"], Some(Home)),
            ("+CGREG", &["+CGREG: 5,\"0502\",\"0404736D\",2"], Some(Roaming)),
            ("+CEREG", &["+CEREG: 2, 0001, 00000100, 7"], Some(Searching)),
            ("+CREG", &["+CREG: 3", "+CREG: 1,1"], Some(Home)),
            ("+CREG", &["+CREG: 1,1", "+CREG: 3"], Some(Home)),
            ("+CREG", &["+CREG: 1,\"00AB\",\"01C2\"", "+CREG: 2,5,\"00AB\",\"01C2\""], Some(Roaming)),
        ];
        for (name, answer, expected) in table {
            assert_eq!(answered(name, answer), expected, "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in prop::collection::vec("(\\+CREG: ?)?\\PC{0,20}", 0..3)) {
            Registration::from_answer(&answer, "+CREG");
        }
    }
}
