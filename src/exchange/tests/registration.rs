//! REGISTER.

use super::*;

#[test]
fn an_account_registers_with_its_password_by_md5_and_by_sha256() {
    let mut bench = Bench::registered(&[MODEM1, MODEM3]);
    assert_eq!(
        bench.logged,
        ["modem1 has registered from 192.0.2.11:5060", "modem3 has registered from 192.0.2.13:5060"]
    );
    let snapshot = bench.exchange.snapshot();
    assert!(!snapshot.contains("key-"), "{snapshot}");
    assert_eq!(super::super::snapshot::peers(&snapshot).len(), 2);
    bench.pass(Duration::from_secs(3700));
    assert_eq!(bench.exchange.snapshot(), "", "both registrations have ended");
}

#[test]
fn the_challenge_of_an_account_that_does_not_exist_is_like_any_other() {
    let mut bench = Bench::new();
    let mut challenge = |phone: Phone| {
        let request = bench.request(phone, "REGISTER", "sip:box", &format!("<sip:{}@box>", phone.1), "r");
        bench.receive(phone, &request);
        let answer = bench.only(phone);
        let value = answer.get(name::WWW_AUTHENTICATE).unwrap().to_owned();
        let nonce = value.find("nonce=").unwrap();
        (answer.code(), value[..nonce].to_owned(), value.len())
    };
    assert_eq!(challenge(Phone(66, "nobody")), challenge(MODEM1));
}

#[test]
fn a_wrong_password_is_refused_logged_and_limited_and_a_right_one_from_elsewhere_is_not() {
    let mut bench = Bench::new();
    let thief = Phone(66, "modem1");
    let mut codes = Vec::new();
    for _ in 0..20 {
        let uri = "<sip:modem1@box>";
        let plain = bench.request(thief, "REGISTER", "sip:box", uri, "r");
        bench.receive(thief, &plain);
        let challenge = bench.only(thief);
        let mut guess = bench.request(thief, "REGISTER", "sip:box", uri, "r");
        guess.add(
            name::AUTHORIZATION,
            answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "secret", "REGISTER"),
        );
        bench.receive(thief, &guess);
        codes.push(bench.only(thief).code());
    }
    assert_eq!(codes, [403; 20]);
    assert_eq!(bench.logged, ["wrong password for modem1 from 192.0.2.66"; 10]);
    assert_eq!(bench.register(thief, 60), 403, "even the right one from there");
    assert_eq!(bench.register(MODEM1, 60), 200);
}

/// Nothing waits in the exchange: what it does for a right REGISTER does not depend on how many wrong ones came before it.
/// That they do not fill its socket is the firewall's work (`src/site/render/firewall.rs`).
#[test]
fn a_right_password_is_accepted_at_once_amid_a_flood_of_wrong_ones_from_one_or_many_addresses() {
    let mut bench = Bench::new();
    let uri = "<sip:modem1@box>";
    let plain = bench.request(MODEM1, "REGISTER", "sip:box", uri, "r");
    bench.receive(MODEM1, &plain);
    let challenge = bench.only(MODEM1);
    for number in 0..3000_u32 {
        let from = if number < 1000 { 66 } else { u8::try_from(100 + number % 100).unwrap() };
        let thief = Phone(from, "modem1");
        let mut wrong = bench.request(thief, "REGISTER", "sip:box", uri, "flood");
        let value = answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "guessed", "REGISTER");
        wrong.add(name::AUTHORIZATION, value);
        bench.receive(thief, &wrong);
        assert!([401, 403].contains(&bench.only(thief).code()), "one answer to each");
    }
    let mut right = bench.request(MODEM1, "REGISTER", "sip:box", uri, "r");
    right.add(
        name::AUTHORIZATION,
        answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "key-modem1", "REGISTER"),
    );
    bench.receive(MODEM1, &right);
    assert_eq!(bench.only(MODEM1).code(), 200);
    // Ten for each address, and then none in the same second.
    assert!(bench.logged.len() < 3000, "{}", bench.logged.len());
    bench.pass(Duration::from_secs(40));
    assert!(bench.sent.iter().all(|(to, _)| *to == MODEM1.address()), "nothing is left of the flood");
}

#[test]
fn an_account_cannot_register_for_another() {
    let mut bench = Bench::new();
    let plain = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem2@box>", "r");
    bench.receive(MODEM1, &plain);
    let challenge = bench.only(MODEM1);
    let mut again = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem2@box>", "r");
    again.add(
        name::AUTHORIZATION,
        answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "key-modem1", "REGISTER"),
    );
    bench.receive(MODEM1, &again);
    assert_eq!(bench.only(MODEM1).code(), 403);
    assert_eq!(bench.exchange.snapshot(), "");
}

#[test]
fn a_recorded_registration_is_of_no_use_and_a_lost_answer_is_repeated() {
    let mut bench = Bench::new();
    let uri = "<sip:modem1@box>";
    let plain = bench.request(MODEM1, "REGISTER", "sip:box", uri, "r");
    bench.receive(MODEM1, &plain);
    let challenge = bench.only(MODEM1);
    let mut right = bench.request(MODEM1, "REGISTER", "sip:box", uri, "r");
    right.add(
        name::AUTHORIZATION,
        answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "key-modem1", "REGISTER"),
    );
    bench.receive(MODEM1, &right);
    let first = bench.only(MODEM1);
    bench.receive(MODEM1, &right);
    assert_eq!(bench.only(MODEM1), first, "the same transaction");
    let mut recorded = right.clone();
    recorded.replace_first(name::VIA, "SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKother;rport".into());
    let thief = Phone(66, "modem1");
    bench.receive(thief, &recorded);
    let refused = bench.only(thief);
    assert_eq!(refused.code(), 401);
    assert!(refused.get(name::WWW_AUTHENTICATE).unwrap().ends_with("stale=true"));
}

#[test]
fn a_nonce_of_an_earlier_process_is_stale() {
    let mut before = Bench::with_key(1);
    let plain = before.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", "r");
    before.receive(MODEM1, &plain);
    let challenge = before.only(MODEM1);
    let mut after = Bench::with_key(2);
    let mut late = after.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", "r");
    late.add(
        name::AUTHORIZATION,
        answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "key-modem1", "REGISTER"),
    );
    after.receive(MODEM1, &late);
    assert!(after.only(MODEM1).get(name::WWW_AUTHENTICATE).unwrap().ends_with("stale=true"));
}

#[test]
fn the_lifetime_is_bounded_and_0_unregisters() {
    let mut bench = Bench::new();
    assert_eq!(bench.register(MODEM1, 59), 423);
    assert_eq!(bench.register(MODEM1, 1_000_000), 200);
    let peers = super::super::snapshot::peers(&bench.exchange.snapshot());
    assert_eq!(peers[0].expires, bench.now + Duration::from_secs(7200));
    assert_eq!(bench.register(MODEM1, 0), 200);
    assert_eq!(bench.exchange.snapshot(), "");
}

#[test]
fn a_contact_elsewhere_is_reached_where_it_has_registered_from() {
    let mut bench = Bench::new();
    let liar = Phone(11, "modem1");
    let uri = "<sip:modem1@box>";
    let plain = bench.request(liar, "REGISTER", "sip:box", uri, "r");
    bench.receive(liar, &plain);
    let challenge = bench.only(liar);
    let mut again = bench.request(liar, "REGISTER", "sip:box", uri, "r");
    again.replace_first(name::CONTACT, "<sip:modem1@198.51.100.9:53>".into());
    again.add(
        name::AUTHORIZATION,
        answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "key-modem1", "REGISTER"),
    );
    bench.receive(liar, &again);
    bench.pass(Duration::from_secs(1));
    let to: Vec<String> = bench.sent.iter().map(|(to, _)| to.to_string()).collect();
    assert!(to.iter().all(|to| to.starts_with("192.0.2.11:")), "{to:?}");
}

#[test]
fn a_contact_that_stops_answering_is_not_rung_and_rung_again_when_it_answers() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.pass(Duration::from_secs(10));
    assert!(bench.logged.iter().any(|line| line == "modem1 at 192.0.2.11:5060 does not answer"));
    bench.dial(CONSOLE, "101", "c1");
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 480);
    bench.sent.clear();
    bench.pass(Duration::from_secs(9));
    let (_, probe) = bench.sent.iter().find(|(to, _)| *to == MODEM1.address()).cloned().unwrap();
    // An adapter that does not know OPTIONS answers all the same.
    bench.receive(MODEM1, &Message::response(&probe, 405, "Method Not Allowed"));
    assert_eq!(bench.logged.last().unwrap(), "modem1 answers again");
    bench.dial(CONSOLE, "101", "c2");
    assert_eq!(bench.only(MODEM1).method(), "INVITE");
}
