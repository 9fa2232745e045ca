//! The telephone of a dialer's owner, and the authenticator app on it.

use crate::error::{Error, Result};
use crate::network::Subscriber;
use crate::stage::Stage;
use dialbox::site::{OneTimeCode, Proof, Role, Site};
use dialbox::sms::proof;
use std::cell::Cell;

/// Its number.
pub const OWNER: &str = "+33612345678";
/// The secret of dialer and owner, from RFC 4226's examples.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The telephone, and the dialer it commands.
pub struct Owner<'a> {
    stage: &'a Stage,
    dialer: Subscriber,
    phone: Subscriber,
    codes: OneTimeCode,
    counter: Cell<u64>,
}

impl<'a> Owner<'a> {
    /// A telephone for a dialer with this modem.
    pub fn of(stage: &'a Stage, dialer: Subscriber) -> Result<Self> {
        let phone = stage.exchange().with(|network, _| network.connect_phone("phone", OWNER));
        Ok(Self { stage, dialer, phone, codes: codes()?, counter: Cell::new(0) })
    }

    /// The next code that the app shows.
    ///
    /// Codes are counted (HOTP): under QEMU a box's clock counts instructions, and on a busy host it falls behind the
    /// network's clock by more than TOTP allows.
    pub fn code(&self) -> String {
        let counter = self.counter.get();
        self.counter.set(counter + 1);
        format!("{:08}", proof::code(&self.codes, counter))
    }

    /// A command followed by the next code.
    pub fn order(&self, words: &str) -> String {
        format!("{words} {}", self.code())
    }

    /// Sends the dialer a text.
    pub fn text(&self, text: &str) {
        self.text_as(OWNER, text);
    }

    /// Sends the dialer a text from another number.
    pub fn text_as(&self, from: &str, text: &str) {
        self.stage.exchange().with(|network, now| network.text(from, self.dialer, text, now));
    }

    /// The dialer's answers so far.
    pub fn replies(&self) -> Vec<String> {
        self.stage.exchange().with(|network, _| {
            let texts = network.phone(self.phone).map_or(&[][..], |phone| phone.texts());
            texts.iter().map(|text| text.text.clone()).collect()
        })
    }

    /// Waits for the n-th of them, from 1.
    pub fn reply(&self, number: usize) -> Result<String> {
        self.stage.exchange().until("a reply by SMS", |network| {
            network.phone(self.phone)?.texts().get(number - 1).map(|text| text.text.clone())
        })
    }
}

/// The part of a dialer's site that authorizes this telephone.
pub fn sms_table() -> String {
    format!("[sms]\nnumbers = [\"{OWNER}\"]\nproof = \"hotp\"\nsecret = \"{SECRET}\"\n")
}

/// The app's configuration.
fn codes() -> Result<OneTimeCode> {
    let head = "role = \"dialer\"\nhostname = \"dialer\"\n[operator]\nname = \"free\"\napn = \"free\"\n";
    let site = Site::parse(&(head.to_owned() + &sms_table()));
    let site = site.map_err(|error| Error::Unexpected(error.to_string()))?;
    match site.role {
        Role::Dialer(dialer) => match dialer.sms.map(|sms| sms.proof) {
            Some(Proof::Hotp(codes)) => Ok(codes),
            _ => Err(Error::Unexpected("the site's codes are not counted".to_owned())),
        },
        Role::DialIn(_) => Err(Error::Unexpected("the site is not a dialer's".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_secret_is_valid() {
        assert!(codes().is_ok());
    }
}
