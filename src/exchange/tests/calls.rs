//! A call from its INVITE to its BYE.

use super::*;

#[test]
fn any_number_rings_the_modem_and_both_sides_can_hang_up() {
    for callee_hangs_up in [false, true] {
        let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
        bench.dial(CONSOLE, "5551234", "c");
        let invite = bench.only(MODEM1);
        assert_eq!(invite.uri(), "sip:modem1@192.0.2.11:5060");
        assert_eq!(invite.get(name::RECORD_ROUTE), Some("<sip:192.0.2.1:5060;lr>"));
        assert_eq!(invite.get(name::MAX_FORWARDS), Some("69"));
        assert_eq!(invite.get(name::PROXY_AUTHORIZATION), None, "the answer was for the exchange");
        assert_eq!(String::from_utf8_lossy(&invite.body), SDP);
        bench.respond(MODEM1, &invite, 180);
        let accepted = bench.respond(MODEM1, &invite, 200);
        let codes: Vec<u16> = bench.got(CONSOLE).iter().map(Message::code).collect();
        assert_eq!(codes, [100, 180, 200]);
        let ack = bench.within(CONSOLE, "ACK", &accepted, false);
        bench.receive(CONSOLE, &ack);
        let ack = bench.only(MODEM1);
        assert_eq!((ack.method(), ack.get(name::ROUTE)), ("ACK", None));
        let calls = super::super::snapshot::calls(&bench.exchange.snapshot());
        assert_eq!((calls[0].caller.as_str(), calls[0].callee.as_str()), ("console", "modem1"));
        assert_eq!((calls[0].number.as_str(), calls[0].codec.as_deref()), ("5551234", Some("PCMA")));

        bench.pass(Duration::from_secs(3));
        let (from, to) = if callee_hangs_up { (MODEM1, CONSOLE) } else { (CONSOLE, MODEM1) };
        let bye = bench.within(from, "BYE", &accepted, callee_hangs_up);
        bench.receive(from, &bye);
        let bye = bench.only(to);
        bench.respond(to, &bye, 200);
        assert_eq!(bench.only(from).code(), 200);
        let why = if callee_hangs_up { "the called side hung up" } else { "the caller hung up" };
        assert_eq!((bench.whys(), bench.ended[0].seconds), (vec![why], 3));
        assert!(super::super::snapshot::calls(&bench.exchange.snapshot()).is_empty());
    }
}

#[test]
fn nobody_calls_without_a_password() {
    let mut bench = Bench::registered(&[MODEM1]);
    let stranger = Phone(66, "console");
    let invite = bench.request(stranger, "INVITE", "sip:5551234@box", "<sip:5551234@box>", "c");
    bench.receive(stranger, &invite);
    assert_eq!(bench.only(stranger).code(), 407);
    assert!(bench.got(MODEM1).is_empty());
}

#[test]
fn what_cannot_be_reached_is_told() {
    let mut bench = Bench::registered(&[CONSOLE]);
    for (number, code, why) in [
        ("abc", 404, "no such number"),
        ("5551234", 480, "nobody is registered there"),
        ("102", 480, "nobody is registered there"),
    ] {
        bench.dial(CONSOLE, number, number);
        assert_eq!(bench.got(CONSOLE).last().unwrap().code(), code, "{number}");
        assert_eq!(bench.ended.last().unwrap().why, why);
    }
}

#[test]
fn a_busy_modem_is_busy_and_the_refusal_is_repeated_until_its_ack() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let sent = bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    bench.respond(MODEM1, &invite, 486);
    assert_eq!(bench.only(MODEM1).method(), "ACK", "by the exchange: the refusal is for one hop");
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 486);
    assert_eq!(bench.whys(), ["busy"]);
    bench.pass(Duration::from_millis(600));
    assert_eq!(bench.only(CONSOLE).code(), 486, "again after T1");
    let mut ack = sent.clone();
    ack.start = Message::request("ACK", sent.uri()).start;
    let cseq = sent.get(name::CSEQ).unwrap().replace("INVITE", "ACK");
    ack.replace_first(name::CSEQ, cseq);
    bench.receive(CONSOLE, &ack);
    bench.pass(Duration::from_secs(40));
    assert!(bench.got(CONSOLE).is_empty());
}

#[test]
fn a_caller_that_gives_up_stops_the_ringing() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let sent = bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    let mut cancel = sent.clone();
    cancel.start = Message::request("CANCEL", sent.uri()).start;
    let cseq = sent.get(name::CSEQ).unwrap().replace("INVITE", "CANCEL");
    cancel.replace_first(name::CSEQ, cseq);
    bench.got(CONSOLE);
    bench.receive(CONSOLE, &cancel);
    assert_eq!(bench.only(CONSOLE).code(), 200);
    assert!(bench.got(MODEM1).is_empty(), "RFC 3261 §9.1: not before a response");
    bench.respond(MODEM1, &invite, 180);
    let cancel = bench.only(MODEM1);
    assert_eq!(cancel.method(), "CANCEL");
    assert_eq!(cancel.get(name::VIA), invite.get(name::VIA));
    bench.respond(MODEM1, &cancel, 200);
    bench.respond(MODEM1, &invite, 487);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 487);
    assert_eq!(bench.whys(), ["the caller gave up"]);
}

#[test]
fn a_modem_that_does_not_answer_in_time_is_cancelled() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    bench.respond(MODEM1, &invite, 180);
    bench.pass(Duration::from_secs(19));
    assert!(bench.ended.is_empty());
    bench.pass(Duration::from_secs(2));
    assert!(bench.got(MODEM1).iter().any(|message| message.method() == "CANCEL"));
    assert!(bench.got(CONSOLE).iter().any(|message| message.code() == 480));
    assert_eq!(bench.whys(), ["no answer"]);
}

#[test]
fn a_modem_that_is_silent_is_asked_again_and_given_up() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.dial(CONSOLE, "101", "c");
    bench.pass(Duration::from_secs(21));
    let invites = bench.got(MODEM1).iter().filter(|message| message.method() == "INVITE").count();
    // At 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s (RFC 3261 §17.1.1.2).
    assert_eq!((invites, bench.whys()), (6, vec!["no answer"]));
}

#[test]
fn a_repeated_invite_rings_once() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let sent = bench.dial(CONSOLE, "101", "c");
    bench.receive(CONSOLE, &sent);
    bench.receive(CONSOLE, &sent);
    assert_eq!(bench.got(MODEM1).len(), 1);
    let codes: Vec<u16> = bench.got(CONSOLE).iter().map(Message::code).collect();
    assert_eq!(codes, [100, 100, 100]);
}

#[test]
fn an_offer_of_t38_or_v150_within_a_call_passes_unchanged_and_so_does_its_answer() {
    let table = [
        ("v=0\r\nm=image 4002 udptl t38\r\na=T38FaxVersion:0\r\na=gpmd:100 vbd=yes\r\n", "T.38"),
        // ITU-T V.150.1 Annex E: SPRT as a capability (RFC 3407) beside the sound, and modem relay on its own.
        (
            "v=0\r\nm=audio 4002 RTP/AVP 0 100\r\na=gpmd:100 vbd=yes\r\na=sqn: 0\r\na=cdsc: 1 audio RTP/AVP 0 18\r\n\
             a=cdsc: 3 audio udpsprt 120\r\na=cpar: a=sprtmap:120 v150mr/8000\r\na=cpar: a=fmtp:120 mr=1;mg=0;CDSCselect=1\r\n",
            "PCMU",
        ),
        (
            "v=0\r\nm=audio 4002 udpsprt 120\r\na=sprtmap:120 v150mr/8000\r\na=fmtp:120 mr=1;mg=0\r\n",
            "udpsprt",
        ),
    ];
    for (offered, codec) in table {
        let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
        let (_, accepted) = bench.talk(CONSOLE, "101", MODEM1);
        let mut offer = bench.within(MODEM1, "INVITE", &accepted, true);
        offer.add(name::CONTENT_TYPE, "application/sdp");
        offer.body = offered.into();
        bench.receive(MODEM1, &offer);
        let passed = bench.only(CONSOLE);
        assert_eq!((passed.method(), String::from_utf8_lossy(&passed.body).as_ref()), ("INVITE", offered));
        let mut yes = Message::response(&passed, 200, "OK").with(name::CONTACT, CONSOLE.contact());
        yes.body = offered.replace("4002", "4000").into_bytes();
        bench.receive(CONSOLE, &yes);
        let answer = bench.only(MODEM1);
        assert_eq!((answer.code(), &answer.body), (200, &yes.body));
        let calls = super::super::snapshot::calls(&bench.exchange.snapshot());
        assert_eq!(calls[0].codec.as_deref(), Some(codec));
    }
}

#[test]
fn a_stranger_cannot_speak_within_a_call() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (_, accepted) = bench.talk(CONSOLE, "101", MODEM1);
    let stranger = Phone(66, "console");
    let bye = bench.within(stranger, "BYE", &accepted, false);
    bench.receive(stranger, &bye);
    assert_eq!(bench.only(stranger).code(), 481);
    assert!(bench.got(MODEM1).is_empty() && bench.ended.is_empty());
}

#[test]
fn no_side_can_have_the_box_send_elsewhere() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (_, accepted) = bench.talk(CONSOLE, "101", MODEM1);
    let mut info = bench.within(CONSOLE, "INFO", &accepted, false);
    info.start = Message::request("INFO", "sip:x@198.51.100.9:53").start;
    bench.receive(CONSOLE, &info);
    let to: Vec<SocketAddrV4> = bench.sent.iter().map(|(to, _)| *to).collect();
    assert_eq!(to, [MODEM1.address()]);
}

#[test]
fn a_call_ends_with_a_bye_to_each_side_when_one_no_longer_answers() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.talk(CONSOLE, "101", MODEM1);
    // The console answers each probe, the modem none.
    for _ in 0..400 {
        bench.pass(Duration::from_millis(100));
        let probes: Vec<Message> = std::mem::take(&mut bench.sent)
            .into_iter()
            .filter(|(to, message)| *to == CONSOLE.address() || message.method() == "BYE")
            .map(|(_, message)| message)
            .collect();
        for probe in probes {
            if probe.method() == "OPTIONS" {
                bench.receive(CONSOLE, &Message::response(&probe, 200, "OK"));
            } else {
                bench.sent.push((CONSOLE.address(), probe));
            }
        }
        if !bench.ended.is_empty() {
            break;
        }
    }
    assert_eq!(bench.whys(), ["modem1 no longer answered"]);
    let byes = bench.sent.iter().filter(|(_, message)| message.method() == "BYE").count();
    assert_eq!(byes, 2);
}

/// A call with a session timer (RFC 4028) of 90 s, without probes, and the answer that has begun it.
fn with_session_timer() -> (Bench, Message) {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    let mut yes = Message::response(&invite, 200, "OK").with(name::CONTACT, MODEM1.contact());
    yes.replace_first(name::TO, "<sip:101@box>;tag=m".into());
    yes.add(name::SESSION_EXPIRES, "90;refresher=uac");
    bench.receive(MODEM1, &yes);
    let answer = bench.got(CONSOLE).pop().unwrap();
    assert_eq!(answer.get(name::SESSION_EXPIRES), Some("90;refresher=uac"));
    bench.exchange.peers.clear();
    bench.exchange.peers.extend((0..4).map(|_| super::super::binding::Peer::default()));
    (bench, answer)
}

#[test]
fn a_session_that_is_not_refreshed_ends() {
    let (mut bench, _) = with_session_timer();
    bench.pass(Duration::from_secs(89));
    assert!(bench.ended.is_empty());
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.whys(), ["the session timer expired"]);
}

#[test]
fn each_refresh_prolongs_a_session_and_one_without_a_timer_ends_the_limit() {
    let (mut bench, answer) = with_session_timer();
    for interval in [Some("90;refresher=uac"), Some("1800"), None] {
        bench.pass(Duration::from_secs(80));
        let mut update = bench.within(CONSOLE, "UPDATE", &answer, false);
        update.add(name::SESSION_EXPIRES, "90");
        bench.receive(CONSOLE, &update);
        let passed = bench.only(MODEM1);
        assert_eq!(passed.get(name::SESSION_EXPIRES), Some("90"));
        let mut yes = Message::response(&passed, 200, "OK").with(name::CONTACT, MODEM1.contact());
        if let Some(interval) = interval {
            yes.add(name::SESSION_EXPIRES, interval);
        }
        bench.receive(MODEM1, &yes);
        assert_eq!(bench.only(CONSOLE).code(), 200);
    }
    bench.pass(Duration::from_secs(7200));
    assert!(bench.ended.is_empty(), "{:?}", bench.whys());
}
