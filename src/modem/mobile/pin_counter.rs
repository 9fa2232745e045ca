//! The commands that report how many tries the PIN has left: a table, since every maker has its own. TS 27.007 §8.65
//! has had a standard one since release 8.
//!
//! The makers' commands and the order of their values are those of oFono (drivers/atmodem/sim.c) and
//! ModemManager (plugins/{option,huawei,ublox,sierra,zte,cinterion,icera,mbm}).

use crate::modem::at::request::Request;
use crate::modem::at::values::values;

/// A command that reports the tries left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PinCounter {
    command: &'static str,
    /// The start of its answer.
    name: &'static str,
    place: Place,
    pub(crate) subject: Subject,
}

/// Where the answer has the tries of the PIN.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// The n-th value, from 0.
    Value(usize),
    /// The second value of the line whose first one is this.
    LineOf(&'static str),
    /// After this in a list such as `PIN1=3; PUK1=10`.
    After(&'static str),
}

/// The code that the answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The PIN.
    Pin,
    /// The code that `+CPIN?` asks for now: the PIN only while that says `SIM PIN`.
    AskedFor,
}

const fn counter(command: &'static str, name: &'static str, place: Place) -> PinCounter {
    PinCounter { command, name, place, subject: Subject::Pin }
}

/// `+CPINR: <code>,<left>[,<most>]`, a line for each code.
pub(super) const STANDARD: PinCounter = counter("AT+CPINR", "+CPINR", Place::LineOf("SIM PIN"));
/// `_OERCN: <PIN>,<PUK>`
pub(super) const OPTION: PinCounter = counter("AT_OERCN?", "_OERCN", Place::Value(0));
/// `^CPIN: <code>,<times>,<PUK>,<PIN>,<PUK2>,<PIN2>`
pub(super) const HUAWEI: PinCounter = counter("AT^CPIN?", "^CPIN", Place::Value(3));
/// `+UPINCNT: <PIN>,<PIN2>,<PUK>,<PUK2>`
pub(super) const UBLOX: PinCounter = counter("AT+UPINCNT", "+UPINCNT", Place::Value(0));
/// `+CPINC: <PIN>,<PIN2>,<PUK>,<PUK2>`
pub(super) const SIERRA: PinCounter = counter("AT+CPINC?", "+CPINC", Place::Value(0));
/// `+ZPINPUK: <PIN>,<PUK>`
pub(super) const ZTE: PinCounter = counter("AT+ZPINPUK=?", "+ZPINPUK", Place::Value(0));
/// `+SPIC: <PIN>[,…]`; the order of the rest differs by model.
pub(super) const SIMCOM: PinCounter = counter("AT+SPIC", "+SPIC", Place::Value(0));
/// `^SPIC: <left>`
pub(super) const CINTERION: PinCounter = counter("AT^SPIC=\"SC\"", "^SPIC", Place::Value(0));
/// The same of older models, which take no parameter.
pub(super) const CINTERION_OLD: PinCounter =
    PinCounter { subject: Subject::AskedFor, ..counter("AT^SPIC", "^SPIC", Place::Value(0)) };
/// `#PCT: <left>`
pub(super) const TELIT: PinCounter =
    PinCounter { subject: Subject::AskedFor, ..counter("AT#PCT", "#PCT", Place::Value(0)) };
/// `+QPINC: "SC",<PIN>,<PUK>`, and a line for `"P2"`.
pub(super) const QUECTEL: PinCounter = counter("AT+QPINC?", "+QPINC", Place::LineOf("SC"));
/// `+QTRPIN: <PIN>,<PIN2>,<PUK>,<PUK2>`: M95 and MC60.
pub(super) const QUECTEL_OLD: PinCounter = counter("AT+QTRPIN", "+QTRPIN", Place::Value(0));
/// `*EPIN: <PIN>,<PUK>,<PIN2>,<PUK2>`
pub(super) const ERICSSON: PinCounter = counter("AT*EPIN?", "*EPIN", Place::Value(0));
/// `%PINNUM: <PIN>,<PUK>,<PIN2>,<PUK2>`
pub(super) const ICERA: PinCounter = counter("AT%PINNUM?", "%PINNUM", Place::Value(0));
/// `+PNNM: <PIN>,<PUK>`
pub(super) const ALCATEL: PinCounter = counter("AT+PNNM?", "+PNNM", Place::Value(0));
/// `+XPINCNT: <PIN>,<PIN2>,<PUK>,<PUK2>`
pub(super) const INTEL: PinCounter = counter("AT+XPINCNT", "+XPINCNT", Place::Value(0));
/// `PIN1=3; PUK1=10; PIN2=3; PUK2=10`, with or without a name.
pub(super) const SPEEDUP: PinCounter = counter("AT+CPNNUM", "+CPNNUM", Place::After("PIN1="));

/// TS 102 221 §11.1.9: a card's counter has four bits.
const MOST_TRIES: u32 = 15;

impl PinCounter {
    /// The command. It changes nothing.
    pub fn request(&self) -> Request {
        Request::new(self.command, 5)
    }

    /// The tries left for the PIN; `None` if the answer does not say.
    pub fn tries(&self, answer: &[String]) -> Option<u32> {
        let digits = match self.place {
            Place::Value(place) => *values(answer, self.name)?.get(place)?,
            Place::LineOf(code) => {
                let mut lines =
                    answer.iter().filter_map(|line| values(std::slice::from_ref(line), self.name));
                *lines.find(|values| values.first() == Some(&code))?.get(1)?
            }
            Place::After(key) => {
                let after = answer.iter().find_map(|line| Some(line.split_once(key)?.1))?;
                after.split(|c: char| !c.is_ascii_digit()).next()?
            }
        };
        digits.parse().ok().filter(|tries| *tries <= MOST_TRIES)
    }
}

#[cfg(test)]
mod tests {
    use super::super::quirks::Quirks;

    /// The maker as `+CGMI` names it, the command, the answer, and the tries. Sources beside them.
    #[test]
    fn every_maker_s_counter_is_read() {
        for (maker, command, answer, tries) in [
            // ModemManager, plugins/ublox/tests/test-modem-helpers-ublox.c
            ("u-blox", "AT+UPINCNT", "+UPINCNT: 3,3,10,10", Some(3)),
            ("u-blox", "AT+UPINCNT", "+UPINCNT: 0,3,5,5", Some(0)),
            ("u-blox", "AT+UPINCNT", "+UPINCNT: 0,0,0,0", Some(0)),
            // ModemManager, plugins/sierra; a Haier modem writes no blank.
            ("Sierra Wireless, Incorporated", "AT+CPINC?", "+CPINC: 3,3,10,10", Some(3)),
            ("Sierra Wireless, Incorporated", "AT+CPINC?", "+CPINC:2,10,3,10", Some(2)),
            ("Sierra Wireless, Incorporated", "AT+CPINC?", "+CPINC: 999,999,999,999", None),
            // ModemManager, plugins/zte, and oFono
            ("ZTE CORPORATION", "AT+ZPINPUK=?", "+ZPINPUK: 3,10", Some(3)),
            ("ZTE INCORPORATED", "AT+ZPINPUK=?", "+ZPINPUK:1,10", Some(1)),
            // oFono; tests of other programs for SIM800 and for the SIM7600
            ("SIMCOM_Ltd", "AT+SPIC", "+SPIC: 3,3,10,10", Some(3)),
            ("SIMCOM INCORPORATED", "AT+SPIC", "+SPIC: 2,10,3,10", Some(2)),
            ("SIMCOM_Ltd", "AT+SPIC", "+SPIC: 3", Some(3)),
            // ModemManager, plugins/cinterion, and Cinterion's own tests of AT^SPIC
            ("Cinterion", "AT^SPIC=\"SC\"", "^SPIC: 3", Some(3)),
            ("SIEMENS", "AT^SPIC", "^SPIC: 2", Some(2)),
            ("SIEMENS", "AT^SPIC", "^SPIC: SIM PIN2", None),
            // oFono
            ("Telit", "AT#PCT", "#PCT: 3", Some(3)),
            ("Telit", "AT#PCT", "#PCT:2", Some(2)),
            // oFono; a test of another program for the two lines
            ("Quectel", "AT+QPINC?", "+QPINC: \"SC\",3,10\n+QPINC: \"P2\",0,10", Some(3)),
            ("Quectel", "AT+QPINC?", "+QPINC: \"P2\",3,10\n+QPINC: \"SC\",1,10", Some(1)),
            ("Quectel", "AT+QPINC?", "+QPINC: 99", None),
            ("Quectel_Ltd", "AT+QTRPIN", "+QTRPIN: 2,3,10,10", Some(2)),
            // ModemManager, plugins/mbm
            ("Ericsson AB", "AT*EPIN?", "*EPIN: 3, 10, 3, 10", Some(3)),
            // ModemManager, plugins/icera
            ("Icera", "AT%PINNUM?", "%PINNUM: 3, 10, 3, 10", Some(3)),
            // oFono
            ("Alcatel", "AT+PNNM?", "+PNNM: 2,10", Some(2)),
            ("Intel", "AT+XPINCNT", "+XPINCNT: 3, 3, 10, 10", Some(3)),
            ("SpeedUp", "AT+CPNNUM", "PIN1=2; PUK1=10; PIN2=3; PUK2=10", Some(2)),
            // ModemManager, plugins/option and plugins/huawei; a list of Huawei's answers
            ("Option N.V.", "AT_OERCN?", "_OERCN: 3, 10", Some(3)),
            ("huawei", "AT^CPIN?", "^CPIN: SIM PIN,3,10,3,10,3", Some(3)),
            ("huawei", "AT^CPIN?", "^CPIN: READY,,10,3,10,3", Some(3)),
            ("huawei", "AT^CPIN?", "^CPIN: SIM PUK,10,10,0,10,3", Some(0)),
            // TS 27.007 §8.65; u-blox, Nordic and SIMCom's newer modems, with quotation marks or without
            ("Nordic Semiconductor ASA", "AT+CPINR", "+CPINR: SIM PIN,3,3\n+CPINR: SIM PUK,10,10", Some(3)),
            ("u-blox", "AT+CPINR", "+CPINR: \"SIM PIN\",1,3", Some(1)),
            ("SIMCOM INCORPORATED", "AT+CPINR", "+CPINR: SIM PIN,0", Some(0)),
            ("Option N.V.", "AT+CPINR", "+CPINR: SIM PIN2,3\n+CPINR: SIM PIN,2,3", Some(2)),
            // A rebadged modem that names the maker of its chip.
            ("QUALCOMM INCORPORATED", "AT+CPINC?", "+CPINC: 3,3,10,10", Some(3)),
            ("QUALCOMM INCORPORATED", "AT+ZPINPUK=?", "+ZPINPUK: 3,10", Some(3)),
            ("", "AT+CPINR", "+CPINR: SIM PIN,3", Some(3)),
        ] {
            let counters = Quirks::of(Some(maker)).pin_counters;
            let asked = |counter: &&&super::PinCounter| counter.command == command;
            let counter = counters.iter().find(asked).unwrap_or_else(|| panic!("{maker}: {command}"));
            let answer: Vec<String> = answer.lines().map(str::to_owned).collect();
            assert_eq!(counter.tries(&answer), tries, "{maker}: {answer:?}");
        }
    }

    #[test]
    fn no_tries_are_read_from_another_answer() {
        for maker in ["", "u-blox", "Quectel", "SpeedUp", "huawei", "Cinterion"] {
            for answer in ["", "+CPIN: SIM PIN", "+CPINR:", "+UPINCNT: ,", "^CPIN: SIM PIN", "PIN1=", "3"] {
                let answer = [answer.to_owned()];
                for counter in Quirks::of(Some(maker)).pin_counters {
                    assert_eq!(counter.tries(&answer), None, "{maker} {answer:?}");
                }
            }
        }
    }
}
