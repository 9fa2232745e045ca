//! The mobile network: whether the modem is let in, who runs it, how well it is heard.

use std::fmt;

use crate::modem::at::values::values;
use crate::published::ModemStatus;

/// `<stat>` of `+CREG` and `+CGREG` (TS 27.007 §7.2, §10.1.20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// 0: it does not even search.
    Off,
    /// 1
    Home,
    /// 2
    Searching,
    /// 3
    Denied,
    /// 4: out of coverage, or the modem does not say.
    Unknown,
    /// 5
    Roaming,
    /// 6 and 7: let in for messages alone.
    MessagesOnly,
}

impl Registration {
    /// From the answer to `+CREG?` or `+CGREG?`. An unsolicited line of that name, which has the
    /// state first, is not taken for it.
    pub(super) fn from_answer(answer: &[String], name: &str) -> Option<Self> {
        answer.iter().find_map(|line| {
            let values = values(std::slice::from_ref(line), name)?;
            Self::from_number(values.get(1)?)
        })
    }

    fn from_number(number: &str) -> Option<Self> {
        Some(match number {
            "0" => Self::Off,
            "1" => Self::Home,
            "2" => Self::Searching,
            "3" => Self::Denied,
            "4" => Self::Unknown,
            "5" => Self::Roaming,
            "6" | "7" => Self::MessagesOnly,
            _ => return None,
        })
    }

    fn lets_in(self) -> bool {
        matches!(self, Self::Home | Self::Roaming | Self::MessagesOnly)
    }
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
        })
    }
}

/// What is known of the network.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Network {
    /// For calls and messages.
    pub calls: Option<Registration>,
    /// For packet data.
    pub packets: Option<Registration>,
    pub operator: Option<Operator>,
    /// In dBm.
    pub signal: Option<i32>,
}

impl Network {
    /// Whether messages can be sent and received. A modem that does not tell is believed to be in.
    pub fn lets_in(&self) -> bool {
        match (self.calls, self.packets) {
            (None, None) => true,
            (calls, packets) => [calls, packets].into_iter().flatten().any(Registration::lets_in),
        }
    }

    /// Adds it to what is known of the modem.
    pub fn describe(&self, modem: ModemStatus) -> ModemStatus {
        ModemStatus {
            registration: self.calls.or(self.packets).map(|it| it.to_string()),
            operator: self.operator.as_ref().map(Operator::to_string),
            signal_dbm: self.signal,
            ..modem
        }
    }
}

/// Who runs the network.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Operator {
    /// Country and network (TS 23.003 §2.2), such as `20815`.
    pub number: Option<String>,
    /// As the modem or the SIM knows it.
    pub name: Option<String>,
}

impl Operator {
    /// Takes the answer to `+COPS?` in: number or name, as `<format>` says. `None` without a network.
    pub fn from_answer(before: Option<&Self>, answer: &[String]) -> Option<Self> {
        let values = values(answer, "+COPS")?;
        let who = (*values.get(2)?).to_owned();
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
    fn the_signal_is_told_in_dbm() {
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
    fn an_unsolicited_registration_is_not_taken_for_the_answer() {
        let table = [
            (&["+CREG: 0,1"][..], Some(Registration::Home)),
            (&["+CREG: 2,5,\"00AB\",\"01C2\""], Some(Registration::Roaming)),
            (&["+CREG: 3", "+CREG: 1,1"], Some(Registration::Home)),
            (&["+CREG: 1,2"], Some(Registration::Searching)),
            (&["+CREG: 0,6"], Some(Registration::MessagesOnly)),
            (&["+CREG: 0,9"], None),
            (&["+CGREG: 0,1"], None),
        ];
        for (answer, expected) in table {
            assert_eq!(Registration::from_answer(&lines(answer), "+CREG"), expected, "{answer:?}");
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

    #[test]
    fn either_registration_lets_messages_through() {
        let network = |calls, packets| Network { calls, packets, ..Network::default() };
        assert!(network(None, None).lets_in());
        assert!(network(Some(Registration::Searching), Some(Registration::Home)).lets_in());
        assert!(!network(Some(Registration::Denied), None).lets_in());
    }
}
