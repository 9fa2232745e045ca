//! The dialer's news by text message: what [`Teller`](super::Teller) decides becomes effects.

use super::teller::Situation;
use super::{Dialer, Effect, View};
use crate::log::Level;
use crate::ppp::{DownReason, LinkOutcome};
use crate::sms::pdu::Address;
use crate::sms::reply::one_message;
use crate::state::Cause;

impl Dialer {
    /// What is new at this moment, perhaps the end of a link.
    pub(super) fn tell_news(&mut self, outcome: Option<&LinkOutcome>, view: View) -> Option<Effect> {
        let closed: Option<&DownReason> = match outcome {
            Some(LinkOutcome::Closed(why)) => Some(why),
            _ => None,
        };
        let boot = self.facts.boots.as_ref().map(|(number, cause)| (*number, Cause::parse(cause)));
        let spent = self.session.budget().spent();
        let bad = self.card.map(|card| card.bad);
        let inputs = self.lines.settled();
        let undervoltage = self.undervoltage;
        let now = Situation { boot, spent, bad, undervoltage, inputs, closed: closed.cloned() };
        self.teller.as_mut()?.poll(&now, view.wall).map(Effect::Tell)
    }

    /// It is stored that these texts are told.
    pub(super) fn send_news(&mut self, texts: &[String], view: View) -> Vec<Effect> {
        let Some(teller) = &self.teller else { return Vec::new() };
        let recipients: Vec<_> = teller.recipients().iter().map(Address::of).collect();
        let each = texts.iter().flat_map(|text| recipients.iter().map(move |to| (to, text)));
        each.map(|(to, text)| match self.replies.write(to, &one_message(text), view.at.now) {
            Ok(sms) => Effect::Send(sms),
            Err(why) => Effect::log(Level::Warning, format!("{to} is not told: {why}")),
        })
        .collect()
    }
}
