//! What modems send that is unusual.

use super::*;

#[test]
fn a_modem_that_rings_on_is_told_again_to_answer() {
    let mut line = ready("");
    assert_eq!(line.on_bytes(b"\r\nRING\r\n", 10 * SECOND).first(), Some(&send(Step::Answer)));
    // One may cross the command.
    let crossing = line.on_bytes(b"\r\nRING\r\n", 11 * SECOND);
    assert!(!crossing.contains(&send(Step::Answer)));
    let again = line.on_bytes(b"\r\nRING\r\n", 16 * SECOND);
    assert!(again.contains(&send(Step::Answer)), "{again:?}");
    assert_eq!(logged(&again)[1], "the modem still rings: it is told to answer again");
    let connected = line.on_bytes(b"\r\nCONNECT 33600\r\n", 30 * SECOND);
    assert!(matches!(connected.last(), Some(Action::Report(Report::Connected(_)))), "{connected:?}");
    assert_eq!(line.record().get("calls"), Some("1"));
}

#[test]
fn every_modems_word_for_a_connection_is_understood() {
    let table: [(&[u8], Option<&str>); 7] = [
        (b"\r\nCONNECT\r\n", None),
        (b"\r\nCONNECT 2400/NONE\r\n", Some("2400/NONE")),
        (b"\r\nCONNECT/ARQ\r\n", Some("ARQ")),
        (b"ATA\r\r\nOK\r\n\r\nCONNECT 9600\r\n", Some("9600")),
        // Rockwell's W1: the serial line's speed comes last.
        (b"\r\nCARRIER 31200\r\n\r\nPROTOCOL: LAPM\r\n\r\nCONNECT 115200\r\n", Some("31200")),
        (b"\x11\r\n\x13CONNECT 1200\r\n", Some("1200")),
        (b"\0\0\r\n\r\n+MCR: V34\r\n\r\nCONNECT 33600\r", Some("33600")),
    ];
    for (words, speed) in table {
        let mut line = ready("");
        line.on_bytes(b"\r\nRING\r\n", 10 * SECOND);
        let connected = line.on_bytes(words, 20 * SECOND);
        let Some(Action::Report(Report::Connected(connected))) = connected.last() else {
            panic!("{}: {connected:?}", words.escape_ascii())
        };
        assert_eq!(connected.speed.as_deref(), speed, "{}", words.escape_ascii());
    }
}

#[test]
fn noise_does_not_fill_the_log_and_a_call_in_it_is_answered() {
    let mut line = ready("");
    let mut messages = 0;
    for noise in 0..5000_u64 {
        let now = 10 * SECOND + Duration::from_millis(noise);
        messages += line.on_bytes(b"\xe0\x1e\r\nx\r\n", now).len();
    }
    assert_eq!(messages, 21, "twenty, and that there is more");
    assert_eq!(logged(&line.on_bytes(b"\r\nx\r\n", 71 * SECOND)), ["modem says x"], "a minute later");
    assert_eq!(line.on_bytes(b"\r\nRING\r\n", 72 * SECOND).first(), Some(&send(Step::Answer)));
}

/// Rockwell's chips do so for up to half a second.
#[test]
fn a_modem_that_loses_the_command_after_its_reset_is_asked_again_and_given_time_from_then_on() {
    let mut line = Answerer::new(config(""), random);
    line.on_open(None, SECOND);
    line.on_time(SECOND);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", SECOND), [send(Step::InitString)]);
    let again = line.on_time(3 * SECOND);
    assert_eq!(again.last(), Some(&send(Step::InitString)));
    assert_eq!(logged(&again), ["the modem ignores commands after its reset; from now on it is given time"]);
    assert!(!line.works(), "not before all is acknowledged: the recovery goes on");
    finish_set_up(&mut line, 3 * SECOND);
    assert!(line.works());
    assert_eq!(line.record().get("line"), Some("ready"));

    line.on_open(None, 10 * SECOND);
    line.on_time(10 * SECOND);
    assert_eq!(line.on_bytes(b"\r\nOK\r\n", 10 * SECOND), []);
    let settled = 10 * SECOND + Duration::from_millis(600);
    assert_eq!(line.next_deadline(), Some(settled));
    assert_eq!(line.on_time(settled), [send(Step::InitString)]);
    let lost = line.on_time(20 * SECOND);
    assert!(lost.iter().any(|action| matches!(action, Action::Abandon(_))), "it was given its chance");
}
