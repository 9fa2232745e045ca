//! Which messages the box executes, and how many times.

use super::host_box::{
    HostBox, ONLY_PORT, OWNER, SECRET, Tty, code_by_the_clock, order, site, site_by_the_clock,
};
use dialbox::dialctl::{codes, link};
use lab::modem::sim::SimCard;
use lab::modem::stick::{cdc_acm, huawei, icon_225};
use lab::modem::{Fault, Modem};
use std::time::Instant;

fn stick() -> Modem {
    Modem::new(cdc_acm(), SimCard::open())
}

fn dialer() -> HostBox {
    HostBox::dialer(&site(""), stick(), ONLY_PORT)
}

#[test]
fn an_authorised_text_is_answered_and_deleted() {
    let host_box = dialer();
    host_box.text(OWNER, &order("status", 0));
    assert!(host_box.answers(1)[0].contains("link"), "{:?}", host_box.answers(1));
    host_box.until_empty();
}

#[test]
fn unauthorised_texts_are_not_answered_and_cause_no_call() {
    let host_box = dialer();
    host_box.text("+33699999999", &order("connect", 0));
    host_box.text(OWNER, "connect");
    host_box.text(OWNER, "connect 00000000");
    host_box.text(OWNER, "what time is it?");
    host_box.text(OWNER, &order("connect", 5_000));
    host_box.text("Bank", &order("connect", 0));
    host_box.until_empty();
    // Only the next one is answered.
    host_box.text(OWNER, &order("status", 0));
    assert_eq!(host_box.answers(1).len(), 1);
    host_box.until_empty();
    assert!(!host_box.typed().contains("ATD"), "{}", host_box.typed());
    assert!(!host_box.said().join("\n").contains(SECRET));
}

/// The code of counter 3 is accepted; after a power cut, and what `lose` does meanwhile, it is refused and the one of
/// counter 4 accepted.
fn obeys_code_3_and_after_a_restart_only_later_ones(host_box: &mut HostBox, lose: fn(&HostBox)) {
    host_box.text(OWNER, &order("status", 3));
    host_box.answers(1);
    host_box.kill();
    lose(host_box);
    host_box.start();
    for counter in [3, 2, 0] {
        host_box.text(OWNER, &order("status", counter));
    }
    host_box.until_empty();
    host_box.text(OWNER, &order("help", 4));
    assert_eq!(host_box.answers(2).len(), 2);
}

#[test]
fn a_code_is_valid_once_even_after_a_power_cut() {
    let mut host_box = dialer();
    obeys_code_3_and_after_a_restart_only_later_ones(&mut host_box, |_| {});
}

#[test]
fn a_code_is_valid_once_even_after_state_is_lost() {
    let mut host_box = dialer();
    obeys_code_3_and_after_a_restart_only_later_ones(&mut host_box, HostBox::lose_state);
    // State has it again: the copy may be lost now.
    host_box.kill();
    host_box.lose_second_copy();
    host_box.start();
    host_box.text(OWNER, &order("status", 4));
    host_box.until_empty();
    host_box.text(OWNER, &order("help", 5));
    assert_eq!(host_box.answers(3).len(), 3);
}

#[test]
fn when_state_and_second_copy_are_lost_no_code_is_accepted_until_two_in_a_row_were_typed() {
    let mut host_box = dialer();
    host_box.text(OWNER, &order("status", 3));
    host_box.answers(1);
    host_box.kill();
    host_box.lose_state();
    host_box.lose_second_copy();
    // What is lost stays lost after another start.
    for _ in 0..2 {
        host_box.start();
        host_box.until_published("codes", |record| record.get("codes") == Some("lost"));
        for counter in [3, 4] {
            host_box.text(OWNER, &order("status", counter));
        }
        host_box.until_empty();
        host_box.kill();
    }
    assert!(host_box.said().iter().any(|line| line.contains("next: `dialctl codes resync`")));
    host_box.start();
    host_box.until_published("codes", |record| record.get("codes") == Some("lost"));
    let typed = |counter| order("", counter).trim().to_owned();
    let told = codes::resync(&host_box.places, &typed(5), &typed(6)).unwrap();
    assert_eq!(told, "the code after these two is the next to be accepted\n");
    host_box.kill();
    host_box.start();
    host_box.until_published("codes", |record| record.get("codes") == Some("ready"));
    for counter in [4, 6] {
        host_box.text(OWNER, &order("status", counter));
    }
    host_box.until_empty();
    host_box.text(OWNER, &order("help", 7));
    assert_eq!(host_box.answers(2).len(), 2, "{:?}", host_box.answers(2));
}

#[test]
fn a_lost_state_gives_no_second_budget() {
    let site = site("").replace("[operator]", "[link]\ndata-budget = '500MB'\n[operator]");
    let mut host_box = HostBox::dialer(&site, stick(), ONLY_PORT);
    let used = |host_box: &HostBox| {
        host_box.until_published("link", |record| record.get("month").is_some());
        link::budget(&host_box.places).unwrap()
    };
    used(&host_box);
    link::set_used(&host_box.places, "499MB").unwrap();
    let before = used(&host_box);
    assert!(before.starts_with("499MB of 500MB used in "), "{before}");
    host_box.kill();
    host_box.lose_state();
    host_box.start();
    assert_eq!(used(&host_box), before);
}

#[test]
fn a_command_is_executed_once_even_if_the_modem_does_not_delete_it() {
    let mut host_box = HostBox::switched_off(&site(""), stick());
    host_box.exchange.with(|network, now| network.break_modem(host_box.modem, Fault::KeepsMessages, now));
    host_box.plug_in(ONLY_PORT);
    host_box.start();
    host_box.text(OWNER, &order("status", 0));
    host_box.answers(1);
    for _ in 0..2 {
        host_box.kill();
        host_box.start();
        host_box.until_published("modem", |record| record.get("signal-dbm").is_some());
    }
    host_box.text(OWNER, &order("help", 1));
    assert_eq!(host_box.answers(2).len(), 2, "{:?}", host_box.answers(2));
}

#[test]
fn an_authorised_text_among_five_hundred_is_served_within_a_minute() {
    let host_box = dialer();
    let began = Instant::now();
    for number in 0..500 {
        if number == 250 {
            host_box.text(OWNER, &order("status", 0));
        }
        host_box.text(OWNER, &format!("connect {number:08}"));
    }
    host_box.answers(1);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    host_box.until_empty();
    assert!(!host_box.typed().contains("ATD"));
}

#[test]
fn a_multipart_text_is_no_command() {
    let host_box = dialer();
    host_box.text(OWNER, &format!("{}{}", order("status", 0), " ".repeat(200)));
    host_box.until_empty();
    host_box.text(OWNER, &order("help", 1));
    assert_eq!(host_box.answers(1).len(), 1);
}

#[test]
fn a_totp_code_is_refused_until_network_time_is_known() {
    let by_clock = site_by_the_clock("");
    // The generic stick has no clock; Option's and Huawei's have.
    let host_box = HostBox::dialer(&by_clock, stick(), ONLY_PORT);
    host_box.text(OWNER, &code_by_the_clock("status"));
    host_box.until_empty();
    assert!(host_box.exchange.with(|network, _| network.phone(host_box.phone).unwrap().texts().is_empty()));

    let ttys = [Tty { name: "ttyHS3", port: 0, hsotype: Some("Modem") }];
    for (profile, ttys) in [(icon_225(), ttys.as_slice()), (huawei(), ONLY_PORT)] {
        let host_box = HostBox::dialer(&by_clock, Modem::new(profile, SimCard::open()), ttys);
        host_box.until_said("the clock is set");
        host_box.until_said("messages: in");
        host_box.text(OWNER, &code_by_the_clock("status"));
        host_box.answers(1);
    }
}

#[test]
fn a_one_port_modem_answers_and_deletes_before_pppd_gets_its_port() {
    let host_box = dialer();
    host_box.text(OWNER, &order("connect", 0));
    assert!(host_box.answers(1)[0].starts_with("dialling"), "{:?}", host_box.answers(1));
    host_box.until_said("pppd did not start");
    let typed = host_box.typed();
    // It came by a list, or was told of and read.
    let since_order = typed.split_once("AT+CNMI=2").unwrap().1;
    let [deleted, answered] = ["AT+CMGD=", "AT+CMGS="].map(|command| since_order.find(command));
    // When it has the port again, it configures the modem again.
    let configured = since_order.find("ATE0").unwrap_or(usize::MAX);
    assert!(deleted < answered && answered.is_some_and(|at| at < configured), "{since_order}");
}
