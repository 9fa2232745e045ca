//! The dialer's protocol and a modem, connected in virtual time.

use dialbox::modem::mobile::{AttachContext, Memory, Mobile, OutgoingSms, Report, SmsId};
use dialbox::modem::protocol::{Protocol, ProtocolAction};
use dialbox::modem::recovery::{Recovery, RecoveryStep};
use dialbox::record::Record;
use dialbox::site::{MobileModel, Role, Site};
use dialbox::sms::pdu::{Address, Submit};
use dialbox::state::Store;
use lab::modem::profile::Profile;
use lab::modem::sim::SimCard;
use lab::modem::{Event, Fault, Modem, Output};
use std::collections::VecDeque;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
/// A short message to the modem, with the centre's address before it: 3GPP TS 23.040's layout, "hello".
pub const HELLO: &str = "0791361907002039040B913316325476F800006270413025948005E8329BFD06";
/// The operator's lines of a site.
const APN: &str = "apn='x'\n";
/// How long the driver takes to open a port again.
const REOPENING: Duration = Duration::from_secs(2);

/// Both of them, and the records on the state partition.
pub struct Bench {
    pub modem: Modem,
    pub mobile: Mobile,
    recovery: Recovery,
    state: tempfile::TempDir,
    pub now: Duration,
    /// When the port is opened, and with which recovery step.
    pub closed: Option<(Duration, Option<RecoveryStep>)>,
    /// Whether messages are discarded once they are read.
    pub discards: bool,
    pub reports: Vec<Report>,
    pub sent: Vec<String>,
    pub steps: Vec<RecoveryStep>,
    pub submitted: usize,
}

/// The lines of `[operator]` are these.
fn mobile(pin: Option<&str>, operator: &str, state: &tempfile::TempDir, boot: u32) -> Mobile {
    let pin = pin.map_or(String::new(), |pin| format!("[modem]\npin='{pin}'\n"));
    let site = format!("role='dialer'\nhostname='x'\n{pin}[operator]\nname='x'\n{operator}");
    let Role::Dialer(dialer) = Site::parse(&site).unwrap().role else { unreachable!() };
    let context = AttachContext::new(&dialer.operator);
    let memory = Memory::load(&Store::new(state.path()));
    Mobile::new(dialer.modem.pin, memory, format!("boot {boot}")).that_attaches_with(context)
}

impl Bench {
    pub fn new(modem: Modem) -> Self {
        Self::with_pin(modem, None)
    }

    pub fn with_pin(modem: Modem, pin: Option<&str>) -> Self {
        let state = tempfile::tempdir().unwrap();
        Self {
            modem,
            mobile: mobile(pin, APN, &state, 1),
            recovery: Recovery::new(Record::new()),
            state,
            now: Duration::ZERO,
            closed: Some((Duration::ZERO, None)),
            discards: true,
            reports: Vec::new(),
            sent: Vec::new(),
            steps: Vec::new(),
            submitted: 0,
        }
    }

    /// With these lines of the site's `[operator]`.
    pub fn with_operator(modem: Modem, model: &MobileModel, operator: &str) -> Self {
        let mut bench = Self::new(modem);
        bench.mobile = mobile(None, operator, &bench.state, 1);
        bench.mobile.is_of(model.traits.clone());
        bench
    }

    /// A configured modem, after half a minute.
    pub fn settled(profile: &'static Profile) -> Self {
        let mut bench = Self::new(Modem::new(profile, SimCard::open()));
        bench.run(30 * SECOND);
        assert!(bench.mobile.works(), "{:?}", bench.sent);
        bench.sent.clear();
        bench
    }

    /// Advances the time; both sides act at their deadlines.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..200_000 {
            self.poll();
            let opens = self.closed.map(|(at, _)| at);
            let wakes =
                [self.mobile.next_deadline().filter(|_| opens.is_none()), opens, self.modem.deadline()];
            let next = wakes.into_iter().flatten().min().unwrap_or(end);
            // What is due now was done above.
            let next = next.max(self.now + Duration::from_millis(1));
            if next > end {
                self.now = end;
                return;
            }
            self.now = next;
        }
        panic!("no time passes any more");
    }

    fn poll(&mut self) {
        self.happens(Event::Time);
        if let Some((at, step)) = self.closed {
            if at > self.now {
                return;
            }
            self.closed = None;
            let actions = self.mobile.on_open(step, self.now);
            self.perform(actions);
        }
        let actions = self.mobile.on_time(self.now);
        self.perform(actions);
        if self.mobile.works() {
            self.recovery.work();
        }
    }

    pub fn happens(&mut self, event: Event) {
        for output in self.modem.step(event, self.now) {
            match output {
                Output::ToComputer(0, bytes) if self.closed.is_none() => {
                    let actions = self.mobile.on_bytes(&bytes, self.now);
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

    fn perform(&mut self, actions: Vec<ProtocolAction<Report>>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                ProtocolAction::Send(words) => {
                    self.sent.push(words.to_string());
                    self.happens(Event::Typed(0, words.bytes()));
                }
                ProtocolAction::Remember { file, record } => {
                    Store::new(self.state.path()).replace(file, &record.to_string()).unwrap();
                }
                ProtocolAction::Report(report) => {
                    if let Report::Message { place, .. } = &report
                        && self.discards
                    {
                        self.mobile.discard(*place);
                    }
                    self.reports.push(report);
                }
                ProtocolAction::Abandon(_) => {
                    let step = self.recovery.fail(self.mobile.last_step(), self.now, || false);
                    self.steps.extend(step);
                    self.closed = Some((self.now + REOPENING, step));
                    actions = self.mobile.on_close().into_iter().map(ProtocolAction::Report).collect();
                }
                ProtocolAction::Log(..) | ProtocolAction::Publish | ProtocolAction::Dtr(_) => {}
            }
        }
    }

    pub fn breaks(&mut self, fault: Fault) {
        self.happens(Event::Breaks(fault));
    }

    pub fn arrives(&mut self) {
        self.happens(Event::Message(HELLO.to_owned()));
    }

    pub fn send(&mut self, id: u64) {
        let to: Address = "+33612345678".parse().unwrap();
        self.mobile.send(OutgoingSms { id: SmsId(id), message: Submit::text(&to, "hello").unwrap() });
    }

    /// The box reboots, with this site.
    pub fn reboot(&mut self, boot: u32, pin: &str) {
        self.mobile = mobile(Some(pin), APN, &self.state, boot);
        self.closed = Some((self.now, None));
    }

    pub fn messages(&self) -> usize {
        self.reports.iter().filter(|report| matches!(report, Report::Message { .. })).count()
    }

    pub fn count(&self, what: &str) -> usize {
        self.sent.iter().filter(|sent| sent.starts_with(what)).count()
    }
}
