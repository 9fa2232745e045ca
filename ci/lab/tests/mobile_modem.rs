//! The dialer's conversation with a mobile modem against the lab's modems, which are as strict as real ones, in
//! virtual time: neither side has a port, a clock or a file. What breaks in the field breaks here.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests sees only `#[test]`.
#![allow(clippy::unwrap_used)]

use dialbox::modem::attendant::{Action, Attendant};
use dialbox::modem::ladder::{Ladder, Rung};
use dialbox::modem::mobile::{Memory, Mobile, Place, Report, Storage, Ticket};
use dialbox::record::Record;
use dialbox::site::{Role, Site};
use dialbox::sms::pdu::{Address, Submit};
use dialbox::state::Store;
use lab::modem::profile::{CDC_ACM, HUAWEI, ICON_225, Profile};
use lab::modem::sim::SimCard;
use lab::modem::{Cell, Event, Fault, Modem, Output, Registration, TimeOfDay};
use std::collections::VecDeque;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// A short message to the modem, with the centre's address before it: 3GPP TS 23.040's layout, "hello".
const HELLO: &str = "0791361907002039040B913316325476F800006270413025948005E8329BFD06";
const PROFILES: [&Profile; 3] = [ICON_225, HUAWEI, CDC_ACM];
/// What the seat takes to open a port anew.
const REOPENING: Duration = Duration::from_secs(2);

/// Both of them, and what lies on the state partition.
struct Bench {
    modem: Modem,
    mobile: Mobile,
    ladder: Ladder,
    state: tempfile::TempDir,
    now: Duration,
    /// When the port is opened, and on which rung.
    closed: Option<(Duration, Option<Rung>)>,
    /// Whether whoever reads messages discards them.
    discards: bool,
    reports: Vec<Report>,
    sent: Vec<String>,
    rungs: Vec<Rung>,
    submitted: usize,
}

fn mobile(pin: Option<&str>, state: &tempfile::TempDir, boot: u32) -> Mobile {
    let pin = pin.map_or(String::new(), |pin| format!("[modem]\npin='{pin}'\n"));
    let site = format!("role='dialer'\nhostname='x'\n{pin}[operator]\nname='x'\napn='x'\n");
    let Role::Dialer(dialer) = Site::parse(&site).unwrap().role else { unreachable!() };
    Mobile::new(dialer.modem.pin, Memory::load(&Store::new(state.path())), format!("boot {boot}"))
}

impl Bench {
    fn new(modem: Modem) -> Self {
        Self::with_pin(modem, None)
    }

    fn with_pin(modem: Modem, pin: Option<&str>) -> Self {
        let state = tempfile::tempdir().unwrap();
        Self {
            modem,
            mobile: mobile(pin, &state, 1),
            ladder: Ladder::new(Record::new()),
            state,
            now: Duration::ZERO,
            closed: Some((Duration::ZERO, None)),
            discards: true,
            reports: Vec::new(),
            sent: Vec::new(),
            rungs: Vec::new(),
            submitted: 0,
        }
    }

    /// A modem that is set up, after half a minute.
    fn settled(profile: &'static Profile) -> Self {
        let mut bench = Self::new(Modem::new(profile, SimCard::open()));
        bench.run(30 * SECOND);
        assert!(bench.mobile.works(), "{:?}", bench.sent);
        bench.sent.clear();
        bench
    }

    /// Time goes on; whoever has something to do does it at its time.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..200_000 {
            self.turn();
            let opens = self.closed.map(|(at, _)| at);
            let wakes = [self.mobile.wake().filter(|_| opens.is_none()), opens, self.modem.wakes_at()];
            let next = wakes.into_iter().flatten().min().unwrap_or(end);
            // What is due now has just been done.
            let next = next.max(self.now + Duration::from_millis(1));
            if next > end {
                self.now = end;
                return;
            }
            self.now = next;
        }
        panic!("no time passes any more");
    }

    fn turn(&mut self) {
        self.happens(Event::Time);
        if let Some((at, rung)) = self.closed {
            if at > self.now {
                return;
            }
            self.closed = None;
            let actions = self.mobile.begin(rung, self.now);
            self.perform(actions);
        }
        let actions = self.mobile.tick(self.now);
        self.perform(actions);
        if self.mobile.works() {
            self.ladder.work();
        }
    }

    fn happens(&mut self, event: Event) {
        for output in self.modem.step(event, self.now) {
            match output {
                Output::ToComputer(0, bytes) if self.closed.is_none() => {
                    let actions = self.mobile.hear(&bytes, self.now);
                    self.perform(actions);
                }
                Output::Submitted(_) => {
                    self.submitted += 1;
                    self.happens(Event::MessageTaken(Ok(())));
                }
                _ => {}
            }
        }
    }

    fn perform(&mut self, actions: Vec<Action<Report>>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(words) => {
                    self.sent.push(words.to_string());
                    self.happens(Event::Typed(0, words.bytes()));
                }
                Action::Remember { file, record } => {
                    Store::new(self.state.path()).replace(file, &record.to_string()).unwrap();
                }
                Action::Report(report) => {
                    if let Report::Message { place, .. } = &report
                        && self.discards
                    {
                        self.mobile.discard(*place);
                    }
                    self.reports.push(report);
                }
                Action::Abandon(_) => {
                    let rung = self.ladder.fail(self.now);
                    self.rungs.extend(rung);
                    self.closed = Some((self.now + REOPENING, rung));
                    actions = VecDeque::from(self.mobile.end());
                }
                Action::Say(..) | Action::Publish | Action::Dtr(_) => {}
            }
        }
    }

    fn breaks(&mut self, fault: Fault) {
        self.happens(Event::Breaks(fault));
    }

    fn arrives(&mut self) {
        self.happens(Event::Message(HELLO.to_owned()));
    }

    fn send(&mut self, ticket: u64) {
        let to: Address = "+33612345678".parse().unwrap();
        let (pdu, length) = Submit::text(&to, "hello").unwrap().encode();
        self.mobile.send(Ticket(ticket), pdu, length);
    }

    /// The box starts anew, with this site.
    fn reboot(&mut self, boot: u32, pin: &str) {
        self.mobile = mobile(Some(pin), &self.state, boot);
        self.closed = Some((self.now, None));
    }

    fn messages(&self) -> usize {
        self.reports.iter().filter(|report| matches!(report, Report::Message { .. })).count()
    }

    fn count(&self, what: &str) -> usize {
        self.sent.iter().filter(|sent| sent.starts_with(what)).count()
    }
}

#[test]
fn every_modem_is_set_up_receives_deletes_and_sends() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.arrives();
        bench.run(5 * SECOND);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
        assert_eq!(bench.modem.stored_messages(), 0, "{:?}", bench.sent);
        bench.send(1);
        bench.run(5 * SECOND);
        assert_eq!((bench.submitted, bench.reports.last()), (1, Some(&Report::Sent(Ticket(1)))));
        assert_eq!(bench.mobile.record().get("signal-dbm"), Some("-77"));
        assert!(bench.mobile.record().get("operator").unwrap().contains("Free"));
        assert_eq!(bench.rungs, []);
    }
}

#[test]
fn messages_that_came_before_are_found_at_the_start() {
    for profile in PROFILES {
        let mut modem = Modem::new(profile, SimCard::open());
        for _ in 0..3 {
            modem.step(Event::Message(HELLO.to_owned()), Duration::ZERO);
        }
        let mut bench = Bench::new(modem);
        bench.run(30 * SECOND);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (3, 0), "{:?}", bench.sent);
    }
}

#[test]
fn a_full_storage_is_emptied_although_it_tells_of_nothing() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::StorageFull(HELLO.to_owned()));
        assert!(bench.modem.stored_messages() >= 5);
        bench.arrives(); // in vain
        bench.run(2 * MINUTE);
        assert_eq!(bench.modem.stored_messages(), 0, "{:?}", bench.sent);
        let before = bench.messages();
        bench.arrives();
        bench.run(5 * SECOND);
        assert_eq!(bench.messages(), before + 1);
    }
}

#[test]
fn a_message_that_is_not_discarded_is_not_reported_every_minute() {
    let mut bench = Bench::settled(HUAWEI);
    bench.discards = false;
    bench.arrives();
    bench.run(20 * MINUTE);
    assert_eq!(bench.messages(), 1);
    bench.mobile.discard(Place::Stored(Storage::Card, 0));
    bench.run(SECOND);
    assert_eq!(bench.modem.stored_messages(), 0);
}

#[test]
fn a_message_in_the_middle_of_another_that_is_sent_is_not_lost() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Interrupts { port: 0, piece: 0, line: "+CMTI: \"SM\",1".to_owned() });
        bench.send(1);
        bench.run(5 * SECOND);
        assert_eq!(bench.reports, [Report::Sent(Ticket(1))], "{:?}", bench.sent);
        assert!(bench.count("AT+CMG") > 1, "the storage is looked at: {:?}", bench.sent);
    }
}

#[test]
fn garbage_and_an_echo_that_stays_do_no_harm() {
    for profile in PROFILES {
        let mut modem = Modem::new(profile, SimCard::open());
        modem.step(Event::Breaks(Fault::KeepsEcho), Duration::ZERO);
        let mut bench = Bench::new(modem);
        bench.breaks(Fault::Garbage(0, b"\xff\xfe\0\x80\r\n".to_vec()));
        bench.run(30 * SECOND);
        assert!(bench.mobile.works(), "{:?}", bench.sent);
        bench.breaks(Fault::Garbage(0, b"~\xff}#\xc0!}!}".to_vec()));
        bench.arrives();
        bench.send(1);
        bench.run(3 * MINUTE);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
        assert!(bench.reports.contains(&Report::Sent(Ticket(1))), "{:?}", bench.sent);
    }
}

#[test]
fn a_modem_that_hangs_for_minutes_is_got_back_and_a_message_is_told_as_lost() {
    let mut bench = Bench::settled(ICON_225);
    bench.send(1);
    bench.breaks(Fault::Hangs(3 * MINUTE));
    bench.run(2 * MINUTE + 50 * SECOND);
    assert!(!bench.mobile.works());
    assert!(matches!(bench.reports[..], [Report::NotSent(Ticket(1), _)]), "{:?}", bench.reports);
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works(), "{:?} {:?}", bench.rungs, bench.sent);
    bench.send(2);
    bench.arrives();
    bench.run(2 * MINUTE);
    assert!(bench.reports.contains(&Report::Sent(Ticket(2))));
    assert_eq!(bench.messages(), 1);
}

#[test]
fn a_modem_that_starts_anew_by_itself_is_set_up_again() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.breaks(Fault::Restarts);
        bench.run(15 * MINUTE);
        bench.arrives();
        bench.run(2 * MINUTE);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (1, 0), "{:?}", bench.sent);
    }
}

#[test]
fn a_call_that_was_left_open_is_hung_up_by_the_ladder() {
    let mut modem = Modem::new(ICON_225, SimCard::open());
    modem.step(Event::Typed(0, b"AT+CGDCONT=1,\"IP\",\"free\"\r".to_vec()), Duration::ZERO);
    modem.step(Event::Typed(0, b"ATD*99#\r".to_vec()), Duration::ZERO);
    modem.step(Event::Connected(7_200_000), Duration::ZERO);
    assert!(modem.carries_data(0));
    let mut bench = Bench::new(modem);
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works(), "{:?} {:?}", bench.rungs, bench.sent);
    assert_eq!(bench.rungs.last(), Some(&Rung::HangUp));
}

#[test]
fn a_wrong_pin_is_never_tried_twice() {
    for profile in PROFILES {
        let mut bench = Bench::with_pin(Modem::new(profile, SimCard::locked("4321")), Some("1234"));
        bench.run(10 * MINUTE);
        for day in 2..5 {
            bench.breaks(Fault::Restarts);
            bench.reboot(day, "1234");
            bench.run(10 * MINUTE);
        }
        assert_eq!(bench.modem.sim().tries().0, 2, "{:?}", bench.sent);
        assert_eq!(bench.mobile.record().get("sim"), Some("PIN refused; correct site.toml"));
        bench.reboot(6, "4321");
        bench.run(MINUTE);
        assert_eq!(bench.mobile.record().get("sim"), Some("ready"));
        assert_eq!((bench.modem.sim().tries().0, bench.count("AT+CPIN=")), (3, 2));
    }
}

#[test]
fn a_stick_that_comes_back_locked_in_the_same_boot_waits_for_a_reboot() {
    let mut bench = Bench::with_pin(Modem::new(ICON_225, SimCard::locked("4321")), Some("4321"));
    bench.run(MINUTE);
    assert!(bench.mobile.works());
    bench.breaks(Fault::Restarts);
    bench.closed = Some((bench.now, None));
    bench.run(10 * MINUTE);
    assert_eq!((bench.count("AT+CPIN="), bench.rungs.last()), (1, Some(&Rung::Reboot)), "{:?}", bench.rungs);
    bench.reboot(2, "4321");
    bench.run(MINUTE);
    assert!(bench.mobile.works());
    assert_eq!(bench.count("AT+CPIN="), 2);
}

#[test]
fn the_last_try_of_a_pin_and_a_puk_are_never_touched() {
    for (card, shown) in [
        (SimCard::locked("4321").with_tries(1), "wants SIM PIN, and too few tries are left: 1"),
        (SimCard::locked("4321").with_tries(0), "wants SIM PUK"),
        (SimCard::absent(), "unusable: no SIM"),
    ] {
        for profile in PROFILES {
            let untouched = Modem::new(profile, card.clone());
            let mut bench = Bench::with_pin(untouched.clone(), Some("4321"));
            bench.run(30 * MINUTE);
            assert_eq!(bench.mobile.record().get("sim"), Some(shown));
            assert_eq!((bench.count("AT+CPIN="), bench.modem.sim()), (0, untouched.sim()));
            assert_eq!(bench.rungs, [], "a person must help, no ladder");
        }
    }
}

#[test]
fn a_sim_that_takes_its_time_is_waited_for() {
    for profile in PROFILES {
        let modem = Modem::new(profile, SimCard::open()).with_slow_sim(20 * SECOND).thinking(SECOND / 5);
        let mut bench = Bench::new(modem);
        bench.run(2 * MINUTE);
        bench.arrives();
        bench.run(MINUTE + 10 * SECOND);
        assert_eq!(bench.messages(), 1, "{:?}", bench.sent);
        assert_eq!(bench.rungs, []);
    }
}

#[test]
fn the_time_of_the_network_is_told_and_a_wrong_one_is_not() {
    let mut bench = Bench::settled(ICON_225);
    assert_eq!(bench.reports, [], "1980");
    let time = Some(TimeOfDay { origin: 1_784_001_598, quarters: 8 });
    bench.happens(Event::Radio(Cell { time, ..Cell::default() }));
    bench.run(2 * MINUTE);
    let told = bench.reports.iter().find_map(|report| match report {
        Report::NetworkTime(unix) => Some(*unix),
        _ => None,
    });
    assert!(told.is_some_and(|unix| (0..300).contains(&(unix - 1_784_001_598))), "{:?}", bench.reports);
}

#[test]
fn a_network_that_is_gone_for_an_hour_puts_the_modem_on_the_ladder_and_loses_no_message() {
    let mut bench = Bench::settled(ICON_225);
    let cell = |registration| Event::Radio(Cell { registration, ..Cell::default() });
    bench.happens(cell(Registration::Searching));
    bench.run(60 * MINUTE);
    assert!(!bench.rungs.is_empty() && !bench.mobile.works());
    bench.happens(cell(Registration::Roaming));
    bench.run(2 * MINUTE);
    assert!(bench.mobile.works());
    bench.arrives();
    bench.run(2 * MINUTE);
    assert_eq!(bench.messages(), 1);
}

#[test]
fn five_hundred_messages_are_all_reported_once() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        for _ in 0..500 {
            bench.arrives();
            bench.run(SECOND / 4);
        }
        bench.run(MINUTE);
        assert_eq!((bench.messages(), bench.modem.stored_messages()), (500, 0));
    }
}

#[test]
fn an_idle_modem_is_spoken_to_once_a_minute() {
    for profile in PROFILES {
        let mut bench = Bench::settled(profile);
        bench.run(60 * MINUTE);
        assert_eq!(bench.count("AT+CSQ"), 60);
        assert!(bench.sent.len() < 420, "{} commands an hour", bench.sent.len());
    }
}
