//! What a request, its retransmissions and its responses have in common (RFC 3261 §17 and §18).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddrV4;

use super::header::Via;
use super::message::Message;
use super::request::Fields;
use super::uri::SIP_PORT;

/// What a branch of RFC 3261 begins with (§8.1.1.7).
pub const COOKIE: &str = "z9hG4bK";

/// Where the response to a request goes (RFC 3261 §18.2.2, RFC 3581 §4).
pub fn reply_address(via: Option<&Via>, source: SocketAddrV4) -> SocketAddrV4 {
    match via {
        Some(via) if !via.params.has("rport") => {
            SocketAddrV4::new(*source.ip(), via.port.unwrap_or(SIP_PORT))
        }
        _ => source,
    }
}

/// What tells a transaction from others (RFC 3261 §17.2.3); that of an ACK or a CANCEL is its INVITE's.
pub fn transaction(request: &Message, fields: &Fields, method: &str) -> u64 {
    let branch = fields.via.branch();
    if branch.len() > COOKIE.len() && branch.starts_with(COOKIE) {
        return digest((branch, &fields.via.host, fields.via.port, method));
    }
    digest((request.uri(), fields.from.tag(), &fields.call_id, fields.cseq.number, &fields.via.host, method))
}

/// A number for a value: the same in every process of this program.
pub fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
