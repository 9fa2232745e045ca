//! What the watch over the far side asks.

use super::Serving;
use crate::clock;
use crate::dialer::name_server_probe::NameServerProbe;
use crate::dialer::{Event, Question};
use crate::ppp::vpn;

impl Serving<'_> {
    /// Asks, or answers at once.
    pub(super) fn ask(&mut self, question: Question) -> Option<Event> {
        let (link, now) = (self.dialer.link_interface(), clock::since_boot());
        match question {
            Question::Counter => return Some(Event::TunnelCounter(vpn::received(self.paths))),
            Question::NameServers(servers) => match NameServerProbe::ask(link, servers, None, now) {
                Ok(probe) => self.probe = Some(probe),
                // Without a route the link carries nothing.
                Err(_) => return Some(Event::NameServer(false)),
            },
            Question::Address(name, servers) => match NameServerProbe::ask(link, servers, Some(&name), now) {
                Ok(resolver) => self.resolver = Some(resolver),
                Err(_) => return Some(Event::Resolved(None)),
            },
        }
        None
    }
}
