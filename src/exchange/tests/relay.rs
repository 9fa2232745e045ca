//! Calls whose media pass through the box.

use std::time::Duration;

use super::super::relay::End;
use super::super::sdp::MEDIA;
use super::*;

impl Bench {
    /// An exchange whose site relays, with a console and a modem.
    fn relaying() -> Self {
        let mut bench = Self::new();
        bench.exchange = Exchange::new(
            &crate::site::Exchange { rtp_relay: true, ..site() },
            "box",
            OWN.parse().unwrap(),
            [7; 40],
        );
        for phone in [CONSOLE, MODEM1] {
            assert_eq!(bench.register(phone, 3600), 200);
        }
        bench
    }
}

fn body(message: &Message) -> &str {
    std::str::from_utf8(&message.body).unwrap()
}

fn end(phone: Phone, ports: [Option<u16>; MEDIA]) -> End {
    End { host: *phone.address().ip(), ports }
}

#[test]
fn each_side_is_told_the_box_and_ports_that_face_it() {
    let mut bench = Bench::relaying();
    let (invite, answer) = bench.talk(CONSOLE, "5551234", MODEM1);
    let offered = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 16388 RTP/AVP 8 0\r\na=silenceSupp:off - - - -\r\n";
    assert_eq!(body(&invite), offered);
    assert_eq!(body(&answer), "v=0\r\nc=IN IP4 192.0.2.11\r\nm=audio 4002 RTP/AVP 8\r\n");
    let relay = &bench.exchange.relays()[0];
    assert_eq!(relay.ends, [end(CONSOLE, [Some(4000), None]), end(MODEM1, [Some(4002), None])]);
    assert_eq!((relay.port(0), relay.port(4)), (16384, 16388));
}

#[test]
fn an_offer_of_t38_within_the_call_is_relayed_at_the_place_of_its_medium() {
    let mut bench = Bench::relaying();
    let (_, answer) = bench.talk(CONSOLE, "5551234", MODEM1);
    let mut again = bench.within(MODEM1, "INVITE", &answer, true);
    again.add(name::CONTENT_TYPE, "application/sdp");
    again.body = "v=0\r\nc=IN IP4 192.0.2.11\r\nm=audio 0 RTP/AVP 8\r\nm=image 4100 udptl t38\r\na=T38FaxVersion:0\r\n".into();
    bench.receive(MODEM1, &again);
    let offer = bench.only(CONSOLE);
    assert_eq!(
        body(&offer),
        "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP 8\r\nm=image 16386 udptl t38\r\na=T38FaxVersion:0\r\n"
    );
    assert_eq!(bench.exchange.relays()[0].ends[1], end(MODEM1, [None, Some(4100)]));
}

#[test]
fn a_relay_ends_with_its_call_and_survives_a_restart() {
    let mut bench = Bench::relaying();
    let (_, answer) = bench.talk(CONSOLE, "5551234", MODEM1);
    bench.exchange.count_relayed("call-5551234", [50, 48]);
    let (published, before) = (bench.exchange.snapshot(), bench.exchange.relays().to_vec());
    let mut later = Bench::relaying();
    later.exchange.restore(&published, later.now);
    assert_eq!(later.exchange.relays(), before);
    assert_eq!(super::super::snapshot::calls(&published)[0].relayed, Some([50, 48]));

    let bye = bench.within(CONSOLE, "BYE", &answer, false);
    bench.receive(CONSOLE, &bye);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.exchange.relays(), []);
}

#[test]
fn a_refused_call_and_one_that_nobody_answers_give_their_relay_back() {
    let mut bench = Bench::relaying();
    bench.dial(CONSOLE, "101", "a");
    let invite = bench.only(MODEM1);
    assert_eq!(bench.exchange.relays().len(), 1);
    bench.respond(MODEM1, &invite, 486);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.exchange.relays(), []);
    bench.dial(CONSOLE, "101", "b");
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.exchange.relays(), []);
}

#[test]
fn the_seventeenth_call_at_a_time_is_refused_and_so_is_anothers_call_id() {
    let mut bench = Bench::relaying();
    for call in 0..16 {
        bench.dial(CONSOLE, "101", &format!("call{call}"));
    }
    bench.got(CONSOLE);
    bench.dial(CONSOLE, "101", "one-more");
    assert_eq!(bench.only(CONSOLE).code(), 503);
    bench.dial(MODEM1, "102", "call3");
    assert!(bench.got(MODEM1).iter().any(|message| message.code() == 482));
    let ports: std::collections::BTreeSet<u16> = bench
        .exchange
        .relays()
        .iter()
        .flat_map(|relay| (0..super::super::PORTS).map(|at| relay.port(at)))
        .collect();
    assert_eq!(ports, crate::site::RELAY_PORTS.collect());
}

#[test]
fn a_description_does_not_have_the_box_send_to_another_host() {
    let mut bench = Bench::relaying();
    bench.dial(CONSOLE, "101", "a");
    let invite = bench.only(MODEM1);
    let mut ringing =
        Message::response(&invite, 183, "Session Progress").with(name::CONTENT_TYPE, "application/sdp");
    ringing.body = "v=0\r\nc=IN IP4 198.51.100.9\r\nm=audio 53 RTP/AVP 8\r\n".into();
    bench.receive(MODEM1, &ringing);
    assert_eq!(bench.exchange.relays()[0].ends[1], end(MODEM1, [None, None]));
}
