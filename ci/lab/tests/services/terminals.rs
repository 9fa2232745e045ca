//! Terminals on services: a caller at the lab's telephone, the service's host build, and TCP servers.

use super::host_box::{BOX, HostBox};
use lab::modem::Modem;
use lab::modem::profile::ANALOGUE;
use lab::modem::sim::SimCard;
use lab::network::{Network, Subscriber};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// How a Telnet server begins that shows what is typed: netkit's telnetd, without the terminal's type.
const BEGIN: &[u8] = b"\xff\xfb\x01\xff\xfb\x03Name? ";
/// The answer: the options are agreed to.
const AGREED: &[u8] = b"\xff\xfd\x01\xff\xfd\x03";

/// A box whose line has a prompt, and a server.
struct Scene {
    host_box: HostBox,
    server: TcpListener,
    caller: Subscriber,
}

fn scene(protocol: &str) -> Scene {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let site = format!(
        "role='dial-in'\nhostname='box'\n[[line]]\nport='/dev/ttyUSB0'\nlogin=true\n\
         local='192.0.2.1'\nremote='192.0.2.2'\n\
         [[service]]\nname='bbs'\naddress='{address}'\nprotocol='{protocol}'\n\
         [[user]]\nname='u'\npassword='Xy7Qz9'\nservices=['bbs', 'ppp']\n"
    );
    let host_box = HostBox::dial_in(&site, Modem::new(ANALOGUE, SimCard::open()));
    host_box.until_published("line1", |record| record.get("line") == Some("ready"));
    let caller = host_box.exchange.with(|network, _| network.connect_peer("caller", "+33698765432"));
    Scene { host_box, server, caller }
}

impl Scene {
    /// Calls, logs in and chooses; the connection that the server gets.
    fn connected(&self) -> TcpStream {
        self.host_box.exchange.with(|network, now| network.call(self.caller, BOX, now));
        self.host_box
            .until("CONNECT", |network| network.journal().said("box").contains("CONNECT").then_some(()));
        self.types(b"\r", "\r\nbox login: ");
        self.types(b"u\rXy7Qz9\r", "\r\n 1 bbs\r\n 2 ppp\r\n\r\nWhich one? ");
        self.types(b"bbs\r", "\r\nConnecting to bbs\r\n");
        let (connection, _) = self.server.accept().unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        self.host_box.until_published("line1", |record| record.get("gets") == Some("bbs"));
        connection
    }

    fn types(&self, keys: &[u8], seen: impl AsRef<[u8]>) {
        self.says(keys);
        self.sees(seen);
    }

    fn says(&self, keys: &[u8]) {
        self.host_box.exchange.with(|network, now| network.say(self.caller, keys, now));
    }

    fn sees(&self, seen: impl AsRef<[u8]>) {
        let seen = seen.as_ref();
        let has_heard = |network: &mut Network| network.peer_has_heard(self.caller, seen).then_some(());
        self.host_box.until(&seen.escape_ascii().to_string(), has_heard);
    }

    /// Waits for the end of the call, and for the line to be ready again; the reason in the ledger.
    fn end(&self) -> String {
        self.host_box.until_said("call ended: ");
        self.host_box.until_published("line1", |record| record.get("line") == Some("ready"));
        std::fs::read_to_string(self.host_box.places.state().join("calls")).unwrap()
    }
}

fn expect(connection: &mut TcpStream, expected: &[u8]) {
    let mut read = vec![0; expected.len()];
    connection.read_exact(&mut read).unwrap();
    assert_eq!(read.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[test]
fn a_caller_uses_a_telnet_service_and_the_call_ends_with_the_connection() {
    let scene = scene("telnet");
    let mut connection = scene.connected();
    connection.write_all(BEGIN).unwrap();
    expect(&mut connection, AGREED);
    scene.sees(b"\r\nConnecting to bbs\r\nName? ");
    scene.says(b"joe\xff\r");
    expect(&mut connection, b"joe\xff\xff\r\0");
    // Its echo of three pluses cannot bring the box's modem into command state.
    connection.write_all(b"+++").unwrap();
    scene.sees(b"Name? +++\0");
    connection.write_all(b"goodbye").unwrap();
    drop(connection);
    scene.sees(b"goodbye");
    let ledger = scene.end();
    for part in ["user=u\tgets=bbs\t", "received=5\tsent=16\twhy=the service ended the connection"] {
        assert!(ledger.contains(part), "{part}: {ledger}");
    }
}

#[test]
fn a_raw_service_gets_every_byte_and_sees_the_callers_end() {
    let scene = scene("raw");
    let mut connection = scene.connected();
    let all: Vec<u8> = (0..=255).collect();
    scene.says(&all);
    expect(&mut connection, &all);
    connection.write_all(&all).unwrap();
    scene.sees(&all);
    scene.host_box.exchange.with(|network, now| network.hang_up(scene.caller, now));
    expect(&mut connection, b"\r\nNO CARRIER\r\n");
    assert_eq!(connection.read(&mut [0]).unwrap(), 0, "the connection ends with the call");
    assert!(scene.end().contains("why=the caller hung up"));
}

#[test]
fn a_caller_whose_service_does_not_answer_is_told() {
    let mut scene = scene("raw");
    // Nothing listens there any more.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(std::mem::replace(&mut scene.server, elsewhere));
    scene.host_box.exchange.with(|network, now| network.call(scene.caller, BOX, now));
    scene
        .host_box
        .until("CONNECT", |network| network.journal().said("box").contains("CONNECT").then_some(()));
    scene.types(b"\r", "login: ");
    scene.types(b"u\rXy7Qz9\r1\r", "Connecting to bbs\r\n\r\nNo answer, try again later.\r\n");
    let ledger = scene.end();
    assert!(ledger.contains("why=the service cannot be reached: Connection refused"), "{ledger}");
}
