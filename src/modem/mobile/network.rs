//! The mobile network: registration, operator and signal.

use std::fmt;

use super::registration::Registration;
use crate::modem::at::values::values;
use crate::published::ModemStatus;

/// What is known of the network.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Network {
    /// For calls and messages.
    pub calls: Option<Registration>,
    /// For packet data.
    pub packets: Option<Registration>,
    /// For LTE, which some modems report by `+CEREG` alone (victronenergy/venus#1582, vshymanskyy/TinyGSM#467).
    pub lte: Option<Registration>,
    pub operator: Option<Operator>,
    /// In dBm.
    pub signal: Option<i32>,
}

impl Network {
    /// Whether messages can be sent and received. A modem that does not report its registration counts as registered.
    pub fn lets_in(&self) -> bool {
        self.registration().is_none_or(Registration::lets_in)
    }

    /// The first registration that admits the modem, or else the first known one.
    pub fn registration(&self) -> Option<Registration> {
        let known = || [self.calls, self.packets, self.lte].into_iter().flatten();
        known().find(|registration| registration.lets_in()).or_else(|| known().next())
    }

    /// Adds it to the modem's status.
    pub fn describe(&self, modem: ModemStatus) -> ModemStatus {
        ModemStatus {
            registration: self.registration().map(|it| it.to_string()),
            operator: self.operator.as_ref().map(Operator::to_string),
            signal_dbm: self.signal,
            ..modem
        }
    }
}

/// The operator of the network.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Operator {
    /// Country and network (TS 23.003 §2.2), such as `20815`.
    pub number: Option<String>,
    /// The name that the modem or the SIM has.
    pub name: Option<String>,
}

impl Operator {
    /// Parses the answer to `+COPS?`: number or name, depending on `<format>`. `None` without a network.
    pub fn from_answer(before: Option<&Self>, answer: &[String]) -> Option<Self> {
        let values = values(answer, "+COPS")?;
        let who = values.get(2).filter(|who| !who.is_empty()).map(|who| (*who).to_owned())?;
        let before = before.cloned().unwrap_or_default();
        // TS 27.007 §7.3: 0 long name, 1 short name, 2 number
        Some(match *values.get(1)? {
            // Another number: the name was another operator's.
            "2" if before.number.as_ref() != Some(&who) => Self { number: Some(who), name: None },
            "2" => before,
            _ => Self { name: Some(who), ..before },
        })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.number) {
            (Some(name), Some(number)) => write!(f, "{name} ({number})"),
            (Some(word), None) | (None, Some(word)) => f.write_str(word),
            (None, None) => f.write_str("unknown"),
        }
    }
}

/// Received signal strength in dBm, from `+CSQ` (TS 27.007 §8.5). 99 means unknown.
pub(crate) fn dbm(answer: &[String]) -> Option<i32> {
    let rssi: i32 = values(answer, "+CSQ")?.first()?.parse().ok()?;
    (0..=31).contains(&rssi).then(|| 2 * rssi - 113)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn the_signal_is_converted_to_dbm() {
        let table = [
            ("+CSQ: 0,0", Some(-113)),
            ("+CSQ: 31,99", Some(-51)),
            ("+CSQ: 99,99", None),
            ("+CSQ: 17", Some(-79)),
            ("+CSQ: x,y", None),
            ("+CSQ:", None),
            ("+CSQ: 999999999999,0", None),
        ];
        for (line, expected) in table {
            assert_eq!(dbm(&lines(&[line])), expected, "{line}");
        }
    }

    #[test]
    fn an_operator_has_a_number_and_a_name() {
        let by_number = Operator::from_answer(None, &lines(&["+COPS: 0,2,\"20815\",2"]));
        assert_eq!(by_number.as_ref().unwrap().to_string(), "20815");
        let both = Operator::from_answer(by_number.as_ref(), &lines(&["+COPS: 0,0,\"Free\",2"]));
        assert_eq!(both.as_ref().unwrap().to_string(), "Free (20815)");
        assert_eq!(Operator::from_answer(both.as_ref(), &lines(&["+COPS: 0,2,\"20815\""])), both);
        let roaming = Operator::from_answer(both.as_ref(), &lines(&["+COPS: 0,2,\"26201\""]));
        assert_eq!(roaming.unwrap().to_string(), "26201");
        assert_eq!(Operator::from_answer(both.as_ref(), &lines(&["+COPS: 0"])), None);
    }

    /// What `status` shows after an answer to `+COPS?`. "MM": ModemManager 1d4caa92, src/tests/test-modem-helpers.c.
    #[test]
    fn every_modem_s_form_of_the_operator_is_parsed() {
        let table = [
            ("+COPS: 1,0,\"CHINA MOBILE\"", Some("CHINA MOBILE")), // MM, cops_query_data
            ("+COPS: 1,0,\"CHINA MOBILE\",7", Some("CHINA MOBILE")), // MM
            ("+COPS: 1,2,\"46000\"", Some("46000")),               // MM
            ("+COPS: 1,2,\"46000\",7", Some("46000")),             // MM
            ("+COPS:0,0,\"MTS RUS\",7", Some("MTS RUS")), // Fibocom FM350-GL, 4IceG/luci-app-3ginfo-lite#73
            ("+COPS:0,2,\"25001\",7", Some("25001")),     // the same
            ("+COPS: 0", None),                           // esp-protocols#181
            ("+COPS: 2", None),                           // TS 27.007 §7.3, deregistered
            ("+COPS: 0,0,\"Vodafone\",9", Some("Vodafone")), // Quectel BG96, esp-protocols#80
            ("+COPS: 0,1,\"F SFR\",7", Some("F SFR")),    // short, as in Xinyuan-LilyGO/LilyGo-T-SIM7080G#41
            ("+COPS: 0,0,\"T-Mobile USA, In\",0", Some("T-Mobile USA, In")), // a comma in a name of MM's
            ("+COPS: 0,0,\"AT&T MicroCell\",2", Some("AT&T MicroCell")), // MM
            ("+COPS: 0,2,46000,2", Some("46000")),        // without quotes
            ("+COPS: 0,0,\"\",2", None),                  // MM has such names
            ("+COPS: 0,2,\"\"", None),
        ];
        for (line, expected) in table {
            let operator = Operator::from_answer(None, &lines(&[line])).map(|operator| operator.to_string());
            assert_eq!(operator.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn any_registration_lets_messages_through() {
        use Registration::{Denied, EmergencyOnly, Home, Off, Roaming, Searching};
        let table = [
            (None, None, None, true),
            (Some(Searching), Some(Home), None, true),
            (Some(Denied), None, None, false),
            (Some(Off), Some(Off), Some(Roaming), true),
            (Some(Searching), None, Some(EmergencyOnly), false),
        ];
        for (calls, packets, lte, expected) in table {
            let network = Network { calls, packets, lte, ..Network::default() };
            assert_eq!(network.lets_in(), expected, "{network:?}");
        }
    }
}
