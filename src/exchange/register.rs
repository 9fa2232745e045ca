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
    /// These, each with its lifetime in seconds; 0 removes it.
    Set(Vec<(NameAddr, u32)>),
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
        match wish(request)? {
            Wish::Show => {}
            Wish::RemoveAll => self.peers[account].bindings.clear(),
            Wish::Set(contacts) => {
                for (contact, seconds) in contacts {
                    self.bind(account, &contact, seconds, (request, fields), source, now)?;
                }
            }
        }
        self.is_changed = true;
        Ok(account)
    }

    fn bind(
        &mut self,
        account: usize,
        contact: &NameAddr,
        seconds: u32,
        (request, fields): (&Message, &Fields),
        source: SocketAddrV4,
        now: Duration,
    ) -> Result<(), Refusal> {
        let name = self.site.accounts[account].name.clone();
        let peer = &mut self.peers[account];
        let known = peer.binding(&contact.uri);
        if known.is_some_and(|known| known.call_id == fields.call_id && fields.cseq.number <= known.cseq) {
            return Err((500, "This registration is older than the present one", None));
        }
        let is_new = known.is_none();
        if seconds == 0 {
            peer.unbind(&contact.uri);
            self.log(Level::Info, format!("{name} has unregistered {}", source.ip()));
            return Ok(());
        }
        let Ok(uri) = Uri::parse(&contact.uri) else { return Err((400, "Contact is no SIP address", None)) };
        // A contact elsewhere would let an account have the box send to any host.
        let address = uri.address().filter(|address| address.ip() == source.ip()).unwrap_or(source);
        let agent = request.get(name::USER_AGENT).unwrap_or_default();
        peer.bind(Binding {
            uri: contact.uri.clone(),
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
        Ok(())
    }
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

fn lifetime(text: &str, usual: u32) -> Result<(NameAddr, u32), Refusal> {
    let contact = NameAddr::parse(text).ok_or((400, "Contact is wrong", None))?;
    let seconds = contact.params.get("expires").map_or(usual, |text| number(text).unwrap_or(USUAL));
    match seconds {
        0 => Ok((contact, 0)),
        1..SHORTEST => Err((423, "Interval Too Brief", Some((name::MIN_EXPIRES, SHORTEST.to_string())))),
        seconds => Ok((contact, seconds.min(LONGEST))),
    }
}
