//! Which messages the box executes, and how often.

use super::host_box::{
    HostBox, ONLY_PORT, OWNER, SECRET, Tty, code_by_the_clock, order, site, site_by_the_clock,
};
use lab::modem::profile::{CDC_ACM, HUAWEI, ICON_225};
use lab::modem::sim::SimCard;
use lab::modem::{Fault, Modem};
use std::time::Instant;

fn stick() -> Modem {
    Modem::new(CDC_ACM, SimCard::open())
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
fn nobody_else_is_answered_and_nothing_is_dialled() {
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

#[test]
fn a_code_is_good_once_also_after_a_power_cut() {
    let mut host_box = dialer();
    host_box.text(OWNER, &order("status", 3));
    host_box.answers(1);
    host_box.kill();
    host_box.start();
    for counter in [3, 2, 0] {
        host_box.text(OWNER, &order("status", counter));
    }
    host_box.until_empty();
    host_box.text(OWNER, &order("help", 4));
    assert_eq!(host_box.answers(2).len(), 2);
}

#[test]
fn a_command_is_obeyed_once_though_the_modem_did_not_delete_it() {
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
fn a_text_in_parts_is_no_command() {
    let host_box = dialer();
    host_box.text(OWNER, &format!("{}{}", order("status", 0), " ".repeat(200)));
    host_box.until_empty();
    host_box.text(OWNER, &order("help", 1));
    assert_eq!(host_box.answers(1).len(), 1);
}

#[test]
fn a_code_by_the_clock_waits_for_the_networks_time() {
    let by_clock = site_by_the_clock("");
    // The generic stick has no clock; Option's and Huawei's have.
    let host_box = HostBox::dialer(&by_clock, stick(), ONLY_PORT);
    host_box.text(OWNER, &code_by_the_clock("status"));
    host_box.until_empty();
    assert!(host_box.exchange.with(|network, _| network.phone(host_box.phone).unwrap().texts().is_empty()));

    let ttys = [Tty { name: "ttyHS3", port: 0, hsotype: Some("Modem") }];
    for (profile, ttys) in [(ICON_225, ttys.as_slice()), (HUAWEI, ONLY_PORT)] {
        let host_box = HostBox::dialer(&by_clock, Modem::new(profile, SimCard::open()), ttys);
        host_box.until_said("the clock is set");
        host_box.until_said("messages: in");
        host_box.text(OWNER, &code_by_the_clock("status"));
        host_box.answers(1);
    }
}

#[test]
fn a_modem_of_one_port_has_answered_and_deleted_before_its_port_is_given_away() {
    let host_box = dialer();
    host_box.text(OWNER, &order("connect", 0));
    assert!(host_box.answers(1)[0].starts_with("dialling"), "{:?}", host_box.answers(1));
    host_box.until_said("pppd did not start");
    let typed = host_box.typed();
    // It came by a list, or was told of and read.
    let since_order = typed.split_once("AT+CNMI=2").unwrap().1;
    let [deleted, answered] = ["AT+CMGD=", "AT+CMGS="].map(|command| since_order.find(command));
    // When it has the port again, it configures the modem again.
    let anew = since_order.find("ATE0").unwrap_or(usize::MAX);
    assert!(deleted < answered && answered.is_some_and(|at| at < anew), "{since_order}");
}
