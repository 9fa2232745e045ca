//! What tells one modem from another, as data.

use std::ops::RangeInclusive;

/// A model of modem: who it says it is and which extended commands it knows. All else gets `ERROR`.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Lines of `ATI`.
    pub identification: &'static [&'static str],
    /// Extended commands by name.
    pub extended: &'static [(&'static str, Extended)],
}

/// How an extended command behaves.
#[derive(Debug, Clone)]
pub enum Extended {
    /// Executed, it answers with this text.
    Text(&'static str),
    /// A number that can be set, read and asked for its range; `ATZ` puts it back to the start of the range.
    Number(RangeInclusive<u32>),
    /// `+CSQ`: 3GPP TS 27.007 §8.5.
    Signal,
    /// `+CPIN`: 3GPP TS 27.007 §8.3.
    Pin,
    /// `+CREG`: 3GPP TS 27.007 §7.2.
    Registration,
    /// `+COPS?`: 3GPP TS 27.007 §7.3.
    Operator,
    /// `+CGDCONT`: 3GPP TS 27.007 §10.1.1.
    Contexts,
}

/// A USB stick for one mobile network, as the Option ICON 225 presents itself.
pub const STICK_3G: Profile = Profile {
    identification: &["Manufacturer: Option N.V.", "Model: GlobeTrotter HSUPA Modem", "Revision: 2.5.21Hd"],
    extended: &[
        ("+CGMI", Extended::Text("Option N.V.")),
        ("+CGMM", Extended::Text("GlobeTrotter HSUPA Modem")),
        ("+CGMR", Extended::Text("2.5.21Hd")),
        ("+CGSN", Extended::Text("004401100000001")),
        ("+CMEE", Extended::Number(0..=2)),
        ("+FCLASS", Extended::Number(0..=1)),
        ("+CSQ", Extended::Signal),
        ("+CPIN", Extended::Pin),
        ("+CREG", Extended::Registration),
        ("+COPS", Extended::Operator),
        ("+CGDCONT", Extended::Contexts),
    ],
};

/// A modem on an analogue telephone line.
pub const ANALOGUE: Profile = Profile {
    identification: &["56000"],
    extended: &[
        ("+GMI", Extended::Text("Dialbox Lab")),
        ("+GMM", Extended::Text("V.90 56K")),
        ("+FCLASS", Extended::Number(0..=1)),
    ],
};
