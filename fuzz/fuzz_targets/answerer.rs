//! After a call, whatever the caller sends: the line is not ready before the modem has returned its secret, no call is
//! answered, and every command is one line.
#![no_main]

use std::time::Duration;

use dialbox::line::login::PromptWords;
use dialbox::line::{Answerer, AnswererConfig, Registers, Report};
use dialbox::modem::protocol::{Protocol, ProtocolAction};
use dialbox::site::{Role, Site};
use libfuzzer_sys::fuzz_target;

const SITE: &str = "role='dial-in'\nhostname='x'\n[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
                    [[user]]\nname='u'\npassword='p'\n";

const WORDS: [&str; 8] =
    ["OK", "ERROR", "RING", "CONNECT 33600", "NO CARRIER", "ATS8?S6?", "123\r\n\r\n045", "+VCID: 1"];

type Action = ProtocolAction<Report>;

fuzz_target!(|bytes: &[u8]| {
    let mut answerer = Answerer::new(config(), Registers::random);
    let mut now = Duration::from_secs(1);
    let secret = take_a_call(&mut answerer, now);
    // Input that contains the secret by chance would pass for the modem's answer.
    let text = String::from_utf8_lossy(bytes);
    if secret.iter().all(|value| text.contains(value) || ["123", "45"].contains(&value.as_str())) {
        return;
    }
    answerer.hang_up();
    let mut rest = bytes;
    while let Some((&operation, more)) = rest.split_first() {
        rest = more;
        let actions = match operation {
            0..=7 => answerer.on_bytes(format!("\r\n{}\r\n", WORDS[usize::from(operation)]).as_bytes(), now),
            8..=63 => {
                let (said, more) = rest.split_at(usize::from(operation - 8).min(rest.len()));
                rest = more;
                answerer.on_bytes(said, now)
            }
            _ => {
                now = answerer.next_deadline().map_or(now, |deadline| deadline.max(now));
                let actions = answerer.on_time(now);
                assert!(
                    !actions.is_empty() || answerer.next_deadline().is_none_or(|deadline| deadline > now)
                );
                actions
            }
        };
        for sent in sent(&actions) {
            assert!(!sent.starts_with(b"ATA"), "a call is answered");
            // No command is empty: the target fails if one is.
            let (_, body) = sent.split_last().expect("something to send");
            assert!(body.iter().all(|byte| matches!(byte, b' '..=b'~')));
        }
        assert_ne!(answerer.record().get("line"), Some("ready"), "taken for free");
        assert!(!answerer.works());
        if actions.iter().any(|action| matches!(action, Action::Abandon(_))) {
            return;
        }
    }
});

fn config() -> AnswererConfig {
    match Site::parse(SITE) {
        Ok(Site { role: Role::DialIn(dial_in), hostname, .. }) => {
            let words = PromptWords::new(&dial_in.prompts, &hostname);
            // SITE has one line.
            let line = dial_in.lines.first().expect("a line");
            AnswererConfig::new(line, &words)
        }
        _ => unreachable!("a dial-in"),
    }
}

fn sent(actions: &[Action]) -> impl Iterator<Item = Vec<u8>> {
    actions.iter().filter_map(|action| match action {
        Action::Send(data) => Some(data.bytes()),
        _ => None,
    })
}

/// Acts as a working modem until a caller is connected; returns the values that the modem has to keep.
fn take_a_call(answerer: &mut Answerer, now: Duration) -> Vec<String> {
    let mut secret = Vec::new();
    let mut actions = answerer.on_open(None, now);
    actions.extend(answerer.on_time(now));
    loop {
        let command = sent(&actions).next();
        let Some(command) = command else { break };
        let command = String::from_utf8_lossy(&command).trim_end().to_owned();
        let answer = match command.strip_prefix("ATS8=").and_then(|values| values.split_once("S6=")) {
            Some((s8, s6)) => {
                secret = vec![s8.to_owned(), s6.to_owned()];
                "OK".to_owned()
            }
            None if command == "ATS8?S6?" => format!("{}\r\n\r\nOK", secret.join("\r\n\r\n")),
            None => "OK".to_owned(),
        };
        actions = answerer.on_bytes(format!("\r\n{answer}\r\n").as_bytes(), now);
    }
    assert_eq!(answerer.record().get("line"), Some("ready"));
    assert!(sent(&answerer.on_bytes(b"\r\nRING\r\n", now)).any(|sent| sent == b"ATA\r"));
    answerer.on_bytes(b"\r\nCONNECT 33600\r\n", now);
    assert_eq!(answerer.record().get("line"), Some("connected"));
    assert_eq!(secret.len(), 2, "the modem got no secret");
    secret
}
