//! How makers' modems tell the tries left of the SIM's PIN, as data. ModemManager's plugins and oFono's atmodem have
//! the commands and the order of their values.

use super::profile::{Extended, Given};

/// A maker.
#[derive(Debug)]
pub struct Maker {
    /// The answer to `+CGMI`.
    pub name: &'static str,
    /// Its command for the tries left.
    pub counter: (&'static str, Extended),
}

const fn maker(
    name: &'static str,
    command: &'static str,
    given: Given,
    answer: fn(u8, u8) -> String,
) -> Maker {
    Maker { name, counter: (command, Extended::PinTries(given, answer)) }
}

/// Makers whose modems have a command of their own; PIN2 and PUK2 have all their tries.
pub const MAKERS: [Maker; 10] = [
    maker("u-blox", "+UPINCNT", Given::Acting, |pin, puk| format!("+UPINCNT: {pin},3,{puk},10")),
    maker("Sierra Wireless, Incorporated", "+CPINC", Given::Reading, |pin, puk| {
        format!("+CPINC: {pin},3,{puk},10")
    }),
    maker("ZTE CORPORATION", "+ZPINPUK", Given::Testing, |pin, puk| format!("+ZPINPUK: {pin},{puk}")),
    maker("SIMCOM_Ltd", "+SPIC", Given::Acting, |pin, puk| format!("+SPIC: {pin},3,{puk},10")),
    maker("Cinterion", "^SPIC", Given::Setting, |pin, _| format!("^SPIC: {pin}")),
    maker("SIEMENS", "^SPIC", Given::Acting, |pin, _| format!("^SPIC: {pin}")),
    maker("Telit", "#PCT", Given::Acting, |pin, _| format!("#PCT: {pin}")),
    maker("Quectel", "+QPINC", Given::Reading, |pin, puk| {
        format!("+QPINC: \"SC\",{pin},{puk}\r\n+QPINC: \"P2\",3,10")
    }),
    maker("Ericsson AB", "*EPIN", Given::Reading, |pin, puk| format!("*EPIN: {pin}, {puk}, 3, 10")),
    maker("Icera", "%PINNUM", Given::Reading, |pin, puk| format!("%PINNUM: {pin}, {puk}, 3, 10")),
];
