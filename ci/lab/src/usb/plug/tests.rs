use super::*;
use crate::usb::device::{Description, Endpoint, Interface, Outward};
use crate::usb::packet::{EndpointInfo, InterfaceInfo, Kind};
use std::sync::{Arc, Mutex};

const STREAM_IN: u8 = 0x81;
const STREAM_OUT: u8 = 0x02;
const MESSAGES: u8 = 0x83;

static GADGET: Description = Description {
    class: [0xff, 0, 0],
    vendor: 0x1234,
    product: 0x5678,
    version: 0x0100,
    names: ["Lab", "Gadget"],
    interfaces: &[Interface {
        number: 0,
        before: &[],
        class: [0xff, 1, 2],
        extra: &[],
        endpoints: &[
            Endpoint { address: STREAM_IN, max_packet: 64, flow: Flow::Stream { buffer: 4096 } },
            Endpoint { address: STREAM_OUT, max_packet: 64, flow: Flow::Stream { buffer: 4096 } },
            Endpoint { address: MESSAGES, max_packet: 8, flow: Flow::Messages { interval: 4 } },
        ],
    }],
};

/// What a gadget has to send, and what it has received.
#[derive(Debug, Default)]
struct Hands {
    stream: Vec<u8>,
    messages: Vec<Vec<u8>>,
    received: Vec<u8>,
    has_power: bool,
}

struct Gadget(Arc<Mutex<Hands>>);

impl Device for Gadget {
    fn description(&self) -> &'static Description {
        &GADGET
    }

    fn request(&mut self, setup: Setup, data: &[u8], _: Duration) -> Reply {
        match setup.request {
            1 => Reply::Done(vec![7; 100]),
            2 => Reply::Done(data.to_vec()),
            _ => Reply::Stall,
        }
    }

    fn receive(&mut self, _: u8, data: &[u8]) {
        self.0.lock().unwrap().received.extend(data);
    }

    fn send(&mut self, endpoint: u8, limit: usize, _: Duration) -> Vec<u8> {
        let mut hands = self.0.lock().unwrap();
        match endpoint {
            STREAM_IN => {
                let count = limit.min(hands.stream.len());
                hands.stream.drain(..count).collect()
            }
            _ => hands.messages.pop().unwrap_or_default(),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn lose_power(&mut self) {
        self.0.lock().unwrap().has_power = false;
    }

    fn outward(&mut self) -> Vec<Outward> {
        Vec::new()
    }

    fn room(&self, _: usize) -> usize {
        0
    }

    fn inward(&mut self, _: usize, _: &[u8], _: Duration) {}
}

/// QEMU's end of a plug.
struct Guest {
    plug: Plug,
    hands: Arc<Mutex<Hands>>,
    now: Duration,
    /// Packets that were read after the greeting.
    reader: Reader,
}

impl Guest {
    /// A guest that has the gadget.
    fn with_gadget() -> Self {
        let hands = Arc::new(Mutex::new(Hands { has_power: true, ..Hands::default() }));
        let mut guest = Self::before_hello(Plug::new(Box::new(Gadget(Arc::clone(&hands)))), hands);
        guest.greet();
        guest.heard();
        guest
    }

    fn before_hello(plug: Plug, hands: Arc<Mutex<Hands>>) -> Self {
        let mut guest = Self { plug, hands, now: Duration::from_secs(60), reader: Reader::default() };
        guest.plug.connected();
        guest
    }

    fn greet(&mut self) {
        let hello = Hello { program: "guest".to_owned(), capabilities: CAPABILITIES };
        self.asks(0, Packet::Hello(hello));
    }

    /// The same, polling these endpoints, too.
    fn polling(endpoints: &[u8]) -> Self {
        let mut guest = Self::with_gadget();
        for endpoint in endpoints {
            guest.asks(0, Packet::StartInterruptReceiving(*endpoint));
        }
        guest.heard();
        guest
    }

    fn asks(&mut self, id: u64, packet: Packet) {
        self.plug.receive(&Message { id, packet }.encode(), self.now).unwrap();
    }

    /// The packets that the plug sends now.
    fn heard(&mut self) -> Vec<Packet> {
        self.heard_with_ids().into_iter().map(|message| message.packet).collect()
    }

    fn heard_with_ids(&mut self) -> Vec<Message> {
        self.reader.push(&self.plug.transmit(self.now));
        std::iter::from_fn(|| self.reader.next().unwrap()).collect()
    }

    /// Lengths of the packets that came at an endpoint.
    fn lengths(&mut self, endpoint: u8) -> Vec<usize> {
        let transfers = self.heard().into_iter().filter_map(|packet| match packet {
            Packet::Interrupt(it) if it.endpoint == endpoint => Some(it.data.len()),
            _ => None,
        });
        transfers.collect()
    }

    fn passes(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    fn has_stream(&self, length: usize) {
        self.hands.lock().unwrap().stream = vec![b'x'; length];
    }
}

fn setup(request_type: u8, request: u8, value: u16, length: u16) -> Setup {
    Setup { request_type, request, value, index: 0, length }
}

fn question(setup: Setup, data: &[u8]) -> Packet {
    let endpoint = setup.request_type & 0x80;
    Packet::Control(Control { endpoint, setup, status: Status::Success, data: data.to_vec() })
}

#[test]
fn only_hello_is_sent_before_the_guests_hello_and_the_parts_are_described_before_the_connect() {
    let hands = Arc::default();
    let mut guest = Guest::before_hello(Plug::new(Box::new(Gadget(Arc::clone(&hands)))), hands);
    assert!(matches!(&guest.heard()[..], [Packet::Hello(it)] if it.capabilities == CAPABILITIES));
    guest.greet();
    let heard = guest.heard();
    let [Packet::InterfaceInfo(interfaces), Packet::EndpointInfo(endpoints), Packet::DeviceConnect(device)] =
        &heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(interfaces[..], [InterfaceInfo { number: 0, class: [0xff, 1, 2] }]);
    assert_eq!((device.vendor, device.product, device.speed), (0x1234, 0x5678, Speed::Full));
    let known: Vec<_> = endpoints.iter().flatten().copied().collect();
    let polled =
        |interval, max_packet| EndpointInfo { kind: Kind::Interrupt, interval, interface: 0, max_packet };
    assert_eq!(known, [polled(1, 64), polled(1, 64), polled(4, 8)]);
}

#[test]
fn standard_requests_are_answered_from_the_description() {
    let mut guest = Guest::with_gadget();
    let mut answer = |setup| {
        guest.asks(5, question(setup, &[]));
        match guest.heard_with_ids().pop() {
            Some(Message { id: 5, packet: Packet::Control(it) }) => (it.setup.length, it.data),
            other => panic!("{other:?}"),
        }
    };
    let device = [18, 1, 0, 2, 0xff, 0, 0, 64, 0x34, 0x12, 0x78, 0x56, 0, 1, 1, 2, 0, 1];
    assert_eq!(answer(setup(0x80, 6, 0x0100, 255)), (18, device.to_vec()));
    assert_eq!(answer(setup(0x80, 6, 0x0100, 8)), (8, device[..8].to_vec()), "as much as was asked for");
    assert_eq!(answer(setup(0x80, 6, 0x0301, 255)).1, [8, 3, b'L', 0, b'a', 0, b'b', 0]);
    assert_eq!(answer(setup(0x80, 6, 0x0303, 255)).1, [0; 0], "no such string");
    assert_eq!(answer(setup(0x80, 0, 0, 2)), (2, vec![0, 0]));
    assert_eq!(answer(setup(0xc0, 1, 0, 10)), (10, vec![7; 10]), "the device's own");
    guest.asks(6, Packet::SetConfiguration(1));
    let status = Packet::ConfigurationStatus { status: Status::Success, configuration: 1 };
    assert_eq!(guest.heard_with_ids(), [Message { id: 6, packet: status }]);
}

#[test]
fn a_burst_waits_for_a_poll_and_starts_with_empty_packets_for_stale_channels() {
    let mut guest = Guest::with_gadget();
    guest.has_stream(10);
    assert_eq!(guest.heard(), [], "no endpoint is polled");
    guest.asks(0, Packet::StartInterruptReceiving(STREAM_IN));
    assert_eq!(guest.lengths(STREAM_IN), [0, 0, 0, 10]);
    guest.has_stream(5);
    guest.passes(1);
    assert_eq!(guest.lengths(STREAM_IN), [5], "the same burst");
    guest.has_stream(5);
    guest.passes(10);
    assert_eq!(guest.lengths(STREAM_IN), [0, 0, 0, 5]);
}

#[test]
fn every_transfer_ends_with_a_short_packet() {
    let mut guest = Guest::polling(&[STREAM_IN]);
    guest.has_stream(128);
    assert_eq!(guest.lengths(STREAM_IN), [0, 0, 0, 64, 63, 1]);
    guest.has_stream(5000);
    assert_eq!(guest.lengths(STREAM_IN), [4032, 63, 896, 9]);
    let lengths = |buffer| packets(vec![0; 200], 64, buffer).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!((lengths(1537), lengths(1536)), (vec![192, 8], vec![64, 64, 64, 8]));
}

#[test]
fn a_message_is_a_packet() {
    let mut guest = Guest::polling(&[MESSAGES]);
    guest.hands.lock().unwrap().messages = vec![vec![1; 8], vec![2]];
    assert_eq!(guest.lengths(MESSAGES), [1, 8]);
}

#[test]
fn data_is_sent_no_faster_than_qemu_passes_it_on() {
    let mut guest = Guest::polling(&[STREAM_IN]);
    guest.has_stream(10_000_000);
    let first = guest.lengths(STREAM_IN).len();
    assert!((BURST as usize..BURST as usize + 5).contains(&first), "{first}");
    assert_eq!(guest.lengths(STREAM_IN), [0; 0]);
    guest.passes(4);
    assert_eq!(guest.lengths(STREAM_IN).len(), 16);
}

#[test]
fn data_for_the_device_needs_no_acknowledgement() {
    let mut guest = Guest::with_gadget();
    let transfer =
        Interrupt { endpoint: STREAM_OUT, status: Status::Success, length: 3, data: b"AT\r".to_vec() };
    guest.asks(9, Packet::Interrupt(transfer));
    assert_eq!(guest.heard(), []);
    assert_eq!(guest.hands.lock().unwrap().received, b"AT\r");
}

#[test]
fn a_device_leaves_with_its_last_answer_when_its_streams_are_no_longer_polled() {
    let mut guest = Guest::polling(&[STREAM_IN, MESSAGES]);
    guest.has_stream(10);
    guest.plug.pull_out(guest.now);
    assert_eq!(guest.lengths(STREAM_IN), [0; REFUSALS], "and no data");
    guest.passes(490);
    assert_eq!(guest.lengths(STREAM_IN), [0; REFUSALS], "for the driver that asks again");
    guest.passes(9);
    guest.asks(1, question(setup(0xa1, 1, 0, 64), &[]));
    let heard = guest.heard();
    assert!(matches!(&heard[..], [Packet::Control(it)] if it.data.is_empty()), "it has nothing: {heard:?}");
    guest.passes(1);
    assert_eq!(guest.heard(), []);
    assert!(!guest.plug.is_out());
    guest.asks(0, Packet::StopInterruptReceiving(STREAM_IN));
    assert_eq!(guest.heard().len(), 1, "no answer of endpoint 0");

    guest.asks(2, question(setup(0x21, 0, 0, 2), b"AT"));
    let heard = guest.heard();
    assert!(matches!(&heard[..], [Packet::Control(_), Packet::DeviceDisconnect]), "{heard:?}");
    assert!(guest.hands.lock().unwrap().received.is_empty());
    assert!(guest.plug.is_out());

    guest.asks(3, question(setup(0x80, 6, 0x0100, 18), &[]));
    assert_eq!(guest.heard(), [], "all is cancelled");
    guest.plug.put_in();
    assert!(matches!(guest.heard()[..], [.., Packet::DeviceConnect(_)]));
    assert_eq!(guest.heard(), [], "it is not polled yet");
}

/// A channel that had waited for a new refusal gets it before the device is gone.
#[test]
fn a_device_does_not_leave_right_after_a_refusal() {
    let mut guest = Guest::polling(&[STREAM_IN]);
    guest.plug.pull_out(guest.now);
    guest.passes(500);
    assert_eq!(guest.lengths(STREAM_IN).len(), 2 * REFUSALS);
    guest.asks(1, question(setup(0x80, 0, 0, 2), &[]));
    assert!(matches!(guest.heard()[..], [Packet::Control(_)]));
    guest.passes(5);
    guest.asks(2, question(setup(0x80, 0, 0, 2), &[]));
    assert!(matches!(guest.heard()[..], [Packet::Control(_), Packet::DeviceDisconnect]));
}

#[test]
fn a_stream_polled_during_removal_is_refused_too() {
    let mut guest = Guest::polling(&[MESSAGES]);
    guest.plug.pull_out(guest.now);
    assert_eq!(guest.heard(), []);
    guest.passes(540);
    assert_eq!(guest.heard(), []);
    guest.passes(9);
    guest.asks(0, Packet::StartInterruptReceiving(STREAM_IN));
    assert_eq!(guest.lengths(STREAM_IN), [0; REFUSALS]);
    guest.passes(1);
    assert_eq!(guest.heard(), []);
    guest.passes(535);
    assert_eq!(guest.lengths(STREAM_IN), [0; REFUSALS]);
    guest.passes(14);
    assert_eq!(guest.heard(), [Packet::DeviceDisconnect]);
}

#[test]
fn a_device_without_requests_leaves_after_a_while() {
    let mut guest = Guest::polling(&[STREAM_IN]);
    guest.plug.pull_out(guest.now);
    guest.heard();
    assert_eq!(guest.plug.deadline(), Some(guest.now + REFUSED_AGAIN));
    guest.passes(540);
    assert_eq!(guest.lengths(STREAM_IN), [0; REFUSALS]);
    assert_eq!(guest.plug.deadline(), Some(guest.now + Duration::from_millis(10)));
    guest.passes(9);
    assert_eq!(guest.heard(), []);
    guest.passes(1);
    assert_eq!(guest.heard(), [Packet::DeviceDisconnect]);
}

/// A stick that is another device when it gets power again, such as one with a mode switch.
#[test]
fn a_device_keeps_its_endpoints_until_it_is_gone() {
    let mut guest = Guest::polling(&[STREAM_IN]);
    guest.plug.pull_out(guest.now);
    guest.heard();
    assert!(guest.hands.lock().unwrap().has_power);
    guest.passes(550);
    guest.heard();
    assert!(guest.plug.is_out() && !guest.hands.lock().unwrap().has_power);
}

#[test]
fn the_next_qemu_finds_the_device_plugged_in_or_out_as_before() {
    let mut guest = Guest::polling(&[STREAM_IN]);
    guest.plug.disconnected();
    guest.has_stream(3);
    let (plug, hands) = (guest.plug, guest.hands);
    let mut guest = Guest::before_hello(plug, hands);
    guest.greet();
    assert!(matches!(guest.heard()[..], [Packet::Hello(_), .., Packet::DeviceConnect(_)]));
    guest.plug.disconnected();
    guest.plug.pull_out(guest.now);
    assert!(guest.plug.is_out(), "no guest is connected");
}
