use super::*;
use crate::modem::Registration;
use crate::modem::profile::ANALOGUE;
use crate::modem::refusal::Cms;
use crate::modem::sim::SimCard;
use crate::modem::stick::{cdc_acm, icon_225};
use dialbox::sms::pdu::Submit;

const TIME: TimeOfDay = TimeOfDay { origin: 1_800_000_000, quarters: 4 };
const START: Duration = Duration::from_secs(100);
const STICK: &str = "+33600000001";
const PHONE: &str = "+33612345678";

struct World {
    network: Network,
    stick: Subscriber,
    line: Subscriber,
    phone: Subscriber,
}

/// A stick, a telephone line that packet data leads to, and a telephone; neither modem echoes.
fn world(stick: &'static crate::modem::profile::Profile) -> World {
    let mut network = Network::new(TIME);
    let stick = network.connect_modem("stick", STICK, Modem::new(stick, SimCard::open()));
    let line = network.connect_modem("line", "0102030405", Modem::new(ANALOGUE, SimCard::open()));
    let phone = network.connect_phone("phone", PHONE);
    network.serve_packets(line);
    let mut world = World { network, stick, line, phone };
    world.types(stick, "ATE0\r", START);
    world.types(line, "ATE0\r", START);
    world
}

impl World {
    /// What the computer at the modem reads at that time.
    fn types(&mut self, modem: Subscriber, typed: &str, at: Duration) -> String {
        self.network.elapse(at);
        self.network.typed(modem, 0, typed.into(), at);
        self.said(modem, at)
    }

    fn said(&mut self, modem: Subscriber, at: Duration) -> String {
        self.network.elapse(at);
        let (ours, others): (Vec<_>, Vec<_>) =
            self.network.take_output().into_iter().partition(|bytes| bytes.modem == modem);
        self.network.for_computers = others;
        String::from_utf8(ours.into_iter().flat_map(|bytes| bytes.bytes).collect()).unwrap()
    }

    fn sends(&mut self, text: &str) -> String {
        let submit = Submit::text(&PHONE.parse().unwrap(), text).unwrap();
        self.submits(&submit)
    }

    fn submits(&mut self, submit: &Submit) -> String {
        let (hex, length) = submit.encode();
        assert_eq!(self.types(self.stick, &format!("AT+CMGS={length}\r"), START), "\r\n> ");
        self.types(self.stick, &format!("{hex}\x1a"), START)
    }

    fn texts(&self) -> Vec<&str> {
        self.network.phone(self.phone).unwrap().texts().iter().map(|text| text.text.as_str()).collect()
    }
}

#[test]
fn a_data_call_reaches_the_analogue_line_and_bytes_pass_both_ways() {
    let mut world = world(icon_225());
    let (stick, line) = (world.stick, world.line);
    world.network.set_line(line, Line::analogue(33_600));
    world.types(stick, "AT+CGDCONT=1,\"IP\",\"free\"\r", START);
    assert_eq!(world.types(stick, "ATD*99#\r", START), "");
    assert_eq!(world.said(line, START), "\r\nRING\r\n");
    assert_eq!(world.types(line, "ATA\r", START), "");
    let trained = START + Line::analogue(33_600).handshake;
    assert_eq!(world.said(stick, trained), "\r\nCONNECT 33600\r\n");
    assert_eq!(world.said(line, trained), "\r\nCONNECT 33600\r\n");

    world.types(stick, "to the line", trained);
    world.types(line, "and back", trained);
    assert_eq!(world.said(line, trained), "", "nothing is faster than the line");
    let later = trained + Duration::from_millis(100);
    assert_eq!(
        (world.said(line, later), world.said(stick, later)),
        ("to the line".into(), "and back".into())
    );

    world.network.dtr(line, 0, false, later);
    assert_eq!(world.said(stick, later), "\r\nNO CARRIER\r\n");
}

#[test]
fn a_caller_gets_the_cause_of_a_failed_call() {
    let mut world = world(icon_225());
    let (line, other) = (world.line, world.network.connect_peer("other", "0999"));
    assert_eq!(world.types(line, "ATDT0000\r", START), "\r\nNO CARRIER\r\n");
    assert_eq!(world.types(line, "ATDT0999\r", START), "\r\nCONNECT 7200000\r\n");
    let second = world.network.connect_modem("second", "0888", Modem::new(ANALOGUE, SimCard::open()));
    assert_eq!(world.types(second, "ATE0DT0999\r", START).lines().last(), Some("BUSY"));
    assert_eq!(world.types(second, "ATDT0102030405\r", START), "\r\nBUSY\r\n");
    world.network.hang_up(other, START);
    assert_eq!(world.said(line, START), "\r\nNO CARRIER\r\n");
    world.network.set_connected(line, false, START);
    assert_eq!(world.types(line, "ATDT0999\r", START), "\r\nNO DIALTONE\r\n");
}

#[test]
fn a_caller_that_gives_up_stops_the_ringing() {
    let mut world = world(icon_225());
    let (stick, line) = (world.stick, world.line);
    world.types(stick, "AT+CGDCONT=1,\"IP\",\"free\"\r", START);
    world.types(stick, "ATD*99#\r", START);
    assert_eq!(world.said(line, START), "\r\nRING\r\n");
    let later = START + Duration::from_secs(2);
    assert_eq!(world.types(stick, "\r", later), "\r\nNO CARRIER\r\n");
    assert_eq!(world.said(line, START + Duration::from_secs(60)), "");
}

#[test]
fn a_peer_receives_and_sends_data() {
    let mut world = world(icon_225());
    let (stick, peer) = (world.stick, world.network.connect_peer("peer", "0999"));
    world.network.serve_packets(peer);
    world.types(stick, "AT+CGDCONT=1,\"IP\",\"free\"\r", START);
    assert_eq!(world.types(stick, "ATD*99***1#\r", START), "\r\nCONNECT 7200000\r\n");
    world.types(stick, "~hello~", START);
    let later = START + Duration::from_secs(1);
    world.network.elapse(later);
    assert_eq!(world.network.heard_by_peer(peer), b"~hello~");
    world.network.say(peer, b"~hi~", later);
    assert_eq!(world.said(stick, later + Duration::from_secs(1)), "~hi~");
}

#[test]
fn a_text_reaches_the_modem_and_its_answer_the_phone() {
    let mut world = world(icon_225());
    world.types(world.stick, "AT+CNMI=2,1\r", START);
    world.network.text(PHONE, world.stick, "connect 12345678", START);
    assert_eq!(world.said(world.stick, START), "\r\n+CMTI: \"SM\",1\r\n");
    let listed = world.types(world.stick, "AT+CMGL=4\r", START);
    let pdu = listed.lines().nth(2).unwrap();
    let dialbox::sms::pdu::Incoming::Deliver(message) = dialbox::sms::pdu::Incoming::decode(pdu).unwrap()
    else {
        panic!("{listed}")
    };
    assert_eq!((message.from.to_string(), message.sent.unix()), (PHONE.to_owned(), Some(TIME.origin + 100)));
    assert_eq!(message.body, dialbox::sms::pdu::Body::Text("connect 12345678".to_owned()));

    assert_eq!(world.sends("connecting"), "\r\n+CMGS: 1\r\n\r\nOK\r\n");
    let texts = world.network.phone(world.phone).unwrap().texts();
    assert_eq!(texts, [Text { from: STICK.to_owned(), text: "connecting".to_owned() }]);
}

#[test]
fn messages_wait_for_room_in_the_storage_and_for_the_network() {
    let mut world = world(cdc_acm());
    let stick = world.stick;
    for number in 0..8 {
        world.network.text(PHONE, stick, &format!("text {number}"), START);
    }
    let stored = |world: &World| world.network.modem(stick).unwrap().stored_messages();
    assert_eq!((stored(&world), world.network.centre().waiting_for(stick)), (5, 3));
    world.types(stick, "AT+CMGD=1;+CMGD=2\r", START);
    assert_eq!((stored(&world), world.network.centre().waiting_for(stick)), (5, 1));

    world.network.set_cell(stick, |cell| cell.registration = Registration::Searching, START);
    world.types(stick, "AT+CMGD=1,4\r", START);
    assert_eq!((stored(&world), world.network.centre().waiting_for(stick)), (0, 1));
    world.network.set_cell(stick, |cell| cell.registration = Registration::Roaming, START);
    assert_eq!((stored(&world), world.network.centre().waiting_for(stick)), (1, 0));
}

#[test]
fn a_long_text_is_split_and_a_phone_reassembles_it() {
    let mut world = world(icon_225());
    let long: String = "All work and no play makes Jack a dull boy. ".repeat(8);
    world.network.text(PHONE, world.stick, &long, START);
    assert_eq!(world.network.modem(world.stick).unwrap().stored_messages(), 3);
    world.network.text(STICK, world.phone, &long, START);
    world.network.text(STICK, world.phone, &"Grüße — Привет ".repeat(20), START);
    assert_eq!(world.texts(), [long, "Grüße — Привет ".repeat(20)]);
}

#[test]
fn a_status_report_comes_when_the_message_has_arrived() {
    let mut world = world(icon_225());
    world.types(world.stick, "AT+CNMI=2,1,0,2\r", START);
    let (without, _) = Submit::text(&PHONE.parse().unwrap(), "hello").unwrap().encode();
    let submit = Submit::decode(&without.replacen("0011", "0031", 1)).unwrap();
    assert!(submit.wants_report());
    world.network.set_connected(world.phone, false, START);
    assert_eq!(world.submits(&submit), "\r\n+CMGS: 1\r\n\r\nOK\r\n");
    assert_eq!(world.texts(), [""; 0]);
    world.network.set_connected(world.phone, true, START);
    assert_eq!(world.texts(), ["hello"]);
    assert_eq!(world.said(world.stick, START), "\r\n+CDSI: \"SM\",1\r\n");
}

#[test]
fn the_network_may_refuse_a_message() {
    let mut world = world(icon_225());
    world.network.centre().refuse_next(Cms::NetworkOutOfOrder);
    assert_eq!(world.sends("one"), "\r\n+CMS ERROR: 38\r\n");
    assert_eq!(world.sends("two"), "\r\n+CMGS: 2\r\n\r\nOK\r\n");
    assert_eq!(world.texts(), ["two"]);
}

#[test]
fn a_restart_drops_the_call_and_notifies_the_other_end() {
    let mut world = world(icon_225());
    let (stick, line) = (world.stick, world.line);
    world.types(stick, "AT+CGDCONT=1,\"IP\",\"free\";D*99#\r", START);
    world.types(line, "ATA\r", START);
    world.network.break_modem(stick, Fault::Restarts, START);
    assert!(world.said(line, START).ends_with("\r\nNO CARRIER\r\n"));
    world.types(stick, "ATE0+CGDCONT=1,\"IP\",\"free\";D*99#\r", START);
    assert_eq!(world.said(line, START), "\r\nRING\r\n");
}
