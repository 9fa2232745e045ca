//! Models of modems, and the site's own commands.

use super::*;
use crate::site::ModemModel;

/// Starts a line's modem; returns the commands that it gets, with the times, as it answers each with `answer`.
fn set_up_with(keys: &str, answer: impl Fn(&str) -> &'static str) -> (Vec<(String, Duration)>, Vec<String>) {
    let mut line = Answerer::new(config(keys), random);
    let (mut now, mut sent, mut said) = (SECOND, Vec::new(), Vec::new());
    let mut actions = line.on_open(None, now);
    actions.extend(line.on_time(now));
    while line.record().get("line") != Some("ready") {
        said.extend(logged(&actions).into_iter().map(str::to_owned));
        let command = actions.iter().find_map(|action| match action {
            Action::Send(data) => Some(String::from_utf8(data.bytes()).unwrap().trim_end().to_owned()),
            _ => None,
        });
        let Some(command) = command else {
            now = line.next_deadline().unwrap();
            actions = line.on_time(now);
            continue;
        };
        let result = if command == "ATS8?S6?" { "123\r\n\r\n045\r\n\r\nOK" } else { answer(&command) };
        sent.push((command, now));
        actions = line.on_bytes(format!("\r\n{result}\r\n").as_bytes(), now);
    }
    (sent, said)
}

#[test]
fn the_models_commands_and_the_sites_come_before_the_boxs_own() {
    let keys = "model = 'hayes'\nerror-correction = false\nfixed-speed = 2400\ninit = ['AT&F', 'ATM0']";
    let (sent, _) = set_up_with(keys, |_| "OK");
    let commands: Vec<_> = sent.iter().map(|(command, _)| command.as_str()).collect();
    let own = ["ATQ0V1E0S0=0&C1&D2", "ATS2=43S12=50", "ATS8=123S6=45", "ATS8?S6?", "AT#CID=1"];
    let before = ["ATZ", "AT&K3", "ATN0S37=6", "AT&Q6", "AT&F", "ATM0"];
    assert_eq!(commands, [before.as_slice(), &own].concat());
    let after_reset = sent[1].1 - sent[0].1;
    assert_eq!(after_reset, Duration::from_millis(600), "what this model needs");
}

#[test]
fn a_command_of_the_site_that_the_modem_refuses_is_logged_and_the_line_works() {
    let (sent, said) = set_up_with("init = ['AT+MS=V34', 'ATM0']", |command| match command {
        "AT+MS=V34" => "ERROR",
        _ => "OK",
    });
    assert_eq!(said, ["the modem refuses AT+MS=V34: ERROR"]);
    assert!(sent.iter().any(|(command, _)| command == "ATM0"));
}

/// Their answers after the call are understood, too.
#[test]
fn the_words_of_every_model_are_understood() {
    for model in ModemModel::all() {
        for ring in &model.rings {
            let mut line = ready("rings = 1");
            let answered = line.on_bytes(format!("\r\n{ring}\r\n").as_bytes(), 5 * SECOND);
            assert_eq!(answered.first(), Some(&send(Step::Answer)), "{}: {ring}", model.name);
        }
        for connect in &model.connects {
            let mut line = ready("");
            line.on_bytes(b"\r\nRING\r\n", 5 * SECOND);
            let connected = line.on_bytes(format!("\r\n{connect}\r\n").as_bytes(), 9 * SECOND);
            let Some(Action::Report(Report::Connected(call))) = connected.last() else {
                panic!("{}: {connect}: {connected:?}", model.name)
            };
            assert_eq!(call.speed.as_deref(), connect.strip_prefix("CONNECT "), "{}", model.name);
        }
    }
}
