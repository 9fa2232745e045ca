//! The end of a call: what proves it, and whose answers do not count.

use super::*;

#[test]
fn hanging_up_is_dtr_then_the_proof_by_the_secret_and_then_a_reset() {
    let mut line = connected();
    line.hang_up();
    assert_eq!(line.on_time(60 * SECOND), [Action::Dtr(Dtr::Low)]);
    let half = 60 * SECOND + Duration::from_millis(500);
    assert_eq!(line.next_deadline(), Some(half));
    assert_eq!(line.on_time(half), [Action::Dtr(Dtr::High), send(Step::Prove)]);
    assert_eq!(line.on_bytes(b"\xff}\r\nNO CARRIER\r\n", 61 * SECOND), []);
    assert_eq!(line.on_bytes(SECRET, 61 * SECOND), [send(Step::HangUp)]);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", 61 * SECOND), [send(Step::Reset)]);
    line.on_bytes(b"\r\nOK\r\n", 61 * SECOND);
    finish_set_up(&mut line, 61 * SECOND);
    assert_eq!(line.record().get("line"), Some("ready"));
}

#[test]
fn a_modem_that_ignores_dtr_gets_the_escape_sequence_between_two_silences() {
    let mut line = connected();
    line.hang_up();
    line.on_time(60 * SECOND);
    line.on_time(61 * SECOND); // the question goes to the caller, who cannot know the answer
    assert_eq!(line.on_time(63 * SECOND), []);
    let before = 63 * SECOND + GUARD_TIME;
    assert_eq!(line.next_deadline(), Some(before));
    assert_eq!(line.on_time(before), [escape()]);
    let after = before + GUARD_TIME;
    assert_eq!(line.next_deadline(), Some(after));
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", 65 * SECOND), [], "the caller may have said it");
    assert_eq!(line.on_time(after), [send(Step::Prove)]);
    assert_eq!(line.on_bytes(SECRET, after), [send(Step::HangUp)]);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", after), [send(Step::Reset)]);
}

/// What a line sends, and how it gives up, if from the sixtieth second on only the caller receives it and answers
/// everything as a modem would.
fn deceived(line: &mut Answerer) -> (Vec<Action>, Duration) {
    let lies =
        "\r\nOK\r\n\r\nRING\r\n\r\nNMBR = 0555\r\n\r\nCONNECT 33600\r\n\r\n002\r\n\r\n002\r\n\r\nOK\r\n";
    let mut now = 60 * SECOND;
    let mut done = Vec::new();
    while now < 120 * SECOND {
        let actions = line.on_time(now);
        let mut answered = actions;
        while !answered.is_empty() {
            let is_sent = answered.iter().any(|action| matches!(action, Action::Send(_)));
            let gives_up = matches!(answered.last(), Some(Action::Abandon(_)));
            done.append(&mut answered);
            if gives_up {
                return (done, now);
            }
            if is_sent {
                answered = line.on_bytes(lies.as_bytes(), now);
            }
        }
        now = line.next_deadline().unwrap();
    }
    panic!("neither hung up nor given up: {done:?}");
}

#[test]
fn a_caller_who_answers_like_the_modem_is_not_accepted_as_the_modem() {
    let mut line = connected();
    line.hang_up();
    let (done, now) = deceived(&mut line);
    let modem_s = [escape(), send(Step::Prove)];
    for action in &done {
        match action {
            Action::Send(_) => assert!(modem_s.contains(action), "{action:?} goes to the caller"),
            Action::Dtr(_) | Action::Abandon(_) => {}
            other => panic!("{other:?} was caused by the caller"),
        }
    }
    assert_eq!(done.iter().filter(|action| **action == escape()).count(), 2);
    assert_eq!(line.record().get("line"), Some("hanging-up"));
    assert_eq!(line.record().get("calls"), Some("1"));
    assert!(!line.works() && now <= 75 * SECOND, "{now:?}");

    // The port is opened again, and the call is still up.
    line.on_close();
    for step in [None, None, Some(RecoveryStep::HangUp)] {
        line.on_open(step, 60 * SECOND);
        let (done, _) = deceived(&mut line);
        assert!(!done.contains(&send(Step::Reset)), "{done:?}");
        assert_eq!(line.record().get("line"), Some("resetting"));
    }
}

#[test]
fn data_directly_after_connect_is_not_taken_for_the_modems() {
    let mut line = ready("");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    let forged = b"\r\nCONNECT 33600\r\nRING\r\nNMBR = 0555\r\nOK\r\n";
    let actions = line.on_bytes(forged, 10 * SECOND);
    assert_eq!(actions.last(), Some(&Action::Report(Report::Connected(connected_as(None)))));
    let record = line.record();
    assert_eq!((record.number("rings"), record.get("caller")), (Some(1), None));
}

#[test]
fn a_modem_without_power_and_secret_is_accepted_only_after_the_milder_steps() {
    let mut line = connected();
    line.hang_up();
    deceived(&mut line);
    line.on_close();
    line.on_open(Some(RecoveryStep::Restart), 60 * SECOND);
    line.on_time(60 * SECOND);
    assert_eq!(line.on_time(62 * SECOND), [escape()]);
    assert_eq!(line.on_time(64 * SECOND), [send(Step::HangUp)]);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", 64 * SECOND), [send(Step::Reset)]);
    line.on_bytes(b"\r\nOK\r\n", 64 * SECOND);
    finish_set_up(&mut line, 64 * SECOND);
    assert_eq!(line.record().get("line"), Some("ready"));
}

#[test]
fn a_modem_that_returns_in_a_call_must_leave_it_first() {
    let mut line = connected();
    line.on_close();
    line.on_open(None, 60 * SECOND);
    assert_eq!(line.on_bytes(b"\r\nRING\r\n\r\nOK\r\n", 60 * SECOND), []);
    line.on_time(60 * SECOND);
    assert_eq!(line.on_time(62 * SECOND), [escape()]);
    assert_eq!(line.on_time(64 * SECOND), [send(Step::HangUp)]);
    // The modem has missed the command.
    assert_eq!(line.on_time(67 * SECOND), [send(Step::Reset)]);
}

#[test]
fn a_modem_without_a_secret_is_hung_up_by_dtr_and_escape_and_logged_once() {
    let mut line = ready_with("", b"\r\nERROR\r\n");
    line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
    line.on_bytes(b"\r\nCONNECT\r\n", 10 * SECOND);
    line.hang_up();
    let sent: Vec<_> = [60, 61, 63, 65].iter().flat_map(|second| line.on_time(*second * SECOND)).collect();
    assert_eq!(sent, [Action::Dtr(Dtr::Low), Action::Dtr(Dtr::High), escape(), send(Step::HangUp)]);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", 65 * SECOND), [send(Step::Reset)]);
    for answer in ["OK", "OK", "OK", "OK"] {
        line.on_bytes(format!("\r\n{answer}\r\n").as_bytes(), 65 * SECOND);
    }
    let last = line.on_bytes(b"\r\nERROR\r\n", 65 * SECOND);
    assert_eq!(logged(&last), [""; 0], "it is known that there is no secret");
}

#[test]
fn a_modem_that_does_not_hang_up_goes_to_the_recovery_within_a_quarter_of_a_minute() {
    let mut line = connected();
    line.hang_up();
    let mut now = 60 * SECOND;
    let mut escapes = 0;
    loop {
        let actions = line.on_time(now);
        escapes += actions.iter().filter(|action| **action == escape()).count();
        if let Some(Action::Abandon(why)) = actions.last() {
            assert_eq!(why, "the modem does not prove that it has left the call");
            break;
        }
        now = line.next_deadline().unwrap();
    }
    assert!(escapes == 2 && now <= 75 * SECOND, "{now:?}");
    assert!(!line.works());
}
