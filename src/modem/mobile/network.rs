//! The mobile network: registration, operator and signal.

use std::fmt;

use super::quality::Quality;
use super::registration::Registration;
use super::technology::Technology;
use crate::modem::at::values::{from_ucs2, values};
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
    /// `<AcT>` of `+COPS`.
    pub technology: Option<Technology>,
    /// In dBm.
    pub signal: Option<i32>,
    pub quality: Option<Quality>,
    /// The number of the band.
    pub band: Option<u32>,
}

impl Network {
    /// Whether messages can be sent and received. A modem that does not report its registration counts as registered.
    pub fn lets_in(&self) -> bool {
        self.registration().is_none_or(Registration::lets_in)
    }

    /// The registration that says most, whichever of the three commands tells it. A modem on LTE may report it by
    /// `+CEREG` alone, and be denied by `+CREG` for want of a network for calls.
    pub fn registration(&self) -> Option<Registration> {
        let known = [self.calls, self.packets, self.lte].into_iter().flatten();
        known.reduce(|best, other| if other.rank() > best.rank() { other } else { best })
    }

    /// The registration for packet data, if the network gives none although the modem is registered. A modem that does
    /// not report it counts as served.
    pub fn no_data(&self) -> Option<Registration> {
        let known = [self.packets, self.lte].into_iter().flatten();
        let best = known.reduce(|best, other| if other.rank() > best.rank() { other } else { best });
        best.filter(|best| self.lets_in() && !best.serves())
    }

    /// Adds it to the modem's status.
    pub fn describe(&self, modem: ModemStatus) -> ModemStatus {
        ModemStatus {
            registration: self.registration().map(|it| it.to_string()),
            no_data: self.no_data().map(|it| it.to_string()),
            operator: self.operator.as_ref().map(Operator::to_string),
            technology: self.technology.map(|it| it.to_string()),
            signal_dbm: self.signal,
            quality: self.quality.map(|it| it.to_string()),
            band: self.band,
            ..modem
        }
    }

    /// The answer to `+COPS?`.
    pub fn is_with_operator(&mut self, answer: &[String]) {
        self.operator = Operator::from_answer(self.operator.as_ref(), answer);
        self.technology = Technology::from_answer(answer);
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
        let who = values.get(2).filter(|who| !who.is_empty())?;
        let who = from_ucs2(who).unwrap_or_else(|| (*who).to_owned());
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
            ("+COPS: 0,0,\"0046007200650065\",7", Some("Free")), // after AT+CSCS="UCS2"
            ("+COPS: 0,2,\"00320030003800310035\",7", Some("20815")),
            ("+COPS: 0,0,\"\",2", None), // MM has such names
            ("+COPS: 0,2,\"\"", None),
        ];
        for (line, expected) in table {
            let operator = Operator::from_answer(None, &lines(&[line])).map(|operator| operator.to_string());
            assert_eq!(operator.as_deref(), expected, "{line}");
        }
    }

    /// `+CREG`, `+CGREG` and `+CEREG`; whether messages pass; the registration in words, and that for data if it is
    /// missing.
    #[test]
    fn the_registration_is_what_all_three_commands_say() {
        use Registration::{Denied, EmergencyOnly, Home, MessagesOnly, Off, Roaming, Searching};
        let table = [
            // A modem that does not report its registration counts as registered.
            (None, None, None, true, None, None),
            // 3G, without `+CEREG`
            (Some(Home), Some(Home), None, true, Some("home"), None),
            (Some(Searching), Some(Home), None, true, Some("home"), None),
            (Some(Home), Some(Denied), None, true, Some("home"), Some("denied")),
            (Some(Home), Some(Searching), None, true, Some("home"), Some("searching")),
            (Some(Denied), None, None, false, Some("denied"), None),
            (Some(Denied), Some(Off), None, false, Some("denied"), None),
            // LTE that `+CEREG` alone reports, and on which `+CREG` denies
            (Some(Off), Some(Off), Some(Roaming), true, Some("roaming"), None),
            (Some(Denied), Some(Denied), Some(Home), true, Some("home"), None),
            (Some(Home), Some(Off), Some(Home), true, Some("home"), None),
            (Some(Roaming), Some(Denied), Some(Denied), true, Some("roaming"), Some("denied")),
            (Some(MessagesOnly), Some(Off), Some(Denied), true, Some("messages only"), Some("denied")),
            (Some(MessagesOnly), None, Some(Home), true, Some("home"), None),
            (Some(Searching), Some(Off), Some(Denied), false, Some("denied"), None),
            // No network
            (Some(Searching), Some(Searching), Some(Off), false, Some("searching"), None),
            (Some(Searching), None, Some(EmergencyOnly), false, Some("emergency calls only"), None),
        ];
        for (calls, packets, lte, passes, registration, no_data) in table {
            let network = Network { calls, packets, lte, ..Network::default() };
            let shown = network.describe(ModemStatus::default());
            let shown = (shown.registration.as_deref(), shown.no_data.as_deref());
            assert_eq!((network.lets_in(), shown), (passes, (registration, no_data)), "{network:?}");
        }
    }
}
