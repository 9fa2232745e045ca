//! Lines of a dial-in and their modems.

use super::field::break_modem;
use super::host_box::{BOX, HostBox};
use dialbox::site::{FlowControl, ModemModel};
use lab::modem::profile::ANALOGUE;
use lab::modem::sim::SimCard;
use lab::modem::{Fault, Modem};

fn site(keys: &str) -> String {
    format!(
        "role='dial-in'\nhostname='box'\n[[line]]\nport='/dev/ttyUSB0'\n{keys}\n\
         local='192.0.2.1'\nremote='192.0.2.2'\n[[user]]\nname='u'\npassword='Xy7Qz9'\n"
    )
}

fn analogue() -> Modem {
    Modem::new(ANALOGUE, SimCard::open())
}

/// A modem that knows the commands of its model besides those of V.250, and no others.
fn knows(host_box: &HostBox, command: &str) {
    let command = command.trim_start_matches("AT").to_owned();
    break_modem(host_box, Fault::Answers { command, lines: Some(&["OK"]) });
}

/// The line of a box with such a modem, once it waits for calls.
fn line_of(model: &ModemModel) -> HostBox {
    let speed = model.fixed_speeds().first();
    let fixed = speed.map(|(speed, _)| format!("fixed-speed={speed}\n")).unwrap_or_default();
    let keys = format!("model='{}'\nerror-correction=false\n{fixed}init=['ATM0']", model.name);
    let mut host_box = HostBox::switched_off_dial_in(&site(&keys), analogue());
    let commands = model.init(FlowControl::RtsCts);
    let fixed = speed.map(|(_, commands)| commands.as_slice()).unwrap_or_default();
    for command in commands.iter().chain(fixed).chain(model.plain()).chain(model.caller_id()) {
        knows(&host_box, command.as_str());
    }
    host_box.plug_in(super::host_box::ONLY_PORT);
    host_box.start();
    host_box.until_published("line1", |record| record.get("line") == Some("ready"));
    host_box
}

#[test]
fn a_modem_of_every_model_gets_its_commands_and_answers_a_call() {
    for model in ModemModel::all() {
        let host_box = line_of(&model);
        let refused: Vec<_> = host_box.said().into_iter().filter(|said| said.contains("refuses")).collect();
        assert!(refused.is_empty(), "{}: {refused:?}", model.name);
        let typed = host_box.typed();
        for command in model.plain().iter().chain(model.caller_id()) {
            assert!(typed.contains(command.as_str()), "{}: {command} in {typed}", model.name);
        }
        host_box.exchange.with(|network, now| {
            let caller = network.connect_peer("caller", "+33698765432");
            network.call(caller, BOX, now);
        });
        host_box.until("CONNECT", |network| network.journal().said("box").contains("CONNECT").then_some(()));
    }
}

#[test]
fn a_command_of_init_that_the_modem_refuses_is_logged_and_the_line_answers() {
    let host_box = HostBox::dial_in(&site("init=['AT+NOSUCH=1', 'ATM0']"), analogue());
    host_box.until_published("line1", |record| record.get("line") == Some("ready"));
    host_box.until_said("the modem refuses AT+NOSUCH=1: ERROR");
    assert!(host_box.typed().contains("ATM0"));
}
