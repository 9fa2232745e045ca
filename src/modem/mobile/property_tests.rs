//! Whatever bytes a modem sends for ten minutes: it gets few commands, the log stays short, no message is lost, no PIN
//! is given twice, and all works when the modem does.

use std::collections::BTreeSet;

use super::tests::{OPTION, SECOND};
use super::*;
use crate::log::rate::RateLimit;
use crate::modem::recovery::Recovery;
use crate::site::{Role, Site};
use proptest::prelude::*;

const TEN_MINUTES: Duration = Duration::from_secs(600);
/// How long the driver takes to open a port again.
const REOPENING: Duration = Duration::from_secs(2);
/// The recovery steps before the reboot, which a test does not have, and a round of regular commands.
const RECOVERY: Duration = Duration::from_secs(15 + 20 + 60 + 60 + 60);
const PDU: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";

/// URCs, and lines in the middle of an answer.
const NOISE: [&str; 24] = [
    "+CMTI: \"SM\",1",
    "+CMTI: \"ME\",3",
    "+CMTI: \"XX\",70000",
    "^SMMEMFULL: \"SM\"",
    "+CMS ERROR: 322",
    "RDY",
    "^SYSSTART",
    "+CPIN: SIM PIN",
    "+CPIN: READY",
    "+CTZV: 8",
    "^NWTIME: 26/07/14,05:59:58+08,00",
    "+CMT: ,30",
    PDU,
    "+CMGL: 3,1,,30",
    "+CMGL: 1,\"REC UNREAD\",\"+336\"",
    "+CMGR: 3,1,,30",
    "MODEM: READY",
    "RING",
    "NO CARRIER",
    "OK",
    "ERROR",
    "COMMAND NOT SUPPORT",
    "+CME ERROR: 14",
    "> ",
];

/// What a modem does with the next command.
#[derive(Debug, Clone)]
enum Answer {
    Right,
    /// The right answer, with this before the line of this number.
    With(usize, usize),
    /// The right answer, with a byte replaced.
    Edited(usize, u8),
    /// The right answer without its end.
    Cut(usize),
    /// A message is in every answer.
    Message(u16),
    /// Anything.
    Random(Vec<u8>),
    Silence,
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        12 => Just(Answer::Right),
        4 => (0..NOISE.len(), 0..4usize).prop_map(|(noise, line)| Answer::With(noise, line)),
        2 => (0..80usize, any::<u8>()).prop_map(|(at, byte)| Answer::Edited(at, byte)),
        1 => (0..80usize).prop_map(Answer::Cut),
        2 => (0..4u16).prop_map(Answer::Message),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Answer::Random),
        1 => Just(Answer::Silence),
    ]
}

/// The answers of the reference stick.
fn right(command: &str) -> &'static str {
    OPTION.iter().find(|(asked, _)| *asked == command).map_or("\r\nERROR\r\n", |(_, answer)| answer)
}

impl Answer {
    fn to(&self, command: &str) -> Vec<u8> {
        let right = right(command);
        match self {
            Self::Right => right.as_bytes().to_vec(),
            Self::With(noise, line) => {
                let at = right.match_indices("\r\n").nth(*line).map_or(right.len(), |(at, _)| at);
                format!("{}\r\n{}{}", &right[..at], NOISE[*noise], &right[at..]).into_bytes()
            }
            Self::Edited(at, byte) => {
                let mut bytes = right.as_bytes().to_vec();
                let length = bytes.len();
                bytes[at % length] = *byte;
                bytes
            }
            Self::Cut(at) => right.as_bytes()[..at % right.len()].to_vec(),
            Self::Message(index) => format!(
                "\r\n+CMGL: {index},1,,30\r\n{PDU}\r\n+CMGR: 1,,30\r\n{PDU}\r\n\r\nOK\r\n+CMTI: \"ME\",{index}\r\n"
            )
            .into_bytes(),
            Self::Random(bytes) => bytes.clone(),
            Self::Silence => Vec::new(),
        }
    }
}

/// The protocol, its driver and its owner, in virtual time.
struct World {
    mobile: Mobile,
    recovery: Recovery,
    log: RateLimit,
    now: Duration,
    opens: Option<(Duration, Option<RecoveryStep>)>,
    /// When the modem worked last.
    worked: Duration,
    sent: Vec<Duration>,
    lines: usize,
    pins: usize,
    messages: usize,
    /// Places of messages that were judged.
    judged: BTreeSet<Place>,
    judges: bool,
}

impl World {
    fn new() -> Self {
        let site = "role='dialer'\nhostname='x'\n[modem]\npin='4321'\n[operator]\nname='x'\napn='x'\n";
        let Role::Dialer(dialer) = Site::parse(site).unwrap().role else { unreachable!() };
        Self {
            mobile: Mobile::new(dialer.modem.pin, None, "today"),
            recovery: Recovery::new(Record::new()),
            log: RateLimit::new(),
            now: SECOND,
            opens: Some((SECOND, None)),
            worked: Duration::ZERO,
            sent: Vec::new(),
            lines: 0,
            pins: 0,
            messages: 0,
            judged: BTreeSet::new(),
            judges: true,
        }
    }

    /// Until then both act at every deadline; `answer` is the modem.
    fn run(&mut self, until: Duration, mut answer: impl FnMut(&str) -> Vec<u8>) {
        let mut turns_at_once = 0;
        while self.now < until {
            let before = self.now;
            if let Some((_, step)) = self.opens.take_if(|(at, _)| *at <= self.now) {
                let actions = self.mobile.on_open(step, self.now);
                self.perform(actions, &mut answer);
            }
            if self.opens.is_none() {
                let actions = self.mobile.on_time(self.now);
                self.perform(actions, &mut answer);
            }
            if self.opens.is_none() && self.mobile.works() {
                self.recovery.work();
                self.worked = self.now;
            }
            let next = self.opens.map(|(at, _)| at).or_else(|| self.mobile.next_deadline());
            self.now = next.unwrap_or(until).clamp(self.now, until);
            turns_at_once = if self.now == before { turns_at_once + 1 } else { 0 };
            assert!(turns_at_once < 100, "no time passes: {:?}", self.mobile);
        }
    }

    fn perform(&mut self, actions: Vec<Action>, answer: &mut impl FnMut(&str) -> Vec<u8>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(data) => {
                    let bytes = data.bytes();
                    let command = String::from_utf8(bytes).unwrap();
                    let command =
                        command.trim_end_matches(['\r', '\x1a']).trim_start_matches('\x1b').to_owned();
                    self.look_at(&command);
                    let said = answer(&command);
                    actions.extend(self.mobile.on_bytes(&said, self.now));
                }
                Action::Log(_, line) => self.lines += usize::from(self.log.admit(&line, self.now).is_some()),
                Action::Report(Report::Message { place, .. }) => {
                    self.messages += 1;
                    if self.judges {
                        self.judged.insert(place);
                        self.mobile.discard(place);
                    }
                }
                Action::Abandon(_) => {
                    let step = self.recovery.fail(self.mobile.last_step(), self.now, || true);
                    self.opens = Some((self.now + REOPENING, step));
                    self.mobile.on_close();
                    actions.clear();
                }
                Action::Report(_) | Action::Dtr(_) | Action::Publish | Action::Remember { .. } => {}
            }
        }
    }

    fn look_at(&mut self, command: &str) {
        self.sent.push(self.now);
        self.pins += usize::from(command.starts_with("AT+CPIN="));
        if let Some(index) = command.strip_prefix("AT+CMGD=") {
            let index: u16 = index.parse().unwrap();
            let is_judged =
                Storage::ALL.iter().any(|storage| self.judged.contains(&Place::Stored(*storage, index)));
            assert!(is_judged, "{index} was not judged: {:?}", self.judged);
        }
    }

    /// The most commands within any second.
    fn most_in_a_second(&self) -> usize {
        let within =
            |at: usize| self.sent[at..].iter().take_while(|sent| **sent < self.sent[at] + SECOND).count();
        (0..self.sent.len()).map(within).max().unwrap_or(0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_a_modem_sends_it_gets_few_commands_and_works_again(
        answers in prop::collection::vec(answer(), 1..40), judges in any::<bool>()
    ) {
        let mut world = World::new();
        world.judges = judges;
        let mut next = answers.iter().cycle();
        world.run(SECOND + TEN_MINUTES, |command| next.next().map(|answer| answer.to(command)).unwrap_or_default());
        prop_assert!(world.sent.len() > 20, "{} commands", world.sent.len());
        prop_assert!(world.most_in_a_second() <= 10, "{} in a second", world.most_in_a_second());
        prop_assert!(world.lines <= 600, "{} lines", world.lines);
        prop_assert!(world.pins <= 1, "{} PINs", world.pins);

        // The modem behaves: it works within the recovery's time, and a message is read.
        let messages = world.messages;
        let list = format!("\r\n+CMGL: 9,0,,30\r\n{PDU}\r\n\r\nOK\r\n");
        world.run(world.now + RECOVERY, |command| match command {
            "AT+CMGL=4" => list.clone().into_bytes(),
            "AT+CMGD=9" => b"\r\nOK\r\n".to_vec(),
            _ => right(command).as_bytes().to_vec(),
        });
        prop_assert!(world.opens.is_none() && world.now <= world.worked + WATCH_EVERY + SECOND, "{:?}", world.mobile);
        prop_assert!(world.messages > messages, "{:?}", world.mobile);
        prop_assert!(world.most_in_a_second() <= 10 && world.pins <= 1);
    }
}
