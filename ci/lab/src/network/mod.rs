//! The telephone network: modems, telephones, the exchange between them, and the SMS centre. Events and time go in,
//! bytes for the computers at the modems come out. No socket, no clock.

mod calls;
mod centre;
mod journal;
mod line;
mod messaging;
mod phone;
mod ppp_filter;
mod switchboard;

pub use centre::SmsCentre;
pub use journal::{Entry, Journal, What};
pub use line::Line;
pub use phone::{Phone, Text};

use crate::modem::{Cell, Event, Fault, Modem, Output, TimeOfDay};
use dialbox::sms::pdu::Address;
use std::collections::VecDeque;
use std::time::Duration;
use switchboard::{Progress, Switchboard};

/// The number dialled for packet data.
pub const PACKET_SERVICE: &str = "*99#";

/// A subscriber: a modem, a telephone or a peer with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscriber(usize);

/// A subscriber's device.
#[derive(Debug, Clone)]
enum Apparatus {
    Modem(Box<Modem>),
    Phone(Phone),
    /// Answers every call and keeps the data it receives; a test sends for it.
    Peer(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Member {
    name: String,
    number: String,
    address: Option<Address>,
    line: Line,
    /// Whether it is connected to the network.
    connected: bool,
    apparatus: Apparatus,
}

/// Bytes for the computer at a port of a modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForComputer {
    /// The modem.
    pub modem: Subscriber,
    /// Its port.
    pub port: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The network.
#[derive(Debug, Clone)]
pub struct Network {
    time: TimeOfDay,
    members: Vec<Member>,
    switchboard: Switchboard,
    centre: SmsCentre,
    journal: Journal,
    for_computers: Vec<ForComputer>,
    now: Duration,
}

impl Network {
    /// A network whose clock shows this time.
    pub fn new(time: TimeOfDay) -> Self {
        Self {
            time,
            members: Vec::new(),
            switchboard: Switchboard::default(),
            centre: SmsCentre::new(time),
            journal: Journal::default(),
            for_computers: Vec::new(),
            now: Duration::ZERO,
        }
    }

    /// Connects a modem under a number.
    pub fn connect_modem(&mut self, name: &str, number: &str, modem: Modem) -> Subscriber {
        let subscriber = self.join(name, number, Apparatus::Modem(Box::new(modem)));
        let cell = Cell { time: Some(self.time), ..Cell::default() };
        self.modem_event(subscriber, Event::Radio(cell), self.now);
        subscriber
    }

    /// Connects a telephone under a number.
    pub fn connect_phone(&mut self, name: &str, number: &str) -> Subscriber {
        self.join(name, number, Apparatus::Phone(Phone::default()))
    }

    /// Connects a peer that answers every call; a test sends its data.
    pub fn connect_peer(&mut self, name: &str, number: &str) -> Subscriber {
        self.join(name, number, Apparatus::Peer(Vec::new()))
    }

    fn join(&mut self, name: &str, number: &str, apparatus: Apparatus) -> Subscriber {
        let subscriber = Subscriber(self.members.len());
        let (name, number, address) = (name.to_owned(), number.to_owned(), number.parse().ok());
        self.switchboard.route(&number, subscriber);
        self.members.push(Member { name, number, address, line: Line::INSTANT, connected: true, apparatus });
        subscriber
    }

    /// Packet data, dialled as `*99#`, leads to this subscriber.
    pub fn serve_packets(&mut self, by: Subscriber) {
        self.switchboard.route(PACKET_SERVICE, by);
    }

    /// From the next call on, a subscriber's line is like this.
    pub fn set_line(&mut self, subscriber: Subscriber, line: Line) {
        if let Some(member) = self.members.get_mut(subscriber.0) {
            member.line = line;
        }
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The subscriber with this number.
    pub fn find(&self, number: &str) -> Option<Subscriber> {
        self.switchboard.find(number)
    }

    /// A subscriber's name in the journal.
    pub fn name(&self, subscriber: Subscriber) -> &str {
        self.members.get(subscriber.0).map_or("", |member| &member.name)
    }

    /// A subscriber's number.
    pub fn number(&self, subscriber: Subscriber) -> &str {
        self.members.get(subscriber.0).map_or("", |member| &member.number)
    }

    /// The SMS centre.
    pub fn centre(&mut self) -> &mut SmsCentre {
        &mut self.centre
    }

    /// A subscriber's modem, if it has one.
    pub fn modem(&self, subscriber: Subscriber) -> Option<&Modem> {
        match &self.members.get(subscriber.0)?.apparatus {
            Apparatus::Modem(modem) => Some(modem),
            _ => None,
        }
    }

    /// A subscriber's telephone, if it has one.
    pub fn phone(&self, subscriber: Subscriber) -> Option<&Phone> {
        match &self.members.get(subscriber.0)?.apparatus {
            Apparatus::Phone(phone) => Some(phone),
            _ => None,
        }
    }

    /// Whether a peer has received this.
    pub fn peer_has_heard(&self, subscriber: Subscriber, words: &[u8]) -> bool {
        self.heard_by_peer(subscriber).windows(words.len()).any(|heard| heard == words)
    }

    /// What a peer has received so far.
    pub fn heard_by_peer(&self, subscriber: Subscriber) -> &[u8] {
        match self.members.get(subscriber.0).map(|member| &member.apparatus) {
            Some(Apparatus::Peer(heard)) => heard,
            _ => &[],
        }
    }

    /// How many bytes this modem's port accepts from its computer now.
    pub fn room(&mut self, modem: Subscriber, port: usize, now: Duration) -> usize {
        const COMMANDS: usize = 4096;
        let carries_data = self.modem(modem).is_some_and(|it| it.carries_data(port));
        if carries_data { self.switchboard.room(modem, now).unwrap_or(COMMANDS) } else { COMMANDS }
    }

    /// The computer at a modem sends bytes.
    pub fn typed(&mut self, modem: Subscriber, port: usize, bytes: Vec<u8>, now: Duration) {
        let carries_data = self.modem(modem).is_some_and(|it| it.carries_data(port));
        let what = if carries_data { What::DataTyped } else { What::Typed };
        self.note(modem, what(port, bytes.clone()), now);
        self.modem_event(modem, Event::Typed(port, bytes), now);
    }

    /// The computer raises or drops DTR.
    pub fn dtr(&mut self, modem: Subscriber, port: usize, raised: bool, now: Duration) {
        self.modem_event(modem, Event::Dtr(port, raised), now);
    }

    /// The radio at a modem changes.
    pub fn set_cell(&mut self, modem: Subscriber, change: impl FnOnce(&mut Cell), now: Duration) {
        let Some(mut cell) = self.modem(modem).map(|modem| modem.cell().clone()) else { return };
        change(&mut cell);
        self.note(
            modem,
            What::Event(format!("hears the network: {:?}, signal {}", cell.registration, cell.signal)),
            now,
        );
        self.modem_event(modem, Event::Radio(cell), now);
    }

    /// Injects a fault into a modem.
    pub fn break_modem(&mut self, modem: Subscriber, fault: Fault, now: Duration) {
        self.note(modem, What::Event(format!("breaks: {fault:?}")), now);
        self.modem_event(modem, Event::Breaks(fault), now);
    }

    /// A peer sends bytes to the modem that it is connected with.
    pub fn say(&mut self, peer: Subscriber, bytes: &[u8], now: Duration) {
        self.switchboard.send(peer, bytes, now);
        self.elapse(now);
    }

    /// When the network is next due without an event.
    pub fn deadline(&self) -> Option<Duration> {
        let modems = self.members.iter().filter_map(|member| match &member.apparatus {
            Apparatus::Modem(modem) => modem.deadline(),
            _ => None,
        });
        modems.chain(self.switchboard.deadline()).min()
    }

    /// Time passes.
    pub fn elapse(&mut self, now: Duration) {
        while let Some(due) = self.deadline().filter(|due| *due <= now) {
            let due = due.max(self.now);
            self.now = due;
            for at in 0..self.members.len() {
                self.modem_event(Subscriber(at), Event::Time, due);
            }
            for progress in self.switchboard.elapse(due) {
                match progress {
                    Progress::Connected(caller, called, rate) => {
                        self.note(
                            caller,
                            What::Event(format!("is connected to {}, {rate} bit/s", self.name(called))),
                            due,
                        );
                        self.modem_event(caller, Event::Connected(rate), due);
                        self.modem_event(called, Event::Connected(rate), due);
                    }
                    Progress::Data(to, bytes) => self.data(to, bytes, due),
                }
            }
        }
        self.now = self.now.max(now);
    }

    /// The output for the computers.
    pub fn take_output(&mut self) -> Vec<ForComputer> {
        std::mem::take(&mut self.for_computers)
    }

    fn data(&mut self, to: Subscriber, bytes: Vec<u8>, now: Duration) {
        match self.members.get_mut(to.0).map(|member| &mut member.apparatus) {
            Some(Apparatus::Peer(heard)) => heard.extend(bytes),
            _ => self.modem_event(to, Event::FromPeer(bytes), now),
        }
    }

    /// Passes an event to a modem, and processes what follows from it, at this modem and at others.
    fn modem_event(&mut self, modem: Subscriber, event: Event, now: Duration) {
        let mut events = VecDeque::from([(modem, event)]);
        while let Some((to, event)) = events.pop_front() {
            let Some(Member { apparatus: Apparatus::Modem(modem), .. }) = self.members.get_mut(to.0) else {
                continue;
            };
            for output in modem.step(event, now) {
                events.extend(self.perform(to, output, now));
            }
        }
    }

    fn perform(&mut self, by: Subscriber, output: Output, now: Duration) -> Vec<(Subscriber, Event)> {
        match output {
            Output::ToComputer(port, bytes) => {
                self.note(by, What::Said(port, bytes.clone()), now);
                self.for_computers.push(ForComputer { modem: by, port, bytes });
            }
            Output::DataToComputer(port, bytes) => {
                self.note(by, What::DataSaid(port, bytes.clone()), now);
                self.for_computers.push(ForComputer { modem: by, port, bytes });
            }
            Output::ToPeer(bytes) => self.switchboard.send(by, &bytes, now),
            Output::Dialled(number) => {
                if let Err(failure) = self.dial(by, &number, now) {
                    return vec![(by, Event::Failed(failure))];
                }
            }
            Output::Answered => {
                self.note(by, What::Event("takes the call".to_owned()), now);
                self.switchboard.answered(by, now);
            }
            Output::HungUp => return self.hung_up(by, now).into_iter().collect(),
            Output::Submitted(tpdu) => {
                let taken = Event::MessageTaken(self.submit(by, &tpdu, now));
                // The status report of this message may be there already.
                return std::iter::once((by, taken)).chain(self.next_message(by)).collect();
            }
            Output::Received => {
                self.centre.delivered(by, now);
                return self.next_message(by).into_iter().collect();
            }
            Output::Unreceived(why) => {
                self.centre.returned(by);
                self.note(by, What::Event(format!("does not take the SMS: {}", why.code().1)), now);
            }
            Output::RoomAgain => return self.next_message(by).into_iter().collect(),
        }
        Vec::new()
    }

    fn note(&mut self, who: Subscriber, what: What, now: Duration) {
        if let Some(member) = self.members.get(who.0) {
            self.journal.note(now, &member.name, what);
        }
    }
}

#[cfg(test)]
impl Network {
    /// Disconnects or reconnects a subscriber. A call that is up is lost without a hang-up from the other end.
    pub fn set_connected(&mut self, subscriber: Subscriber, connected: bool, now: Duration) {
        if let Some(member) = self.members.get_mut(subscriber.0) {
            member.connected = connected;
        }
        if connected {
            self.deliver(now);
        } else {
            self.end_call(subscriber, now);
            self.modem_event(subscriber, Event::CarrierLost, now);
        }
    }
}

#[cfg(test)]
mod tests;
