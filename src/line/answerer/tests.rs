use super::*;
use crate::line::login::{Admitted, PromptWords};
use crate::modem::at::request::Request;
use crate::modem::protocol::Protocol;
use crate::modem::recovery::RecoveryStep;
use crate::modem::serial::Dtr;
use crate::published::{LineStatus, Published};
use crate::site::{Offer, Role, Site};

mod call_end;
mod models;
mod null_modem;
mod odd;

const SECOND: Duration = Duration::from_secs(1);

fn send(step: Step) -> Action {
    Action::Send(step.request().line().clone())
}

/// `+++`, which no command waits for.
fn escape() -> Action {
    Action::Send(step::escape_sequence())
}

fn random() -> Option<Registers> {
    Some(Registers::from_words([113, 35]))
}

const SECRET: &[u8] = b"\r\n123\r\n\r\n045\r\n\r\nOK\r\n";
const GUARD_TIME: Duration = Duration::from_millis(1200);

fn config(keys: &str) -> AnswererConfig {
    let text = format!(
        "role='dial-in'\nhostname='x'\n[[line]]\nport='/dev/ttyUSB0'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n{keys}\n\
         [[user]]\nname='u'\npassword='p'\n"
    );
    let site = Site::parse(&text).unwrap();
    match &site.role {
        Role::DialIn(dial_in) => {
            AnswererConfig::new(&dial_in.lines[0], &PromptWords::new(&dial_in.prompts, &site.hostname))
        }
        Role::Dialer(_) => unreachable!("role='dial-in'"),
    }
}

/// A line that waits for calls, and has nothing more to say; its modem keeps the secret.
fn ready(keys: &str) -> Answerer {
    ready_with(keys, SECRET)
}

/// The same, with a modem that answers this when it is asked for the secret.
fn ready_with(keys: &str, secret: &[u8]) -> Answerer {
    let mut line = Answerer::new(config(keys), random);
    line.on_open(None, SECOND);
    assert_eq!(line.on_time(SECOND), [send(Step::Reset)]);
    let reset = line.on_bytes(b"ATZ\r\r\nOK\r\n", SECOND);
    assert_eq!(reset.last(), Some(&send(Step::InitString)));
    let registers = random().unwrap();
    assert_eq!(line.on_bytes(b"AT...\r\r\nOK\r\n", SECOND).last(), Some(&send(Step::EscapeSequence)));
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", SECOND), [send(Step::SetSecret(registers))]);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", SECOND), [send(Step::ReadSecret(registers))]);
    assert_eq!(line.on_bytes(secret, SECOND).last(), Some(&send(Step::CallerId(step::CALLER_ID))));
    assert_eq!(line.record().get("line"), Some("resetting"), "not all is acknowledged");
    assert_eq!(logged(&line.on_bytes(b"\r\nERROR\r\n", SECOND)), ["modem reset, waiting for calls"]);
    assert!(line.is_idle());
    line
}

/// Answers all that follows a reset.
fn finish_set_up(line: &mut Answerer, now: Duration) {
    for answer in [b"\r\nOK\r\n".as_slice(), b"\r\nOK\r\n", b"\r\nOK\r\n", SECRET, b"\r\nOK\r\n"] {
        line.on_bytes(answer, now);
    }
}

/// A line whose caller is connected at the tenth second.
fn connected() -> Answerer {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    line.on_bytes(b"\r\nCONNECT 33600/ARQ/V34\r\n", 10 * SECOND);
    line
}

fn logged(actions: &[Action]) -> Vec<&str> {
    let logs = actions.iter().filter_map(|action| match action {
        Action::Log(_, what) => Some(what.as_str()),
        _ => None,
    });
    logs.collect()
}

#[test]
fn a_line_sends_nothing_for_an_hour_after_a_reset() {
    let mut line = ready("");
    assert_eq!(line.next_deadline(), Some(3601 * SECOND));
    assert_eq!(line.on_time(3600 * SECOND), []);
    assert_eq!(line.on_time(3601 * SECOND), [send(Step::Probe)]);
    assert_eq!(line.on_bytes(b"OK\r\n", 3601 * SECOND), []);
}

#[test]
fn the_configured_ring_is_answered_at_once() {
    let mut line = ready("rings = 2");
    assert_eq!(logged(&line.on_bytes(b"\r\nRING\r\n", 10 * SECOND)), ["RING, a new call"]);
    assert_eq!(logged(&line.on_bytes(b"\r\nNMBR = 0555\r\n", 12 * SECOND)), ["caller 0555"]);
    assert!(line.is_idle(), "others may have the port while it only rings");
    let answered = line.on_bytes(b"\r\nRING\r\n", 15 * SECOND);
    assert_eq!(answered.first(), Some(&send(Step::Answer)), "before anything is published or logged");
    assert_eq!(logged(&answered), ["RING, number 2 of this call"]);
    assert!(!line.is_idle());
    insta::assert_snapshot!(line.record(), @"
    line=answering
    calls=1
    rings=2
    caller=0555
    ");
}

#[test]
fn a_call_that_comes_during_the_reset_is_answered_and_nothing_of_it_goes_to_the_caller() {
    let mut line = Answerer::new(config(""), random);
    line.on_open(None, SECOND);
    line.on_time(SECOND);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", SECOND).last(), Some(&send(Step::InitString)));
    line.on_bytes(b"\r\nRING\r\n", SECOND);
    line.on_bytes(b"\r\nOK\r\n", SECOND); // the init string
    line.on_bytes(b"\r\nOK\r\n", SECOND); // the escape sequence
    line.on_bytes(b"\r\nOK\r\n", SECOND); // the secret, which must be in place before the caller is
    assert_eq!(line.on_bytes(SECRET, SECOND), [send(Step::Answer)]);
    let connected = line.on_bytes(b"\r\nCONNECT\r\n", 10 * SECOND);
    assert!(matches!(connected.last(), Some(Action::Report(Report::Connected(_)))), "{connected:?}");
}

#[test]
fn a_modem_that_refuses_one_command_of_the_init_string_gets_the_others() {
    let mut line = Answerer::new(config(""), random);
    line.on_open(None, SECOND);
    line.on_time(SECOND);
    line.on_bytes(b"\r\nOK\r\n", SECOND);
    let mut sent = line.on_bytes(b"\r\nERROR\r\n", SECOND);
    for answer in ["OK", "OK", "OK", "OK", "ERROR"] {
        sent.extend(line.on_bytes(format!("\r\n{answer}\r\n").as_bytes(), SECOND));
    }
    assert_eq!(logged(&sent), ["the modem refuses AT&C1: ERROR"]);
    sent.retain(|action| matches!(action, Action::Send(_)));
    let commands = ["ATQ0", "ATV1", "ATE0", "ATS0=0", "AT&C1", "AT&D2"];
    assert_eq!(sent, commands.map(|command| send(Step::InitCommand(command))));
    let whole: String = commands.map(|command| &command[2..]).concat();
    assert_eq!(
        send(Step::InitString),
        Action::Send(Request::from_line(format!("AT{whole}"), 2).line().clone())
    );
}

#[test]
fn a_modem_may_confirm_the_answer_before_it_connects_and_a_fax_machine_is_hung_up_at_once() {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING A\r\n", 5 * SECOND);
    line.on_bytes(b"\r\nOK\r\n", 5 * SECOND);
    line.on_bytes(b"\r\nCONNECT\r\n", 9 * SECOND);
    assert!(published_call(&line).is_some());

    for words in ["FAX", "CONNECT FAX", "+FCON", "+FCO", "+FHNG: 10"] {
        let mut line = ready("");
        line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
        let fax = line.on_bytes(format!("\r\n{words}\r\n").as_bytes(), 9 * SECOND);
        let lost = Report::Lost { caller: None, why: "a fax machine calls".to_owned() };
        assert!(fax.contains(&Action::Report(lost)), "{fax:?}");
        assert_eq!(line.record().get("line"), Some("hanging-up"));
    }
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    line.on_bytes(b"\r\nDATA\r\nCONNECT 14400\r\n", 9 * SECOND);
    assert!(published_call(&line).is_some());
}

#[test]
fn a_caller_is_found_on_the_list_however_the_number_is_written() {
    for (told, answered) in [
        ("NMBR=0033123", true),
        ("CALLER NUMBER: +33-1-23", true),
        ("+CLIP: \"+33123\",145", true),
        ("NMBR = 33123", false),
    ] {
        let mut line = ready("callers = ['+33123']");
        line.on_bytes(b"\r\nRING\r\n", 10 * SECOND);
        line.on_bytes(format!("\r\n{told}\r\n").as_bytes(), 12 * SECOND);
        let second = line.on_bytes(b"\r\nRING\r\n", 15 * SECOND);
        let is_answered =
            second.contains(&send(Step::Answer)) || line.record().get("line") == Some("answering");
        assert_eq!(is_answered, answered, "{told}");
    }
}

#[test]
fn rings_of_a_missed_call_do_not_count_for_the_next_one() {
    let mut line = ready("rings = 2");
    line.on_bytes(b"\r\nRING\r\n", 10 * SECOND);
    let next = line.on_bytes(b"\r\nRING\r\n", 60 * SECOND);
    assert!(!next.contains(&send(Step::Answer)));
}

#[test]
fn only_the_callers_on_the_list_are_answered() {
    let answers = |told: &[u8]| {
        let mut line = ready("callers = ['0555', '+33123']");
        let mut actions = line.on_bytes(b"\r\nRING\r\n", 10 * SECOND);
        actions.extend(line.on_bytes(told, 12 * SECOND));
        actions.extend(line.on_bytes(b"\r\nRING\r\n", 15 * SECOND));
        actions.contains(&send(Step::Answer))
    };
    assert!(answers(b"\r\nNMBR = 0555\r\n"));
    assert!(answers(b"\r\nNMBR = +33123\r\n"));
    assert!(!answers(b"\r\nNMBR = 0666\r\n"));
    assert!(!answers(b"\r\nNMBR = P\r\n"), "a number that is withheld (V.253 section 9.2.3.1)");
    assert!(!answers(b""));
}

#[test]
fn the_log_says_why_a_call_is_not_answered() {
    let why = |caller_id: &[u8]| {
        let mut line = ready("rings = 1\ncallers = ['0555']");
        line.on_bytes(caller_id, 9 * SECOND);
        let actions = line.on_bytes(b"\r\nRING\r\n", 10 * SECOND);
        logged(&actions).last().map(|&why| why.to_owned())
    };
    assert_eq!(why(b"").as_deref(), Some("not answered: no caller number received"));
    assert_eq!(why(b"\r\nNMBR = 0666\r\n").as_deref(), Some("not answered: 0666 is not on the list"));
}

#[test]
fn a_connected_caller_is_reported_with_its_speed_and_nothing_is_sent_during_the_call() {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    let actions = line.on_bytes(b"\r\nCONNECT 33600/ARQ/V34\r\n", 10 * SECOND);
    let speed = Some("33600/ARQ/V34".to_owned());
    let call = Connected { since: 10 * SECOND, caller: None, speed, ..Connected::default() };
    assert_eq!(actions.last(), Some(&Action::Report(Report::Connected(call))));
    assert_eq!(line.on_bytes(b"~\xff}#\xc0!}!}!\rRING\r", 11 * SECOND), []);
    assert_eq!(line.on_time(9999 * SECOND), []);
    assert!(!line.is_idle());
}

#[test]
fn a_modem_without_a_carrier_is_prepared_for_the_next_call() {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\nNMBR = 0555\r\n", 5 * SECOND);
    let actions = line.on_bytes(b"\r\nNO CARRIER\r\n", 45 * SECOND);
    let lost = Report::Lost { caller: Some("0555".to_owned()), why: "NO CARRIER".to_owned() };
    assert!(actions.contains(&Action::Report(lost)), "{actions:?}");
    assert_eq!(actions.last(), Some(&Action::Dtr(Dtr::Low)));
}

#[test]
fn a_modem_without_a_result_of_the_answer_hangs_up_after_80_seconds() {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    assert_eq!(line.next_deadline(), Some(85 * SECOND));
    let actions = line.on_time(85 * SECOND);
    assert!(matches!(&actions[1], Action::Report(Report::Lost { .. })), "{actions:?}");
    assert_eq!(actions.last(), Some(&Action::Dtr(Dtr::Low)));
}

#[test]
fn a_modem_that_vanishes_while_answering_is_a_lost_call() {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    let lost = Report::Lost { caller: None, why: "the modem has vanished".to_owned() };
    assert_eq!(line.on_close(), [lost]);
    assert_eq!(line.on_close(), []);
}

#[test]
fn a_recovery_step_tries_to_leave_a_call_before_the_reset() {
    let mut line = Answerer::new(config(""), random);
    line.on_open(Some(RecoveryStep::HangUp), SECOND);
    assert_eq!(line.on_time(SECOND), []);
    assert_eq!(line.on_time(3 * SECOND), [escape()]);
    assert_eq!(line.on_time(6 * SECOND), [send(Step::HangUp)]);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", 6 * SECOND), [send(Step::Reset)]);
}

#[test]
fn a_modem_that_cannot_be_reset_is_given_up_after_five_tries() {
    let mut line = Answerer::new(config(""), random);
    line.on_open(None, Duration::ZERO);
    let mut resets = 0;
    for second in 0..60 {
        for action in line.on_time(second * SECOND) {
            match action {
                Action::Send(command) => {
                    assert_eq!(command.bytes(), b"ATZ\r");
                    resets += 1;
                }
                Action::Abandon(_) => return assert_eq!(resets, 5),
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("never given up");
}

#[test]
fn a_modem_that_no_longer_answers_its_probe_is_given_up() {
    let mut line = ready("");
    line.on_time(3601 * SECOND);
    let actions = line.on_time(3603 * SECOND);
    assert_eq!(actions, [Action::Abandon("no answer to AT".into())]);
}

fn published_call(line: &Answerer) -> Option<Connected> {
    LineStatus::from_record(&line.record()).and_then(Connected::from_status)
}

/// A connected line with a login prompt.
fn awaiting_login() -> Answerer {
    let mut line = ready("login = true");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    let actions = line.on_bytes(b"\r\nCONNECT 33600\r\n", 10 * SECOND);
    assert_eq!(logged(&actions), ["connected at 33600"]);
    assert_eq!(line.record().get("line"), Some("logging-in"));
    assert_eq!(published_call(&line), None);
    line
}

fn connected_as(user: Option<&str>) -> Connected {
    let user = user.map(|user| user.parse().unwrap());
    Connected { since: 10 * SECOND, caller: None, speed: Some("33600".to_owned()), user, offer: Offer::Ppp }
}

/// Types a name and a password, which the owner of the line checks.
fn log_in(line: &mut Answerer, typed: &[u8], user: Option<&str>) -> Vec<Action> {
    let mut actions = line.on_bytes(typed, 15 * SECOND);
    while actions.last() == Some(&Action::Report(Report::CheckPassword)) {
        assert!(line.credentials().is_some());
        line.set_checked(user.map(|it| Admitted { user: it.parse().unwrap(), offers: vec![Offer::Ppp] }));
        actions = line.on_time(15 * SECOND);
    }
    actions
}

#[test]
fn a_login_hands_over_with_the_name_and_ppp_without() {
    for (bytes, user) in [(&b"\rguest\rXy7Qz9\r"[..], Some("guest")), (b"~\xff}#\xc0!", None)] {
        let mut line = awaiting_login();
        let actions = log_in(&mut line, bytes, user);
        assert_eq!(actions.last(), Some(&Action::Report(Report::Connected(connected_as(user)))));
        assert_eq!(published_call(&line), Some(connected_as(user)), "for the service's next run");
        assert_eq!(line.next_deadline(), line.probe);
    }
}

#[test]
fn a_caller_who_does_not_log_in_is_reported_and_disconnected() {
    let wrong: &[u8] = b"\rguest\rguesswork\rguest\rguesswork\rguest\rguesswork\r";
    for (bytes, why) in [(wrong, "name or password wrong"), (b"\r\nNO CARRIER\r\n", "the caller hung up")] {
        let mut line = awaiting_login();
        let actions = log_in(&mut line, bytes, None);
        let away = Report::LoginFailed { connected: connected_as(None), why: why.to_owned() };
        assert!(actions.contains(&Action::Report(away)), "{actions:?}");
        assert_eq!(actions.last(), Some(&Action::Dtr(Dtr::Low)));
        assert!(!format!("{actions:?} {line:?}").contains("guesswork"));
    }
}

#[test]
fn a_caller_at_the_prompt_is_disconnected_after_a_minute_or_lost_with_the_modem() {
    let mut line = awaiting_login();
    assert_eq!(line.next_deadline(), Some(14 * SECOND));
    assert!(matches!(line.on_time(14 * SECOND)[..], [Action::Send(_)]));
    assert_eq!(line.next_deadline(), Some(70 * SECOND));
    assert_eq!(line.on_time(70 * SECOND).last(), Some(&Action::Dtr(Dtr::Low)));
    let away = |why: &str| Report::LoginFailed { connected: connected_as(None), why: why.to_owned() };
    assert_eq!(awaiting_login().on_close(), [away("the modem has vanished")]);
}
