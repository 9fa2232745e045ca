//! Requests before the answer: reliable provisional responses (RFC 3262), UPDATE (RFC 3311), BYE (RFC 3261 §15).

use super::*;

/// A call that rings, with a tag: the INVITE that the callee got, and its 180.
fn ringing(bench: &mut Bench) -> (Message, Message) {
    bench.dial(CONSOLE, "5551234", "c");
    let invite = bench.only(MODEM1);
    let ringing = bench.respond(MODEM1, &invite, 180);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 180);
    (invite, ringing)
}

#[test]
fn a_reliable_ringing_is_acknowledged_through_the_exchange() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (invite, ringing) = ringing(&mut bench);
    // RFC 3262 §4: PRACK within the early dialog, and its 200.
    let prack = bench.within(CONSOLE, "PRACK", &ringing, false).with("RAck", "1 1 INVITE");
    bench.receive(CONSOLE, &prack);
    let got = bench.only(MODEM1);
    assert_eq!((got.method(), got.get("RAck")), ("PRACK", Some("1 1 INVITE")));
    bench.respond(MODEM1, &got, 200);
    let answer = bench.only(CONSOLE);
    assert_eq!((answer.code(), answer.get(name::CSEQ)), (200, prack.get(name::CSEQ)));
    // The same call is answered then.
    bench.respond(MODEM1, &invite, 200);
    assert_eq!(bench.only(CONSOLE).code(), 200);
    let calls = super::super::snapshot::calls(&bench.exchange.snapshot());
    assert_eq!((calls.len(), calls[0].callee.as_str()), (1, "modem1"));
}

#[test]
fn both_sides_update_a_session_before_the_answer() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (invite, ringing) = ringing(&mut bench);
    for (from, to, by_callee) in [(CONSOLE, MODEM1, false), (MODEM1, CONSOLE, true)] {
        let update = bench.within(from, "UPDATE", &ringing, by_callee);
        bench.receive(from, &update);
        let got = bench.only(to);
        assert_eq!(got.method(), "UPDATE");
        bench.respond(to, &got, 200);
        assert_eq!(bench.only(from).code(), 200);
    }
    bench.respond(MODEM1, &invite, 200);
    assert_eq!(bench.only(CONSOLE).code(), 200);
    // A BYE of the exchange comes after the requests of the early dialog (RFC 3261 §12.2.1.1).
    bench.pass(Duration::from_secs(50));
    let cseq = |message: &Message| {
        super::super::header::CSeq::parse(message.get(name::CSEQ).unwrap()).unwrap().number
    };
    let byes = bench.got(CONSOLE);
    let bye = byes.iter().find(|message| message.method() == "BYE").unwrap();
    assert!(cseq(bye) > cseq(&invite) + 1, "{bye:#?}");
}

#[test]
fn a_caller_may_end_the_early_dialog() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (invite, ringing) = ringing(&mut bench);
    let bye = bench.within(CONSOLE, "BYE", &ringing, false);
    bench.receive(CONSOLE, &bye);
    let got = bench.only(MODEM1);
    assert_eq!(got.method(), "BYE");
    bench.respond(MODEM1, &got, 200);
    bench.respond(MODEM1, &invite, 487);
    let codes: Vec<u16> = bench.got(CONSOLE).iter().map(Message::code).collect();
    assert_eq!(codes, [200, 487]);
    assert_eq!(bench.whys().len(), 1);
}

#[test]
fn an_early_dialog_is_its_sides_alone() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM3]);
    let (_, ringing) = ringing(&mut bench);
    let mut forged = bench.within(CONSOLE, "UPDATE", &ringing, false);
    forged.replace_first(name::VIA, format!("SIP/2.0/UDP {};branch=z9hG4bKf", MODEM3.address()));
    bench.receive(MODEM3, &forged);
    assert_eq!(bench.only(MODEM3).code(), 481);
    assert!(bench.got(MODEM1).is_empty());
}

/// RFC 3261 §13.2.2.4: a telephone behind the account has forked, and two have answered. The caller ends one of them.
#[test]
fn a_second_answer_is_acknowledged_and_ended() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    let first = bench.respond(MODEM1, &invite, 200);
    let mut second = first.clone();
    second.replace_first(name::TO, first.get(name::TO).unwrap().replace("tag=", "tag=other-"));
    bench.receive(MODEM1, &second);
    bench.got(CONSOLE);
    for method in ["ACK", "BYE"] {
        let request = bench.within(CONSOLE, method, &second, false);
        bench.receive(CONSOLE, &request);
        assert_eq!(bench.only(MODEM1).method(), method);
    }
    assert_eq!(bench.whys(), Vec::<&str>::new(), "the first one is up");
    let bye = bench.within(CONSOLE, "BYE", &first, false);
    bench.receive(CONSOLE, &bye);
    assert_eq!(bench.whys(), ["the caller hung up"]);
}
