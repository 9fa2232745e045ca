//! Modems that do not answer, or not in time.

use super::*;

#[test]
fn a_port_that_never_answers_is_given_up_within_five_seconds() {
    let mut mobile = mobile();
    let mut sent = Vec::new();
    for second in 0..10 {
        for action in mobile.on_time(second * SECOND) {
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
fn a_modem_with_result_codes_off_or_as_numbers_is_reached() {
    let send = |step: Step| Action::Send(step.request(&ModemTraits::default(), None).line().clone());
    let mut mobile = mobile();
    assert_eq!(mobile.on_time(SECOND), [send(Step::Attention)]);
    assert_eq!(mobile.on_time(2 * SECOND), [send(Step::AttentionInWords)]);
    assert!(mobile.on_bytes(b"OK\r\n", 2 * SECOND).contains(&send(Step::Echo0)));
    // A modem at the prompt for a text leaves it.
    assert_eq!(Step::AttentionInWords.request(&ModemTraits::default(), None).line().bytes(), b"\x1bATQ0V1\r");

    let mut in_figures = self::mobile();
    in_figures.on_time(SECOND);
    assert!(in_figures.on_bytes(b"AT\r0\r", SECOND).contains(&send(Step::Echo0)));
}

#[test]
fn a_modem_that_falls_silent_is_given_up_after_three_commands() {
    let mut mobile = settled(&option(&[]));
    let mut now = SECOND;
    let mut unanswered = 0;
    loop {
        now = mobile.next_deadline().unwrap().max(now);
        for action in mobile.on_time(now) {
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
fn an_unanswered_optional_command_costs_only_its_deadline() {
    let silent: Vec<_> =
        ["AT+CMEE=1", "AT+CGMI", "AT+CGMM", "AT+CREG?", "AT+CGREG?", "AT+COPS=3,2", "AT+COPS?"]
            .into_iter()
            .chain(["AT+COPS=3,0", "AT+CSQ", "AT+CTZU=1", "AT+CTZR=1", "AT+CCLK?", "AT+CNMI=?", "AT+CSMS?"])
            .map(|command| (command, ""))
            .collect();
    let (mut mobile, modem) = (mobile(), option(&silent));
    let written = modem.talk_until(&mut mobile, SECOND, 120 * SECOND);
    assert!(!written.contains("abandoned") && written.contains("AT+CMGL=4"), "{written}");
    let later = modem.talk_until(&mut mobile, 121 * SECOND, 600 * SECOND);
    assert_eq!(later.matches("no answer").count(), 0, "left out until the next refresh: {later}");
    assert!(later.matches("AT+CMGL=4").count() > 7, "{later}");
    assert!(mobile.works());
}

#[test]
fn an_essential_command_without_an_answer_three_times_starts_the_recovery() {
    let (mut mobile, modem) = (mobile(), option(&[("AT+CPIN?", "")]));
    let written = modem.talk_until(&mut mobile, SECOND, 60 * SECOND);
    assert_eq!(written.matches("> AT+CPIN?").count(), 3, "{written}");
    assert!(written.contains("abandoned: no answer to AT+CPIN?"), "{written}");
}

/// The words of other makers end a command, too: see `REFUSALS` for the sources.
#[test]
fn a_refusal_in_other_words_ends_the_command_at_once() {
    for words in ["COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "MODEM ERROR: 4", "NA", "+EXT ERROR: 1"] {
        let answer = format!("\r\n{words}\r\n");
        let refused =
            ["AT+CMEE=1", "AT+COPS=3,2", "AT+CTZU=1", "AT+CTZR=1"].map(|command| (command, &*answer));
        let written = option(&refused).talk(&mut mobile(), SECOND);
        assert!(written.contains("AT+CMGL=4"), "{words}: {written}");
    }
}

#[test]
fn an_answer_that_comes_after_its_deadline_is_not_taken_for_another_command_s() {
    let (mut mobile, modem) = (mobile(), option(&[("AT+CREG?", "")]));
    modem.talk(&mut mobile, SECOND);
    let written = modem.talk(&mut mobile, 6 * SECOND);
    assert_eq!(written, "Warning: no answer to AT+CREG?\n> AT\n");
    mobile.on_bytes(b"\r\n+CREG: 0,1\r\n\r\nOK\r\n", 6 * SECOND);
    assert!(
        modem.talk(&mut mobile, 7 * SECOND).starts_with("> AT+CGREG?\nInfo: registration for data: home")
    );
}

#[test]
fn garbage_after_a_reset_is_logged_and_survived() {
    let mut mobile = mobile();
    mobile.on_time(SECOND);
    let actions = mobile.on_bytes(b"\xfe\xff\x80\r\nAT\r\r\nOK\r\n", SECOND);
    assert!(matches!(&actions[0], Action::Log(Level::Warning, _)));
    assert!(matches!(actions.last(), Some(Action::Send(words)) if words.to_string() == "ATE0V1"));
}
