//! Hunt groups: one account after the other.

use super::*;

#[test]
fn the_next_modem_rings_when_the_first_is_busy_silent_or_talks() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM2]);
    bench.dial(CONSOLE, "5551234", "c1");
    let first = bench.only(MODEM1);
    bench.respond(MODEM1, &first, 486);
    assert_eq!(bench.only(MODEM1).method(), "ACK");
    let second = bench.only(MODEM2);
    assert_eq!(second.uri(), "sip:modem2@192.0.2.12:5060");
    assert_ne!(second.get(name::VIA), first.get(name::VIA));
    bench.respond(MODEM2, &second, 200);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 200);

    // modem2 talks now: a second caller gets modem1 only.
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM2, MODEM3]);
    bench.talk(CONSOLE, "101", MODEM1);
    bench.dial(MODEM3, "5551234", "c2");
    assert!(bench.got(MODEM1).is_empty());
    assert_eq!(bench.only(MODEM2).method(), "INVITE");
}

#[test]
fn all_busy_is_busy() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM2, MODEM3]);
    bench.talk(CONSOLE, "101", MODEM1);
    bench.dial(MODEM3, "102", "c2");
    let invite = bench.only(MODEM2);
    bench.respond(MODEM2, &invite, 200);
    bench.got(MODEM3);
    bench.dial(MODEM3, "5551234", "c3");
    assert_eq!(bench.got(MODEM3).last().unwrap().code(), 486);
}

#[test]
fn a_member_of_the_group_does_not_ring_itself() {
    let mut bench = Bench::registered(&[MODEM1, MODEM2]);
    bench.dial(MODEM1, "5551234", "c");
    assert_eq!(bench.got(MODEM1).iter().map(Message::code).collect::<Vec<_>>(), [100]);
    assert_eq!(bench.only(MODEM2).method(), "INVITE");
    bench.dial(MODEM1, "101", "self");
    assert_eq!(bench.got(MODEM1).last().unwrap().code(), 486);
}

#[test]
fn an_answer_that_crosses_its_cancel_connects_and_the_other_modem_stops_ringing() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM2]);
    bench.dial(CONSOLE, "5551234", "c");
    let first = bench.only(MODEM1);
    bench.respond(MODEM1, &first, 180);
    bench.pass(Duration::from_secs(21));
    assert!(bench.got(MODEM1).iter().any(|message| message.method() == "CANCEL"));
    let invites = bench.got(MODEM2);
    let second = invites.first().unwrap();
    bench.respond(MODEM2, second, 180);
    bench.respond(MODEM1, &first, 200);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 200);
    assert!(bench.got(MODEM2).iter().any(|message| message.method() == "CANCEL"));
    let calls = super::super::snapshot::calls(&bench.exchange.snapshot());
    assert_eq!((calls.len(), calls[0].callee.as_str()), (1, "modem1"));
}

#[test]
fn a_decline_for_everybody_ends_the_search() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM2]);
    bench.dial(CONSOLE, "5551234", "c");
    let first = bench.only(MODEM1);
    bench.respond(MODEM1, &first, 603);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 603);
    assert!(bench.got(MODEM2).is_empty());
    assert_eq!(bench.whys(), ["declined"]);
}

#[test]
fn the_first_pattern_that_matches_is_taken() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM3]);
    bench.dial(CONSOLE, "95", "c");
    assert_eq!(bench.only(MODEM3).method(), "INVITE");
}
