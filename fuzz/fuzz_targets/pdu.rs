//! Any message from the network or a modem: no panic, and a message that can be read can be written and read again.
#![no_main]

use dialbox::sms::command::Order;
use dialbox::sms::pdu::{Body, Incoming, Submit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let hex: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    let incoming = Incoming::decode(&hex);
    let again = match &incoming {
        Ok(Incoming::Deliver(message)) => message.encode(None).ok(),
        Ok(Incoming::StatusReport(report)) => Some(report.encode(None)),
        Err(_) => return submit(&hex),
    };
    assert_eq!(again.map(|(hex, _)| Incoming::decode(&hex)), Some(incoming.clone()));
    if let Ok(Incoming::Deliver(message)) = &incoming
        && let Body::Text(text) = &message.body
    {
        let _ = Order::parse(text);
    }
});

fn submit(hex: &str) {
    if let Ok(submit) = Submit::decode(hex) {
        assert_eq!(Submit::decode(&submit.encode().0), Ok(submit));
    }
}
