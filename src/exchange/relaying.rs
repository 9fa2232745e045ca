//! Which calls are relayed, and what that changes in their messages.

use std::net::Ipv4Addr;

use super::call::Who;
use super::core::{Exchange, Refusal};
use super::header::name;
use super::message::Message;
use super::relay::{End, Relay, SLOTS, side};
use super::sdp::{self, MEDIA};

impl Exchange {
    /// The relays of all calls that are up or being set up.
    pub fn relays(&self) -> &[Relay] {
        &self.relays
    }

    /// Notes how many packets a call's relay has passed on.
    pub fn count_relayed(&mut self, call_id: &str, packets: [u64; 2]) {
        if let Some(relay) = self.relays.iter_mut().find(|relay| relay.call_id == call_id)
            && relay.packets != packets
        {
            relay.packets = packets;
            self.is_changed = true;
        }
    }

    /// Reserves a relay for a new call, if the site wants one.
    ///
    /// # Errors
    /// All are in use, or the call's identifier is in use by another call.
    pub(super) fn reserve_relay(&mut self, call_id: &str, caller: Ipv4Addr) -> Result<(), Refusal> {
        if !self.site.rtp_relay {
            return Ok(());
        }
        self.release_relays();
        if self.relays.iter().any(|relay| relay.call_id == call_id) {
            return Err((482, "This Call-ID is in use", None));
        }
        let is_free = |slot: &u16| !self.relays.iter().any(|relay| relay.slot == *slot);
        let Some(slot) = (0..SLOTS).find(is_free) else {
            return Err((503, "Too many calls", Some((name::RETRY_AFTER, "30".to_owned()))));
        };
        let end = End { host: caller, ports: [None; MEDIA] };
        let unknown = End { host: Ipv4Addr::UNSPECIFIED, ..end };
        self.relays.push(Relay { call_id: call_id.to_owned(), slot, ends: [end, unknown], packets: [0; 2] });
        Ok(())
    }

    /// Gives the relays of ended calls back.
    pub(super) fn release_relays(&mut self) {
        let (setups, calls) = (&self.setups, &self.calls);
        self.relays.retain(|relay| {
            setups.iter().any(|setup| setup.is_open() && setup.fields.call_id == relay.call_id)
                || calls.iter().any(|call| call.ended.is_none() && call.call_id == relay.call_id)
        });
    }

    /// The called side's host, before it has said anything.
    pub(super) fn relay_to(&mut self, call_id: &str, host: Ipv4Addr) {
        if let Some(relay) = self.relays.iter_mut().find(|relay| relay.call_id == call_id) {
            relay.ends[side(Who::Callee)] = End { host, ports: [None; MEDIA] };
        }
    }

    /// Puts the box into the session description of a message that goes to a side, and notes what the other side has
    /// named in it.
    pub(super) fn relay_body(&mut self, message: &mut Message, call_id: &str, to: Who) {
        let own = *self.own.ip();
        let Some(relay) = self.relays.iter_mut().find(|relay| relay.call_id == call_id) else { return };
        let kind = message.get(name::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
        if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/sdp")) {
            return;
        }
        let Some((body, named)) = sdp::relayed(&message.body, own, relay.facing(to)) else { return };
        message.body = body;
        let end = &mut relay.ends[side(to.other())];
        // A description cannot have the box send to another host.
        end.ports =
            named.map(|named| named.filter(|named| *named.ip() == end.host).map(|named| named.port()));
    }
}
