//! Properties of every message.

use super::*;
use proptest::prelude::*;

fn some_address() -> impl Strategy<Value = Address> {
    prop_oneof!["\\+[0-9]{1,20}", "[0-9*#abc]{1,20}", "[A-Z@][a-z€]{0,4}"]
        .prop_map(|text| text.parse().unwrap_or_else(|why| panic!("{text}: {why}")))
}

fn some_time() -> impl Strategy<Value = ServiceCentreTime> {
    // 1991 to 2088, in any zone.
    (662_688_000_i64..3_750_000_000, -79_i8..=79)
        .prop_map(|(unix, quarters)| ServiceCentreTime::new(unix, quarters).unwrap())
}

fn some_part() -> impl Strategy<Value = Option<Part>> {
    let part = (any::<u16>(), 1u8.., 0u8..).prop_map(|(reference, number, more)| {
        let of = number.saturating_add(more);
        Part { reference, number, of }
    });
    prop::option::of(part)
}

fn some_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        "[ -~éàç€\n]{0,80}".prop_map(Body::Text),
        "\\PC{0,33}".prop_map(Body::Text),
        prop::collection::vec(any::<u8>(), 0..130).prop_map(Body::Binary),
    ]
}

proptest! {
    #[test]
    fn a_delivered_message_is_decoded_as_it_was_encoded(
        from in some_address(), sent in some_time(), body in some_body(), part in some_part(),
        centre in prop::option::of(some_address()),
    ) {
        let message = Deliver { from, sent, body, part };
        if let Ok((hex, length)) = message.encode(centre.as_ref()) {
            prop_assert!(length <= 176 && hex.len() / 2 > length);
            prop_assert_eq!(Incoming::decode(&hex), Ok(Incoming::Deliver(message)));
        }
    }

    #[test]
    fn a_submitted_message_is_decoded_as_it_was_encoded(to in some_address(), text in "\\PC{0,70}", report: bool) {
        if let Ok(submit) = Submit::text(&to, &text) {
            let submit = if report { submit.with_report() } else { submit };
            let (hex, length) = submit.encode();
            prop_assert_eq!(hex.len(), 2 + 2 * length);
            prop_assert_eq!(Submit::decode(&hex), Ok(submit));
        }
    }

    #[test]
    fn a_report_arrives(
        reference: u8, to in some_address(), submitted in some_time(), discharged in some_time(), status: u8,
    ) {
        let report = StatusReport { reference, to, submitted, discharged, status: Status(status) };
        let (hex, _) = report.encode(None);
        prop_assert_eq!(Incoming::decode(&hex), Ok(Incoming::StatusReport(report)));
    }

    #[test]
    fn no_octets_make_the_decoders_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let hex = to_hex(&octets);
        let _ = (Incoming::decode(&hex), Submit::decode(&hex));
    }

    #[test]
    fn no_text_makes_the_decoders_panic(text in any::<String>()) {
        let _ = (Incoming::decode(&text), Submit::decode(&text));
    }

    /// Garbled, but similar to a message: every length and type is tried.
    #[test]
    fn every_decoded_message_can_be_encoded_and_decoded_again(
        from in some_address(), sent in some_time(), body in some_body(), part in some_part(),
        at in any::<prop::sample::Index>(), octet: u8,
    ) {
        let Ok((hex, _)) = (Deliver { from, sent, body, part }).encode(None) else { return Ok(()) };
        let mut octets = from_hex(&hex).unwrap();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(Incoming::Deliver(message)) = Incoming::decode(&to_hex(&octets)) {
            let (again, _) = message.encode(None).unwrap();
            prop_assert_eq!(Incoming::decode(&again), Ok(Incoming::Deliver(message)));
        }
    }
}
