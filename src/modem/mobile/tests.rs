//! The protocol of a mobile modem, as transcripts.

mod silence;

use super::*;
use crate::log::Level;
use crate::site::{Role, Site};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A modem that answers by the first matching line of the table, and refuses all other commands.
pub(super) struct Modem<'a>(pub Vec<(&'a str, &'a str)>);

pub(super) const OPTION: &[(&str, &str)] = &[
    ("AT", "AT\r\r\nOK\r\n"),
    ("ATE0V1", "ATE0V1\r\r\nOK\r\n"),
    ("AT+CMEE=1", "\r\nOK\r\n"),
    ("AT+CGMI", "\r\nOption N.V.\r\n\r\nOK\r\n"),
    ("AT+CGMM", "\r\nGlobeTrotter HSUPA Modem\r\n\r\nOK\r\n"),
    ("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
    ("AT_OERCN?", "\r\n_OERCN: 3, 10\r\n\r\nOK\r\n"),
    ("AT_OBLS", "\r\n_OBLS: 1,1,1\r\n\r\nOK\r\n"),
    ("AT+CSQ", "\r\n+CSQ: 17,99\r\n\r\nOK\r\n"),
    ("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
    ("AT+CGREG?", "\r\n+CGREG: 0,1\r\n\r\nOK\r\n"),
    ("AT+COPS=3,2", "\r\nOK\r\n"),
    ("AT+COPS?", "\r\n+COPS: 0,2,\"20815\",2\r\n\r\nOK\r\n"),
    ("AT+CMGF=0", "\r\nOK\r\n"),
    ("AT+CPMS=?", "\r\n+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")\r\n\r\nOK\r\n"),
    ("AT+CPMS=\"ME\",\"ME\",\"ME\"", "\r\n+CPMS: 0,99,0,99,0,99\r\n\r\nOK\r\n"),
    ("AT+CPMS=\"SM\",\"ME\",\"ME\"", "\r\n+CPMS: 0,20,0,99,0,99\r\n\r\nOK\r\n"),
    ("AT+CNMI=?", "\r\n+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)\r\n\r\nOK\r\n"),
    ("AT+CNMI=2,1,2,1,0", "\r\nOK\r\n"),
    ("AT+CMGL=4", "\r\nOK\r\n"),
];

pub(super) fn option<'a>(first: &[(&'a str, &'a str)]) -> Modem<'a> {
    Modem([first, OPTION].concat())
}

pub(super) fn mobile() -> Mobile {
    Mobile::new(None, None, "today")
}

pub(super) fn with_pin(memory: Option<Memory>) -> Mobile {
    let site = "role='dialer'\nhostname='x'\n[modem]\npin='4321'\n[operator]\nname='x'\napn='x'\n";
    let Role::Dialer(dialer) = Site::parse(site).unwrap().role else { unreachable!() };
    Mobile::new(dialer.modem.pin, memory, "today")
}

impl Modem<'_> {
    /// Lets both talk until neither has anything to send; returns the transcript. More than ten commands take longer.
    pub fn talk(&self, mobile: &mut Mobile, now: Duration) -> String {
        let actions = mobile.on_time(now);
        self.finish(mobile, actions, now)
    }

    /// The modem sends a URC.
    pub fn send_urc(&self, mobile: &mut Mobile, line: &str, now: Duration) -> String {
        let actions = mobile.on_bytes(format!("\r\n{line}\r\n").as_bytes(), now);
        self.finish(mobile, actions, now)
    }

    fn finish(&self, mobile: &mut Mobile, actions: Vec<Action>, mut now: Duration) -> String {
        let mut written = self.go_on(mobile, actions, now);
        let waits = |mobile: &Mobile| {
            let free = mobile.pace.free_since();
            mobile.state.pause.is_none() && mobile.next_deadline() == Some(free)
        };
        while waits(mobile) && mobile.pace.free_since() > now {
            now = mobile.pace.free_since();
            let actions = mobile.on_time(now);
            written += &self.go_on(mobile, actions, now);
        }
        written
    }

    /// Lets both talk from one time to another, or until the modem is given up, with every deadline.
    pub fn talk_until(&self, mobile: &mut Mobile, from: Duration, until: Duration) -> String {
        let (mut written, mut now) = (self.talk(mobile, from), from);
        while let Some(next) = mobile.next_deadline().map(|next| next.max(now)).filter(|next| *next <= until)
        {
            if written.contains("abandoned") {
                break;
            }
            now = next;
            written += &self.talk(mobile, now);
            assert!(mobile.next_deadline().is_none_or(|next| next > now), "{written}");
        }
        written
    }

    fn go_on(&self, mobile: &mut Mobile, actions: Vec<Action>, now: Duration) -> String {
        let mut written = String::new();
        let mut actions: VecDeque<_> = actions.into();
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(words) => {
                    written += &format!("> {words}\n");
                    let sent = String::from_utf8(words.bytes()).unwrap();
                    let fits = |(asked, _): &&(&str, &str)| *asked == sent.trim_end_matches(['\r', '\x1a']);
                    let answer = self.0.iter().find(fits).map_or("\r\nERROR\r\n", |(_, answer)| answer);
                    actions.extend(mobile.on_bytes(answer.as_bytes(), now));
                }
                Action::Log(level, what) => written += &format!("{level:?}: {what}\n"),
                Action::Publish | Action::Dtr(_) => {}
                Action::Remember { file, record } => {
                    written += &format!("remember {file}: {}\n", record.get("outcome").unwrap());
                }
                Action::Report(report) => written += &format!("{report:?}\n"),
                Action::Abandon(why) => written += &format!("abandoned: {why}\n"),
            }
        }
        written
    }
}

pub(super) fn settled(modem: &Modem) -> Mobile {
    let mut mobile = mobile();
    modem.talk(&mut mobile, SECOND);
    assert!(mobile.works(), "{mobile:?}");
    // As if that were long ago.
    mobile.pace = Pace::default();
    mobile
}

#[test]
fn a_modem_is_configured_once_and_then_gets_no_command_for_a_minute() {
    let (mut mobile, modem) = (mobile(), option(&[]));
    insta::assert_snapshot!(modem.talk(&mut mobile, SECOND), @r#"
    > AT
    Info: modem answers
    > ATE0V1
    > AT+CMEE=1
    > AT+CGMI
    Info: manufacturer: Option N.V.
    > AT+CGMM
    Info: model: GlobeTrotter HSUPA Modem
    > AT+CFUN?
    > AT+CPIN?
    Info: SIM: ready
    > AT_OBLS
    > AT+CREG?
    Info: registration: home
    > AT+CGREG?
    Info: registration for data: home
    > AT+CEREG?
    > AT+COPS=3,2
    > AT+COPS?
    Info: operator: 20815
    > AT+COPS=3,0
    > AT+COPS?
    > AT+CSQ
    Info: signal: -79 dBm
    > AT+CTZU=1
    > AT+CTZR=1
    > AT+CCLK?
    > AT+CMGF=0
    > AT+CPMS=?
    > AT+CPMS="ME","ME","ME"
    Info: messages: in ME
    > AT+CNMI=?
    > AT+CNMI=2,1,2,1,0
    > AT+CMGL=4
    > AT+CPMS="SM","ME","ME"
    > AT+CMGL=4
    > AT+CPMS="ME","ME","ME"
    "#);
    insta::assert_snapshot!(mobile.record(), @"
    manufacturer=Option N.V.
    model=GlobeTrotter HSUPA Modem
    sim=ready
    registration=home
    technology=3G
    operator=20815
    signal-dbm=-79
    storage=ME
    ");
    assert_eq!(modem.talk(&mut mobile, 60 * SECOND), "");
    insta::assert_snapshot!(modem.talk(&mut mobile, 61 * SECOND), @"
    > AT+CREG?
    > AT+CGREG?
    > AT+CSQ
    > AT+CCLK?
    > AT+CMGL=4
    ");
}

#[test]
fn settings_are_repeated_every_ten_minutes_in_case_the_modem_has_lost_them() {
    let modem = option(&[]);
    let mut mobile = settled(&modem);
    let written: Vec<_> = (2..=12).map(|minute| modem.talk(&mut mobile, minute * 60 * SECOND)).collect();
    let with = |what| written.iter().filter(|talk| talk.contains(what)).count();
    assert_eq!((with("AT+CMGF=0"), with("AT+CNMI="), with("AT+CMGL=4")), (1, 1, 11));
    assert_eq!(with("AT+CPMS=\"SM\","), 1, "and every storage is listed");
}

#[test]
fn an_option_stick_is_waited_for_until_sim_and_messages_are_ready() {
    let mut mobile = mobile();
    let starting = option(&[("AT_OBLS", "_OBLS: 1,0,0\r\nOK\r\n")]);
    let first = starting.talk(&mut mobile, SECOND);
    assert!(first.ends_with("> AT_OBLS\n"), "{first}");
    assert_eq!(starting.talk(&mut mobile, 2 * SECOND), "> AT_OBLS\n");
    assert!(option(&[]).talk(&mut mobile, 3 * SECOND).contains("AT+CMGL=4"));

    // A stick that never reports it is used nevertheless.
    let mut mobile = self::mobile();
    let written: String = (1..60).map(|second| starting.talk(&mut mobile, second * SECOND)).collect();
    assert_eq!(written.matches("AT_OBLS").count(), 30);
    assert!(written.contains("AT+CMGL=4"));
}

#[test]
fn the_pin_is_never_shown_and_its_attempt_is_stored_before_it_is_sent() {
    let mut mobile = with_pin(None);
    let locked = option(&[("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), ("AT+CPIN=\"4321\"", "\r\nOK\r\n")]);
    let written = locked.talk(&mut mobile, SECOND);
    let (_, pin) = written.split_once("AT+CPIN?\n").unwrap();
    insta::assert_snapshot!(pin, @"
    Info: SIM: wants SIM PIN
    > AT+CCID
    > AT_OERCN?
    Info: giving the SIM its PIN
    remember sim: unknown
    > AT+CPIN=…
    remember sim: accepted
    ");
    assert!(!written.contains("4321") && !format!("{mobile:?}").contains("4321"));
    assert!(option(&[]).talk(&mut mobile, 2 * SECOND).contains("AT+CMGL=4"));
}

#[test]
fn a_wrong_pin_is_given_once() {
    let mut mobile = with_pin(None);
    let refused = [("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), ("AT+CPIN=\"4321\"", "\r\n+CME ERROR: 16\r\n")];
    let mut written = String::new();
    for round in 0..100 {
        written += &option(&refused).talk(&mut mobile, (1 + 10 * round) * SECOND);
    }
    // Another port, another chance? No.
    mobile.on_open(None, 2000 * SECOND);
    written += &option(&refused).talk(&mut mobile, 2000 * SECOND);
    assert_eq!(written.matches("AT+CPIN=").count(), 1);
    assert_eq!(written.matches("remember sim: refused").count(), 1);
    assert_eq!(mobile.record().get("sim"), Some("PIN refused; correct site.toml"));
    assert!(mobile.works(), "only a person can help, and not the recovery");
}

#[test]
fn a_sim_that_asks_for_its_pin_again_in_the_same_boot_is_left_to_the_recovery() {
    let mut mobile = with_pin(None);
    let locked = option(&[("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), ("AT+CPIN=\"4321\"", "\r\nOK\r\n")]);
    locked.talk(&mut mobile, SECOND);
    option(&[]).talk(&mut mobile, 2 * SECOND);
    mobile.on_open(None, 100 * SECOND);
    let written = locked.talk(&mut mobile, 100 * SECOND);
    assert!(!written.contains("AT+CPIN="), "{written}");
    assert!(written.contains("abandoned: the SIM wants its PIN again"), "{written}");
    assert!(!mobile.works());
}

#[test]
fn the_state_of_the_sim_is_published_in_words() {
    let table = [
        ("+CPIN: READY\r\nOK\r\n", "ready"),
        ("+CPIN: SIM PUK\r\nOK\r\n", "wants SIM PUK"),
        ("+CPIN: SIM PIN\r\nOK\r\n", "wants SIM PIN, and the site has none"),
        ("+CME ERROR: 10\r\n", "unusable: no SIM"),
        ("+CME ERROR: 14\r\n", "unusable: SIM busy"),
        ("+CME ERROR: 772\r\n", "unusable: error 772"),
        ("ERROR\r\n", "unusable: no answer to +CPIN?"),
        ("OK\r\n", "unusable: no answer to +CPIN?"),
    ];
    for (answer, expected) in table {
        let mut mobile = mobile();
        let written = option(&[("AT+CPIN?", answer)]).talk(&mut mobile, SECOND);
        assert_eq!(mobile.record().get("sim"), Some(expected), "{answer}");
        assert!(!written.contains("AT+CPIN="), "{written}");
    }
}

#[test]
fn a_modem_without_a_network_for_ten_minutes_is_recovered() {
    let searching = option(&[("AT+CREG?", "+CREG: 0,2\r\nOK\r\n"), ("AT+CGREG?", "+CGREG: 0,0\r\nOK\r\n")]);
    let mut mobile = mobile();
    for second in 1..1000 {
        if searching.talk(&mut mobile, second * SECOND).contains("abandoned") {
            return assert!((600..620).contains(&second), "{second}");
        }
        assert!(!mobile.works());
    }
    panic!("never");
}

#[test]
fn a_sim_that_cannot_be_read_for_ten_minutes_is_recovered_and_an_empty_holder_is_not() {
    let abandoned = |answer| {
        let (modem, mut mobile) = (option(&[("AT+CPIN?", answer)]), mobile());
        let written: String = (1..1000).map(|second| modem.talk(&mut mobile, second * SECOND)).collect();
        (mobile.works(), written.contains("abandoned: the SIM cannot be read"))
    };
    assert_eq!(abandoned("+CME ERROR: 14\r\n"), (false, true));
    assert_eq!(abandoned("+CME ERROR: 13\r\n"), (false, true));
    assert_eq!(abandoned("+CME ERROR: 10\r\n"), (true, false));
}

#[test]
fn the_network_s_time_is_reported_when_it_is_known() {
    let mut mobile = mobile();
    let without = option(&[("AT+CCLK?", "+CCLK: \"80/01/06,00:00:10+00\"\r\nOK\r\n")]);
    assert!(!without.talk(&mut mobile, SECOND).contains("NetworkTime"));
    let with = option(&[("AT+CCLK?", "+CCLK: \"26/07/14,03:59:58+00\"\r\nOK\r\n")]);
    assert!(with.talk(&mut mobile, 61 * SECOND).contains("NetworkTime(1784001598)"), "asked every minute");
    assert!(!with.talk(&mut mobile, 121 * SECOND).contains("CCLK"), "and then no more");
    assert_eq!(with.send_urc(&mut mobile, "+CTZV: 8", 122 * SECOND), "> AT+CCLK?\nNetworkTime(1784001598)\n");
    let reading = with.send_urc(&mut mobile, "^NWTIME: 26/07/14,05:59:58+08,00", 123 * SECOND);
    assert!(
        reading.starts_with("ClockReading(ClockReading { shown: 1784008798, east: Some(7200)"),
        "{reading}"
    );
}

#[test]
fn the_recovery_s_commands_come_first_answered_or_not() {
    let sent = |mobile: &mut Mobile| {
        let mut sent = Vec::new();
        for second in 0..30 {
            for action in mobile.on_time(100 * SECOND + second * SECOND) {
                if let Action::Send(words) = action {
                    sent.push(String::from_utf8(words.bytes()).unwrap());
                }
            }
        }
        sent.truncate(4);
        sent
    };
    let mut mobile = mobile();
    mobile.on_open(Some(RecoveryStep::HangUp), 100 * SECOND);
    assert_eq!(mobile.next_deadline(), Some(100 * SECOND + GUARD_TIME), "silence before +++");
    assert_eq!(sent(&mut mobile), ["+++", "ATH\r", "ATZ\r", "AT\r"]);
    mobile.on_open(Some(RecoveryStep::Restart), 100 * SECOND);
    assert_eq!(sent(&mut mobile)[..2], ["AT+CFUN=1,1\r", "AT\r"]);

    let mut opened = with_pin(None);
    let locked = option(&[("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), ("AT+CPIN=\"4321\"", "\r\nOK\r\n")]);
    locked.talk(&mut opened, SECOND);
    opened.on_open(Some(RecoveryStep::Restart), 100 * SECOND);
    assert_eq!(sent(&mut opened)[..2], ["AT+CFUN=4\r", "AT+CFUN=1\r"], "the SIM stays open");
}

#[test]
fn a_radio_that_is_off_at_the_start_is_switched_on_once_and_before_the_pin() {
    let locked = [("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n"), ("AT+CPIN=\"4321\"", "\r\nOK\r\n")];
    for level in ["+CFUN: 0\r\nOK\r\n", "+CFUN: 4\r\nOK\r\n"] {
        let off = option(&[&locked[..], &[("AT+CFUN?", level), ("AT+CFUN=1", "\r\nOK\r\n")]].concat());
        let mut mobile = with_pin(None);
        let written = off.talk_until(&mut mobile, SECOND, 10 * SECOND);
        let [on, asked, pin] = ["AT+CFUN=1", "AT+CPIN?", "AT+CPIN=…"].map(|command| written.find(command));
        assert!(on.is_some() && on < asked && asked < pin, "{written}");
        let later = off.send_urc(&mut mobile, "RDY", 11 * SECOND);
        assert!(later.contains("AT+CFUN?") && !later.contains("AT+CFUN=1"), "{later}");

        // Opened again after a PIN: only where the SIM stays open.
        mobile.on_open(None, 100 * SECOND);
        let again = off.talk_until(&mut mobile, 100 * SECOND, 110 * SECOND);
        assert_eq!(again.contains("AT+CFUN=1"), level.contains('4'), "{again}");
    }
}

#[test]
fn a_modem_that_restarts_by_itself_is_configured_again() {
    let modem = option(&[]);
    let mut mobile = settled(&modem);
    let written = modem.send_urc(&mut mobile, "^SYSSTART", 20 * SECOND);
    assert!(written.contains("ATE0V1") && written.contains("AT+CMGL=4"), "{written}");
}
