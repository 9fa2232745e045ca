//! Calls whose media pass through the box, for adapters that cannot reach each other.
//!
//! A session description that goes to a side names the box, and ports that face that side. They follow from the relay's
//! slot and from the medium's place in the description, which never changes in a call (RFC 3264 §8): a re-INVITE, an
//! offer of T.38 and a restart of the exchange need no other state.

use std::net::Ipv4Addr;

use super::call::{Call, Who};
use super::sdp::MEDIA;
use crate::site::RELAY_PORTS;

/// Ports of a relay: for each of two sides and of [`MEDIA`] media, one for RTP or UDPTL and the next one for RTCP.
pub const PORTS: usize = 2 * MEDIA * 2;
/// Relays at a time: what [`RELAY_PORTS`] are for.
pub(super) const SLOTS: u16 = 16;

/// A call's relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The call.
    pub call_id: String,
    /// Its place among the ports.
    pub(super) slot: u16,
    /// The caller, and the called side.
    pub ends: [End; 2],
    /// Packets that have come from each of them and were passed on.
    pub packets: [u64; 2],
}

/// Where a side's media are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The side's host. Packets of others are dropped.
    pub host: Ipv4Addr,
    /// The ports that the side has named, if they are the host's. It may send from others, if it is behind NAT.
    pub ports: [Option<u16>; MEDIA],
}

impl Relay {
    /// The port with this index, below [`PORTS`]. The first half faces the caller; RTP has the even ones.
    pub fn port(&self, index: usize) -> u16 {
        let ports = self.slot as usize * PORTS + index % PORTS;
        // Below SLOTS * PORTS: a slot is below SLOTS.
        RELAY_PORTS.start().saturating_add(u16::try_from(ports).unwrap_or(u16::MAX))
    }

    /// Whether both are the relay of one call at the same ports.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.call_id, self.slot) == (&other.call_id, other.slot)
    }

    /// The ports of the media that face a side.
    pub(super) fn facing(&self, who: Who) -> [u16; MEDIA] {
        std::array::from_fn(|medium| self.port(side(who) * PORTS / 2 + 2 * medium))
    }

    /// The words of a published call: slot, ports and packets.
    pub fn to_words(&self) -> String {
        let ports = self.ends.iter().flat_map(|end| end.ports).map(|port| u64::from(port.unwrap_or(0)));
        let words = std::iter::once(u64::from(self.slot)).chain(ports).chain(self.packets);
        words.map(|word| word.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The relay of a published call.
    pub fn from_words(words: &str, call: &Call) -> Option<Self> {
        let words: Vec<u64> = words.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [slot, a, b, c, d, from_caller, from_callee] = words.try_into().ok()?;
        let port = |port: u64| u16::try_from(port).ok().filter(|port| *port != 0);
        let end =
            |who, ports: [u64; MEDIA]| End { host: *call.side(who).address.ip(), ports: ports.map(port) };
        Some(Self {
            call_id: call.call_id.clone(),
            slot: u16::try_from(slot).ok().filter(|slot| *slot < SLOTS)?,
            ends: [end(Who::Caller, [a, b]), end(Who::Callee, [c, d])],
            packets: [from_caller, from_callee],
        })
    }
}

/// The index of a side.
pub(super) fn side(who: Who) -> usize {
    match who {
        Who::Caller => 0,
        Who::Callee => 1,
    }
}
