//! Published messages, and invalid ones.

use super::*;
use crate::site::PhoneNumber;
use crate::sms::dialling_plan::DiallingPlan;

pub(super) fn deliver(hex: &str) -> Deliver {
    match Incoming::decode(hex) {
        Ok(Incoming::Deliver(deliver)) => deliver,
        other => panic!("{hex}: {other:?}"),
    }
}

fn text(text: &str) -> Body {
    Body::Text(text.to_owned())
}

fn part(reference: u16, number: u8, of: u8) -> Option<Part> {
    Some(Part { reference, number, of })
}

/// From dreamfabric.com ("SMS and the PDU format"), smspdudecoder's README and the tests of python-gsmmodem, which are
/// of real modems.
#[test]
fn published_messages_are_decoded_as_published() {
    for (hex, from, sent, body) in [
        (
            "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37",
            "27838890001",
            "1999-03-29 15:16:59 +02:00",
            "hellohello",
        ),
        (
            "07911326040000F0040B911346610089F60000208062917314800CC8F71D14969741F977FD07",
            "+31641600986",
            "2002-08-26 19:37:41 +02:00",
            "How are you?",
        ),
        (
            "07916407058099F9040B916407950303F100008921222140140004D4E2940A",
            "+46705930301",
            "1998-12-22 12:04:41 +00:00",
            "TEST",
        ),
        (
            "06917228195339040B917228214365F700003130805120618005D4F29C2E03",
            "+27821234567",
            "2013-03-08 15:02:16 +02:00",
            "Test2",
        ),
        (
            "07915892000000F0040B915892214365F700007040213252242331493A283D0795C3F33C88FE06C9CB6132885EC6\
             D341EDF27C1E3E97E7207B3A0C0A5241E377BB1D7693E72E",
            "+85291234567",
            "2007-04-12 23:25:42 +08:00",
            "It is easy to read text messages via AT commands.",
        ),
        (
            "06917228195339040B917228214365F70000313062315352800A800D8A5E98D337A910",
            "+27821234567",
            "2013-03-26 13:35:25 +02:00",
            "@{tést}!",
        ),
    ] {
        let message = deliver(hex);
        assert_eq!(
            (message.from.to_string(), message.sent.to_string(), message.body, message.part),
            (from.to_owned(), sent.to_owned(), text(body), None)
        );
    }
}

/// From the tests of python-gsmmodem: a service message in parts, of 88 septets with the header.
#[test]
fn a_part_of_a_longer_message_is_recognized() {
    let message = deliver(
        "0591721891F1400781721881F800003160526104848059050003C30101916536FB1DCABEEB2074D85E064941B19CAB\
         060319A5C522289C96D3D3ED32286C0FA7D96131BBEC024941B19CAB0603DDD36C36A88C87A7E565D0DB0D82C55EB0\
         DB4B068BCD5C20",
    );
    assert_eq!(message.part, part(0xc3, 1, 1));
    let said = "Hello!You have R 19.50 FREE airtime available. R 19.50 will expire on 01/07/2013. ";
    assert_eq!(message.body, text(said));
    assert_eq!(message.from.kind(), Some(NumberKind::Unknown));
}

/// Octets in the place of `##` in a message of ours from +33612345678.
fn with_user_data(first: u8, scheme: u8, user_data: &str) -> String {
    format!("00{first:02X}0B913316325476F800{scheme:02X}62407130958580{user_data}")
}

#[test]
fn every_coding_of_user_data_is_decoded() {
    for (first, scheme, user_data, body, part_of) in [
        // UCS2 with a character outside the basic plane: U+1F4DE in two surrogates.
        (0x04, 0x08, "06004FD83DDCDE", text("O📞"), None),
        // Half of it: a long text was cut there.
        (0x04, 0x08, "020041", text("A"), None),
        (0x04, 0x08, "02D83D", text("\u{fffd}"), None),
        // 8 bit data; a port number in its header (§9.2.3.24.4) is ignored.
        (0x04, 0x04, "03FF0001", Body::Binary(vec![0xff, 0, 1]), None),
        (0x44, 0xf5, "0806050415810000AA", Body::Binary(vec![0xaa]), None),
        // Compressed.
        (0x04, 0x20, "01AA", Body::Binary(vec![0xaa]), None),
        // A 16 bit reference needs no fill bits: "AB" after 7 octets.
        (0x44, 0x00, "0A060804018004024121", text("AB"), part(384, 2, 4)),
        // An 8 bit one has one fill bit.
        (0x44, 0x00, "090500031703018242", text("AB"), part(23, 1, 3)),
        // Invalid parts: number 0, number 4 of 3, a wrong length of the element.
        (0x44, 0x08, "080500031703000041", text("A"), None),
        (0x44, 0x08, "080500031703040041", text("A"), None),
        (0x44, 0x08, "0704000217030041", text("A"), None),
        // Two elements that contradict each other: the last one counts.
        (0x44, 0x08, "0D0A000317030100031703020041", text("A"), part(23, 2, 3)),
        // Only a header, and nothing at all.
        (0x44, 0x00, "0705000317030100", text(""), part(23, 1, 3)),
        (0x04, 0x00, "00", text(""), None),
        (0x04, 0x08, "00", text(""), None),
    ] {
        let message = deliver(&with_user_data(first, scheme, user_data));
        assert_eq!((message.body, message.part), (body, part_of), "{user_data}");
    }
}

#[test]
fn an_invalid_message_is_refused_with_a_reason() {
    let table = [
        ("", Illegal::CutOff("service centre")),
        ("0", Illegal::NotHex),
        ("00 04", Illegal::NotHex),
        ("00é4", Illegal::NotHex),
        ("0791", Illegal::CutOff("service centre")),
        ("00", Illegal::CutOff("type")),
        ("0001", Illegal::Type(1)), // a submit report, or a message of ours on the SIM
        ("0003", Illegal::Type(3)),
        ("00041591", Illegal::Address),     // 21 digits
        ("000403911F21", Illegal::Address), // a filler within
        ("0004029121", Illegal::CutOff("protocol")),
        ("0FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF04", Illegal::CutOff("address")),
        ("00040291210000", Illegal::CutOff("time stamp")),
    ];
    for (hex, why) in table {
        assert_eq!(Incoming::decode(hex), Err(why), "{hex}");
    }
    for (first, scheme, user_data, why) in [
        (0x04, 0x00, "", Illegal::CutOff("length of the text")),
        (0x04, 0x00, "02C1", Illegal::CutOff("text")),
        (0x04, 0x00, "A1", Illegal::Length), // 161 septets
        (0x04, 0x08, "8D", Illegal::Length),
        (0x04, 0x08, "03004100", Illegal::Length), // half a character
        (0x44, 0x00, "00", Illegal::CutOff("header")),
        (0x44, 0x00, "0105", Illegal::CutOff("header")),
        (0x44, 0x08, "030500030017", Illegal::CutOff("header")),
        (0x44, 0x00, "0605000317030100", Illegal::Length), // fewer septets than its header has
    ] {
        assert_eq!(Incoming::decode(&with_user_data(first, scheme, user_data)), Err(why), "{user_data}");
    }
}

/// Names from the tests of python-gsmmodem, and the one of Wikipedia's "GSM 03.40".
#[test]
fn every_kind_of_address_is_decoded_and_encoded() {
    for (hex, name) in [
        ("06D061F118", "\"abc\""),
        ("0ED04669D0397C26A7", "\"FRANCOIS\""),
        ("14D0E10D6FE3DBA036A94D19", "\"a[]{}€\""),
        ("14D0C4F23C7D760390EF7619", "\"Design@Home\""),
        ("0A918967452301", "+9876543210"),
        ("099189674523F1", "+987654321"),
        ("0AA11092997856", "0129998765"), // within the country
        ("04810501", "5010"),
        ("0481BADC", "*#ab"),
        ("0081", ""),
        ("00D0", "\"\""),
    ] {
        let octets = from_hex(hex).unwrap();
        let mut rest = Octets(&octets);
        let address = Address::read(&mut rest).unwrap();
        assert_eq!(rest.end(), Ok(()));
        assert_eq!(address.to_string(), name);
        let mut written = Vec::new();
        address.write(&mut written);
        assert_eq!(to_hex(&written), hex);
    }
}

#[test]
fn an_address_is_parsed_as_it_is_shown() {
    for (written, kind) in [
        ("+33612345678", Some(NumberKind::International)),
        ("20555", Some(NumberKind::Unknown)),
        ("*100#", Some(NumberKind::Unknown)),
        ("Bank", None),
    ] {
        let address: Address = written.parse().unwrap();
        assert_eq!(address.kind(), kind);
        assert_eq!(address.to_string().trim_matches('"'), written);
    }
    for too_much in ["+123456789012345678901", "a name too long", "Банк"] {
        assert_eq!(too_much.parse::<Address>(), Err(Illegal::Address));
    }
}

#[test]
fn a_number_matches_by_its_international_digits_and_at_home_by_the_national_ones() {
    let number: PhoneNumber = "+33612345678".parse().unwrap();
    let home = DiallingPlan::of(std::slice::from_ref(&number));
    let of = |hex: &str| Address::read(&mut Octets(&from_hex(hex).unwrap())).unwrap();
    for (hex, is_it, is_it_at_home) in [
        ("0B913316325476F8", true, true),
        ("0B813316325476F8", true, true), // the network does not say that it is international
        ("0BA13316325476F8", false, false), // in Italy, say: national 33612345678
        ("0A816021436587", false, true),  // 0612345678
        ("0AA16021436587", false, true),
        ("09A116325476F8", false, true), // 612345678
        ("098116325476F8", false, false),
        ("0D810033 16325476F8", false, true),  // 0033612345678
        ("0D910033 16325476F8", false, false), // no country has the code 0
        ("09C116325476F8", false, false),      // within the exchange
        ("0B913316325476F9", false, false),
        ("0BD03316325476F8", false, false), // a name
    ] {
        let address = of(&hex.replace(' ', ""));
        assert_eq!((address.is(&number, None), address.is(&number, home)), (is_it, is_it_at_home), "{hex}");
    }
    assert!(Address::of(&number).is(&number, None));
}

/// From dreamfabric.com and the tests of python-gsmmodem.
#[test]
fn published_submissions_are_decoded_as_published() {
    for (hex, to, body) in [
        ("0011000B916407281553F80000AA0AE8329BFD4697D9EC37", "+46708251358", "hellohello"),
        ("0001000B917228001011F100000CC8329BFD065DDF72363904", "+27820001111", "Hello World!"),
        ("07914400000000F01100099121436587F90008F40A4E16754C60A8597DFF01", "+123456789", "世界您好！"),
        (
            "04A12143F5310D0AA110624521430000A91BD4F29C0E6A97E7F3F0B9AC03B1DFE3301BE4AEB7C565F91C",
            "0126541234",
            "Test message: local numbers",
        ),
        (
            "07911326040000F0310D0B911326880736F40000A90FF7FBDD454E87CDE1B0DB357EB701",
            "+31628870634",
            "www.diafaan.com",
        ),
        (
            "0019000B917228001011F100003170013193008017D474BB3CA787DB70903DCC4E93D3F43C885E9ED301",
            "+27820001111",
            "Timestamp validity test",
        ),
        ("07914346466554F601000B914316565811F9000806304253F68449", "+34616585119", "あ叶葉"),
    ] {
        let submit = Submit::decode(hex).unwrap_or_else(|why| panic!("{hex}: {why}"));
        assert_eq!((submit.to().to_string(), submit.body()), (to.to_owned(), &text(body)));
    }
    let binary = Submit::decode("0591721891F101000B917228214365F700040C48656C6C6F20776F726C6421").unwrap();
    assert_eq!(binary.body(), &Body::Binary(b"Hello world!".to_vec()));
    // Two lengths are wrong in it: the address' counts its filler, which some do and does no harm,
    // and that of the text says 160 where 12 octets follow.
    let wrong = |length| Submit::decode(&format!("0041010C910661345542F60008{length}050003000301306F3044"));
    assert_eq!(wrong("A0"), Err(Illegal::Length));
    assert_eq!(wrong("0A").map(|submit| submit.to().to_string()), Ok("+60164355246".to_owned()));
}

#[test]
fn what_is_submitted_is_exact() {
    let to: Address = "+46708251358".parse().unwrap();
    let submit = Submit::text(&to, "hellohello").unwrap();
    // dreamfabric.com's, with a validity of an hour (0B) and the modem's own reference.
    let expected = "0011000B916407281553F800000B0AE8329BFD4697D9EC37";
    assert_eq!(submit.encode(), (expected.to_owned(), expected.len() / 2 - 1));
    assert!(submit.clone().with_report().encode().0.starts_with("0031"));
    assert_eq!(Submit::decode(&format!("{expected}00")), Err(Illegal::Surplus(1)));
    assert_eq!(Submit::decode("0004"), Err(Illegal::Type(0)));
}

#[test]
fn a_text_that_does_not_fit_says_by_how_much() {
    let to: Address = "+46708251358".parse().unwrap();
    for (text, refused) in [
        ("a".repeat(160), None),
        ("a".repeat(161), Some(TooLong { length: 161, most: 160 })),
        ("€".repeat(80), None),
        ("€".repeat(81), Some(TooLong { length: 162, most: 160 })),
        ("ж".repeat(70), None),
        ("ж".repeat(71), Some(TooLong { length: 71, most: 70 })),
        ("📞".repeat(36), Some(TooLong { length: 72, most: 70 })),
    ] {
        assert_eq!(Submit::text(&to, &text).err(), refused, "{text}");
    }
    let sent = ServiceCentreTime::new(1_784_001_598, 8).unwrap();
    let message = Deliver { from: to, sent, body: text(&"a".repeat(154)), part: part(1, 1, 2) };
    assert_eq!(message.encode(None), Err(TooLong { length: 154, most: 153 }));
}

/// From the tests of python-gsmmodem.
#[test]
fn a_status_report_is_decoded() {
    let Ok(Incoming::StatusReport(report)) =
        Incoming::decode("0006D60B911326880736F4111011719551401110117195714000")
    else {
        panic!("not a status report");
    };
    assert_eq!(report.reference, 214);
    assert_eq!(report.to.to_string(), "+31628870634");
    assert_eq!(report.submitted.to_string(), "2011-01-11 17:59:15 +01:00");
    assert_eq!(report.discharged.unix(), report.submitted.unix().map(|unix| unix + 2));
    assert_eq!(report.status.to_string(), "delivered (0x00)");
    assert_eq!(Status(0x41).to_string(), "not deliverable (0x41)");
}

/// TS 23.040 §9.2.3.11: the zone in quarters of an hour, its sign in the third bit.
#[test]
fn time_stamps_are_decoded_and_encoded_with_their_zone() {
    for (hex, shown) in [
        ("51117200000000", "2015-11-27 00:00:00 +00:00"),
        ("51117200000080", "2015-11-27 00:00:00 +02:00"),
        ("70402132522423", "2007-04-12 23:25:42 +08:00"),
        ("7040213252242B", "2007-04-12 23:25:42 -08:00"),
        ("98211332959521", "2089-12-31 23:59:59 +03:00"),
    ] {
        let octets = from_hex(hex).unwrap();
        let time = ServiceCentreTime::read(&mut Octets(&octets)).unwrap();
        assert_eq!(time.to_string(), shown, "{hex}");
        let mut written = Vec::new();
        time.write(&mut written);
        assert_eq!(to_hex(&written), hex);
    }
    for wrong in ["00000000000000", "51112300000000", "511172A0000000", "51117242000000", "511172000000A0"] {
        let octets = from_hex(wrong).unwrap();
        let time = ServiceCentreTime::read(&mut Octets(&octets)).unwrap();
        assert_eq!((time.unix(), time.to_string()), (None, format!("not understood ({wrong})")));
        assert_eq!(time.to_octets().to_vec(), octets);
    }
    assert_eq!(ServiceCentreTime::new(0, 0), None);
    assert_eq!(ServiceCentreTime::new(i64::MAX, 4), None);
}
