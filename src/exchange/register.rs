//! REGISTER (RFC 3261 §10.3).

use std::net::SocketAddrV4;
use std::time::Duration;

use super::binding::{Binding, Probe, Reach};
use super::core::{Exchange, Refusal, Taken};
use super::header::{self, NameAddr, name, number};
use super::message::Message;
use super::replies::Sender;
use super::request::Fields;
use super::uri::Uri;
use crate::log::Level;

/// The lifetime of a registration in seconds: the least, the usual and the longest one.
const SHORTEST: u32 = 60;
const USUAL: u32 = 3600;
const LONGEST: u32 = 7200;

/// What a REGISTER asks for.
enum Wish {
    /// The present contacts.
    Show,
    /// No contacts.
    RemoveAll,
    /// These URIs, each with its lifetime in seconds; 0 removes it.
    Set(Vec<(String, u32)>),
}

impl Exchange {
    pub(super) fn register(
        &mut self,
        request: Message,
        fields: &Fields,
        source: SocketAddrV4,
        now: Duration,
    ) -> Taken {
        match self.registration(&request, fields, source, now) {
            Ok(account) => {
                let mut answer = self.answer(&request, 200, "OK");
                for binding in &self.peers[account].bindings {
                    let left = binding.expires.saturating_sub(now).as_secs();
                    answer.add(name::CONTACT, format!("<{}>;expires={left}", binding.uri));
                }
                self.reply(answer, &request, fields, source, Sender::Proven, now);
                Ok(())
            }
            Err(refusal) => Err(Box::new((request, refusal))),
        }
    }

    /// Does what the request asks for, and returns its account.
    fn registration(
        &mut self,
        request: &Message,
        fields: &Fields,
        source: SocketAddrV4,
        now: Duration,
    ) -> Result<usize, Refusal> {
        if let Some(unknown) = request.get(name::REQUIRE) {
            return Err((420, "Bad Extension", Some((name::UNSUPPORTED, unknown.to_owned()))));
        }
        let Ok(whose) = Uri::parse(&fields.to.uri) else { return Err((400, "To is no SIP address", None)) };
        let claimed = self.account(&whose.user);
        let account = self.authenticate(request, claimed, source, now)?;
        if claimed != Some(account) {
            return Err((403, "This is another account's address", None));
        }
        self.grant(account, wish(request)?, (request, fields), source, now)?;
        self.is_changed = true;
        Ok(account)
    }

    /// All or nothing (RFC 3261 §10.3, item 7).
    fn grant(
        &mut self,
        account: usize,
        wish: Wish,
        request: (&Message, &Fields),
        source: SocketAddrV4,
        now: Duration,
    ) -> Result<(), Refusal> {
        match wish {
            Wish::Show => Ok(()),
            Wish::RemoveAll => {
                let bindings = &mut self.peers[account].bindings;
                if bindings.iter().any(|known| is_older(request.1, known)) {
                    return Err(OLDER);
                }
                let had_some = !std::mem::take(bindings).is_empty();
                if had_some {
                    let name = &self.site.accounts[account].name;
                    self.log(Level::Info, format!("{name} has unregistered everywhere"));
                }
                Ok(())
            }
            Wish::Set(contacts) => {
                let peer = &self.peers[account];
                if contacts.iter().any(|(uri, _)| peer.binding(uri).is_some_and(|it| is_older(request.1, it)))
                {
                    return Err(OLDER);
                }
                let uris = contacts.into_iter().map(|(text, seconds)| match (Uri::parse(&text), seconds) {
                    (Ok(uri), _) => Ok((text, uri.address(), seconds)),
                    (Err(_), 0) => Ok((text, None, 0)),
                    (Err(_), _) => Err((400, "Contact is no SIP address", None)),
                });
                for (uri, address, seconds) in uris.collect::<Result<Vec<_>, Refusal>>()? {
                    // A contact elsewhere would let an account have the box send to any host.
                    let address = address.filter(|address| address.ip() == source.ip()).unwrap_or(source);
                    self.bind(account, uri, address, seconds, request, now);
                }
                Ok(())
            }
        }
    }

    fn bind(
        &mut self,
        account: usize,
        uri: String,
        address: SocketAddrV4,
        seconds: u32,
        (request, fields): (&Message, &Fields),
        now: Duration,
    ) {
        let name = self.site.accounts[account].name.clone();
        let peer = &mut self.peers[account];
        let is_new = peer.binding(&uri).is_none();
        if seconds == 0 {
            peer.unbind(&uri);
            if !is_new {
                self.log(Level::Info, format!("{name} has unregistered {}", address.ip()));
            }
            return;
        }
        let agent = request.get(name::USER_AGENT).unwrap_or_default();
        peer.bind(Binding {
            uri,
            address,
            call_id: fields.call_id.clone(),
            cseq: fields.cseq.number,
            expires: now + Duration::from_secs(seconds.into()),
            agent: agent.chars().filter(|c| !c.is_control()).take(60).collect(),
            reach: Reach::Unknown,
            probe: Probe::Due(now),
        });
        if is_new {
            self.log(Level::Info, format!("{name} has registered from {address}"));
        }
    }
}

/// A request that was overtaken by a later one changes nothing (RFC 3261 §10.3, items 6 and 7).
const OLDER: Refusal = (500, "This registration is older than the present one", None);

fn is_older(fields: &Fields, known: &Binding) -> bool {
    known.call_id == fields.call_id && fields.cseq.number <= known.cseq
}

fn wish(request: &Message) -> Result<Wish, Refusal> {
    let usual = match request.get(name::EXPIRES) {
        // A value that is no number counts as the usual one (RFC 3261 §10.2.1.1).
        Some(text) => number(text).unwrap_or(USUAL),
        None => USUAL,
    };
    let contacts: Vec<&str> = request.all(name::CONTACT).flat_map(header::list).collect();
    match contacts.as_slice() {
        [] => Ok(Wish::Show),
        ["*"] if usual == 0 => Ok(Wish::RemoveAll),
        all if all.contains(&"*") => Err((400, "Contact * needs Expires: 0 and no other contact", None)),
        all => {
            let contacts = all.iter().map(|text| lifetime(text, usual)).collect::<Result<_, Refusal>>()?;
            Ok(Wish::Set(contacts))
        }
    }
}

fn lifetime(text: &str, usual: u32) -> Result<(String, u32), Refusal> {
    let contact = NameAddr::parse(text).ok_or((400, "Contact is wrong", None))?;
    let seconds = contact.params.get("expires").map_or(usual, |text| number(text).unwrap_or(USUAL));
    match seconds {
        0 => Ok((contact.uri, 0)),
        1..SHORTEST => Err((423, "Interval Too Brief", Some((name::MIN_EXPIRES, SHORTEST.to_string())))),
        seconds => Ok((contact.uri, seconds.min(LONGEST))),
    }
}
