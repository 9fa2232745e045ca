//! The dialer's watch over the far side of the VPN: what [`Liveness`] asks and decides becomes effects.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::liveness::{Liveness, Next, Question, Remedy};
use super::{Dialer, Effect, Endpoints, View};
use crate::log::Level;
use crate::ppp::{DownReason, Interface, Phase, name_servers};
use crate::published::FarSide;
use crate::site::AnyEndpoint;

impl Dialer {
    pub(super) fn know_name_servers(&mut self, received: &[Ipv4Addr]) {
        self.name_servers = name_servers::usable(received);
        if let Some(liveness) = &mut self.liveness {
            liveness.know_name_servers(self.name_servers.clone());
        }
    }

    /// The endpoint in use may be a name: its address is found out over each link, before there is a VPN over it.
    pub(super) fn resolve_endpoint(&mut self, now: Duration) -> Option<Effect> {
        let (Phase::Up(link, _) | Phase::ByHand(link)) = self.session.phase() else { return None };
        let name = self.endpoints.as_mut()?.poll(link.pid, now)?.to_owned();
        Some(Effect::Ask(Question::Address(name, self.name_servers.clone())))
    }

    /// What is to be found out now. A link opened by hand is left to its person.
    pub(super) fn watch_far_side(&mut self, now: Duration) -> Option<Effect> {
        let liveness = self.liveness.as_mut()?;
        match self.session.phase() {
            Phase::Up(link, _) => liveness.poll(link.pid, now).map(Effect::Ask),
            Phase::Down | Phase::ByHand(_) => {
                liveness.forget();
                None
            }
            Phase::Dialling | Phase::Pausing(_) | Phase::Closing => None,
        }
    }

    pub(super) fn far_side_deadline(&self) -> Option<Duration> {
        let read = self.liveness.as_ref().map(Liveness::deadline);
        let resolve = self.endpoints.as_ref().and_then(Endpoints::deadline);
        match self.session.phase() {
            Phase::Up(..) => read.into_iter().chain(resolve).min(),
            Phase::ByHand(_) => resolve,
            Phase::Down | Phase::Dialling | Phase::Pausing(_) | Phase::Closing => None,
        }
    }

    pub(super) fn count_tunnel(&mut self, received: Option<u64>, view: View) -> Vec<Effect> {
        let next = self.liveness.as_mut().and_then(|liveness| liveness.count(received, view.at.now));
        self.reach_far_side(next, view)
    }

    pub(super) fn hear_name_server(&mut self, answers: bool, view: View) -> Vec<Effect> {
        let next =
            self.liveness.as_mut().and_then(|liveness| liveness.hear_name_server(answers, view.at.now));
        self.reach_far_side(next, view)
    }

    fn reach_far_side(&mut self, next: Option<Next>, view: View) -> Vec<Effect> {
        let remedy = match next {
            None => return Vec::new(),
            Some(Next::Ask(question)) => return vec![Effect::Ask(question)],
            Some(Next::Remedy(remedy)) => remedy,
        };
        // The link may have gone since the question.
        let Phase::Up(link, _) = self.session.phase() else { return Vec::new() };
        let what = format!("the far side of the VPN is silent: {remedy}");
        let said = Effect::log(Level::Warning, &what);
        let interface = link.interface.clone();
        self.last_error = Some(what);
        let first = match remedy {
            Remedy::Tunnel => return [said].into_iter().chain(self.next_tunnel(interface)).collect(),
            Remedy::Link => vec![said],
            Remedy::Modem => vec![said, Effect::RestartModem],
        };
        let reaction = self.session.renew(DownReason::FarSideSilent, view.at);
        first.into_iter().chain(self.follow(reaction, view)).collect()
    }

    /// A tunnel to the next endpoint, if there are several. The tunnel to a name follows when it is resolved.
    fn next_tunnel(&mut self, link: Interface) -> Vec<Effect> {
        match self.endpoints.as_mut().and_then(Endpoints::advance) {
            None => vec![self.renew_tunnel(link)],
            Some(AnyEndpoint::Address(endpoint)) => {
                vec![Effect::UseEndpoint(endpoint.to_string()), self.renew_tunnel(link)]
            }
            // The next tick asks for its address.
            Some(AnyEndpoint::Name(_)) => Vec::new(),
        }
    }

    fn renew_tunnel(&mut self, link: Interface) -> Effect {
        self.liveness.iter_mut().for_each(Liveness::tunnel_is_new);
        Effect::RenewTunnel(link)
    }

    /// The name of the endpoint in use has this address, or none.
    pub(super) fn resolved(&mut self, address: Option<Ipv4Addr>) -> Vec<Effect> {
        let (Phase::Up(link, _) | Phase::ByHand(link)) = self.session.phase() else { return Vec::new() };
        let link = link.interface.clone();
        let Some(address) = address else {
            return vec![Effect::log(Level::Warning, "the name of the far side of the VPN has no address")];
        };
        match self.endpoints.as_mut().and_then(|all| all.resolved(address)) {
            Some(endpoint) => vec![
                Effect::log(Level::Info, format!("the far side of the VPN may be at {endpoint}")),
                Effect::UseEndpoint(endpoint.to_string()),
                self.renew_tunnel(link),
            ],
            // The tunnel leads there already.
            None => Vec::new(),
        }
    }

    pub(super) fn far_side_status(&self) -> Option<FarSide> {
        let liveness = self.liveness.as_ref()?;
        if !matches!(self.session.phase(), Phase::Up(..)) {
            return None;
        }
        match liveness.tried() {
            Some(tried) => Some(FarSide::Silent { tried }),
            None => liveness.has_answered().then_some(FarSide::Answers),
        }
    }
}
