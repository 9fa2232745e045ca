use super::*;
use crate::usb::packet::endpoint_index;
use proptest::prelude::*;

/// The first bytes that QEMU 7.2 sends: its name and all capabilities.
fn qemu_hello() -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, 68, 0, 0, 0, 0, 0, 0, 0];
    let name = b"qemu usb-redir guest 7.2.22";
    bytes.extend(name);
    bytes.resize(12 + NAME, 0);
    bytes.extend([0xf7, 0, 0, 0]);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Vec<Message>, Illegal> {
    let mut reader = Reader::default();
    reader.push(bytes);
    std::iter::from_fn(|| reader.next().transpose()).collect()
}

/// Decodes a packet after the greeting.
fn after_hello(bytes: &[u8]) -> Result<Vec<Message>, Illegal> {
    decode(&[qemu_hello(), bytes.to_vec()].concat()).map(|messages| messages[1..].to_vec())
}

#[test]
fn qemus_hello_is_understood_and_ours_has_the_short_header_too() {
    let messages = decode(&qemu_hello()).unwrap();
    let hello = Hello { program: "qemu usb-redir guest 7.2.22".into(), capabilities: 0xf7 };
    assert_eq!(messages, [Packet::Hello(hello.clone()).unasked()]);
    assert_eq!(Packet::Hello(hello).unasked().encode(), qemu_hello());
}

#[test]
fn packets_are_laid_out_as_in_usbredirproto_h() {
    let setup = Setup { request_type: 0x80, request: 6, value: 0x0100, index: 0x0203, length: 18 };
    let question = Control { endpoint: 0x80, setup, status: Status::Success, data: Vec::new() };
    assert_eq!(
        Message { id: 7, packet: Packet::Control(question) }.encode(),
        [
            100, 0, 0, 0, 10, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, // type, length, id
            0x80, 6, 0x80, 0, 0, 1, 3, 2, 18,
            0, // endpoint, request, requesttype, status, value, index, length
        ]
    );
    let device = DeviceConnect {
        speed: Speed::Full,
        class: [255, 254, 253],
        vendor: 0x0af0,
        product: 0x6971,
        version: 0x0102,
    };
    let (_, body) = Packet::DeviceConnect(device).encode();
    assert_eq!(body, [1, 255, 254, 253, 0xf0, 0x0a, 0x71, 0x69, 2, 1]);
    let interrupt = Interrupt { endpoint: 0x81, status: Status::Stall, length: 1, data: vec![3] };
    assert_eq!(Packet::Interrupt(interrupt).encode().1, [0x81, 4, 1, 0, 3]);
}

#[test]
fn endpoint_tables_have_one_property_each_and_out_before_in() {
    let info = EndpointInfo { kind: Kind::Interrupt, interval: 4, interface: 2, max_packet: 0x0110 };
    let mut endpoints = Box::new([None; ENDPOINTS]);
    endpoints[endpoint_index(0x84)] = Some(info);
    let (_, body) = Packet::EndpointInfo(endpoints).encode();
    assert_eq!(body.len(), 5 * ENDPOINTS);
    assert_eq!((body[20], body[32 + 20], body[64 + 20]), (3, 4, 2));
    assert_eq!(body[96 + 40..96 + 42], [0x10, 0x01]);
    assert!(body[..32].iter().enumerate().all(|(at, kind)| (*kind == NO_ENDPOINT) != (at == 20)));
}

#[test]
fn invalid_packets_are_refused() {
    let header = |kind: u32, length: u32| [kind.to_le_bytes(), length.to_le_bytes(), [0; 4], [0; 4]].concat();
    let after = |kind, body: &[u8]| {
        after_hello(&[header(kind, u32::try_from(body.len()).unwrap()), body.to_vec()].concat())
    };
    assert_eq!(after(102, &[0; 4]), Err(Illegal::Type(102)), "isochronous");
    assert_eq!(after(101, &[0; 8]), Err(Illegal::Type(101)), "bulk");
    assert_eq!(after(999, &[]), Err(Illegal::Type(999)));
    assert_eq!(after(3, &[0]), Err(Illegal::Length { of: 3, length: 1 }), "a reset with data");
    assert_eq!(after(6, &[]), Err(Illegal::Length { of: 6, length: 0 }), "no configuration");
    let half = [0, 9, 0x21, 0, 0, 0, 0, 0, 4, 0, 1, 2];
    assert_eq!(after(100, &half), Err(Illegal::Length { of: 100, length: 12 }), "half of the data");
    assert_eq!(after(8, &[77, 0]), Err(Illegal::Number { of: "Status", number: 77 }));
    assert_eq!(after_hello(&header(100, 1 << 30)), Err(Illegal::Length { of: 100, length: 1 << 30 }));
    assert_eq!(after(0, &[0; 68]), Err(Illegal::Order), "a second hello");
    assert_eq!(decode(&header(3, 0)), Err(Illegal::Order), "no hello");
    let mut old = qemu_hello();
    old[12 + NAME] = 0b1_0110;
    assert_eq!(decode(&old), Err(Illegal::Capabilities(1 << 5)), "32 bits of id");
}

fn status() -> impl Strategy<Value = Status> {
    (0..=6u8).prop_map(|number| Status::of(number).unwrap())
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..300)
}

fn packet() -> impl Strategy<Value = Packet> {
    let class = || any::<[u8; 3]>();
    let device =
        (0..3u8, class(), any::<[u16; 3]>()).prop_map(|(speed, class, [vendor, product, version])| {
            DeviceConnect { speed: Speed::of(speed).unwrap(), class, vendor, product, version }
        });
    let interface = (any::<u8>(), class()).prop_map(|(number, class)| InterfaceInfo { number, class });
    let endpoint =
        (0..4u8, any::<[u8; 2]>(), any::<u16>()).prop_map(|(kind, [interval, interface], max_packet)| {
            EndpointInfo { kind: Kind::of(kind).unwrap(), interval, interface, max_packet }
        });
    let endpoints = proptest::collection::vec(proptest::option::of(endpoint), ENDPOINTS);
    let control = (any::<[u8; 3]>(), any::<[u16; 2]>(), payload()).prop_map(
        |([endpoint, request_type, request], [value, index], data)| {
            let length = u16::try_from(data.len()).unwrap();
            Control {
                endpoint,
                setup: Setup { request_type, request, value, index, length },
                status: UNSAID,
                data,
            }
        },
    );
    let interrupt = (any::<u8>(), payload()).prop_map(|(endpoint, data)| Interrupt {
        endpoint,
        status: UNSAID,
        length: u16::try_from(data.len()).unwrap(),
        data,
    });
    prop_oneof![
        device.prop_map(Packet::DeviceConnect),
        Just(Packet::DeviceDisconnect),
        Just(Packet::Reset),
        proptest::collection::vec(interface, 0..=INTERFACES).prop_map(Packet::InterfaceInfo),
        endpoints.prop_map(|them| Packet::EndpointInfo(Box::new(them.try_into().unwrap()))),
        any::<u8>().prop_map(Packet::SetConfiguration),
        Just(Packet::GetConfiguration),
        (status(), any::<u8>())
            .prop_map(|(status, configuration)| Packet::ConfigurationStatus { status, configuration }),
        any::<[u8; 2]>().prop_map(|[interface, alt]| Packet::SetAltSetting { interface, alt }),
        any::<u8>().prop_map(Packet::GetAltSetting),
        (status(), any::<[u8; 2]>()).prop_map(|(status, [interface, alt])| Packet::AltSettingStatus {
            status,
            interface,
            alt
        }),
        any::<u8>().prop_map(Packet::StartInterruptReceiving),
        any::<u8>().prop_map(Packet::StopInterruptReceiving),
        (status(), any::<u8>())
            .prop_map(|(status, endpoint)| Packet::InterruptReceivingStatus { status, endpoint }),
        Just(Packet::Cancel),
        Just(Packet::FilterReject),
        payload().prop_map(Packet::FilterFilter),
        control.prop_map(Packet::Control),
        interrupt.prop_map(Packet::Interrupt),
    ]
}

#[test]
fn the_status_byte_of_a_request_is_ignored() {
    let question = [100, 0, 0, 0, 10, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x80, 6, 0x80, 185, 0, 1, 0, 0, 18, 0];
    let messages = after_hello(&question).unwrap();
    assert!(matches!(&messages[..], [Message { id: 7, packet: Packet::Control(it) }] if it.status == UNSAID));
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_however_it_is_cut(
        sent in proptest::collection::vec((any::<u64>(), packet()), 0..6),
        cut in 1..200usize,
    ) {
        let sent: Vec<Message> = sent.into_iter().map(|(id, packet)| Message { id, packet }).collect();
        let mut bytes = qemu_hello();
        sent.iter().for_each(|message| bytes.extend(message.encode()));
        let (mut reader, mut heard) = (Reader::default(), Vec::new());
        for piece in bytes.chunks(cut) {
            reader.push(piece);
            while let Some(message) = reader.next().unwrap() {
                heard.push(message);
            }
        }
        prop_assert_eq!(&heard[1..], &sent);
    }

    #[test]
    fn no_bytes_are_too_strange(kind in 0..110u32, body in payload()) {
        let length = u32::try_from(body.len()).unwrap();
        let bytes = [&kind.to_le_bytes()[..], &length.to_le_bytes(), &[0; 8], &body].concat();
        drop(after_hello(&bytes));
        drop(decode(&body));
    }
}
