//! The dialogue with a mobile modem, as transcripts.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn send(step: Step) -> Action {
    Action::Send(step.request().line().clone())
}

/// Runs the dialogue against a modem that answers what the table says, until nothing is asked
/// any more, and writes down both sides.
fn transcript(mobile: &mut Mobile, answers: &[(&str, &str)], now: Duration) -> String {
    let mut written = String::new();
    let mut actions = mobile.tick(now);
    while !actions.is_empty() {
        let mut next = Vec::new();
        for action in actions {
            match action {
                Action::Send(command) => {
                    written += &format!("> {command}\n");
                    let answer = answers.iter().find(|(asked, _)| *asked == command.to_string());
                    let answer = answer.map_or("\r\nERROR\r\n", |(_, answer)| answer);
                    next.extend(mobile.hear(answer.as_bytes(), now));
                }
                Action::Say(level, what) => written += &format!("{level:?}: {what}\n"),
                Action::Publish => {}
                Action::Remember { .. } | Action::Report(_) => panic!("{action:?}"),
                Action::Abandon(why) => written += &format!("abandoned: {why}\n"),
            }
        }
        actions = next;
    }
    written
}

const OPTION: &[(&str, &str)] = &[
    ("AT", "AT\r\r\nOK\r\n"),
    ("ATE0V1", "ATE0V1\r\r\nOK\r\n"),
    ("AT+CMEE=1", "\r\nOK\r\n"),
    ("AT+CGMI", "\r\nOption N.V.\r\n\r\nOK\r\n"),
    ("AT+CGMM", "\r\nGlobeTrotter HSUPA Modem\r\n\r\nOK\r\n"),
    ("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
    ("AT+CSQ", "\r\n+CSQ: 17,99\r\n\r\nOK\r\n"),
];

fn with(answers: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [answers, OPTION].concat()
}

#[test]
fn a_modem_is_asked_who_it_is_and_then_left_in_peace() {
    let mut mobile = Mobile::default();
    insta::assert_snapshot!(transcript(&mut mobile, OPTION, SECOND), @"
    > AT
    Info: modem answers
    > ATE0V1
    > AT+CMEE=1
    > AT+CGMI
    Info: manufacturer: Option N.V.
    > AT+CGMM
    Info: model: GlobeTrotter HSUPA Modem
    > AT+CPIN?
    Info: SIM: ready
    > AT+CSQ
    Info: signal: -79 dBm
    ");
    insta::assert_snapshot!(mobile.record(), @"
    manufacturer=Option N.V.
    model=GlobeTrotter HSUPA Modem
    sim=ready
    signal-dbm=-79
    ");
    assert_eq!(transcript(&mut mobile, OPTION, 60 * SECOND), "");
    assert_eq!(transcript(&mut mobile, OPTION, 61 * SECOND), "> AT+CSQ\n");
}

#[test]
fn a_locked_sim_is_watched_and_gets_no_pin() {
    let mut mobile = Mobile::default();
    let locked = with(&[("AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n")]);
    for round in 0..100 {
        let written = transcript(&mut mobile, &locked, (1 + 10 * round) * SECOND);
        assert!(!written.contains("+CPIN="));
    }
    assert_eq!(mobile.record().get("sim"), Some("wants SIM PIN"));
    let written = transcript(&mut mobile, OPTION, 2000 * SECOND);
    assert!(written.contains("SIM: ready"), "{written}");
}

#[test]
fn what_the_sim_says_in_figures_is_said_in_words() {
    let table = [
        ("+CPIN: READY\r\nOK\r\n", "ready"),
        ("+CPIN: SIM PUK\r\nOK\r\n", "wants SIM PUK"),
        ("+CME ERROR: 10\r\n", "unusable: no SIM"),
        ("+CME ERROR: 14\r\n", "unusable: SIM busy"),
        ("+CME ERROR: 772\r\n", "unusable: 772"),
        ("ERROR\r\n", "unusable: no answer to +CPIN?"),
        ("OK\r\n", "unusable: no answer to +CPIN?"),
    ];
    for (answer, expected) in table {
        let mut mobile = Mobile::default();
        transcript(&mut mobile, &with(&[("AT+CPIN?", answer)]), SECOND);
        assert_eq!(mobile.record().get("sim"), Some(expected), "{answer}");
    }
}

#[test]
fn the_signal_is_told_in_dbm() {
    let table = [
        ("+CSQ: 0,0", Some(-113)),
        ("+CSQ: 31,99", Some(-51)),
        ("+CSQ: 99,99", None),
        ("+CSQ: 17", Some(-79)),
        ("+CSQ: x,y", None),
        ("+CSQ:", None),
        ("+CSQ: 999999999999,0", None),
    ];
    for (line, expected) in table {
        assert_eq!(dbm(&[line.to_owned()]), expected, "{line}");
    }
}

#[test]
fn a_port_that_never_answers_is_given_up_within_five_seconds() {
    let mut mobile = Mobile::default();
    let mut sent = Vec::new();
    for second in 0..10 {
        for action in mobile.tick(second * SECOND) {
            match action {
                Action::Send(command) => sent.push(command.to_string()),
                Action::Abandon(_) => {
                    assert_eq!(second, 5);
                    assert_eq!(sent, ["AT", "ATQ0V1", "AT", "ATQ0V1", "AT"]);
                    return;
                }
                _ => panic!("{action:?}"),
            }
        }
    }
    panic!("never given up");
}

#[test]
fn a_modem_that_was_left_silent_or_in_figures_is_reached() {
    let mut mobile = Mobile::default();
    assert_eq!(mobile.tick(SECOND), [send(Step::Attention)]);
    assert_eq!(mobile.tick(2 * SECOND), [send(Step::AttentionInWords)]);
    assert!(mobile.hear(b"OK\r\n", 2 * SECOND).contains(&send(Step::Plain)));

    let mut in_figures = Mobile::default();
    in_figures.tick(SECOND);
    assert!(in_figures.hear(b"AT\r0\r", SECOND).contains(&send(Step::Plain)));
}

#[test]
fn a_modem_that_falls_silent_is_given_up_after_three_commands() {
    let mut mobile = Mobile::default();
    transcript(&mut mobile, OPTION, SECOND);
    let mut now = SECOND;
    let mut unanswered = 0;
    loop {
        now = mobile.wake().unwrap().max(now);
        for action in mobile.tick(now) {
            match action {
                Action::Send(_) => unanswered += 1,
                Action::Abandon(_) => return assert_eq!(unanswered, 3),
                _ => {}
            }
        }
        assert!(unanswered < 10);
    }
}

#[test]
fn garbage_after_a_reset_is_logged_and_survived() {
    let mut mobile = Mobile::default();
    mobile.tick(SECOND);
    let actions = mobile.hear(b"\xfe\xff\x80\r\nAT\r\r\nOK\r\n", SECOND);
    assert!(matches!(&actions[0], Action::Say(Level::Warning, _)));
    assert_eq!(actions.last(), Some(&send(Step::Plain)));
}
