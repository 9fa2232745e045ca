//! Messages between subscribers and the SMS centre.

use super::{Apparatus, Member, Network, Subscriber, What};
use crate::modem::Event;
use crate::modem::refusal::Cms;
use dialbox::sms::pdu::Body;
use std::time::Duration;

impl Network {
    /// Sends a text from any number, which may be forged.
    pub fn text(&mut self, from: &str, to: Subscriber, text: &str, now: Duration) {
        self.note(to, What::Event(format!("is sent an SMS by {from}: {text:?}")), now);
        if let Ok(from) = from.parse() {
            self.centre.text(&from, to, text, now);
        }
        self.deliver(now);
    }

    /// Brings a message as some centre wrote it: a PDU in hexadecimal, with the centre's address, unchecked.
    pub fn bring(&mut self, to: Subscriber, pdu: &str, now: Duration) {
        self.note(to, What::Event(format!("is sent the PDU {pdu}")), now);
        self.centre.put_as_it_is(to, pdu.to_owned());
        self.deliver(now);
    }

    pub(super) fn submit(&mut self, by: Subscriber, tpdu: &[u8], now: Duration) -> Result<(), Cms> {
        let address = self.members.get(by.0).and_then(|member| member.address.clone()).ok_or(Cms::Unknown)?;
        let taken = self.centre.submit((by, &address), tpdu, |number| self.switchboard.find(number), now);
        let entry = match &taken {
            Ok(submit) => match submit.body() {
                Body::Text(text) => format!("sends an SMS to {}: {text:?}", submit.to()),
                Body::Binary(octets) => format!("sends {} octets to {}", octets.len(), submit.to()),
            },
            Err(cms) => format!("cannot send an SMS: {}", cms.code().1),
        };
        self.note(by, What::Event(entry), now);
        self.deliver_to_phones(now);
        taken.map(drop)
    }

    /// Delivers waiting messages until they are refused.
    pub(super) fn deliver(&mut self, now: Duration) {
        self.deliver_to_phones(now);
        for to in self.centre.recipients() {
            if let Some((to, event)) = self.next_message(to) {
                self.modem_event(to, event, now);
            }
        }
    }

    pub(super) fn next_message(&mut self, to: Subscriber) -> Option<(Subscriber, Event)> {
        let member = self.members.get(to.0).filter(|member| member.connected)?;
        let Apparatus::Modem(modem) = &member.apparatus else { return None };
        if !modem.reachable() {
            return None;
        }
        Some((to, Event::Message(self.centre.send_next(to)?.pdu)))
    }

    pub(super) fn deliver_to_phones(&mut self, now: Duration) {
        for to in self.centre.recipients() {
            let Some(Member { apparatus: Apparatus::Phone(phone), connected: true, .. }) =
                self.members.get_mut(to.0)
            else {
                continue;
            };
            let before = phone.texts().len();
            while let Some(parcel) = self.centre.send_next(to) {
                if let Some(message) = parcel.message {
                    phone.receive(message);
                }
                self.centre.delivered(to, now);
            }
            let read: Vec<String> = phone.texts().iter().skip(before).map(|text| text.text.clone()).collect();
            for text in read {
                self.note(to, What::Event(format!("reads {text:?}")), now);
            }
        }
    }
}
