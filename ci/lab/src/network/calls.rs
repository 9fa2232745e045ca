//! Calls between subscribers.

use super::switchboard::Ended;
use super::{Apparatus, Network, Subscriber, What};
use crate::modem::{Event, Failure};
use std::time::Duration;

impl Network {
    /// A subscriber that is not a modem calls a number; true if it rings there.
    pub fn call(&mut self, from: Subscriber, number: &str, now: Duration) -> bool {
        self.dial(from, number, now).is_ok()
    }

    /// From the next call on, no packet of these PPP protocols arrives anywhere.
    pub fn drop_ppp(&mut self, protocols: &[u16]) {
        self.switchboard.drop_ppp(protocols);
    }

    /// Ends a subscriber's call, as a person or the network would.
    pub fn hang_up(&mut self, subscriber: Subscriber, now: Duration) {
        self.end_call(subscriber, now);
        self.modem_event(subscriber, Event::CarrierLost, now);
    }

    /// A call of somebody outside the network, who gives up after one ring; `None`: a withheld number.
    pub fn ring_once(&mut self, called: Subscriber, caller: Option<String>, now: Duration) {
        self.modem_event(called, Event::Rings(caller), now);
        self.modem_event(called, Event::RingingEnds, now);
    }

    pub(super) fn dial(&mut self, from: Subscriber, number: &str, now: Duration) -> Result<(), Failure> {
        self.note(from, What::Event(format!("dials {number}")), now);
        let caller = self.members.get(from.0).filter(|member| member.connected).ok_or(Failure::NoDialtone)?;
        let (caller_line, shown) = (caller.line, caller.number.clone());
        let called = self.switchboard.find(number).ok_or(Failure::NoCarrier)?;
        let member = self.members.get(called.0).ok_or(Failure::NoCarrier)?;
        let line = caller_line.joined(member.line);
        let (connected, free) = (member.connected, self.switchboard.is_free(called));
        match &member.apparatus {
            _ if !connected => Err(Failure::NoCarrier),
            _ if !free => Err(Failure::Busy),
            Apparatus::Modem(modem) if !modem.is_free() => Err(Failure::Busy),
            Apparatus::Modem(_) => {
                self.switchboard.ring(from, called, line);
                self.note(called, What::Event(format!("is called by {}", self.name(from))), now);
                // Packet data has no caller ID.
                let shown = (number == self.number(called)).then_some(shown);
                self.modem_event(called, Event::Rings(shown), now);
                Ok(())
            }
            Apparatus::Peer(_) => {
                self.switchboard.ring(from, called, line);
                self.switchboard.answered(called, now);
                Ok(())
            }
            Apparatus::Phone(_) => Err(Failure::NoCarrier),
        }
    }

    pub(super) fn end_call(&mut self, by: Subscriber, now: Duration) {
        if let Some((other, event)) = self.hung_up(by, now) {
            self.modem_event(other, event, now);
        }
    }

    pub(super) fn hung_up(&mut self, by: Subscriber, now: Duration) -> Option<(Subscriber, Event)> {
        let ended = self.switchboard.hung_up(by)?;
        self.note(by, What::Event("the call ends".to_owned()), now);
        Some(match ended {
            Ended::WhileRinging(other) => (other, Event::RingingEnds),
            Ended::Connected(other) => (other, Event::CarrierLost),
        })
    }
}
