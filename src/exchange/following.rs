//! Requests that follow from an INVITE: ACK and CANCEL.

use super::header::{CSeq, name};
use super::message::Message;

/// The ACK for a response that is no success (RFC 3261 §17.1.1.3).
pub(super) fn ack_of(invite: &Message, response: &Message) -> Message {
    let mut ack = like(invite, "ACK");
    if let Some(to) = response.get(name::TO) {
        ack.replace_first(name::TO, to.to_owned());
    }
    ack
}

/// A CANCEL or an ACK of an INVITE.
pub(super) fn like(invite: &Message, method: &str) -> Message {
    let mut request = Message::request(method, invite.uri());
    request.headers.extend(invite.headers.iter().find(|header| header.is(name::VIA)).cloned());
    let copied = [name::FROM, name::TO, name::CALL_ID];
    request.headers.extend(invite.headers.iter().filter(|it| copied.iter().any(|name| it.is(name))).cloned());
    let number = invite.get(name::CSEQ).and_then(CSeq::parse).map_or(0, |cseq| cseq.number);
    let cseq = CSeq { number, method: method.to_owned() };
    request.with(name::CSEQ, cseq).with(name::MAX_FORWARDS, 70)
}
