use super::*;
use crate::modem::profile::ANALOGUE;
use crate::modem::sim::SimCard;
use crate::modem::stick::{huawei, icon_225};
use crate::modem::{Modem, TimeOfDay};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

const PATIENCE: Patience = Patience { silence: Duration::from_secs(5), total: Duration::from_secs(20) };

fn exchange() -> Exchange {
    Exchange::new(Network::new(TimeOfDay { origin: 1_800_000_000, quarters: 4 }), PATIENCE).unwrap()
}

fn modem(exchange: &Exchange, name: &str, number: &str, modem: Modem) -> Subscriber {
    exchange.with(|network, _| network.connect_modem(name, number, modem))
}

#[test]
fn a_socket_carries_commands_and_rings_and_accepts_a_second_connection() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = exchange();
    let line = modem(&exchange, "line", "0102030405", Modem::new(ANALOGUE, SimCard::open()));
    let caller = exchange.with(|network, _| network.connect_peer("caller", "0600000000"));
    exchange.socket(line, 0, &dir.path().join("modem")).unwrap();
    for _ in 0..2 {
        let mut computer = UnixStream::connect(dir.path().join("modem")).unwrap();
        computer.set_read_timeout(Some(PATIENCE.silence)).unwrap();
        computer.write_all(b"ATZ\r").unwrap();
        let mut lines = BufReader::new(computer).lines().map(std::result::Result::unwrap);
        lines.find(|line| line == "OK").unwrap();
        assert!(exchange.with(|network, now| network.call(caller, "0102030405", now)));
        lines.find(|line| line == "RING").unwrap();
        exchange.with(|network, now| network.hang_up(caller, now));
    }
}

#[test]
fn two_terminals_are_connected_through_a_call_and_closing_one_hangs_up() {
    let exchange = exchange();
    let stick = modem(&exchange, "stick", "+33600000001", Modem::new(icon_225(), SimCard::open()));
    let line = modem(&exchange, "line", "0102030405", Modem::new(ANALOGUE, SimCard::open()));
    exchange.with(|network, _| network.serve_packets(line));
    let open = |path: PathBuf| File::options().read(true).write(true).open(path).unwrap();
    let mut caller = open(exchange.terminal(stick, 0).unwrap());
    let mut called = open(exchange.terminal(line, 0).unwrap());
    let wait_for = |end: &File, wanted: &str| {
        let mut lines = BufReader::new(end.try_clone().unwrap()).lines().map(std::result::Result::unwrap);
        lines.find(|line| line.starts_with(wanted)).unwrap()
    };
    called.write_all(b"ATS0=1\r").unwrap();
    wait_for(&called, "OK");
    caller.write_all(b"AT+CGDCONT=1,\"IP\",\"free\"\r").unwrap();
    wait_for(&caller, "OK");
    caller.write_all(b"ATD*99#\r").unwrap();
    assert_eq!(wait_for(&caller, "CONNECT"), "CONNECT 7200000");
    wait_for(&called, "CONNECT");
    called.write_all(b"hello from the called one\n").unwrap();
    wait_for(&caller, "hello from the called one");
    drop(caller);
    wait_for(&called, "NO CARRIER");
    let tail = exchange.with(|network, _| network.journal().tail(100));
    assert!(tail.contains("stick * dials *99#") && tail.contains("line * is called by stick"), "{tail}");
}

#[test]
fn unplugging_a_modem_ends_the_reads_of_a_program() {
    let exchange = exchange();
    let stick = modem(&exchange, "stick", "+33600000001", Modem::new(huawei(), SimCard::open()));
    let port = exchange.terminal(stick, 0).unwrap();
    let computer = File::options().read(true).write(true).open(&port).unwrap();
    exchange.unplug(stick);
    let read = std::io::Read::read(&mut &computer, &mut [0; 10]);
    assert!(matches!(read, Ok(0)) || read.is_err(), "{read:?}");
    assert!(!port.exists());
}

#[test]
fn waiting_in_vain_fails_with_a_reason() {
    let patience = Patience { silence: Duration::from_millis(20), total: Duration::from_secs(1) };
    let exchange = Exchange::new(Network::new(TimeOfDay { origin: 0, quarters: 0 }), patience).unwrap();
    let waited = exchange.until("a miracle", |_| None::<()>);
    assert!(waited.unwrap_err().to_string().contains("a miracle"));
}
