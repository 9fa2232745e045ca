//! What a caller gets after the login prompt.

use super::error::Checked;
use super::table::{Value, Written, word};
use super::text::{Invalid, Text, checked_string, text_value};
use super::{Endpoint, UserName};
use std::fmt;

checked_string! {
    /// The name of a service, as callers type it.
    ServiceName
}

const LONGEST: usize = 16;

impl Text for ServiceName {
    const EXPECTED: &'static str = "the name of a service";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let is_letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_letter);
        // A number would be one of the menu.
        if !fits || text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Invalid::new(
                format!("{text:?} cannot name a service"),
                format!("use 1 to {LONGEST} small letters, digits, `-` and `_`, as in \"bbs\""),
            ));
        }
        if Offer::WORDS.iter().any(|(word, _)| *word == text) {
            return Err(Invalid::new(
                format!("`{text}` is what the box itself offers"),
                "give the service another name, as in \"bbs\"",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A TCP server that callers use as a terminal.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Where it listens.
    pub address: Endpoint,
    /// What it speaks.
    pub protocol: ServiceProtocol,
}

/// What a server for terminals speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceProtocol {
    /// Telnet (RFC 854).
    Telnet,
    /// Nothing but the terminal's own bytes.
    Raw,
}

impl ServiceProtocol {
    const WORDS: [(&'static str, Self); 2] = [("telnet", Self::Telnet), ("raw", Self::Raw)];

    /// The word in `site.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Telnet => "telnet",
            Self::Raw => "raw",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, protocol)| protocol)
    }
}

impl Value for ServiceProtocol {
    fn read(value: &Written<'_>) -> Checked<Self> {
        word(value, "a protocol", &Self::WORDS)
    }
}

/// What a user may get after the login prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Offer {
    /// PPP.
    #[default]
    Ppp,
    /// SLIP (RFC 1055).
    Slip,
    /// The same with the compressed headers of RFC 1144.
    CompressedSlip,
    /// A service for terminals.
    Service(ServiceName),
}

impl Offer {
    const WORDS: [(&'static str, Self); 3] =
        [("ppp", Self::Ppp), ("slip", Self::Slip), ("cslip", Self::CompressedSlip)];

    /// The word in `site.toml`, and in the menu.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ppp => "ppp",
            Self::Slip => "slip",
            Self::CompressedSlip => "cslip",
            Self::Service(name) => name.as_str(),
        }
    }

    /// Whether it is the service of this name.
    #[must_use]
    pub fn is_service(&self, name: &ServiceName) -> bool {
        matches!(self, Self::Service(service) if service == name)
    }

    /// Whether it is one of the two kinds of SLIP.
    #[must_use]
    pub fn is_slip(&self) -> bool {
        matches!(self, Self::Slip | Self::CompressedSlip)
    }
}

impl Text for Offer {
    const EXPECTED: &'static str = "\"ppp\", \"slip\", \"cslip\" or the name of a service";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let own = Self::WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, offer)| offer);
        own.map_or_else(|| ServiceName::from_text(text).map(Self::Service), Ok)
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_value!(Offer);

/// What each user may get; nobody has an empty list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offers(pub(super) Vec<(UserName, Vec<Offer>)>);

impl Offers {
    /// What a user may get, in the order of the menu: PPP alone, unless the site says otherwise.
    #[must_use]
    pub fn of(&self, user: &UserName) -> &[Offer] {
        const PPP: &[Offer] = &[Offer::Ppp];
        self.0.iter().find(|(name, _)| name == user).map_or(PPP, |(_, offers)| offers)
    }

    /// Users who get something else than PPP alone.
    #[must_use]
    pub fn listed(&self) -> &[(UserName, Vec<Offer>)] {
        &self.0
    }
}
