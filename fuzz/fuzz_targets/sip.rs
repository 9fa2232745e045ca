//! Any datagrams to the exchange: no panic, no account gained without a password, nothing sent to strangers, deadlines
//! that come, and bounded memory; media of calls stay with the hosts of their sides.
#![no_main]

use std::net::SocketAddrV4;
use std::time::Duration;

use dialbox::exchange::{Exchange, Output, PORTS};
use dialbox::site::{Role, Site};
use libfuzzer_sys::fuzz_target;

const SITE: &str = "role='dial-in'\nhostname='box'\n[lan]\naddress='192.0.2.1/24'\n\
    [[line]]\nport='auto'\nlocal='192.168.1.1'\nremote='192.168.1.2'\n[[user]]\nname='u'\npassword='p'\n\
    [exchange]\nrtp-relay=true\n[[exchange.account]]\nname='a'\npassword='Xy7Qz9'\nextension='1'\n\
    [[exchange.account]]\nname='b'\npassword='Xy7Qz8'\n[[exchange.route]]\npattern='_X!'\nto=['b']\n";
/// A call that is up, so that requests within one are reached.
const PUBLISHED: &str = "kind=peer\taccount=a\taddress=192.0.2.10:5060\tcontact=sip:a@192.0.2.10\tagent=x\texpires=9999\t\
    call-id=r\tcseq=1\nkind=call\tcall-id=c\tnumber=2\tsince=1\tcaller=a\tcaller-identity=<sip:a@x>;tag=1\tcaller-tag=1\t\
    caller-address=192.0.2.10:5060\tcaller-contact=sip:a@192.0.2.10\tcaller-cseq=1\tcallee=b\t\
    callee-identity=<sip:b@x>;tag=2\tcallee-tag=2\tcallee-address=192.0.2.11:5060\tcallee-contact=sip:b@192.0.2.11\t\
    callee-cseq=0\trelay=3 4000 0 4002 0 7 8\n";

fuzz_target!(|bytes: &[u8]| {
    let Ok(Role::DialIn(dial_in)) = Site::parse(SITE).map(|site| site.role) else {
        unreachable!("it is right")
    };
    let Some(site) = dial_in.exchange else { unreachable!("it has one") };
    let own = SocketAddrV4::new([192, 0, 2, 1].into(), 5060);
    let mut exchange = Exchange::new(&site, "box", own, [7; 40]);
    let mut now = Duration::from_secs(10);
    exchange.restore(PUBLISHED, now);
    // The shortest line with an address of a session description becomes six times as long.
    let longest = 7 * bytes.len() + 2000;
    // A zero byte separates datagrams; the first byte of each says who sends it.
    for datagram in bytes.split(|byte| *byte == 0) {
        let (host, datagram) =
            datagram.split_first().map_or((10, datagram), |(first, rest)| (10 + first % 3, rest));
        exchange.receive(datagram, SocketAddrV4::new([192, 0, 2, host].into(), 5060), now);
        for relay in exchange.relays() {
            let hosts = relay.ends.map(|end| end.host.octets());
            assert!(hosts.iter().all(|host| matches!(host, [192, 0, 2, 10..=12])), "{hosts:?}");
            assert!((0..PORTS).all(|at| (16384..16512).contains(&relay.port(at))));
        }
        let next = exchange.tick(now);
        assert!(next > now, "a deadline that has passed");
        now = next;
        for output in exchange.outputs() {
            match output {
                Output::Send(to, bytes) => {
                    assert!((10..=12).contains(&to.ip().octets()[3]) && to.ip().octets()[..3] == [192, 0, 2]);
                    assert!(bytes.len() <= longest);
                }
                Output::Log(_, text) => assert!(!text.contains("Xy7Qz") && text.len() < 300),
                Output::Ended(_) => {}
            }
        }
    }
    let published = exchange.snapshot();
    assert!(published.matches("account=").count() <= 1, "nobody has registered: {published}");
    assert!(!published.contains("Xy7Qz"));
});
