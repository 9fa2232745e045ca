//! Whatever happens to a box and its world: when the world is well again, a proven message opens the link.

use std::fs;

use proptest::prelude::*;

use super::hut::{Hut, Line};
use super::world::*;
use super::*;
use crate::dialer::trial::Reach;
use crate::state::Store;

const APNS: [&str; 2] = ["free", "web.example"];
const ACCOUNTS: [(&str, &str); 2] = [("me", "old"), ("me", "new")];
const SERVERS: [&str; 2] = [HOME, MOVED];
const KEYS: [&str; 2] = [KEY, NEW_KEY];
const NUMBERS: [&str; 3] = [OWNER, COLLEAGUE, NEW_OWNER];

/// Messages that the box understands; each uses a code.
const COMMANDS: [&str; 16] = [
    "connect",
    "connect 1m",
    "extend 30m",
    "disconnect",
    "confirm",
    "status",
    "set endpoint 198.51.100.7:443",
    "set endpoint hut.example.net:444",
    "set endpoint 203.0.113.5:51820",
    "set key LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils=",
    "set apn web.example",
    "set password new",
    "set apn free password old",
    "set numbers +33612345678 +33611111111 +33622222222",
    "set numbers +33612345678",
    "set numbers +33622222222 +33611111111",
];

#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A proven message of one of the numbers.
    Proven(usize, usize),
    /// The same without its code.
    Forged(usize, usize),
    Server(Option<(usize, usize)>),
    Operator(usize, usize),
    NameServers {
        answer: bool,
        know_the_name: bool,
    },
    HangUp,
    PowerCut,
    /// The power fails at one of the next writes.
    CutAtWrite(usize, bool),
    Passes(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        5 => (0..NUMBERS.len(), 0..COMMANDS.len()).prop_map(|(who, what)| Happening::Proven(who, what)),
        1 => (0..NUMBERS.len(), 0..COMMANDS.len()).prop_map(|(who, what)| Happening::Forged(who, what)),
        2 => prop::option::of((0..2_usize, 0..2_usize)).prop_map(Happening::Server),
        2 => (0..2_usize, 0..2_usize).prop_map(|(apn, account)| Happening::Operator(apn, account)),
        1 => any::<(bool, bool)>()
            .prop_map(|(answer, know_the_name)| Happening::NameServers { answer, know_the_name }),
        2 => Just(Happening::HangUp),
        1 => Just(Happening::PowerCut),
        1 => (0..6_usize, any::<bool>()).prop_map(|(write, is_after)| Happening::CutAtWrite(write, is_after)),
        6 => (1..1500_u64).prop_map(Happening::Passes),
    ]
}

impl Hut {
    fn happens(&mut self, what: Happening) {
        match what {
            // Only numbers in force can use a code.
            Happening::Proven(who, what) if self.numbers().contains(&NUMBERS[who].to_owned()) => {
                self.proven(NUMBERS[who], COMMANDS[what]);
            }
            Happening::Proven(..) => {}
            Happening::Forged(who, what) => self.sms(NUMBERS[who], COMMANDS[what]),
            Happening::Server(server) => {
                self.world.server = server.map(|(at, key)| (SERVERS[at], KEYS[key]));
            }
            Happening::Operator(apn, account) => {
                (self.world.apn, self.world.account) = (APNS[apn], ACCOUNTS[account]);
            }
            Happening::NameServers { answer, know_the_name } => {
                self.world.has_dns = answer;
                self.world.named = know_the_name.then(|| Ipv4Addr::new(198, 51, 100, 7));
            }
            Happening::HangUp if self.line == Line::Up => {
                (self.line, self.received) = (Line::Idle, None);
                let ended = ppp::Event::Exited(pid(), Exit::HungUp);
                self.step(|dialer, view| dialer.receive(Event::Link(ended), view));
            }
            Happening::HangUp => {}
            Happening::PowerCut => self.begun = None,
            Happening::CutAtWrite(write, is_after) => self.cut = Some((self.writes + write, is_after)),
            Happening::Passes(seconds) => self.pass_time(SECOND * u32::try_from(seconds).unwrap()),
        }
        self.pass_time(3 * SECOND);
    }

    /// What counts when no trial is left.
    fn kept(&self) -> site::Dialer {
        let text = fs::read_to_string(self.paths.site()).unwrap();
        let record = Store::new(self.paths.state()).read(Reach::FILE).unwrap_or_default();
        let reach = Reach::from_record(&Record::parse(&record), &text).unwrap_or_default();
        let Role::Dialer(role) = Site::parse_changed(&text, &reach.kept, None).unwrap().role else {
            unreachable!()
        };
        *role
    }

    /// Those that are obeyed now.
    fn numbers(&self) -> Vec<String> {
        let trying = self.begun.as_ref().and_then(|begun| begun.dialer.trying.as_ref());
        let sms = trying.and_then(|trying| trying.role()?.sms.clone()).or(self.kept().sms).unwrap();
        sms.numbers.iter().map(ToString::to_string).collect()
    }

    /// Operator and server are as the kept values have them.
    fn becomes_well(&mut self) {
        let role = self.kept();
        let vpn = role.vpn.unwrap();
        let endpoint = vpn.endpoint.to_string();
        let at = SERVERS.into_iter().find(|it| *it == endpoint).unwrap_or("198.51.100.7:444");
        let key = KEYS.into_iter().find(|it| *it == vpn.public_key.as_str()).unwrap();
        self.world.server = Some((at, key));
        (self.world.has_dns, self.world.named) = (true, Some(Ipv4Addr::new(198, 51, 100, 7)));
        self.world.apn = APNS.into_iter().find(|it| *it == role.operator.apn.as_str()).unwrap();
        let password = role.operator.account.unwrap().password.reveal().to_owned();
        self.world.account = ACCOUNTS.into_iter().find(|it| it.1 == password).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_proven_connect_is_served_after_any_life(
        life in prop::collection::vec(happening(), 1..40),
        ends_later in any::<bool>(),
    ) {
        let mut hut = Hut::new("hotp");
        hut.pass_time(30 * SECOND);
        life.into_iter().for_each(|what| hut.happens(what));
        hut.cut = None;
        if ends_later {
            // No trial lasts longer.
            hut.pass_time(PATIENCE * 4);
            prop_assert!(!hut.is_trying());
        } else {
            // All messages are read.
            hut.pass_time(40 * SECOND);
        }
        hut.becomes_well();
        hut.sent.clear();
        hut.proven(&hut.numbers()[0].clone(), "connect");
        let mut is_served = hut.until(Hut::is_reached);
        // With values on trial the link may not come up, or end by its limits, and the sender is told of the trial's end.
        if !is_served && (hut.sent.contains("not connected") || hut.sent.contains("taken back")) {
            hut.proven(&hut.numbers()[0].clone(), "connect");
            is_served = hut.until(Hut::is_reached);
        }
        prop_assert!(is_served, "{}\n{}", hut.sent, hut.logged);
    }
}
