use super::*;

fn read(port: u16) -> Setup {
    Setup { request_type: 0xa1, request: 1, value: 0, index: port, length: 1024 }
}

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn the_descriptors_are_those_that_the_driver_checks() {
    let stick = Hso::default();
    let configuration = stick.description().descriptor(2, 0).unwrap();
    // hso.c: `hso_get_mux_ports` wants three extra bytes behind the first interface's descriptor.
    assert_eq!(configuration[9..21], [9, 4, 0, 0, 3, 255, 255, 255, 0, 3, 0x24, 3]);
    assert_eq!(configuration[21..28], [7, 5, 0x81, 3, 2, 0, 4]);
    assert_eq!(configuration.len(), usize::from(configuration[2]));
    assert_eq!(configuration.len(), 9 + 3 * 9 + 3 + 8 * 7);
}

#[test]
fn data_written_to_a_port_reaches_the_modem_there() {
    let mut stick = Hso::default();
    for port in 0..2 {
        let setup = Setup { request_type: 0x21, request: 0, value: 0, index: port, length: 3 };
        assert_eq!(stick.request(setup, b"AT\r", at(0)), Reply::Done(Vec::new()));
    }
    stick.receive(MODEM_OUT, b"ATI\r");
    stick.receive(DIAGNOSTIC_OUT, &[0x7e]);
    let typed = |port, bytes: &[u8]| Outward::Bytes(port, bytes.to_vec());
    assert_eq!(stick.outward(), [typed(0, b"AT\r"), typed(1, b"AT\r"), typed(3, b"ATI\r")]);
    let none = Setup { request_type: 0x21, request: 0, value: 0, index: 2, length: 0 };
    assert_eq!(stick.request(none, &[], at(0)), Reply::Stall, "no such multiplexed port");
}

#[test]
fn a_multiplexed_port_announces_its_data_until_it_is_read() {
    let mut stick = Hso::default();
    assert_eq!(stick.send(READY_TO_READ, 2, at(0)), [0; 0]);
    stick.inward(1, b"\r\nOK\r\n", at(1));
    assert_eq!(stick.send(READY_TO_READ, 2, at(1)), [0b10], "Application");
    assert_eq!(stick.send(READY_TO_READ, 2, at(10)), [0; 0]);
    assert_eq!(stick.deadline(), Some(at(11)));
    assert_eq!(stick.send(READY_TO_READ, 2, at(11)), [0b10], "the driver may have missed it");
    stick.inward(0, b"\r\nRING\r\n", at(0));
    assert_eq!(stick.send(READY_TO_READ, 2, at(12)), [0b01]);
    assert_eq!(stick.request(read(1), &[], at(13)), Reply::Done(b"\r\nOK\r\n".to_vec()));
    assert_eq!(stick.request(read(1), &[], at(13)), Reply::Done(Vec::new()), "the driver reads until then");
    assert_eq!(stick.send(READY_TO_READ, 2, at(40)), [0b01], "Control still waits");
}

#[test]
fn the_pauses_between_announcements_of_an_unread_port_grow() {
    let mut stick = Hso::default();
    stick.inward(0, b"\r\nRING\r\n", at(0));
    let times: Vec<u64> = (0..4000).filter(|ms| !stick.send(READY_TO_READ, 2, at(*ms)).is_empty()).collect();
    assert_eq!(times, [0, 10, 30, 70, 150, 310, 630, 1270, 1910, 2550, 3190, 3830]);
}

#[test]
fn the_modem_port_is_a_stream_with_dtr() {
    let mut stick = Hso::default();
    stick.inward(3, &[b'x'; 5000], at(0));
    assert_eq!(stick.send(MODEM_IN, 4095, at(0)).len(), 4095);
    assert_eq!(stick.send(MODEM_IN, 4095, at(0)).len(), 905);

    let dtr = |value| Setup { request_type: 0x21, request: 0x22, value, index: 2, length: 0 };
    stick.request(dtr(3), &[], at(0));
    stick.request(dtr(0), &[], at(0));
    assert_eq!(stick.outward(), [Outward::Dtr(3, true), Outward::Dtr(3, false)]);
}

#[test]
fn a_stick_loses_its_unsent_data_when_it_is_pulled_out() {
    let mut stick = Hso::default();
    (0..4).for_each(|port| stick.inward(port, b"x", at(0)));
    stick.lose_power();
    assert_eq!(stick.send(MODEM_IN, 4095, at(2)), [0; 0]);
    assert_eq!(stick.send(READY_TO_READ, 2, at(2)), [0; 0]);
    assert_eq!(stick.request(read(0), &[], at(2)), Reply::Done(Vec::new()));
}
