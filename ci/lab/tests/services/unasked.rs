//! What the box does without an order: news by text message, and the link for a caller.

use super::host_box::{HostBox, ONLY_PORT, OWNER, site};
use dialbox::record::Record;
use lab::modem::Modem;
use lab::modem::sim::SimCard;
use lab::modem::stick::icon_225;
use std::fs;

const STRANGER: &str = "+33699999999";

fn dialer(tables: &str) -> HostBox {
    let text = format!("{}{tables}", site(""));
    HostBox::switched_off(&text, Modem::new(icon_225(), SimCard::open()))
}

fn switch_on(host_box: &mut HostBox) {
    host_box.plug_in(ONLY_PORT);
    host_box.start();
}

/// As `init` writes it.
fn boots(host_box: &HostBox, number: u64, cause: &str) {
    let record = Record::new().with("number", number).with("cause", cause);
    fs::create_dir_all(host_box.places.run_file("")).unwrap();
    host_box.places.publish("ledger", &record).unwrap();
}

#[test]
fn a_boot_after_a_power_cut_is_told_once_and_a_daily_one_never() {
    let mut host_box = dialer(&format!("[tell]\nto = ['{OWNER}']\non = ['boot']\na-day = 2\n"));
    boots(&host_box, 7, "power cut or unknown");
    switch_on(&mut host_box);
    assert_eq!(host_box.answers(1), ["box: up again, boot 7: power cut or unknown"]);
    host_box.kill();
    boots(&host_box, 7, "power cut or unknown");
    host_box.start();
    host_box.until_published("modem", |modem| modem.get("storage").is_some());
    host_box.kill();
    boots(&host_box, 8, "daily");
    host_box.start();
    host_box.until_published("modem", |modem| modem.get("storage").is_some());
    host_box.kill();
    boots(&host_box, 9, "stuck watchdogd");
    host_box.start();
    assert_eq!(host_box.answers(2)[1], "box: up again, boot 9: stuck watchdogd");
    host_box.kill();
    // The third one today.
    boots(&host_box, 10, "modem");
    host_box.start();
    host_box.until_published("modem", |modem| modem.get("storage").is_some());
    assert_eq!(host_box.answers(2).len(), 2);
}

/// There is no pppd: that the box wants to dial is enough.
#[test]
fn a_missed_call_of_a_listed_number_opens_the_link_and_is_not_answered() {
    let mut host_box = dialer(&format!("[missed-call]\nnumbers = ['{OWNER}']\nopen-for = '20m'\n"));
    switch_on(&mut host_box);
    host_box.until_published("modem", |modem| modem.get("storage").is_some());
    assert!(host_box.typed().contains("ATS0=0+CLIP=1"), "{}", host_box.typed());
    rings(&host_box, Some(STRANGER));
    host_box.until_said("call from +33699999999: ignored, not one of the site's numbers");
    rings(&host_box, None);
    rings(&host_box, Some(OWNER));
    host_box.until_said("call from +33612345678: opens the link for 20m");
    host_box.until_said("not connected: pppd did not start");
    let opened = |line: &&String| line.contains("opens the link");
    assert_eq!(host_box.said().iter().filter(opened).count(), 1);
    assert!(!host_box.typed().contains("ATA"), "{}", host_box.typed());
}

/// A call that ends after one ring.
fn rings(host_box: &HostBox, caller: Option<&str>) {
    let number = caller.map(str::to_owned);
    host_box.exchange.with(|network, now| network.ring_once(host_box.modem, number, now));
}
