//! The context that LTE attaches with, at a network that admits only its own APN and account.

use super::bench::{Bench, MINUTE, SECOND};
use dialbox::modem::mobile::AttachContext;
use dialbox::modem::protocol::Protocol;
use dialbox::site::{Role, Site};
use lab::modem::sim::SimCard;
use lab::modem::stick::{Stick, sticks};
use lab::modem::{Attachment, Cell, Domains, Event, Modem};

/// A password with what V.250 escapes, and with a placeholder's name.
const ACCOUNT: &str = "apn='m2m.example'\nuser='me'\npassword='s\"3\\{user}'\n";

fn lte_sticks() -> impl Iterator<Item = (&'static String, &'static Stick)> {
    let has_lte = |stick: &Stick| !stick.model.traits.lacks.iter().any(|name| name == "+CEREG");
    sticks().iter().filter(move |(_, stick)| has_lte(stick))
}

/// A modem at a network that admits this account, by PAP or CHAP.
fn at_network(stick: &Stick, kind: u32) -> Modem {
    let mut modem = Modem::new(stick.profile, SimCard::open());
    let account = (kind, "me".to_owned(), "s\"3\\{user}".to_owned());
    let admits = Some(Attachment { apn: Some("m2m.example".to_owned()), account: Some(account) });
    let cell = Cell { domains: Domains::Lte, admits, ..Cell::default() };
    modem.step(Event::Radio(cell), SECOND / 1000);
    modem
}

fn context(operator: &str) -> AttachContext {
    let text = format!("role='dialer'\nhostname='x'\n[operator]\nname='x'\n{operator}");
    let Role::Dialer(dialer) = Site::parse(&text).unwrap().role else { unreachable!() };
    AttachContext::new(&dialer.operator)
}

#[test]
fn every_lte_modem_attaches_with_the_site_s_apn_and_account_once() {
    assert!(lte_sticks().count() >= 5);
    for (name, stick) in lte_sticks() {
        for (kind, auth) in [(1, ""), (1, "auth='pap'\n"), (2, "auth='chap'\n")] {
            let operator = format!("{ACCOUNT}{auth}");
            let mut bench = Bench::with_operator(at_network(stick, kind), &stick.model, &operator);
            bench.run(MINUTE);
            assert!(bench.mobile.works(), "{name}: {:?}", bench.sent);
            assert_eq!(bench.count("AT+CFUN=4"), 1, "{name}: {:?}", bench.sent);
            assert_eq!(bench.steps, [], "{name}");
            let sent = bench.sent.concat();
            assert!(!sent.contains("s\"3") && !sent.contains("s\\223"), "{name}: {sent}");

            // The next start finds what it has set.
            bench.sent.clear();
            bench.closed = Some((bench.now, None));
            bench.run(30 * MINUTE);
            assert!(bench.mobile.works(), "{name}");
            assert_eq!(bench.count("AT+CFUN"), bench.count("AT+CFUN?"), "{name}: {:?}", bench.sent);
        }
    }
}

#[test]
fn a_wrong_account_is_denied_and_the_modem_is_not_restarted_for_ever() {
    for (name, stick) in lte_sticks() {
        let mut bench = Bench::with_operator(at_network(stick, 2), &stick.model, ACCOUNT);
        bench.run(3 * 60 * MINUTE);
        assert!(!bench.mobile.works(), "{name}");
        assert!(bench.count("AT+CFUN=4") <= 4, "{name}: {}", bench.count("AT+CFUN=4"));
    }
}

#[test]
fn an_account_that_is_changed_in_use_is_given_before_the_next_call() {
    for (name, stick) in lte_sticks() {
        let wrong = ACCOUNT.replace("s\"3", "old");
        let mut bench = Bench::with_operator(at_network(stick, 1), &stick.model, &wrong);
        bench.run(5 * MINUTE);
        assert!(!bench.mobile.works(), "{name}");
        bench.mobile.attach_with(context(ACCOUNT));
        assert!(bench.mobile.has_pending_orders(), "{name}: pppd waits");
        bench.run(20 * SECOND);
        assert!(!bench.mobile.has_pending_orders(), "{name}: {:?}", bench.sent);
        bench.run(20 * SECOND);
        assert!(bench.mobile.works(), "{name}: {:?}", bench.sent);
        bench.sent.clear();
        bench.mobile.attach_with(context(ACCOUNT));
        bench.run(MINUTE);
        assert_eq!(bench.count("AT+CFUN"), 0, "{name}: nothing has changed");
    }
}

#[test]
fn a_modem_without_a_command_for_the_account_attaches_with_the_apn_alone() {
    for (name, stick) in lte_sticks() {
        let mut model = stick.model.clone();
        model.traits.account = None;
        model.traits.lacks.push("+CGAUTH".to_owned());
        let mut modem = at_network(stick, 1);
        let cell = Cell {
            domains: Domains::Lte,
            admits: Some(Attachment { apn: Some("m2m.example".to_owned()), account: None }),
            ..modem.cell().clone()
        };
        modem.step(Event::Radio(cell), SECOND / 1000);
        let mut bench = Bench::with_operator(modem, &model, ACCOUNT);
        bench.run(MINUTE);
        assert!(bench.mobile.works(), "{name}: {:?}", bench.sent);
        assert!(!bench.sent.iter().any(|sent| sent.contains("account")), "{name}: {:?}", bench.sent);
    }
}
