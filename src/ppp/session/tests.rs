mod restart;

use super::*;
use crate::chat::Failure;
use crate::clock::Month;
use crate::equipment_error::EquipmentError;
use crate::ppp::{Addresses, Calendar};
use crate::site::{Role, Site};
use std::net::Ipv4Addr;

const SECOND: Duration = Duration::from_secs(1);

const BUDGET: u64 = 500_000_000;
const OUR_PPPD: i32 = 412;
const OTHER_PPPD: i32 = 999;

fn site() -> LinkConfig {
    let site =
        "role='dialer'\nhostname='x'\n[operator]\nname='free'\napn='free'\n[link]\ndata-budget='500MB'\n";
    let Role::Dialer(dialer) = Site::parse(site).unwrap().role else { unreachable!() };
    dialer.link
}

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

fn interface(name: &str) -> Interface {
    Interface::new(name).unwrap()
}

fn link(name: &str, process: i32, last: u8) -> Connection {
    let addresses = Addresses { local: Ipv4Addr::new(10, 3, 2, last), remote: Ipv4Addr::new(10, 64, 64, 64) };
    Connection { interface: interface(name), pid: pid(process), addresses: Some(addresses) }
}

fn ours() -> Connection {
    link("ppp0", OUR_PPPD, 1)
}

fn another() -> Connection {
    link("ppp1", OTHER_PPPD, 2)
}

/// An effect or outcome of a session, in the order of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    Effect(SessionEffect),
    Outcome(LinkOutcome),
}

impl Done {
    fn from_reaction(Reaction { effects, outcomes }: Reaction) -> impl Iterator<Item = Self> {
        effects.into_iter().map(Self::Effect).chain(outcomes.into_iter().map(Self::Outcome))
    }
}

/// A session, and the time.
struct Harness {
    session: Session,
    now: Duration,
    done: Vec<Done>,
}

impl Harness {
    fn new(remembered: &Record, running: Vec<Connection>) -> Self {
        let now = 100 * SECOND;
        let (session, effects) =
            Session::new(&site(), remembered, MonthTotal::default(), running, timestamp(now));
        Self { session, now, done: effects.into_iter().map(Done::Effect).collect() }
    }

    fn fresh() -> Self {
        let mut harness = Self::new(&Record::new(), Vec::new());
        let _ = harness.session.tick(timestamp(harness.now)); // the month is known
        harness
    }

    fn receive(&mut self, event: Event) -> &mut Self {
        let reaction = self.session.receive(event, timestamp(self.now));
        self.done.extend(Done::from_reaction(reaction));
        self
    }

    /// Time passes; the session ticks at its deadlines.
    fn pass(&mut self, time: Duration) -> &mut Self {
        let until = self.now + time;
        while let Some(wake) = self.session.deadline().filter(|wake| *wake <= until) {
            self.now = wake;
            let reaction = self.session.tick(timestamp(self.now));
            let is_reading = |effect: &SessionEffect| matches!(effect, SessionEffect::ReadCounters(_));
            let read = reaction.effects.iter().any(is_reading);
            // Only the last reading is of interest.
            if read {
                self.done.retain(|done| !matches!(done, Done::Effect(effect) if is_reading(effect)));
            }
            self.done.extend(Done::from_reaction(reaction));
        }
        self.now = until;
        self
    }

    /// So many minutes with so many bytes in each, half of them sent, read every ten seconds.
    fn carry(&mut self, minutes: u32, a_minute: u64) -> &mut Self {
        let before = self.carried();
        for turn in 1..=minutes * 6 {
            self.now += 10 * SECOND;
            let total = before + u64::from(turn) * a_minute / 6;
            self.count(Carried { sent: total / 2, received: total - total / 2 });
        }
        self
    }

    /// So many minutes of received traffic only.
    fn receive_only(&mut self, minutes: u32) -> &mut Self {
        for turn in 1..=minutes * 6 {
            self.now += 10 * SECOND;
            self.count(Carried { sent: 0, received: u64::from(turn) * 3_000 });
        }
        self
    }

    fn count(&mut self, carried: Carried) -> &mut Self {
        self.receive(Event::Counters(self.counted(), Some(carried)))
    }

    fn counted(&self) -> Interface {
        self.session.budget.interfaces().next().unwrap().clone()
    }

    fn carried(&self) -> u64 {
        self.session.budget.carried(pid(OUR_PPPD)).max(self.session.budget.carried(pid(OTHER_PPPD)))
    }

    fn call(&mut self, what: impl FnOnce(&mut Session, Timestamp) -> Reaction) -> &mut Self {
        let reaction = what(&mut self.session, timestamp(self.now));
        self.done.extend(Done::from_reaction(reaction));
        self
    }

    fn connect(&mut self) -> &mut Self {
        self.call(|session, at| session.open(None, at))
    }

    fn dialling(&mut self) -> &mut Self {
        self.connect().receive(Event::Started(pid(OUR_PPPD)))
    }

    fn up(&mut self) -> &mut Self {
        self.dialling().receive(Event::IpUp(ours()))
    }

    fn exit(&mut self, code: u8) -> &mut Self {
        self.receive(Event::Exited(pid(OUR_PPPD), Exit::from_code(code)))
    }

    fn disconnect(&mut self) -> &mut Self {
        self.call(|session, at| session.close(DownReason::Asked, at))
    }

    /// The outcomes and log lines of the last step.
    fn reported(&mut self) -> Vec<String> {
        let done = mem::take(&mut self.done);
        let words = done.iter().map(words);
        words.filter(|words| words.starts_with("report") || words.starts_with("log")).collect()
    }

    /// The record that is stored now.
    fn remembered(&self) -> Record {
        let SessionEffect::Store(record) = self.session.store() else { unreachable!() };
        record
    }
}

fn timestamp(now: Duration) -> Timestamp {
    Timestamp { now, calendar: Calendar::Known(month("2026-07")) }
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

/// The states of the table.
fn in_state(name: &str) -> Harness {
    let mut harness = Harness::fresh();
    match name {
        "down" => &mut harness,
        "down, budget used up" => {
            harness.call(|session, at| session.set_used(DataSize::from_bytes(BUDGET), at))
        }
        "dialling" => harness.dialling(),
        "dialling, not started yet" => harness.connect(),
        "dialling, another link up" => harness.dialling().receive(Event::IpUp(another())),
        "dialling too slowly" => harness.dialling().pass(210 * SECOND),
        "pausing" => harness.dialling().exit(16),
        "dialling again" => {
            harness.dialling().exit(16).pass(5 * SECOND).receive(Event::Started(pid(OUR_PPPD)))
        }
        "up" => harness.up(),
        "up for 5m" => harness.up().carry(5, 100_000),
        "up, another link up" => harness.up().receive(Event::IpUp(another())),
        "lost" => harness.up().carry(5, 100_000).exit(15),
        "lost, dialling again" => {
            harness.up().carry(5, 100_000).exit(15).pass(5 * SECOND).receive(Event::Started(pid(OUR_PPPD)))
        }
        "closing" => harness.up().disconnect(),
        "closing by itself" => {
            harness.up().carry(5, 100_000).receive(Event::IpDown { pid: pid(OUR_PPPD), carried: Some(7) })
        }
        "by hand" => harness.receive(Event::IpUp(another())),
        _ => panic!("no such state: {name}"),
    };
    harness.done.clear();
    harness
}

/// The events of the table.
fn happens(harness: &mut Harness, what: &str) {
    let by_hand = matches!(harness.session.phase(), Phase::ByHand(_));
    let process = pid(if by_hand { OTHER_PPPD } else { OUR_PPPD });
    let no_call = |failure| Event::DialFailure(DialFailure::Said(failure));
    if let Some(code) = what.strip_prefix("exit ") {
        harness.exit(code.parse().unwrap());
        return;
    }
    if let Some(time) = what.strip_suffix(" pass") {
        let time: TimeSpan = time.parse().unwrap();
        harness.pass(time.get());
        return;
    }
    match what {
        "connect" => harness.connect(),
        "disconnect" => harness.disconnect(),
        "extend" => harness.call(|session, at| session.extend(None, at)),
        "the box stops" => harness.call(Session::stop),
        "renewal" => harness.call(|session, at| session.renew(DownReason::FarSideSilent, at)),
        "other settings" => harness.call(|session, at| session.renew(DownReason::Changed, at)),
        "started" => harness.receive(Event::Started(process)),
        "not started" => harness.receive(Event::NotStarted("no such file".to_owned())),
        "no carrier" => harness.receive(no_call(Failure::NoCarrier)),
        "no dial tone" => harness.receive(no_call(Failure::NoDialtone)),
        "no network service" => harness.receive(no_call(Failure::Equipment(EquipmentError::parse("30")))),
        "login refused" => harness.receive(Event::Exited(process, Exit::AuthRefused)),
        "login unanswered" => harness.receive(Event::Exited(process, Exit::AuthUnanswered)),
        "modem silent" => harness.receive(Event::DialFailure(DialFailure::Silent)),
        "own address" => harness.receive(Event::OwnAddress(process, Ipv4Addr::new(192, 168, 32, 77))),
        "ip-up" => harness.receive(Event::IpUp(ours())),
        "ip-up of another link" => harness.receive(Event::IpUp(another())),
        "ip-down" => harness.receive(Event::IpDown { pid: process, carried: Some(2_000) }),
        "exit" => harness.receive(Event::Exited(process, Exit::Unseen)),
        "10m of background traffic" => harness.carry(10, 900),
        "10m of use" => harness.carry(10, 20_000),
        "10m of received traffic only" => harness.receive_only(10),
        "the budget is used up" => harness.count(Carried { sent: 0, received: BUDGET }),
        _ => panic!("no such event: {what}"),
    };
}

fn words(done: &Done) -> String {
    match done {
        Done::Effect(SessionEffect::StartPppd) => "start pppd".to_owned(),
        Done::Effect(SessionEffect::Watch(_)) => "watch".to_owned(),
        Done::Effect(SessionEffect::Signal(_, Signal::Terminate)) => "TERM".to_owned(),
        Done::Effect(SessionEffect::Signal(_, Signal::Kill)) => "KILL".to_owned(),
        Done::Effect(SessionEffect::RunIpDown(interface, _)) => format!("ip-down of {interface}"),
        Done::Effect(SessionEffect::ReadCounters(interface)) => format!("read {interface}"),
        Done::Effect(SessionEffect::Store(_)) => "store".to_owned(),
        Done::Outcome(outcome) => format!("report \"{outcome}\""),
        Done::Effect(SessionEffect::Log(_, what)) => format!("log \"{what}\""),
    }
}

fn state(session: &Session) -> &'static str {
    match session.phase() {
        Phase::Down => "down",
        Phase::Dialling => "dialling",
        Phase::Pausing(_) => "pausing",
        Phase::Up(..) => "up",
        Phase::ByHand(_) => "by hand",
        Phase::Closing => "closing",
    }
}

#[test]
fn every_row_of_the_table_in_docs_dialer_md_holds() {
    let rows = include_str!("../../../docs/dialer.md").lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        <[&str; 4]>::try_from(cells).ok().filter(|cells| cells[0] != "state")
    });
    let mut count = 0;
    for [before, what, expected, after] in rows {
        let mut harness = in_state(before);
        for event in what.split(", ") {
            happens(&mut harness, event);
        }
        let actions: Vec<_> = harness.done.iter().map(words).collect();
        let found = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
        assert_eq!((found.as_str(), state(&harness.session)), (expected, after), "{before}: {what}");
        count += 1;
    }
    assert!(count > 50, "only {count} rows were found");
}

#[test]
fn a_link_stays_up_as_long_as_requested_and_never_longer_than_the_site_allows() {
    for (length, told) in [(None, "2h"), (Some(30 * 60), "30m"), (Some(90), "1m"), (Some(5 * 3600), "2h")] {
        let mut harness = Harness::fresh();
        harness.call(|session, at| session.open(length.map(Duration::from_secs), at));
        harness.receive(Event::Started(pid(OUR_PPPD))).receive(Event::IpUp(ours()));
        assert_eq!(harness.reported(), [format!("report \"connected as 10.3.2.1, for {told}\"")]);
    }
}

#[test]
fn a_further_request_never_shortens_the_time() {
    let mut harness = in_state("up");
    for (request, passed, told) in [
        ("connect 30m", 0, "2h"),
        ("connect 1h", 90 * 60, "1h"),
        ("extend 10m", 0, "1h10m"),
        ("extend 10m", 5 * 60, "1h15m"),
        ("extend 3h", 0, "2h"),
        ("extend", 0, "2h"),
    ] {
        // Without traffic the idle limit would close it.
        harness.carry(passed / 60, 20_000).reported();
        let (verb, length) = request.split_once(' ').unwrap_or((request, ""));
        let length = length.parse().ok().map(TimeSpan::get);
        match verb {
            "connect" => harness.call(|session, at| session.open(length, at)),
            _ => harness.call(|session, at| session.extend(length, at)),
        };
        assert_eq!(harness.reported(), [format!("report \"connected for another {told}\"")], "{request}");
    }
}

#[test]
fn a_request_while_dialling_counts_from_when_the_link_is_up() {
    let mut harness = Harness::fresh();
    let half_an_hour = Some(Duration::from_secs(1800));
    harness.call(|session, at| session.open(half_an_hour, at)).receive(Event::Started(pid(OUR_PPPD)));
    harness.call(|session, at| session.extend(half_an_hour, at));
    harness.pass(40 * SECOND).receive(Event::IpUp(ours()));
    assert_eq!(
        harness.reported(),
        ["report \"connected for another 1h\"", "report \"connected as 10.3.2.1, for 1h\""]
    );
}

#[test]
fn a_lost_link_is_dialled_again_at_growing_intervals_until_its_time_is_over() {
    let mut harness = in_state("lost");
    let mut said = Vec::new();
    for _ in 0..30 {
        let Phase::Pausing(until) = harness.session.phase() else { break };
        harness.pass(until - harness.now).receive(Event::Started(pid(OUR_PPPD))).exit(16);
        said.extend(harness.reported());
    }
    let ending = |words: &String| words.rsplit(' ').next().unwrap().trim_end_matches('"').to_owned();
    let pauses: Vec<_> = said.iter().map(ending).collect();
    assert_eq!(pauses[..5], ["30s", "2m", "5m", "5m", "5m"]);
    assert_eq!(said.last().unwrap(), "report \"disconnected: the modem has hung up\"");
    assert!(harness.now > 100 * SECOND + 110 * 60 * SECOND, "{:?}", harness.now);
    assert_eq!(harness.session.phase(), Phase::Down);
}
