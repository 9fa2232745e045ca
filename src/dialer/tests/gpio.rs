use super::*;
use crate::dialer::{Lines, Which};
use crate::site::Level;

const GPIO: &str = "[gpio]\nboard='b-plus'\n[[gpio.output]]\nname='router'\nline=17\nat-boot='on'\n\
     [[gpio.output]]\nname='lamp'\nline=22\n[[gpio.input]]\nname='door'\nline=27\n";

fn harness() -> Harness {
    let Role::Dialer(site) = Site::parse(&format!("{SITE}{GPIO}")).unwrap().role else { unreachable!() };
    let mut harness = Harness::new(Ports::Two);
    harness.dialer.lines = site.gpio.as_ref().map(Lines::new).unwrap();
    harness
}

/// What follows a proven message.
fn answer(harness: &mut Harness, text: &str) -> String {
    let command = crate::sms::command::Order::parse(text).unwrap().command;
    let order = Order { command, requester: Requester::Phone(OWNER.parse().unwrap()) };
    harness.receive(Event::Stored(Pending::Order(order))).done().trim_end().to_owned()
}

#[test]
fn a_message_switches_an_output_and_gets_its_new_level() {
    let mut harness = harness();
    insta::assert_snapshot!(answer(&mut harness, "set router off"), @"
    switch 0 off
    Info: router is off
    SMS to +33612345678: router is off
    ");
    harness.switches = false;
    insta::assert_snapshot!(answer(&mut harness, "set lamp on 10s"), @"
    switch 1 on
    Error: lamp is not switched: no such device
    SMS to +33612345678: lamp is not switched: no such device
    ");
    assert_eq!(harness.pass(60 * SECOND).done(), "", "a pulse that did not begin does not end");
}

#[test]
fn a_pulse_ends_with_the_other_level_unless_another_command_comes_first() {
    let mut harness = harness();
    assert!(answer(&mut harness, "set router off 10s").ends_with("router is off for 10s"));
    assert_eq!(harness.pass(9 * SECOND).done(), "");
    assert_eq!(harness.pass(SECOND).done(), "switch 0 on\nInfo: router is on\n");
    assert_eq!(harness.pass(60 * SECOND).done(), "", "once");
    assert!(answer(&mut harness, "set router off 90s").ends_with("router is off for 1m30s"));
    assert_eq!(harness.pass(89 * SECOND).done(), "");
    assert_eq!(harness.pass(SECOND).done(), "switch 0 on\nInfo: router is on\n");
    answer(&mut harness, "set router off 10s");
    answer(&mut harness, "set router off");
    assert_eq!(harness.pass(60 * SECOND).done(), "", "the later command counts");
}

#[test]
fn what_cannot_be_switched_or_read_is_answered_with_the_reason() {
    for (text, reason) in [
        ("set pump on", "no line is called pump: router, lamp, door"),
        ("set door on", "door is an input"),
        ("set router off 2h", "router can be switched for 1h at most"),
        ("set router off 1h1s", "router can be switched for 1h at most"),
        ("get pump", "no line is called pump: router, lamp, door"),
    ] {
        assert_eq!(answer(&mut harness(), text), format!("SMS to {OWNER}: {reason}"), "{text}");
        let without = answer(&mut Harness::new(Ports::Two), text);
        assert_eq!(without, format!("SMS to {OWNER}: the site has no [gpio]"), "{text}");
    }
    assert!(answer(&mut Harness::new(Ports::Two), "get").ends_with("the site has no [gpio]"));
}

#[test]
fn one_line_or_all_are_read() {
    let mut harness = harness();
    assert!(answer(&mut harness, "get door").ends_with("door is on"));
    assert!(answer(&mut harness, "get").ends_with("router is on, lamp is on, door is on"));
    harness.switches = false;
    assert!(answer(&mut harness, "get lamp").ends_with("lamp: no such device"));
}

#[test]
fn a_level_of_an_input_counts_when_two_readings_in_a_row_show_it() {
    let Role::Dialer(site) = Site::parse(&format!("{SITE}{GPIO}")).unwrap().role else { unreachable!() };
    let mut lines = Lines::new(site.gpio.as_ref().unwrap());
    let (on, off) = (Some(Level::On), Some(Level::Off));
    for (reading, settled) in [
        (on, None),
        (off, None),
        (off, off),
        (on, off),
        (off, off),
        (on, off),
        (None, off),
        (on, off),
        (on, on),
    ] {
        lines.read(&[reading]);
        assert_eq!(lines.settled().first().map(|(_, level)| *level), settled, "{reading:?}");
    }
}

/// Inputs that change together, as when their supply fails, are told in one message.
#[test]
fn news_that_are_longer_than_a_message_are_cut_and_told() {
    let input = |line: usize| format!("[[gpio.input]]\nname='cabinet-door-{line:03}'\nline={line}\n");
    let inputs: String = (2..12).map(input).collect();
    let tell = "[tell]\nto=['+33612345678']\non=['gpio']\n";
    let text = format!("{SITE}[gpio]\nboard='b-plus'\n{inputs}{tell}");
    let Role::Dialer(site) = Site::parse(&text).unwrap().role else { unreachable!() };
    let mut harness = Harness::new(Ports::Two);
    harness.dialer.lines = site.gpio.as_ref().map(Lines::new).unwrap();
    harness.dialer.teller = Some(Teller::new(site.tell.unwrap(), &"hut".parse().unwrap(), &Record::new()));
    let mut told = String::new();
    for level in [Level::On, Level::Off] {
        for _ in 0..2 {
            harness.dialer.know_inputs(&[Some(level); 10]);
            told += &harness.pass(SECOND).done();
        }
    }
    let begin = "SMS to +33612345678: hut: cabinet-door-002 is off, cabinet-door-003 is off, ";
    assert!(told.starts_with(begin) && told.trim_end().ends_with(".."), "{told}");
}

/// What the pins do: all inputs and outputs are on.
pub(super) fn carry_out(effect: Effect, switches: bool) -> (String, Event) {
    let no_device = || "no such device".to_owned();
    match effect {
        Effect::Switch(switching) => {
            let done = if switches { Ok(()) } else { Err(no_device()) };
            let said = format!("switch {} {}\n", switching.output, switching.level);
            (said, Event::Switched(switching, done))
        }
        Effect::ReadLines(lines, requester) => {
            let level = |line: Which| (line, if switches { Ok(Level::On) } else { Err(no_device()) });
            (String::new(), Event::LinesRead(lines.into_iter().map(level).collect(), requester))
        }
        _ => unreachable!(),
    }
}
