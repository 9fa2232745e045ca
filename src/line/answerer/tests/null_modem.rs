//! A line without a modem.

use super::*;

const FRAME: &[u8] = b"~\xff\x7d#\xc0!";

fn text(actions: &[Action]) -> Vec<u8> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Send(data) => Some(data.bytes()),
        _ => None,
    });
    sent.flatten().collect()
}

fn is_connected(actions: &[Action]) -> bool {
    matches!(actions.last(), Some(Action::Report(Report::Connected(_))))
}

fn listening() -> Answerer {
    let mut line = Answerer::new(config("null-modem = true"), random);
    line.on_open(None, SECOND);
    let opened = line.on_time(SECOND);
    assert_eq!(logged(&opened), ["waiting for a caller at the null-modem cable"]);
    assert_eq!(text(&opened), b"", "there is no modem");
    assert!(line.is_idle() && line.works());
    line
}

#[test]
fn windows_gets_the_answer_that_it_waits_for() {
    let mut line = listening();
    assert_eq!(line.on_bytes(b"\x00CLI", SECOND), []);
    let connected = line.on_bytes(b"ENT", SECOND);
    assert_eq!(text(&connected), b"CLIENTSERVER");
    assert!(is_connected(&connected), "{connected:?}");
    assert_eq!(line.record().get("line"), Some("connected"));
}

#[test]
fn a_caller_that_begins_with_ppp_is_served_at_once() {
    let mut line = listening();
    let connected = line.on_bytes(FRAME, SECOND);
    assert_eq!(text(&connected), b"");
    assert!(is_connected(&connected), "{connected:?}");
}

#[test]
fn a_modems_words_and_noise_are_no_caller() {
    let mut line = listening();
    for noise in [b"\r\nRING\r\n".as_slice(), b"CLIEN CLIENX", b"\xff\x00\xff", b"~~~~", b"hello\r"] {
        assert_eq!(line.on_bytes(noise, SECOND), [], "{noise:?}");
    }
    assert_eq!(line.next_deadline(), None, "nothing is probed");
}

/// A terminal, a WiFi modem whose user called, or an emulator by TCP.
#[test]
fn with_login_a_key_brings_the_prompt() {
    let mut line = Answerer::new(config("null-modem = true\nlogin = true"), random);
    line.on_open(None, SECOND);
    line.on_time(SECOND);
    for noise in [b"\xff\xfd\x03\xff\xfb\x18".as_slice(), b"hello", b"\n"] {
        assert_eq!(line.on_bytes(noise, SECOND), [], "{noise:?}");
    }
    assert_eq!(text(&line.on_bytes(b"\r\n", SECOND)), b"\r\nx login: ");
    assert_eq!(line.record().get("line"), Some("logging-in"));
    assert_eq!(text(&line.on_bytes(b"u\r\0", SECOND)), b"u\r\nPassword: ");
}

#[test]
fn after_a_call_the_next_one_is_served() {
    let mut line = listening();
    for call in 1..=3_u32 {
        let start = call * 100 * SECOND;
        assert!(is_connected(&line.on_bytes(FRAME, start)));
        line.hang_up();
        assert_eq!(line.on_time(start + SECOND), [Action::Dtr(Dtr::Low)]);
        let until = line.next_deadline().unwrap();
        let ended = line.on_time(until);
        assert_eq!(ended.first(), Some(&Action::Dtr(Dtr::High)));
        assert_eq!(logged(&ended), ["waiting for a caller at the null-modem cable"]);
        assert_eq!(line.record().get("line"), Some("ready"));
    }
}

#[test]
fn a_recovery_step_sends_nothing_to_the_caller() {
    let mut line = listening();
    line.on_close();
    line.on_open(Some(RecoveryStep::Restart), 2 * SECOND);
    assert_eq!(text(&line.on_time(2 * SECOND)), b"");
    assert!(line.works());
}
