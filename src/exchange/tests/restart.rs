//! A restart of the program, and its bounds.

use super::*;

#[test]
fn a_call_that_is_up_survives_a_restart() {
    let mut before = Bench::registered(&[CONSOLE, MODEM1]);
    let (_, accepted) = before.talk(CONSOLE, "101", MODEM1);
    let published = before.exchange.snapshot();
    let mut after = Bench::with_key(9);
    after.exchange.restore(&published, after.now);
    assert_eq!(after.exchange.snapshot(), published);
    after.serial = before.serial;
    let bye = after.within(MODEM1, "BYE", &accepted, true);
    after.receive(MODEM1, &bye);
    let bye = after.only(CONSOLE);
    after.respond(CONSOLE, &bye, 200);
    assert_eq!(after.only(MODEM1).code(), 200);
    assert_eq!(after.whys(), ["the called side hung up"]);
    after.dial(CONSOLE, "101", "next");
    assert_eq!(after.only(MODEM1).method(), "INVITE", "the registration has survived too");
}

#[test]
fn a_published_text_that_is_torn_or_forged_is_read_as_far_as_it_goes() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.talk(CONSOLE, "101", MODEM1);
    let published = bench.exchange.snapshot();
    for end in 0..published.len() {
        let mut after = Bench::with_key(9);
        after.exchange.restore(published.get(..end).unwrap_or_default(), after.now);
    }
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    for call in 0..1000 {
        bench.exchange.peers.iter_mut().flat_map(|peer| &mut peer.bindings).for_each(|binding| {
            binding.probe = super::super::binding::Probe::Due(Duration::MAX / 2);
        });
        bench.dial(CONSOLE, "101", &format!("c{call}"));
        let invite = bench.only(MODEM1);
        let accepted = bench.respond(MODEM1, &invite, 200);
        let ack = bench.within(CONSOLE, "ACK", &accepted, false);
        bench.receive(CONSOLE, &ack);
        let bye = bench.within(CONSOLE, "BYE", &accepted, false);
        bench.receive(CONSOLE, &bye);
        bench.sent.clear();
        bench.pass(Duration::from_millis(10));
        assert!(bench.exchange.setups.len() <= 96 && bench.exchange.calls.len() <= 160);
    }
    assert_eq!(bench.ended.len(), 1000);
    bench.pass(Duration::from_secs(40));
    assert!(bench.exchange.setups.is_empty() && bench.exchange.calls.is_empty());
    assert!(bench.exchange.sending.is_empty());
}

#[test]
fn more_calls_than_there_is_room_for_are_refused() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    for call in 0..64 {
        bench.dial(CONSOLE, "101", &format!("c{call}"));
    }
    bench.got(CONSOLE);
    bench.dial(CONSOLE, "101", "one more");
    let refused = bench.only(CONSOLE);
    assert_eq!((refused.code(), refused.get(name::RETRY_AFTER)), (503, Some("30")));
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_datagram_upsets_the_exchange(datagram in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
            bench.exchange.receive(&datagram, CONSOLE.address(), bench.now);
            bench.pass(Duration::from_secs(5));
        }

        #[test]
        fn a_message_with_a_changed_byte_is_read_or_refused(
            at in 0_usize..600, byte in any::<u8>(), cut in 0_usize..900,
        ) {
            let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
            let invite = bench.dial(CONSOLE, "101", "c");
            let mut bytes = invite.to_bytes();
            bytes.truncate(cut);
            if let Some(target) = bytes.get_mut(at) {
                *target = byte;
            }
            bench.exchange.receive(&bytes, CONSOLE.address(), bench.now);
            bench.pass(Duration::from_secs(5));
        }

        #[test]
        fn what_is_written_is_read_back(
            user in "[a-z0-9]{1,8}", display in "[ -~&&[^\"\\\\]]{0,20}", body in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut message = Message::request("INVITE", &format!("sip:{user}@192.0.2.1"))
                .with(name::FROM, format_args!("\"{display}\" <sip:{user}@192.0.2.1>;tag=1"))
                .with(name::VIA, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx")
                .with(name::VIA, "SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKy");
            message.body = body;
            let mut read = Message::parse(&message.to_bytes()).unwrap();
            read.remove_all(name::CONTENT_LENGTH);
            prop_assert_eq!(read, message);
        }
    }
}
