//! The dialer role as a state machine: messages, requests and events of modem and link come in, effects go out.
//!
//! ```text
//!   SMS ──▶ Gate ──▶ Store ──▶ order ──▶ Session ──▶ outcome ──▶ Replies ──▶ SMS
//!                              ▲                        └──────▶ dialctl
//!            dialctl ──────────┘
//! ```
//!
//! It does no I/O: [`serve`] does. An order is carried out only once its code [is stored](Event::Stored).

mod apns;
mod by_itself;
mod counter;
mod endpoints;
mod event;
mod facts;
mod far_side;
mod gpio;
mod lines;
mod liveness;
mod missed_calls;
mod name_server_probe;
mod network_time;
mod parser;
pub mod persistence;
mod pppds;
mod publisher;
mod replies;
mod requests;
mod schedule;
pub mod serve;
mod status;
mod teller;
mod telling;
#[cfg(test)]
mod tests;
pub mod trial;
mod trying;
mod tunnel;
mod undervoltage;
mod view;

use std::net::Ipv4Addr;
use std::time::Duration;

pub use apns::Apns;
pub use by_itself::ByItself;
pub use endpoints::Endpoints;
pub use event::{Effect, Event, Order, Pending, Requester, Switching};
pub use lines::{Lines, Which};
pub use liveness::{Liveness, Question};
pub use missed_calls::MissedCalls;
use network_time::NetworkTime;
pub use parser::Content;
use replies::Replies;
pub use schedule::Scheduler;
pub use teller::Teller;
pub use trying::Trying;
pub use view::{Facts, Ports, View};

use crate::clock::WallClock;
use crate::control;
use crate::log::Level;
use crate::modem::mobile::Place;
use crate::ppp::{DownReason, LinkOutcome, Phase, Reaction, Session};
use crate::site;
use crate::sms::command::Command;
use crate::sms::gate::{AcceptedOrder, Clocks, Gate};
use crate::sms::past::Past;
use crate::sms::pdu::Deliver;
use crate::sms::reply::{CardHealth, Reply};

/// How long a reboot waits for its reply to be sent.
const REBOOT_GRACE: Duration = Duration::from_secs(30);

/// The dialer.
#[derive(Debug)]
pub struct Dialer {
    /// `None` if the site has no `[sms]`.
    gate: Option<Gate>,
    session: Session,
    replies: Replies,
    network_time: NetworkTime,
    /// `None` if the site has no `[schedule]`.
    scheduler: Option<Scheduler>,
    /// `None` if the site has no VPN to watch.
    liveness: Option<Liveness>,
    /// `None` if the site has no VPN.
    endpoints: Option<Endpoints>,
    /// The usable name servers of the link that has come up last.
    name_servers: Vec<Ipv4Addr>,
    apns: Apns,
    /// Those of `[gpio]`.
    lines: Lines,
    /// `None` if no call opens the link.
    missed_calls: Option<MissedCalls>,
    /// `None` if the site has no `[tell]`.
    teller: Option<Teller>,
    /// `None` if no message can change the site.
    trying: Option<Trying>,
    /// Those who wait for the outcome of the link.
    requesters: Vec<Requester>,
    reboot_at: Option<Duration>,
    /// The box stops: no link is opened any more.
    is_stopping: bool,
    /// Those who wait until every link is closed, to stop the box.
    stop_requesters: Vec<Requester>,
    facts: Facts,
    card: Option<CardHealth>,
    undervoltage: bool,
    last_error: Option<String>,
}

impl Dialer {
    /// A dialer that starts at this time since boot, with this past of codes and messages.
    pub fn new(
        sms: Option<&site::Sms>,
        past: &Past,
        started: Duration,
        session: Session,
        by_itself: ByItself,
        facts: Facts,
    ) -> Self {
        let ByItself { scheduler, liveness, endpoints, apns, lines, missed_calls, teller, trying } =
            by_itself;
        Self {
            gate: sms.map(|sms| Gate::new(sms, past, started)),
            session,
            replies: sms.map(|sms| Replies::to(&sms.proof)).unwrap_or_default(),
            network_time: NetworkTime::default(),
            scheduler,
            liveness,
            endpoints,
            name_servers: Vec::new(),
            apns,
            lines,
            missed_calls,
            teller,
            trying,
            requesters: Vec::new(),
            reboot_at: None,
            is_stopping: false,
            stop_requesters: Vec::new(),
            facts,
            card: None,
            undervoltage: false,
            last_error: None,
        }
    }

    /// Whether the supply voltage was too low since the boot.
    pub fn know_undervoltage(&mut self, undervoltage: bool) {
        self.undervoltage = undervoltage;
    }

    /// The card's copies, for the next status.
    pub fn know_card(&mut self, card: Option<CardHealth>) {
        self.card = card;
    }

    /// Processes an event.
    pub fn receive(&mut self, event: Event, view: View) -> Vec<Effect> {
        match event {
            Event::Message(place, content) => self.message(place, content, view),
            Event::Sent(id) => {
                self.replies.done(id);
                Vec::new()
            }
            Event::NotSent(id, why) => {
                self.replies.done(id);
                vec![Effect::log(Level::Warning, format!("a reply was not sent: {why}"))]
            }
            Event::NetworkTime(unix) => self.network_time.receive(unix, view, self.facts.plausible),
            Event::ClockReading(reading) => self.network_time.read(reading, view, &self.facts),
            Event::Stored(Pending::Order(order)) => self.execute(order, view),
            Event::NotStored(Pending::Order(order)) => {
                let forgotten = self.forget_trial(&order.command);
                let answer = self.answer(&order.requester, Reply::NotStored, view.at.now);
                forgotten.into_iter().chain(answer).collect()
            }
            Event::Stored(Pending::Counter(client)) => vec![counter::stored(client)],
            Event::NotStored(Pending::Counter(client)) => vec![counter::not_stored(client)],
            Event::Asked(client, request) => self.requested(client, request, view),
            Event::Caller(from) => self.called(&from, view),
            Event::Told(texts) => self.send_news(&texts, view),
            Event::TunnelCounter(received) => {
                let mut effects = self.hear_far_side(received, view);
                effects.extend(self.count_tunnel(received, view));
                effects
            }
            Event::Switched(switching, done) => self.switched(switching, done, view),
            Event::LinesRead(levels, requester) => self.lines_read(&levels, &requester, view),
            Event::SiteNotUsed => self.site_not_used(view),
            Event::NameServer(answers) => self.hear_name_server(answers, view),
            Event::Resolved(address) => self.resolved(address),
            Event::Link(event) => {
                let next = self.next_apn(&event);
                let reaction = self.session.receive(event, view.at);
                next.into_iter().chain(self.follow(reaction, view)).collect()
            }
        }
    }

    /// Checks the time; due at [`deadline`](Self::deadline), and allowed at any time.
    pub fn tick(&mut self, view: View) -> Vec<Effect> {
        let reaction = self.session.tick(view.at);
        let mut effects = self.follow(reaction, view);
        effects.extend(self.open_by_schedule(view));
        effects.extend(self.resolve_endpoint(view.at.now));
        effects.extend(self.watch_far_side(view.at.now));
        effects.extend(self.follow_trial(view));
        effects.extend(self.end_pulses(view.at.now));
        effects.extend(self.tell_news(None, view));
        effects.extend(self.network_time.tick(view.at.now));
        if self.reboot_at.is_some_and(|at| at <= view.at.now || self.replies.is_empty()) {
            self.reboot_at = None;
            effects.push(Effect::Reboot);
        }
        effects
    }

    /// When the next [tick](Self::tick) is due without an event, in time since boot.
    pub fn deadline(&self, wall: WallClock, now: Duration) -> Option<Duration> {
        let schedule = self.scheduler.as_ref().and_then(|scheduler| scheduler.deadline(wall, now));
        let far_side = self.far_side_deadline();
        let own =
            [self.session.deadline(), self.network_time.deadline(), self.reboot_at, self.pulse_deadline()];
        own.into_iter().chain([schedule, far_side, self.trial_deadline()]).flatten().min()
    }

    /// Judges a message, and deletes it in any case: a full storage accepts no further message.
    fn message(&mut self, place: Place, content: Content, view: View) -> Vec<Effect> {
        let mut effects = match content {
            Content::Message(message) => self.judge(&message, view),
            Content::StatusReport => Vec::new(),
            Content::Unreadable(why) => {
                vec![Effect::log(Level::Warning, format!("a message that cannot be read: {why}"))]
            }
            Content::NotDecoded => return Vec::new(),
        };
        effects.push(Effect::Discard(place));
        effects
    }

    fn judge(&mut self, message: &Deliver, view: View) -> Vec<Effect> {
        let from = &message.from;
        let Some(gate) = &mut self.gate else {
            return vec![Effect::log(Level::Info, format!("SMS from {from}: the site has no [sms]"))];
        };
        let mut effects = Vec::new();
        if message.sent.unix().is_none() {
            effects.push(Effect::log(Level::Info, format!("SMS from {from}: its time is {}", message.sent)));
        }
        let clocks = Clocks { wall: view.wall, other: self.network_time.other(view.wall) };
        effects.extend(match gate.judge(message, clocks, view.at.now) {
            Ok(AcceptedOrder { command, from, remember, clock }) => {
                let said = Effect::log(Level::Info, format!("SMS from {from}: {command}, accepted"));
                let trial = self.trial_record(&command, &from, &remember);
                let order = Order { command, requester: Requester::Phone(from) };
                let set = clock.and_then(|clock| self.network_time.prove(clock, view.wall));
                let store = Effect::Store { trial, remember, pending: Pending::Order(order) };
                [said].into_iter().chain(set).chain([store]).collect()
            }
            Err(why) => {
                vec![Effect::log(Level::Warning, format!("SMS from {from}: refused, {why}"))]
            }
        });
        effects
    }

    fn execute(&mut self, order: Order, view: View) -> Vec<Effect> {
        let heard = self.hear_from(&order.requester, view);
        heard.into_iter().chain(self.carry_out(order, view)).collect()
    }

    fn carry_out(&mut self, Order { command, requester }: Order, view: View) -> Vec<Effect> {
        let at = view.at;
        let (mut effects, reaction) = match command {
            Command::Set(wanted) => return self.try_values(&wanted, &requester, view),
            Command::Switch(switch) => return self.switch(&switch, &requester, view),
            Command::Get(line) => return self.get(line.as_ref(), &requester, view),
            Command::Confirm => return self.confirm_trial(&requester, view),
            Command::Connect(_) if self.is_stopping => {
                let stopping = Reply::Link(LinkOutcome::Failed(DownReason::Stopping));
                return self.answer(&requester, stopping, at.now);
            }
            Command::Connect(length) => {
                self.want_link(view);
                self.liveness.iter_mut().for_each(|liveness| liveness.try_again(at.now));
                (self.reply_dialling(&requester, view), self.session.open(length, at))
            }
            Command::Disconnect => (Vec::new(), self.session.close(DownReason::Asked, at)),
            Command::Extend(length) => {
                self.want_link(view);
                (Vec::new(), self.session.extend(length, at))
            }
            Command::Status => return self.answer(&requester, Reply::Status(self.status(view)), at.now),
            Command::Help => return self.answer(&requester, Reply::Help, at.now),
            Command::Reboot => {
                self.reboot_at = Some(at.now + REBOOT_GRACE);
                return self.answer(&requester, Reply::Rebooting, at.now);
            }
        };
        self.requesters.push(requester);
        effects.extend(self.follow(reaction, view));
        effects
    }

    fn open_by_schedule(&mut self, view: View) -> Vec<Effect> {
        if self.is_stopping {
            return Vec::new();
        }
        let due = self.scheduler.as_mut().and_then(|scheduler| scheduler.poll(view.wall, view.at.now));
        let Some(length) = due else { return Vec::new() };
        let what = format!("the schedule opens the link for {}", site::TimeSpan::about(length));
        let mut effects = vec![Effect::log(Level::Info, what)];
        self.want_link(view);
        let reaction = self.session.open(Some(length), view.at);
        effects.extend(self.follow(reaction, view));
        effects
    }

    /// Replies before the session if the modem has one port, and cannot reply to a telephone during the session.
    fn reply_dialling(&mut self, requester: &Requester, view: View) -> Vec<Effect> {
        match (requester, view.ports, self.session.phase()) {
            (Requester::Phone(_), Ports::One, Phase::Down) => {
                self.answer(requester, Reply::Dialling, view.at.now)
            }
            _ => Vec::new(),
        }
    }

    /// The effects of the session, and the answers to the requesters of its outcomes.
    fn follow(&mut self, reaction: Reaction, view: View) -> Vec<Effect> {
        let mut effects: Vec<_> = reaction.effects.into_iter().map(Effect::Link).collect();
        for outcome in &reaction.outcomes {
            effects.extend(self.report(outcome, view));
        }
        if self.session.phase() == Phase::Down {
            let stopped = Reply::Link(LinkOutcome::Closed(DownReason::Stopping));
            for requester in std::mem::take(&mut self.stop_requesters) {
                effects.extend(self.answer(&requester, stopped.clone(), view.at.now));
            }
        }
        effects
    }

    fn report(&mut self, outcome: &LinkOutcome, view: View) -> Vec<Effect> {
        let what = outcome.to_string();
        if let Some(scheduler) = &mut self.scheduler {
            scheduler.note(outcome, view.wall);
        }
        let level = if outcome.is_trouble() { Level::Warning } else { Level::Info };
        if outcome.is_trouble() {
            self.last_error = Some(what.clone());
        }
        let mut effects = vec![Effect::Log(level, what)];
        effects.extend(self.tell_news(Some(outcome), view));
        effects.extend(self.end_link_of_trial(outcome, view));
        for requester in std::mem::take(&mut self.requesters) {
            // The reply "dialling" was sent before; now pppd has the only port.
            let is_silent = view.ports == Ports::One && matches!(requester, Requester::Phone(_));
            if is_silent && matches!(outcome, LinkOutcome::Up { .. }) {
                continue;
            }
            effects.extend(self.answer(&requester, Reply::Link(outcome.clone()), view.at.now));
        }
        effects
    }

    fn answer(&mut self, requester: &Requester, reply: Reply, now: Duration) -> Vec<Effect> {
        match requester {
            Requester::Local(client) => {
                let text = reply.to_string();
                let failed = reply.is_failure();
                let reply = if failed { control::Reply::Failed(text) } else { control::Reply::Done(text) };
                vec![Effect::Answer(*client, reply)]
            }
            Requester::Phone(number) => vec![match self.replies.write(number, &reply.text(), now) {
                Ok(sms) => Effect::Send(sms),
                Err(why) => Effect::log(Level::Warning, format!("no reply to {number}: {why}")),
            }],
        }
    }
}
