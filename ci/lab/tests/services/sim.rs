//! The SIM of the usual modems: its PIN and its PUK.

use super::field::{break_modem, until_known};
use super::host_box::{HostBox, ONLY_PORT, OWNER, Tty, order, site};
use lab::modem::profile::{Extended, Profile};
use lab::modem::sim::SimCard;
use lab::modem::stick::{cdc_acm, huawei, icon_225};
use lab::modem::{Fault, Modem};
use std::time::Duration;

/// gammu#458, openwrt/packages#28540
#[test]
fn a_wrong_pin_is_sent_once_and_never_again() {
    let ttys = [Tty { name: "ttyHS3", port: 0, hsotype: Some("Modem") }];
    for (profile, ttys) in [(icon_225(), ttys.as_slice()), (huawei(), ONLY_PORT), (cdc_acm(), ONLY_PORT)] {
        let locked = Modem::new(profile, SimCard::locked("4321"));
        let mut host_box = HostBox::dialer(&site("[modem]\npin = '1111'"), locked, ttys);
        host_box
            .until_published("modem", |record| record.get("sim").is_some_and(|sim| sim.contains("refused")));
        for _ in 0..2 {
            host_box.kill();
            break_modem(&host_box, Fault::Restarts);
            host_box.start();
            until_known(&host_box);
        }
        assert_eq!(tries(&host_box), (2, 10));
    }
}

#[test]
fn the_right_pin_opens_the_sim() {
    let locked = Modem::new(huawei(), SimCard::locked("4321")).with_slow_sim(Duration::from_millis(1500));
    let host_box = HostBox::dialer(&site("[modem]\npin = '4321'"), locked, ONLY_PORT);
    host_box.text(OWNER, &order("help", 0));
    host_box.answers(1);
    assert_eq!(tries(&host_box), (3, 10));
}

#[test]
fn no_pin_is_sent_when_one_try_is_left_or_the_number_is_unknown() {
    let few = vec![("+CMEE", Extended::Number(0..=1)), ("+CSQ", Extended::Signal), ("+CPIN", Extended::Pin)];
    let extended = Vec::leak(few);
    let without_counter: &'static Profile = Box::leak(Box::new(Profile { extended, ..*cdc_acm() }));
    for (profile, left) in [(huawei(), 1), (without_counter, 3)] {
        let locked = Modem::new(profile, SimCard::locked("4321").with_tries(left));
        let host_box = HostBox::dialer(&site("[modem]\npin = '4321'"), locked, ONLY_PORT);
        until_known(&host_box);
        assert!(!host_box.typed().contains("+CPIN="), "{}", host_box.typed());
        assert_eq!(tries(&host_box), (left, 10));
    }
}

#[test]
fn a_puk_is_never_sent() {
    let blocked = Modem::new(huawei(), SimCard::locked("4321").with_tries(0));
    let host_box = HostBox::dialer(&site("[modem]\npin = '4321'"), blocked, ONLY_PORT);
    until_known(&host_box);
    assert!(!host_box.typed().contains("+CPIN="), "{}", host_box.typed());
    assert_eq!(tries(&host_box), (0, 10));
}

fn tries(host_box: &HostBox) -> (u8, u8) {
    host_box.exchange.with(|network, _| network.modem(host_box.modem).unwrap().sim().tries())
}
