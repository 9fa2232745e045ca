//! Requests of programs on the box, over the control socket.

use super::{Dialer, Effect, Order, Requester, View};
use crate::control::{ClientId, Request};
use crate::ppp::{self, LinkOutcome, Phase, Reaction, RequestRefusal};
use crate::sms::command::Command;
use crate::sms::reply::Reply;

impl Dialer {
    pub(super) fn requested(&mut self, client: ClientId, request: Request, view: View) -> Vec<Effect> {
        let at = view.at;
        let requester = Requester::Local(client);
        let command = |command| Order { command, requester: requester.clone() };
        let reaction = match request {
            Request::Connect(length) => return self.execute(command(Command::Connect(length)), view),
            Request::Disconnect => return self.execute(command(Command::Disconnect), view),
            Request::Stop => return self.stop(requester, view),
            Request::Extend(length) => return self.execute(command(Command::Extend(length)), view),
            Request::Confirm => return self.execute(command(Command::Confirm), view),
            Request::Switch(switch) => return self.execute(command(Command::Switch(switch)), view),
            Request::Get(line) => return self.execute(command(Command::Get(line)), view),
            Request::Budget => Reaction::default(),
            Request::SetUsed(used) => self.session.set_used(used, at),
            Request::SetCounter(used) => return self.set_counter(client, used),
            Request::IpUp { link, name_servers } => {
                self.know_name_servers(&name_servers);
                let mut reaction = self.session.receive(ppp::Event::IpUp(link), at);
                if self.is_stopping {
                    reaction.append(self.session.stop(at));
                }
                reaction
            }
            Request::IpDown { pid, carried } => self.session.receive(ppp::Event::IpDown { pid, carried }, at),
            Request::DialFailure(failure) => self.session.receive(ppp::Event::DialFailure(failure), at),
            Request::OwnAddress { pid, address } => {
                self.session.receive(ppp::Event::OwnAddress(pid, address), at)
            }
        };
        let mut effects = self.follow(reaction, view);
        effects.extend(self.answer(&requester, Reply::Budget(self.session.budget().spent()), at.now));
        effects
    }

    /// The requester gets the answer when every pppd has ended and the traffic of the links is stored.
    fn stop(&mut self, requester: Requester, view: View) -> Vec<Effect> {
        self.is_stopping = true;
        if self.session.phase() == Phase::Down {
            let not_connected = LinkOutcome::Refused(RequestRefusal::NotConnected);
            return self.answer(&requester, Reply::Link(not_connected), view.at.now);
        }
        self.stop_requesters.push(requester);
        let reaction = self.session.stop(view.at);
        self.follow(reaction, view)
    }
}
