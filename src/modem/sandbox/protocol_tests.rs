//! Processes that misbehave, as their driver sees them.

use super::*;
use crate::modem::sandbox::Program;
use crate::modem::sandbox::process::tests::{HEAR, misbehaving};
use crate::paths::Paths;

const NOW: Duration = Duration::from_secs(100);

/// A protocol that never runs here.
#[derive(Debug)]
struct Nothing;

impl Protocol for Nothing {
    type Report = u8;

    fn on_open(&mut self, _step: Option<RecoveryStep>, _now: Duration) -> Vec<ProtocolAction<u8>> {
        Vec::new()
    }
    fn on_bytes(&mut self, _bytes: &[u8], _now: Duration) -> Vec<ProtocolAction<u8>> {
        Vec::new()
    }
    fn on_time(&mut self, _now: Duration) -> Vec<ProtocolAction<u8>> {
        Vec::new()
    }
    fn on_close(&mut self) -> Vec<u8> {
        Vec::new()
    }
    fn next_deadline(&self) -> Option<Duration> {
        None
    }
    fn is_idle(&self) -> bool {
        true
    }
    fn answers(&self) -> bool {
        false
    }
    fn works(&self) -> bool {
        false
    }
    fn record(&self) -> Record {
        Record::new()
    }
}

impl Sandboxable for Nothing {
    const NAME: &'static str = "nothing";
    type Start = ();
    type Order = u8;
    type Answer = u8;
    type Claim = u8;

    fn start((): ()) -> Option<Self> {
        Some(Self)
    }
    fn obey(&mut self, order: u8) -> u8 {
        order
    }
    fn claim(&mut self, report: u8) -> u8 {
        report
    }
    fn has_pending_orders(&self) -> bool {
        false
    }
}

/// Accepts every claim but 13, and reports 99 for what was lost.
struct Believer;

impl Guard for Believer {
    type Parser = Nothing;
    type Report = u8;
    const IS_IDLE_WITHOUT_PROCESS: bool = true;

    fn start(&self) {}
    fn step_after_restart(&self, step: Option<RecoveryStep>) -> Option<RecoveryStep> {
        step.max(Some(RecoveryStep::HangUp))
    }
    fn accept(&mut self, claim: u8, _now: Duration) -> Result<u8, Violation> {
        if claim == 13 { Err(Violation::Claim) } else { Ok(claim) }
    }
    fn remembers(&self, _record: &Record) -> Option<(&'static str, Record)> {
        None
    }
    fn lost(&mut self, _record: &Record, _now: Duration) -> Vec<u8> {
        vec![99]
    }
}

impl<G: Guard> Sandboxed<G> {
    /// A protocol whose process runs this script, and whose next one cannot be started.
    pub(crate) fn scripted(guard: G, script: &str) -> Self {
        let sandbox = Sandbox::new(&Paths::below("/dev/null"), Program::Own, 900);
        Self { process: Some(misbehaving(script)), ..Self::new(guard, sandbox) }
    }
}

fn sandboxed(script: &str) -> Sandboxed<Believer> {
    Sandboxed::scripted(Believer, script)
}

/// A script that sends these replies, one to each request. The shell's `printf` must be able to write them.
fn replying(replies: &[Reply<u8, u8>]) -> Sandboxed<Believer> {
    let mut script = String::new();
    for reply in replies {
        let mut buffer = [0; 1000];
        let message = super::super::message::write(reply, &mut buffer).unwrap();
        let octal: String = message.iter().map(|byte| format!("\\{byte:03o}")).collect();
        script += &format!("{HEAR}; printf '{octal}' >&0; ");
    }
    sandboxed(&(script + "exec sleep 60"))
}

fn did(actions: Vec<Action<u8>>, deadline: Option<Duration>) -> Reply<u8, u8> {
    Reply::Did { actions, state: State { deadline, ..State::default() } }
}

/// The reason to give up the modem, which is the only action.
fn abandoned(actions: Actions<Believer>) -> String {
    match &actions[..] {
        [ProtocolAction::Abandon(why)] => why.clone(),
        _ => panic!("{actions:?}"),
    }
}

#[test]
fn the_actions_of_a_reply_are_passed_on() {
    let actions = vec![Action::Send("AT\r".to_owned()), Action::Claim(1), Action::Publish];
    let mut protocol = replying(&[did(actions, Some(NOW))]);
    let done = protocol.on_bytes(b"x", NOW);
    let send = ProtocolAction::Send(TxData::unshown("AT\r".to_owned()));
    assert_eq!(done, [send, ProtocolAction::Report(1), ProtocolAction::Publish]);
    assert_eq!(protocol.next_deadline(), Some(NOW));
}

#[test]
fn a_process_that_misbehaves_is_killed_and_the_modem_given_up() {
    let claim = |claim| replying(&[did(vec![Action::Claim(claim)], None)]);
    let remember = replying(&[did(vec![Action::Remember("used-codes=0\n".to_owned())], None)]);
    let other = replying(&[Reply::Answered { answer: 1, state: State::default() }]);
    let garbage = sandboxed(&format!("{HEAR}; printf xyz >&0; exec sleep 60"));
    let table = [
        (claim(13), "makes an invalid claim"),
        (remember, "makes an invalid claim"),
        (other, "replies to another request"),
        (garbage, "sends an invalid reply"),
    ];
    for (mut protocol, what) in table {
        let id = protocol.process.as_ref().unwrap().id();
        let why = abandoned(protocol.on_bytes(b"x", NOW));
        assert_eq!(why, format!("the modem's parser ({id}) is killed: it {what}"));
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
        assert!(!protocol.answers() && protocol.is_idle());
        assert_eq!(protocol.on_close(), [99]);
    }
}

#[test]
fn an_end_between_two_requests_makes_the_descriptor_readable() {
    let mut protocol = sandboxed("exit 3");
    let id = protocol.process.as_ref().unwrap().id();
    let fd = protocol.fd().unwrap();
    rustix::event::poll(
        &mut [rustix::event::PollFd::from_borrowed_fd(fd, rustix::event::PollFlags::IN)],
        None,
    )
    .unwrap();
    let why = abandoned(protocol.on_time(NOW));
    assert_eq!(why, format!("the modem's parser ({id}) is gone: exit status: 3"));
}

#[test]
fn a_panic_is_reported_with_its_place() {
    let mut protocol = replying(&[Reply::Panicked("src/sms/pdu/mod.rs:1".to_owned())]);
    let why = abandoned(protocol.on_bytes(b"x", NOW));
    assert_eq!(why, "the modem's parser has panicked at src/sms/pdu/mod.rs:1");
}

#[test]
fn a_process_that_requests_endless_wake_ups_is_killed() {
    let replies: Vec<_> = (0..3).map(|_| did(Vec::new(), Some(NOW))).collect();
    let mut protocol = replying(&replies);
    protocol.on_bytes(b"x", NOW);
    assert_eq!(protocol.on_time(NOW), []);
    assert_eq!(protocol.wakes.count(499, NOW), Ok(()));
    assert!(abandoned(protocol.on_time(NOW)).ends_with("is killed: it asks for too much"));
}

#[test]
fn between_its_deadlines_a_process_gets_no_request() {
    let mut protocol = replying(&[did(Vec::new(), Some(NOW))]);
    protocol.on_bytes(b"x", NOW);
    // A second request would have no reply.
    assert_eq!(protocol.on_time(NOW - Duration::from_nanos(1)), []);
}

#[test]
fn a_process_that_cannot_be_started_is_a_failure_of_the_modem() {
    let mut protocol = sandboxed("exit 3");
    protocol.process = None;
    let actions = protocol.on_open(None, NOW);
    assert!(abandoned(actions).starts_with("the modem's parser cannot be started: "));
    assert_eq!(protocol.order(1), None);
}
