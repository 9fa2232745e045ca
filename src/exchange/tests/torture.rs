//! What the exchange does with each message of RFC 4475. The column `section` is where the RFC tells what must be done.

use crate::exchange::core::{Exchange, Output};
use crate::exchange::message::Message;
use crate::exchange::request::{Incoming, read};
use std::time::Duration;

/// How a datagram is taken.
#[derive(Debug, PartialEq)]
enum Taken {
    /// As a request, which is answered.
    Request,
    /// As a response.
    Response,
    /// Not at all.
    Dropped,
}

use Taken::{Dropped, Request, Response};

/// A message, its section, what must happen, how it is taken, and the code of the answer; 0 for none.
type Row = (&'static [u8], &'static str, &'static str, Taken, u16);

macro_rules! message {
    ($name:literal) => {
        include_bytes!(concat!("testdata/rfc4475/", $name, ".dat"))
    };
}

const TABLE: &[Row] = &[
    (
        message!("wsinv"),
        "3.1.1.1",
        "valid: folding, compact forms, white space anywhere; of no call",
        Request,
        481,
    ),
    (message!("intmeth"), "3.1.1.2", "valid: an unknown method of unusual characters", Request, 405),
    (message!("esc01"), "3.1.1.3", "valid: escapes in URIs", Request, 407),
    (message!("escnull"), "3.1.1.4", "valid: %00 in a user; not another user", Request, 401),
    (message!("esc02"), "3.1.1.5", "valid: % is no escape in a method, which is unknown", Request, 405),
    (message!("lwsdisp"), "3.1.1.6", "valid: no white space between display name and <", Request, 200),
    (message!("longreq"), "3.1.1.7", "valid: long values", Request, 407),
    (message!("dblreq"), "3.1.1.8", "valid: what follows the message is ignored", Request, 401),
    (message!("semiuri"), "3.1.1.9", "valid: a semicolon in a user", Request, 200),
    (message!("transports"), "3.1.1.10", "valid: all kinds of transports in Via", Request, 200),
    (message!("mpart01"), "3.1.1.11", "valid: a binary body; MESSAGE is not for us", Request, 405),
    (message!("unreason"), "3.1.1.12", "valid: UTF-8 in a reason", Response, 0),
    (message!("noreason"), "3.1.1.13", "valid: an empty reason", Response, 0),
    (message!("badinv01"), "3.1.2.1", "400: separators without anything between them", Request, 400),
    (message!("clerr"), "3.1.2.2", "400: longer than the datagram", Request, 400),
    (message!("ncl"), "3.1.2.3", "400: a negative length", Request, 400),
    (message!("scalar02"), "3.1.2.4", "400: numbers that are too large", Request, 400),
    (message!("scalarlg"), "3.1.2.5", "a response with numbers that are too large is dropped", Dropped, 0),
    (message!("quotbal"), "3.1.2.6", "400: a quote without its end", Request, 400),
    (message!("ltgtruri"), "3.1.2.7", "400: <> around the Request-URI", Request, 400),
    (message!("lwsruri"), "3.1.2.8", "400: white space in the Request-URI", Request, 400),
    (message!("lwsstart"), "3.1.2.9", "400: more than one space in the first line", Request, 400),
    (message!("trws"), "3.1.2.10", "400: white space after the first line", Request, 400),
    (message!("escruri"), "3.1.2.11", "400: header fields in the Request-URI", Request, 400),
    (message!("baddate"), "3.1.2.12", "Date is not looked at, so it may be wrong", Request, 407),
    (message!("regbadct"), "3.1.2.13", "400: a question mark in a Contact without <>", Request, 400),
    (
        message!("badaspec"),
        "3.1.2.14",
        "may be accepted: spaces within <> have a clear meaning",
        Request,
        200,
    ),
    (message!("baddn"), "3.1.2.15", "400: a display name with a comma and no quotes", Request, 400),
    (message!("badvers"), "3.1.2.16", "505: another version", Request, 505),
    (message!("mismatch01"), "3.1.2.17", "400: CSeq has another method", Request, 400),
    (message!("mismatch02"), "3.1.2.18", "400: CSeq has another method than an unknown one", Request, 400),
    (message!("bigcode"), "3.1.2.19", "a response with a code above 699 is dropped", Dropped, 0),
    (
        message!("badbranch"),
        "3.2.1",
        "a branch of the cookie alone identifies nothing: as in RFC 2543",
        Request,
        200,
    ),
    (message!("insuf"), "3.3.1", "400: From, To and Call-ID are missing", Request, 400),
    (message!("unkscm"), "3.3.2", "416: a scheme that nobody knows", Request, 416),
    (message!("novelsc"), "3.3.3", "416: a scheme that others know", Request, 416),
    (message!("unksm2"), "3.3.4", "400: To is no SIP address", Request, 400),
    (message!("bext01"), "3.3.5", "420: extensions that no proxy knows", Request, 420),
    (message!("invut"), "3.3.6", "the type of the body is the called side's matter", Request, 407),
    (message!("regaut01"), "3.3.7", "401: an authentication scheme that nobody knows", Request, 401),
    (message!("multi01"), "3.3.8", "400: two values of fields that have one", Request, 400),
    (message!("mcl01"), "3.3.9", "400: two different lengths", Request, 400),
    (message!("bcast"), "3.3.10", "a response to nothing that was sent is dropped", Response, 0),
    (message!("zeromf"), "3.3.11", "483: no hop left", Request, 483),
    (message!("cparam01"), "3.3.12", "valid: a parameter of Contact", Request, 401),
    (message!("cparam02"), "3.3.13", "valid: a parameter of the URI in Contact", Request, 401),
    (message!("regescrt"), "3.3.14", "valid: header fields in a URI within <>", Request, 401),
    (message!("sdp01"), "3.3.15", "what a body offers is the called side's matter", Request, 407),
    (message!("inv2543"), "3.4.1", "an INVITE of RFC 2543: no tag, no branch, no Max-Forwards", Request, 407),
];

#[test]
fn every_torture_message_is_taken_as_the_rfc_says() {
    let mut wrong = Vec::new();
    for (datagram, section, what, expected, code) in TABLE {
        let taken = match read(datagram) {
            Incoming::Request(..) | Incoming::Refused(..) => Request,
            Incoming::Response(..) => Response,
            Incoming::Dropped(_) => Dropped,
        };
        if taken != *expected {
            wrong.push(format!("{section} {what}: {taken:?}"));
        }
        let mut exchange = Exchange::new(&super::site(), "box", "192.0.2.1:5060".parse().unwrap(), [7; 40]);
        exchange.receive(datagram, "192.0.2.66:5060".parse().unwrap(), Duration::from_secs(1));
        let codes: Vec<u16> = exchange
            .outputs()
            .iter()
            .map(|output| match output {
                Output::Send(_, bytes) => Message::parse(bytes).unwrap().code(),
                other => panic!("{section}: {other:?}"),
            })
            .collect();
        let expected = if *code == 0 { vec![] } else { vec![*code] };
        if codes != expected {
            wrong.push(format!("{section} {what}: {codes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_can_be_read_is_written_so_that_it_is_read_alike() {
    for (datagram, section, ..) in TABLE {
        if let Ok(message) = Message::parse(datagram) {
            let mut again = Message::parse(&message.to_bytes()).unwrap();
            let mut before = message.clone();
            for it in [&mut again, &mut before] {
                it.remove_all(crate::exchange::header::name::CONTENT_LENGTH);
            }
            assert_eq!(again, before, "{section}");
        }
    }
}
