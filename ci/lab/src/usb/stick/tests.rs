use super::*;
use crate::modem::stick::sticks;
use std::collections::BTreeSet;

fn plugged(name: &str) -> UsbStick {
    UsbStick::new(UsbModel::of(&sticks()[name]).unwrap())
}

fn ask(stick: &mut UsbStick, request_type: u8, request: u8, index: u16, data: &[u8]) -> Reply {
    let length = u16::try_from(data.len()).unwrap();
    stick.request(Setup { request_type, request, value: 1, index, length }, data, Duration::ZERO)
}

/// A command block wrapper (Bulk-Only Transport §5.1) without data.
fn wrapped(command: &[u8]) -> Vec<u8> {
    let mut bytes = [b"USBC\x07\0\0\0\0\0\0\0\0\0\x06", command].concat();
    bytes.resize(31, 0);
    bytes
}

fn total_length(about: &Description) -> usize {
    let configuration = about.descriptor(2, 0).unwrap();
    assert_eq!(usize::from(u16::from_le_bytes([configuration[2], configuration[3]])), configuration.len());
    configuration.len()
}

#[test]
fn the_configurations_are_as_long_as_those_of_the_real_ones() {
    for (name, length) in [
        // `wTotalLength` in the sources that the files name; the last one's class-specific descriptors are those of
        // f_acm.c.
        ("huawei-e1550", 108),
        ("quectel-ec25", 209),
        ("sierra-mc7455", 160),
        ("generic-cdc-acm", 9 + 8 + (9 + 5 + 5 + 4 + 5 + 7) + (9 + 7 + 7)),
    ] {
        assert_eq!(total_length(&UsbModel::of(&sticks()[name]).unwrap().modem.about), length, "{name}");
    }
    assert_eq!(total_length(plugged("huawei-e1550").description()), 55, "the drive");
}

#[test]
fn every_models_descriptors_fit_each_other_and_its_ports() {
    for (name, stick) in sticks().iter().filter(|(_, stick)| stick.model.driver != "hso") {
        let usb = UsbModel::of(stick).unwrap_or_else(|| panic!("{name} has no descriptors"));
        for mode in [Some(&usb.modem), usb.drive.as_ref().map(|(drive, _)| drive)].into_iter().flatten() {
            total_length(&mode.about);
            let numbers: Vec<u8> = mode.about.interfaces.iter().map(|it| it.number).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{name}: {numbers:?}");
            let endpoints: Vec<u8> = mode.about.endpoints().map(|(_, it)| it.address).collect();
            let different: BTreeSet<u8> = endpoints.iter().copied().collect();
            assert_eq!(different.len(), endpoints.len(), "{name}: {endpoints:x?}");
        }
        let ports = usb.modem_ports();
        assert!(ports.contains(&Some(0)), "{name}: no port for calls in {ports:?}");
        assert_eq!(ports.contains(&Some(1)), stick.model.command.is_some(), "{name}: {ports:?}");
    }
}

#[test]
fn a_drive_becomes_a_modem_by_its_command_until_it_is_pulled_out() {
    // MMC-6 §6.8 START STOP UNIT with LoEj, and the first bytes of Huawei's command.
    for (name, drive, modem, command) in [
        ("zte-mf110", 0x2000, 0x0031, &[0x1b, 0, 0, 0, 2][..]),
        ("huawei-e1550", 0x1446, 0x1001, &[0x11, 0x06, 0x20]),
    ] {
        let mut stick = plugged(name);
        assert_eq!((stick.description().product, stick.leaves()), (drive, false));
        stick.receive(0x01, &wrapped(&[0x1e]));
        assert!(!stick.leaves());
        stick.send(0x81, 63, Duration::ZERO);
        stick.receive(0x01, &wrapped(command));
        stick.send(0x81, 63, Duration::ZERO);
        assert!(stick.leaves(), "{name}");
        stick.come_back();
        assert_eq!((stick.description().product, stick.leaves()), (modem, false));
        stick.lose_power();
        assert_eq!(stick.description().product, drive);
    }
}

#[test]
fn the_drive_beside_the_ports_has_no_mode_switch() {
    let mut stick = plugged("zte-mf110");
    stick.come_back();
    stick.receive(0x03, &wrapped(&[0x1b, 0, 0, 0, 2]));
    assert_eq!(stick.send(0x83, 63, Duration::ZERO), b"USBS\x07\0\0\0\0\0\0\0\0");
    assert!(!stick.leaves());
}

#[test]
fn each_port_has_its_own_line() {
    let mut stick = plugged("zte-mf110");
    stick.come_back();
    assert_eq!(stick.model.modem_ports(), [None, Some(1), Some(0)]);
    assert_eq!(ask(&mut stick, 0x21, 0x22, 3, &[]), Reply::Done(Vec::new()));
    stick.receive(0x02, b"AT\r");
    assert_eq!(stick.outward(), [Outward::Dtr(2, true), Outward::Bytes(1, b"AT\r".to_vec())]);
    stick.inward(2, b"OK", Duration::ZERO);
    assert_eq!(stick.send(0x82, 9, Duration::ZERO), b"");
    assert_eq!(stick.send(0x85, 9, Duration::ZERO), b"OK");
}

#[test]
fn a_modem_of_the_class_cdc_acm_takes_the_requests_of_its_driver() {
    let mut stick = plugged("generic-cdc-acm");
    assert_eq!(stick.description().vendor, 0x0525);
    let coding = [0x80, 0x25, 0, 0, 0, 0, 8];
    assert_eq!(ask(&mut stick, 0x21, 0x20, 0, &coding), Reply::Done(Vec::new()));
    assert_eq!(ask(&mut stick, 0xa1, 0x21, 0, &[]), Reply::Done(coding.to_vec()));
    assert_eq!(ask(&mut stick, 0x21, 0x20, 0, &[1, 2]), Reply::Stall);
    assert_eq!(ask(&mut stick, 0x21, 0x22, 1, &[]), Reply::Stall, "not the interface of the data");
    stick.receive(0x02, b"AT\r");
    assert_eq!(stick.outward(), [Outward::Bytes(0, b"AT\r".to_vec())]);
}

#[test]
fn the_carrier_is_reported_on_change_while_the_port_is_open() {
    let mut stick = plugged("generic-cdc-acm");
    stick.carrier(0, true);
    assert_eq!(stick.send(0x83, 10, Duration::ZERO), b"", "no DTR");
    ask(&mut stick, 0x21, 0x22, 0, &[]);
    // USB CDC PSTN §6.5.4: bit 0 is DCD, bit 1 DSR.
    for (on, bits) in [(true, 3), (false, 2)] {
        stick.carrier(0, on);
        assert_eq!(stick.send(0x83, 10, Duration::ZERO), [0xa1, 0x20, 0, 0, 0, 0, 2, 0, bits, 0]);
        assert_eq!(stick.send(0x83, 10, Duration::ZERO), b"");
    }
}
