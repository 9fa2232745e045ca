//! A module for LTE.

use super::profile::{Extended, Given, MessageCommand, Mobile, Profile, ReadForm, TimeForm};
use std::time::Duration;

/// A Quectel EC25, with the first of its ports for commands. The commands are those of its AT Commands Manual.
pub const EC25: &Profile = &Profile {
    identification: &["Quectel", "EC25", "Revision: EC25EFAR06A03M4G"],
    ports: 2,
    extended: &[
        ("+CGMI", Extended::Text("Quectel")),
        ("+CGMM", Extended::Text("EC25")),
        ("+CGMR", Extended::Text("EC25EFAR06A03M4G")),
        ("+CGSN", Extended::Text("861107000000003")),
        ("+CIMI", Extended::Text("208150000000003")),
        ("+CMEE", Extended::Number(0..=2)),
        ("+FCLASS", Extended::Number(0..=0)),
        ("+CSQ", Extended::Signal),
        ("+CREG", Extended::Registration),
        ("+CGREG", Extended::Registration),
        ("+CEREG", Extended::Registration),
        ("+COPS", Extended::Operator),
        ("+CGATT", Extended::Attachment),
        ("+CGDCONT", Extended::Contexts),
        ("+CPIN", Extended::Pin),
        (
            "+QPINC",
            Extended::PinTries(Given::Reading, |pin, puk| {
                format!("+QPINC: \"SC\",{pin},{puk}\r\n+QPINC: \"P2\",3,10")
            }),
        ),
        ("+CLCK", Extended::FacilityLock),
        ("+CPWD", Extended::Password),
        ("+CFUN", Extended::Functionality),
        ("+CCLK", Extended::Clock),
        ("+CTZU", Extended::Number(0..=1)),
        ("+CTZR", Extended::Number(0..=2)),
        ("+CLIP", Extended::Number(0..=1)),
        ("+CSCS", Extended::CharacterSet),
        ("+CSMS", Extended::Message(MessageCommand::Service)),
        ("+CSCA", Extended::ServiceCentre),
        ("+CMGF", Extended::Message(MessageCommand::Format)),
        ("+CPMS", Extended::Message(MessageCommand::Storage)),
        ("+CNMI", Extended::Message(MessageCommand::Indications)),
        ("+CMGL", Extended::Message(MessageCommand::List)),
        ("+CMGR", Extended::Message(MessageCommand::Read)),
        ("+CMGD", Extended::Message(MessageCommand::Delete)),
        ("+CMGS", Extended::Message(MessageCommand::Send)),
        ("+CNMA", Extended::Message(MessageCommand::Acknowledge)),
    ],
    mobile: Some(&Mobile {
        storages: &[("ME", 23), ("SM", 20)],
        first_index: 0,
        indications: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1, 2], &[0, 1]],
        functionality: &[0, 1, 4],
        character_sets: &["GSM", "IRA", "UCS2"],
        sets_its_clock: false,
        says_full: None,
        reads_as: ReadForm::Standard,
        tells_time_as: TimeForm::Universal,
        context_kinds: &["IP", "IPV6", "IPV4V6", "PPP"],
    }),
    greeting: &["RDY"],
    chatter: &[],
    hang_up_takes: Duration::ZERO,
};
