mod any_life;
mod apns;
mod far_side;
mod gpio;
mod hut;
mod nasty;
mod schedule;
mod strandings;
mod world;

use super::*;
use crate::clock::{Plausible, WallClock};
use crate::modem::mobile::{OutgoingSms, SmsId, Storage};
use crate::ppp::{self, Addresses, Calendar, Connection, Exit, Interface, MonthTotal, Timestamp};
use crate::record::Record;
use crate::site::{Role, Site};
use crate::sms::pdu::{Body, ServiceCentreTime};
use rustix::process::Pid;

const SECOND: Duration = Duration::from_secs(1);
const THAT_MORNING: i64 = 1_784_001_598; // 2026-07-14 03:59:58 UTC
const OWNER: &str = "+33612345678";
const STRANGER: &str = "+33698765432";
const SITE: &str = "role='dialer'\nhostname='hut'\n[operator]\nname='free'\napn='free'\n\
                    [sms]\nnumbers=['+33612345678']\nproof='sender-only'\n";

/// A dialer, its effects, and whether its state can be stored.
struct Harness {
    dialer: Dialer,
    ports: Ports,
    storable: bool,
    /// Whether the pins can be used.
    switches: bool,
    now: Duration,
    wall: WallClock,
    known: Record,
    done: String,
}

impl Harness {
    fn new(ports: Ports) -> Self {
        let Role::Dialer(site) = Site::parse(SITE).unwrap().role else { unreachable!() };
        let at = timestamp(100 * SECOND);
        let (session, _) = Session::new(&site.link, &Record::new(), MonthTotal::default(), Vec::new(), at);
        let facts = Facts {
            version: Some("0.1.0".to_owned()),
            boots: Some((12, "daily".to_owned())),
            plausible: Plausible::since_build(Some(THAT_MORNING)),
            timezone: None,
        };
        let dialer =
            Dialer::new(site.sms.as_ref(), &Past::NewCard, at.now, session, ByItself::default(), facts);
        let known = Record::parse("signal-dbm=-79\noperator=Free\n");
        Self {
            dialer,
            ports,
            storable: true,
            switches: true,
            now: at.now,
            wall: WallClock::Floor(THAT_MORNING),
            known,
            done: String::new(),
        }
    }

    fn receive(&mut self, event: Event) -> &mut Self {
        let view = View {
            at: timestamp(self.now),
            wall: self.wall,
            ports: self.ports,
            known: &self.known,
            loss: None,
        };
        let effects = self.dialer.receive(event, view);
        self.perform(effects)
    }

    /// Time passes in one step.
    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        let view = View {
            at: timestamp(self.now),
            wall: self.wall,
            ports: self.ports,
            known: &self.known,
            loss: None,
        };
        let effects = self.dialer.tick(view);
        self.perform(effects)
    }

    /// An effect as text.
    fn perform(&mut self, effects: Vec<Effect>) -> &mut Self {
        for effect in effects {
            let line = match effect {
                Effect::Store { pending, .. } if self.storable => {
                    self.done += "stored\n";
                    self.receive(Event::Stored(pending));
                    continue;
                }
                Effect::Store { pending, .. } => {
                    self.receive(Event::NotStored(pending));
                    continue;
                }
                Effect::Send(OutgoingSms { message, .. }) => {
                    let Body::Text(text) = message.body() else { unreachable!() };
                    format!("SMS to {}: {text}", message.to())
                }
                Effect::Discard(place) => format!("delete {place:?}"),
                Effect::Link(ppp::SessionEffect::Store(_)) => continue,
                Effect::Link(ppp::SessionEffect::Log(level, what)) => format!("{level:?}: {what}"),
                Effect::Link(effect) => format!("{effect:?}"),
                Effect::SetClock(unix) => format!("clock {unix}"),
                Effect::Ask(question) => format!("ask {question:?}"),
                Effect::RenewTunnel(link) => format!("tunnel over {link} again"),
                Effect::UseEndpoint(endpoint) => format!("endpoint {endpoint}"),
                Effect::RestartModem => "restart the modem".to_owned(),
                Effect::StoreTrial(_) => "trial stored".to_owned(),
                Effect::UseSite(_) => "use the site".to_owned(),
                Effect::Tell(telling) => {
                    self.receive(Event::Told(telling.texts));
                    continue;
                }
                effect @ (Effect::Switch(_) | Effect::ReadLines(..)) => {
                    let (said, event) = gpio::carry_out(effect, self.switches);
                    self.done += &said;
                    self.receive(event);
                    continue;
                }
                Effect::AskTime => "ask the time".to_owned(),
                Effect::Answer(_, reply) => format!("{reply:?}"),
                Effect::Reboot => "reboot".to_owned(),
                Effect::Log(level, what) => format!("{level:?}: {what}"),
            };
            self.done += &(line + "\n");
        }
        self
    }

    fn sms(&mut self, from: &str, text: &str) -> &mut Self {
        let message = Deliver {
            from: from.parse().unwrap(),
            sent: ServiceCentreTime::new(THAT_MORNING + self.now.as_secs() as i64, 8).unwrap(),
            body: Body::Text(text.to_owned()),
            part: None,
        };
        self.receive(Event::Message(Place::Stored(Storage::Modem, 3), Content::Message(message)))
    }

    fn sent(&mut self, id: u64) -> &mut Self {
        self.receive(Event::Sent(SmsId(id)))
    }

    fn link(&mut self, event: ppp::Event) -> &mut Self {
        self.receive(Event::Link(event))
    }

    fn dialled(&mut self) -> &mut Self {
        let interface = Interface::new("ppp0").unwrap();
        let addresses =
            Addresses { local: Ipv4Addr::new(10, 3, 2, 1), remote: Ipv4Addr::new(10, 64, 64, 64) };
        self.link(ppp::Event::Started(pid()));
        self.link(ppp::Event::IpUp(Connection { interface, pid: pid(), addresses: Some(addresses) }))
    }

    fn opened_by_hand(&mut self, interface: &str, pid: Pid) -> &mut Self {
        let link = Connection { interface: Interface::new(interface).unwrap(), pid, addresses: None };
        let request = control::Request::IpUp { link, name_servers: Vec::new() };
        self.receive(Event::Asked(control::ClientId(2), request))
    }

    /// The effects since the last call.
    fn done(&mut self) -> String {
        std::mem::take(&mut self.done)
    }
}

fn pid() -> Pid {
    Pid::from_raw(412).unwrap()
}

fn timestamp(now: Duration) -> Timestamp {
    Timestamp { now, calendar: Calendar::Known(crate::clock::Month::from_local(THAT_MORNING)) }
}

#[test]
fn an_order_is_stored_before_it_is_obeyed() {
    let done = Harness::new(Ports::Two).sms(OWNER, "Connect 30m").dialled().done();
    insta::assert_snapshot!(done, @"
    Info: SMS from +33612345678: connect 30m, accepted
    stored
    StartPppd
    delete Stored(Modem, 3)
    Info: connected as 10.3.2.1, for 30m
    SMS to +33612345678: connected as 10.3.2.1, for 30m
    ");
}

#[test]
fn an_order_that_cannot_be_stored_is_not_obeyed_and_its_sender_gets_an_error() {
    let mut harness = Harness::new(Ports::Two);
    harness.storable = false;
    insta::assert_snapshot!(harness.sms(OWNER, "connect").done(), @"
    Info: SMS from +33612345678: connect, accepted
    SMS to +33612345678: not done: the box cannot save its state
    delete Stored(Modem, 3)
    ");
}

#[test]
fn a_stranger_gets_no_answer_and_the_message_is_deleted() {
    insta::assert_snapshot!(Harness::new(Ports::Two).sms(STRANGER, "connect").done(), @"
    Warning: SMS from +33698765432: refused, its number is not in the site
    delete Stored(Modem, 3)
    ");
}

#[test]
fn without_a_code_all_orders_are_obeyed_and_twenty_are_answered_at_once() {
    let mut harness = Harness::new(Ports::Two);
    for _ in 0..25 {
        harness.sms(OWNER, "status").pass(SECOND);
    }
    let done = harness.done();
    let count = |what| done.matches(what).count();
    assert_eq!(
        (count("accepted"), count("SMS to"), count("no reply to +33612345678: too many")),
        (25, 20, 5)
    );
    harness.pass(15 * 60 * SECOND).sms(OWNER, "status").sms(OWNER, "help");
    assert_eq!(harness.done().matches("SMS to").count(), 1);
}

#[test]
fn an_invalid_message_is_deleted() {
    let place = Place::Stored(Storage::Modem, 1);
    let garbage = Event::Message(place, Content::Unreadable("a message of type 3".to_owned()));
    insta::assert_snapshot!(Harness::new(Ports::Two).receive(garbage).done(), @"
    Warning: a message that cannot be read: a message of type 3
    delete Stored(Modem, 1)
    ");
}

#[test]
fn a_message_that_no_process_could_decode_stays_in_the_modem() {
    let place = Place::Stored(Storage::Modem, 1);
    let message = Event::Message(place, Content::NotDecoded);
    assert_eq!(Harness::new(Ports::Two).receive(message).done(), "");
}

#[test]
fn with_one_port_the_answer_comes_before_dialling_and_not_while_the_link_is_up() {
    insta::assert_snapshot!(Harness::new(Ports::One).sms(OWNER, "connect").dialled().done(), @"
    Info: SMS from +33612345678: connect, accepted
    stored
    SMS to +33612345678: dialling; I am silent while the link is up
    StartPppd
    delete Stored(Modem, 3)
    Info: connected as 10.3.2.1, for 2h
    ");
}

#[test]
fn the_requester_gets_the_failure_of_the_link() {
    for ports in [Ports::One, Ports::Two] {
        let mut harness = Harness::new(ports);
        harness.sms(OWNER, "connect").link(ppp::Event::Started(pid())).done();
        harness.link(ppp::Event::Exited(pid(), Exit::AuthRefused));
        let done = harness.done();
        assert!(done.contains("SMS to +33612345678: not connected: the operator refuses"), "{done}");
        let status = harness.dialer.link_status(timestamp(harness.now), harness.wall);
        assert!(status.last_error.is_some());
    }
}

#[test]
fn a_status_fits_into_one_message() {
    insta::assert_snapshot!(Harness::new(Ports::Two).sms(OWNER, "status").done(), @"
    Info: SMS from +33612345678: status, accepted
    stored
    SMS to +33612345678: 0.1.0
    up 1m, boot 12: daily
    -79 dBm Free
    link closed
    0kB
    delete Stored(Modem, 3)
    ");
}

#[test]
fn a_reboot_waits_until_its_reply_is_sent() {
    let mut harness = Harness::new(Ports::Two);
    harness.sms(OWNER, "reboot").pass(SECOND);
    assert!(!harness.done().contains("reboot\n"));
    assert_eq!(harness.sent(1).pass(SECOND).done(), "reboot\n");
}

#[test]
fn a_reboot_whose_reply_cannot_be_sent_still_happens() {
    let mut harness = Harness::new(Ports::Two);
    harness.sms(OWNER, "reboot").done();
    assert_eq!(harness.pass(REBOOT_GRACE).done(), "reboot\n");
}

#[test]
fn dialctl_gets_the_outcome() {
    let mut harness = Harness::new(Ports::One);
    let client = || control::ClientId(1);
    harness.receive(Event::Asked(client(), control::Request::Connect(None))).dialled();
    harness.receive(Event::Asked(client(), control::Request::Budget));
    harness.receive(Event::Asked(client(), control::Request::Disconnect));
    harness.link(ppp::Event::IpDown { pid: pid(), carried: Some(0) });
    harness.link(ppp::Event::Exited(pid(), Exit::Told));
    insta::assert_snapshot!(harness.done(), @"
    StartPppd
    Info: connected as 10.3.2.1, for 2h
    Done(\"connected as 10.3.2.1, for 2h\")
    Done(\"0kB used in 2026-07\")
    Signal(Pid(412), Terminate)
    Info: disconnected: as asked
    Done(\"disconnected: as asked\")
    ");
}

#[test]
fn a_counter_is_set_only_for_hotp_and_the_answer_says_whether_it_is_stored() {
    let mut harness = Harness::new(Ports::Two);
    let client = control::ClientId(1);
    harness.receive(Event::Asked(client, control::Request::SetCounter(41)));
    harness.receive(Event::Stored(Pending::Counter(client)));
    harness.receive(Event::NotStored(Pending::Counter(client)));
    insta::assert_snapshot!(harness.done(), @r#"
    Failed("the site's codes are not counted: there is nothing to set")
    Done("the code after these two is the next to be accepted")
    Failed("the counter is set until the next boot only: the card cannot be written, see `logread`")
    "#);
}

#[test]
fn a_stopping_box_closes_its_link_and_opens_no_other() {
    let mut harness = Harness::new(Ports::Two);
    let client = || control::ClientId(1);
    harness.receive(Event::Asked(client(), control::Request::Connect(None))).dialled().done();
    harness.receive(Event::Asked(client(), control::Request::Stop));
    harness.receive(Event::Asked(client(), control::Request::Connect(None)));
    harness.link(ppp::Event::IpDown { pid: pid(), carried: Some(0) });
    harness.link(ppp::Event::Exited(pid(), Exit::Told));
    insta::assert_snapshot!(harness.done(), @"
    Signal(Pid(412), Terminate)
    Failed(\"not connected: the box is stopping\")
    Info: disconnected: the box is stopping
    Done(\"disconnected: the box is stopping\")
    ");
}

#[test]
fn a_stopping_box_waits_for_every_link_and_closes_one_that_is_opened_meanwhile() {
    let mut harness = Harness::new(Ports::Two);
    let by_hand = [Pid::from_raw(500).unwrap(), Pid::from_raw(501).unwrap()];
    let client = || control::ClientId(1);
    harness.receive(Event::Asked(client(), control::Request::Connect(None))).dialled();
    harness.opened_by_hand("ppp1", by_hand[0]).done();
    harness.receive(Event::Asked(client(), control::Request::Stop));
    harness.link(ppp::Event::IpDown { pid: pid(), carried: Some(0) });
    harness.link(ppp::Event::Exited(pid(), Exit::Told));
    harness.opened_by_hand("ppp2", by_hand[1]);
    for pid in by_hand {
        harness.link(ppp::Event::IpDown { pid, carried: Some(0) });
        harness.link(ppp::Event::Exited(pid, Exit::Unseen));
    }
    insta::assert_snapshot!(harness.done(), @r#"
    Signal(Pid(412), Terminate)
    Signal(Pid(500), Terminate)
    Info: disconnected: the box is stopping
    Watch(Pid(501))
    Info: ppp2 was opened by hand
    Signal(Pid(501), Terminate)
    Done("0kB used in 2026-07")
    Info: disconnected: the box is stopping
    Info: disconnected: the box is stopping
    Done("disconnected: the box is stopping")
    "#);
}

#[test]
fn a_stop_without_a_link_is_answered_at_once() {
    let mut harness = Harness::new(Ports::Two);
    harness.receive(Event::Asked(control::ClientId(1), control::Request::Stop));
    assert!(harness.done().ends_with("Failed(\"there is no link\")\n"));
}

#[test]
fn an_impossible_network_time_does_not_set_the_clock() {
    let mut harness = Harness::new(Ports::Two);
    let mut told = |unix| harness.receive(Event::NetworkTime(unix)).done();
    insta::assert_snapshot!(told(THAT_MORNING - 1), @"Warning: the network's time 2026-07-14 03:59:57 UTC is ignored: this image was built at 2026-07-14 03:59:58 UTC");
    assert_eq!(told(THAT_MORNING - 1), "", "a modem that begins in the past is logged once");
    assert_eq!(told(THAT_MORNING), format!("clock {THAT_MORNING}\n"));
    insta::assert_snapshot!(told(2_208_988_800), @"Warning: the network's time 2040-01-01 00:00:00 UTC is ignored: the clock of this image ends at 2036-07-14 03:59:58 UTC");
}
