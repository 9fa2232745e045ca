//! What every request must have (RFC 3261 §8.1.1, §16.3).

use super::header::{CSeq, NameAddr, Via, name, number};
use super::message::{Malformed, Message};

/// The fields of a request that the exchange works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The topmost Via.
    pub via: Via,
    /// Who sends it.
    pub from: NameAddr,
    /// Whom it is for.
    pub to: NameAddr,
    /// The dialog's identifier, with the tags.
    pub call_id: String,
    /// The order within it.
    pub cseq: CSeq,
}

/// A datagram as the exchange takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A request that can be acted on.
    Request(Message, Fields),
    /// A request to be refused.
    Refused(Message, u16, &'static str),
    /// A response with the branch of its topmost Via.
    Response(Message, Fields),
    /// Nothing that can be answered.
    Dropped(&'static str),
}

/// Fields with one value in a message (RFC 3261 §7.3.1).
const SINGLE: [&str; 6] =
    [name::CALL_ID, name::CSEQ, name::FROM, name::TO, name::MAX_FORWARDS, name::CONTENT_TYPE];

/// Reads a datagram.
pub fn read(datagram: &[u8]) -> Incoming {
    let message = match Message::parse(datagram) {
        Ok(message) => message,
        // An ACK is never answered (RFC 3261 §17.1.1.3).
        Err(Malformed { code, why, request: Some(request) }) if answerable(&request) => {
            return Incoming::Refused(*request, code, why);
        }
        Err(Malformed { why, .. }) => return Incoming::Dropped(why),
    };
    let is_response = message.code() != 0;
    match fields(&message) {
        Ok(fields) if is_response => Incoming::Response(message, fields),
        Ok(fields) if fields.cseq.method == message.method() => Incoming::Request(message, fields),
        Ok(_) if answerable(&message) => Incoming::Refused(message, 400, "CSeq has another method"),
        Err(why) if !is_response && answerable(&message) => Incoming::Refused(message, 400, why),
        Ok(_) => Incoming::Dropped("CSeq has another method"),
        Err(why) => Incoming::Dropped(why),
    }
}

fn answerable(request: &Message) -> bool {
    request.method() != "ACK" && request.get(name::VIA).is_some()
}

fn fields(message: &Message) -> Result<Fields, &'static str> {
    for name in SINGLE {
        if message.all(name).nth(1).is_some() {
            return Err("a field that must be there once is there twice");
        }
    }
    if let Some(hops) = message.get(name::MAX_FORWARDS) {
        number(hops).filter(|hops| *hops <= 255).ok_or("Max-Forwards is no number up to 255")?;
    }
    let via = message.get(name::VIA).and_then(Via::parse).ok_or("Via is missing or wrong")?;
    let from = message.get(name::FROM).and_then(NameAddr::parse).ok_or("From is missing or wrong")?;
    let to = message.get(name::TO).and_then(NameAddr::parse).ok_or("To is missing or wrong")?;
    let call_id =
        message.get(name::CALL_ID).filter(|id| !id.is_empty()).ok_or("Call-ID is missing")?.to_owned();
    let cseq = message.get(name::CSEQ).and_then(CSeq::parse).ok_or("CSeq is missing or wrong")?;
    if message.method() == "REGISTER" || message.method() == "INVITE" {
        let wrong = message.all(name::CONTACT).flat_map(super::header::list);
        for contact in wrong.filter(|contact| *contact != "*") {
            NameAddr::parse(contact).ok_or("Contact is wrong")?;
        }
    }
    Ok(Fields { via, from, to, call_id, cseq })
}
