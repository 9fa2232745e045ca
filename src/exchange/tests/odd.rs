//! What adapters send that is unusual, and what the RFCs want done with it.

use super::*;

/// Sends a REGISTER with these contacts, and the right password; returns the answer.
fn register(bench: &mut Bench, call_id: &str, cseq: u32, contacts: &[&str], expires: u32) -> Message {
    let request = |bench: &mut Bench, cseq: u32| {
        let mut request = bench.request(MODEM1, "REGISTER", "sip:box", "<sip:modem1@box>", call_id);
        request.replace_first(name::CSEQ, format!("{cseq} REGISTER"));
        request.remove_all(name::CONTACT);
        for contact in contacts {
            request.add(name::CONTACT, contact);
        }
        request.with(name::EXPIRES, expires)
    };
    let plain = request(bench, cseq);
    bench.receive(MODEM1, &plain);
    let challenge = bench.only(MODEM1);
    let credentials = answer(&challenge, name::WWW_AUTHENTICATE, "modem1", "key-modem1", "REGISTER");
    let again = request(bench, cseq).with(name::AUTHORIZATION, credentials);
    bench.receive(MODEM1, &again);
    bench.only(MODEM1)
}

fn contacts(answer: &Message) -> Vec<String> {
    answer.all(name::CONTACT).map(|it| it.split('>').next().unwrap_or_default().to_owned() + ">").collect()
}

/// RFC 3261 §10.3.
#[test]
fn a_registration_is_done_as_a_whole_or_not_at_all() {
    let (one, two) = ("<sip:m@192.0.2.11:5060>", "<sip:m@192.0.2.11:6060>");
    let mut bench = Bench::new();
    assert_eq!(contacts(&register(&mut bench, "a", 5, &[one, two], 3600)), [one, two]);
    bench.logged.clear();
    // Item 7: of several contacts none is bound if one is refused.
    let third = "<sip:m@192.0.2.11:7060>";
    for refused in ["<isbn:2983792873>", two] {
        let cseq = if refused == two { 5 } else { 6 };
        let answer = register(&mut bench, "a", cseq, &[third, refused], 3600);
        assert!([400, 500].contains(&answer.code()), "{refused} {}", answer.code());
        assert_eq!(contacts(&register(&mut bench, "a", 9, &[], 3600)), [one, two], "{refused}");
    }
    // Item 6: `*` that was overtaken by a later request of the same client removes nothing, and one of another does.
    assert_eq!(register(&mut bench, "a", 5, &["*"], 0).code(), 500);
    assert_eq!(contacts(&register(&mut bench, "a", 9, &[], 3600)), [one, two]);
    assert_eq!(bench.logged, Vec::<String>::new());
    assert_eq!(contacts(&register(&mut bench, "b", 1, &["*"], 0)), Vec::<String>::new());
    assert_eq!(bench.logged, ["modem1 has unregistered everywhere"]);
}

/// An adapter that listens by UDP and TCP names the same port twice.
#[test]
fn two_contacts_of_one_port_are_one() {
    let mut bench = Bench::new();
    let both = ["<sip:m@HT802.lan:5060>", "<sip:m@ht802.lan:5060;transport=tcp>"];
    let answer = register(&mut bench, "a", 5, &both, 3600);
    assert_eq!((answer.code(), contacts(&answer)), (200, vec![both[1].to_owned()]));
    // Contacts in one header field, one of which leaves.
    let answer = register(
        &mut bench,
        "a",
        6,
        &["\"A, B\" <sip:m@ht802.lan:5060>;expires=0, <sip:m@[2001:db8::9]:5062>;q=0.5;expires=120"],
        3600,
    );
    assert_eq!(contacts(&answer), ["<sip:m@[2001:db8::9]:5062>"]);
    bench.pass(Duration::from_secs(1));
    let probe = bench.sent.iter().find(|(_, message)| message.method() == "OPTIONS").unwrap();
    assert_eq!((probe.0, probe.1.uri()), (MODEM1.address(), "sip:m@[2001:db8::9]:5062"));
}

/// RFC 3261 §11: no hop follows; RFC 4475 §3.3.11 has the one to somebody else.
#[test]
fn a_ping_is_answered_with_no_hop_left() {
    let mut bench = Bench::new();
    for (uri, code) in [("sip:box", 200), ("sip:192.0.2.1:5060", 200), ("sip:101@box", 483)] {
        let mut ping = bench.request(CONSOLE, "OPTIONS", uri, "<sip:box>", "ping");
        ping.replace_first(name::MAX_FORWARDS, "0".to_owned());
        bench.receive(CONSOLE, &ping);
        assert_eq!(bench.only(CONSOLE).code(), code, "{uri}");
    }
    // RFC 5626 §3.5.1, and a NUL as some send it: nothing is to be said.
    for ping in [&b"\r\n\r\n"[..], b"\r\n", b"\0", b""] {
        bench.exchange.receive(ping, CONSOLE.address(), bench.now);
        bench.drain();
        assert!(bench.got(CONSOLE).is_empty());
    }
}

#[test]
fn what_belongs_to_a_dialog_is_told_that_there_is_none_and_the_rest_what_there_is() {
    let mut bench = Bench::new();
    let table = [
        ("BYE", 481),    // RFC 3261 §15.1.2
        ("PRACK", 481),  // RFC 3262 §3
        ("UPDATE", 481), // RFC 3311 §5.2
        ("INFO", 481),   // RFC 6086 §4.2.2
        ("NOTIFY", 405), // the keep-alive of Linksys adapters: any answer will do
        ("REFER", 405),
        ("SUBSCRIBE", 405),
        ("PUBLISH", 405),
    ];
    for (method, code) in table {
        let request = bench.request(CONSOLE, method, "sip:101@box", "<sip:101@box>", method);
        bench.receive(CONSOLE, &request);
        let answer = bench.only(CONSOLE);
        assert_eq!(answer.code(), code, "{method}");
        // RFC 3261 §21.4.6: Allow lists what is allowed.
        let allow = answer.get(name::ALLOW).unwrap_or_default();
        assert!(!allow.split(", ").any(|allowed| allowed == method), "{method}: {allow}");
    }
}

/// RFC 3261 §12.1.1 and §12.1.2: no tag is the empty tag.
#[test]
fn a_call_between_peers_without_tags_is_one() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let from = "<sip:console@box>";
    bench.got(CONSOLE);
    let untagged = |bench: &mut Bench, method: &str, uri: &str| {
        let mut request = bench.request(CONSOLE, method, uri, "<sip:101@box>", "old");
        request.replace_first(name::FROM, from.to_owned());
        request
    };
    let plain = untagged(&mut bench, "INVITE", "sip:101@box");
    bench.receive(CONSOLE, &plain);
    let challenge = bench.only(CONSOLE);
    let credentials = answer(&challenge, name::PROXY_AUTHENTICATE, "console", "key-console", "INVITE");
    let invite = untagged(&mut bench, "INVITE", "sip:101@box").with(name::PROXY_AUTHORIZATION, credentials);
    bench.receive(CONSOLE, &invite);
    let rings = bench.only(MODEM1);
    let mut ok = Message::response(&rings, 200, "OK").with(name::CONTACT, MODEM1.contact());
    ok.body = SDP.into();
    bench.receive(MODEM1, &ok);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 200);
    for method in ["ACK", "BYE"] {
        let request = untagged(&mut bench, method, "sip:modem1@192.0.2.11:5060");
        bench.receive(CONSOLE, &request);
        assert_eq!(bench.only(MODEM1).method(), method);
    }
    assert_eq!(bench.whys(), ["the caller hung up"]);
}

/// RFC 3261 §16.7, step 6.
#[test]
fn a_group_answers_with_what_helps_the_caller_most() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1, MODEM2]);
    bench.dial(CONSOLE, "5551234", "c");
    // RFC 4028 §6: the caller would ask again, with a longer session.
    let first = bench.only(MODEM1);
    let brief = Message::response(&first, 422, "Session Interval Too Small").with("Min-SE", "1800");
    bench.receive(MODEM1, &brief);
    bench.got(MODEM1);
    let second = bench.only(MODEM2);
    bench.respond(MODEM2, &second, 486);
    let got = bench.got(CONSOLE);
    let answer = got.last().unwrap();
    assert_eq!((answer.code(), answer.get("Min-SE")), (422, Some("1800")));
    // An adapter that is overloaded is not the exchange (§21.5.4).
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    bench.dial(CONSOLE, "101", "c");
    let invite = bench.only(MODEM1);
    bench.respond(MODEM1, &invite, 503);
    assert_eq!(bench.got(CONSOLE).last().unwrap().code(), 500);
}

/// RFC 3581 §4: the response goes to the port that the request came from, even within a call.
#[test]
fn a_request_from_another_port_of_its_side_is_answered_there() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (_, answer) = bench.talk(CONSOLE, "101", MODEM1);
    let mut info = bench.within(CONSOLE, "INFO", &answer, false);
    info.replace_first(name::VIA, "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKnat;rport".to_owned());
    let port: SocketAddrV4 = "192.0.2.10:40001".parse().unwrap();
    bench.exchange.receive(&info.to_bytes(), port, bench.now);
    bench.drain();
    let got = bench.only(MODEM1);
    bench.respond(MODEM1, &got, 200);
    let (to, answer) = bench.sent.pop().unwrap();
    assert_eq!((to, answer.code()), (port, 200));
}

/// RFC 3261 §9.2: an answer that has been given stays, and the CANCEL is still answered.
#[test]
fn a_cancel_after_the_answer_changes_nothing() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let invite = bench.dial(CONSOLE, "101", "c");
    let rings = bench.only(MODEM1);
    bench.respond(MODEM1, &rings, 200);
    bench.got(CONSOLE);
    let mut cancel = invite.clone();
    cancel.start = Message::request("CANCEL", invite.uri()).start;
    let cseq = invite.get(name::CSEQ).unwrap().replace("INVITE", "CANCEL");
    cancel.replace_first(name::CSEQ, cseq);
    cancel.body.clear();
    bench.receive(CONSOLE, &cancel);
    assert_eq!(bench.only(CONSOLE).code(), 200);
    assert!(bench.got(MODEM1).is_empty());
    bench.pass(Duration::from_secs(2));
    assert!(bench.ended.is_empty());
}

/// RFC 3261 §14.1: two re-INVITEs that cross are both refused by the sides, each to its own.
#[test]
fn crossing_offers_are_told_apart() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (_, answer) = bench.talk(CONSOLE, "101", MODEM1);
    let one = bench.within(CONSOLE, "INVITE", &answer, false);
    let two = bench.within(MODEM1, "INVITE", &answer, true);
    bench.receive(CONSOLE, &one);
    bench.receive(MODEM1, &two);
    let (by_modem, by_console) = (bench.only(MODEM1), bench.only(CONSOLE));
    for (by, other, asked, got) in [(MODEM1, CONSOLE, &one, by_modem), (CONSOLE, MODEM1, &two, by_console)] {
        let refused = bench.respond(by, &got, 491);
        let told = bench.only(other);
        assert_eq!((told.code(), told.get(name::CSEQ)), (491, asked.get(name::CSEQ)));
        // RFC 3261 §17.1.1.3: its ACK has the branch of the INVITE, also behind the exchange.
        let mut ack = asked.clone();
        ack.start = Message::request("ACK", asked.uri()).start;
        ack.replace_first(name::TO, refused.get(name::TO).unwrap().to_owned());
        ack.replace_first(name::CSEQ, asked.get(name::CSEQ).unwrap().replace("INVITE", "ACK"));
        bench.receive(other, &ack);
        let ack = bench.only(by);
        assert_eq!((ack.method(), ack.get(name::VIA)), ("ACK", got.get(name::VIA)));
    }
}

/// Both hang up at once: each BYE is answered, and the call is counted once.
#[test]
fn crossing_byes_end_one_call() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let (_, answer) = bench.talk(CONSOLE, "101", MODEM1);
    let one = bench.within(CONSOLE, "BYE", &answer, false);
    let two = bench.within(MODEM1, "BYE", &answer, true);
    bench.receive(CONSOLE, &one);
    bench.receive(MODEM1, &two);
    let (by_modem, by_console) = (bench.only(MODEM1), bench.only(CONSOLE));
    for (by, other, got) in [(MODEM1, CONSOLE, by_modem), (CONSOLE, MODEM1, by_console)] {
        bench.respond(by, &got, 200);
        assert_eq!(bench.only(other).code(), 200);
    }
    assert_eq!(bench.whys(), ["the caller hung up"]);
}

/// RFC 3261 §8.2.6.1, §18.3 and §21.5.14.
#[test]
fn a_timestamp_returns_and_what_is_cut_is_refused() {
    let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
    let invite =
        bench.request(CONSOLE, "INVITE", "sip:101@box", "<sip:101@box>", "t").with("Timestamp", "54.2");
    let trying = Message::response(&invite, 100, "Trying");
    assert_eq!(trying.get("Timestamp"), Some("54.2"));
    assert_eq!(Message::response(&invite, 180, "Ringing").get("Timestamp"), None);
    let text = String::from_utf8(invite.to_bytes()).unwrap().replace("Content-Length: 0\r\n", "");
    let long = text + &"a=x\r\n".repeat(4000);
    bench.exchange.receive(&long.as_bytes()[..super::super::LONGEST + 1], CONSOLE.address(), bench.now);
    bench.drain();
    assert_eq!(bench.only(CONSOLE).code(), 513);
}

/// RFC 4028 §4: less than 90 s is no session timer.
#[test]
fn an_impossible_session_timer_ends_no_call() {
    for (value, cut) in [("0", false), ("30;refresher=uas", false), ("x", false), ("90", true)] {
        let mut bench = Bench::registered(&[CONSOLE, MODEM1]);
        bench.dial(CONSOLE, "101", "c");
        let invite = bench.only(MODEM1);
        let mut ok = Message::response(&invite, 200, "OK").with(name::CONTACT, MODEM1.contact());
        ok.replace_first(name::TO, format!("{};tag=u", invite.get(name::TO).unwrap()));
        bench.receive(MODEM1, &ok.with(name::SESSION_EXPIRES, value));
        for _ in 0..110 {
            bench.pass(Duration::from_secs(1));
            answer_probes(&mut bench, &[CONSOLE, MODEM1]);
        }
        assert_eq!(bench.whys(), if cut { vec!["the session timer expired"] } else { vec![] }, "{value}");
    }
}

fn answer_probes(bench: &mut Bench, phones: &[Phone]) {
    for (to, message) in std::mem::take(&mut bench.sent) {
        let by = phones.iter().find(|phone| phone.address() == to);
        if let Some(by) = by.filter(|_| message.method() == "OPTIONS") {
            bench.receive(*by, &Message::response(&message, 200, "OK"));
        }
    }
}

/// RFC 5118: what has an address of IPv6 in it is read, although the exchange is reached by IPv4.
#[test]
fn addresses_of_ipv6_are_read() {
    let table = [
        ("REGISTER", "sip:[2001:db8::10]", "[2001:db8::9:1]", 401, "4.1: a reference"),
        ("REGISTER", "sip:2001:db8::10", "[2001:db8::9:1]", 400, "4.2: no brackets"),
        ("REGISTER", "sip:[2001:db8::10:5070]", "[2001:db8::9:1]", 401, "4.3: no port, although it looks so"),
        ("REGISTER", "sip:[2001:db8::10]:5070", "[2001:db8::9:1]", 401, "4.4: a port"),
        ("BYE", "sip:m@[2001:db8::10]", "[2001:db8::9:1];received=[2001:db8::9:255]", 481, "4.5: brackets"),
        ("BYE", "sip:m@[2001:db8::10]", "[2001:db8::9:1];received=2001:db8::9:255", 481, "4.5: none"),
        ("OPTIONS", "sip:[::ffff:192.0.2.10]", "[::ffff:192.0.2.2]:5060", 200, "4.9: IPv4 in IPv6"),
        ("OPTIONS", "sip:[2001:db8::10", "[2001:db8::9:1]", 400, "a bracket without its end"),
    ];
    for (method, uri, sent_by, code, what) in table {
        let mut bench = Bench::new();
        let mut request = bench.request(MODEM1, method, uri, "<sip:modem1@[2001:db8::10]>", "5118");
        request.replace_first(name::VIA, format!("SIP/2.0/UDP {sent_by};branch=z9hG4bKas3"));
        bench.receive(MODEM1, &request);
        let answer = bench.only(MODEM1);
        assert_eq!(answer.code(), code, "{what}");
        assert!(answer.get(name::VIA).unwrap().contains(";received=192.0.2.11"), "{what}: {answer:?}");
    }
}
