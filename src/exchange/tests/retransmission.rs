//! A request that comes twice, as over UDP any may (RFC 3261 §17.2).

use super::*;

/// A phone's request, the answer to it, and the answer to the same datagram again.
fn twice(bench: &mut Bench, from: Phone, request: &Message) -> (Message, Message) {
    bench.receive(from, request);
    let first = bench.only(from);
    bench.pass(Duration::from_millis(500));
    bench.receive(from, request);
    (first, bench.only(from))
}

#[test]
fn a_challenge_is_the_same_again_so_that_its_nonce_stays_good() {
    for (method, uri, code) in [("REGISTER", "sip:box", 401), ("INVITE", "sip:5551234@box", 407)] {
        let mut bench = Bench::new();
        let request = bench.request(MODEM1, method, uri, "<sip:modem1@box>", "r");
        let (first, second) = twice(&mut bench, MODEM1, &request);
        assert_eq!((first.code(), &first), (code, &second));
        // What is not the same transaction gets a nonce of its own.
        let other = bench.request(MODEM1, method, uri, "<sip:modem1@box>", "r");
        bench.receive(MODEM1, &other);
        assert_ne!(bench.only(MODEM1), first);
    }
}

#[test]
fn a_wrong_password_that_comes_twice_is_one_guess() {
    let mut bench = Bench::new();
    let mut codes = Vec::new();
    for _ in 0..11 {
        let plain = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", "r");
        bench.receive(MODEM1, &plain);
        let challenge = bench.only(MODEM1);
        let mut guess = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", "r");
        guess.add(
            name::AUTHORIZATION,
            answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "secret", "REGISTER"),
        );
        for _ in 0..3 {
            bench.receive(MODEM1, &guess);
            codes.push(bench.only(MODEM1).code());
        }
    }
    assert_eq!(codes, [403; 33]);
    assert_eq!(bench.logged, ["wrong password for modem1 from 192.0.2.11"; 10]);
}

#[test]
fn every_answer_of_the_exchanges_own_is_the_same_again() {
    for (method, to, code) in [
        ("OPTIONS", "<sip:box>", 200),
        ("MESSAGE", "<sip:101@box>", 405),
        ("CANCEL", "<sip:101@box>", 481),
        ("BYE", "<sip:101@box>;tag=1", 481),
        ("INVITE", "<sip:101@box>;tag=1", 481),
    ] {
        let mut bench = Bench::registered(&[CONSOLE]);
        let request = bench.request(CONSOLE, method, "sip:101@box", to, "c");
        let (first, second) = twice(&mut bench, CONSOLE, &request);
        assert_eq!((first.code(), &first), (code, &second), "{method}");
    }
}

#[test]
fn a_cancel_that_comes_again_after_its_call_is_over_still_gets_200() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let sent = bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    bench.respond(MODEM1, &invite, 180);
    bench.got(CONSOLE);
    let cancel = of_invite(&sent, "CANCEL");
    bench.receive(CONSOLE, &cancel);
    let first = bench.only(CONSOLE);
    assert_eq!(first.code(), 200);
    bench.respond(MODEM1, &invite, 487);
    bench.receive(CONSOLE, &of_invite(&sent, "ACK"));
    bench.pass(Duration::from_secs(20));
    bench.got(CONSOLE);
    bench.receive(CONSOLE, &cancel);
    assert_eq!(bench.only(CONSOLE), first);
}

#[test]
fn a_stranger_gets_no_answer_that_was_another_ones_and_cancels_no_call() {
    let stranger = Phone(66, "modem1");
    let mut bench = Bench::new();
    let request = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", "r");
    bench.receive(MODEM1, &request);
    let challenge = bench.only(MODEM1);
    // With the adapter's port in Via, the answer goes to the same port of the stranger.
    bench.receive(stranger, &request);
    let other = bench.only(stranger);
    assert_ne!(other.get(name::WWW_AUTHENTICATE), challenge.get(name::WWW_AUTHENTICATE));

    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let sent = bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    bench.respond(MODEM1, &invite, 180);
    bench.receive(stranger, &of_invite(&sent, "CANCEL"));
    assert_eq!(bench.only(stranger).code(), 481);
    assert!(bench.got(MODEM1).is_empty());
}

#[test]
fn after_32_seconds_the_same_request_is_a_new_one() {
    let mut bench = Bench::new();
    let request = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", "r");
    bench.receive(MODEM1, &request);
    let first = bench.only(MODEM1);
    bench.pass(Duration::from_secs(33));
    bench.receive(MODEM1, &request);
    assert_ne!(bench.only(MODEM1), first);
}

/// The CANCEL or ACK of an INVITE: the same branch, another method (RFC 3261 §9.1, §17.1.1.3).
fn of_invite(sent: &Message, method: &str) -> Message {
    let mut request = sent.clone();
    request.start = Message::request(method, sent.uri()).start;
    let cseq = sent.get(name::CSEQ).unwrap().replace("INVITE", method);
    request.replace_first(name::CSEQ, cseq);
    request
}
