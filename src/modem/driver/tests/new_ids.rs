//! Devices with a model's file, some of whose interfaces have no driver.

use super::*;
use crate::site::MODELS;

const NEW_ID: &str = "/sys/bus/usb-serial/drivers/option1/new_id";

/// Puts a file below the box.
fn put(paths: &Paths, file: &str, text: &str) {
    let file = paths.path(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A device at this place, with an interface 2 of the maker's own class that no driver has.
fn plug_in_with_a_free_interface(paths: &Paths, place: &str, [vendor, product]: [&str; 2]) {
    for device in ["/sys/bus/usb/devices", "/sys/devices/usb1"] {
        put(paths, &format!("{device}/{place}/idVendor"), &format!("{vendor}\n"));
        put(paths, &format!("{device}/{place}/idProduct"), &format!("{product}\n"));
    }
    put(paths, &format!("/sys/bus/usb/devices/{place}:1.2/bInterfaceClass"), "ff\n");
}

/// The ids that the driver was told, with a device of these ids in the box, and these ports.
fn told(ids: [&str; 2], ports: &'static [(&str, &str, &str, Option<&str>)]) -> String {
    let mut told = String::new();
    in_a_box(|paths, driver| {
        put(paths, NEW_ID, "");
        let file = format!("name = 'x'\nsource = 'x'\nusb = ['{}:{}']\ndriver = 'option'\n", ids[0], ids[1]);
        put(paths, &format!("{MODELS}/x.toml"), &file);
        plug_in_with_a_free_interface(paths, "1-1.1", ids);
        ports.iter().for_each(|port| plug_in(paths, std::slice::from_ref(port)));
        driver.poll(SECOND);
        told = fs::read_to_string(paths.path(NEW_ID)).unwrap();
    });
    told
}

#[test]
fn a_driver_is_told_the_ids_of_a_device_only_if_it_knows_nothing_of_it() {
    let by_option = &[("ttyUSB0", "1-1.1:1.0", "option", None)];
    assert_eq!(told(["12d1", "1506"], by_option), "", "it leaves the network interface out");
    let by_others = &[("ttyACM0", "1-1.1:1.0", "cdc_acm", None), ("ttyUSB0", "1-1.2:1.0", "option", None)];
    assert_eq!(told(["1234", "abcd"], by_others), "1234 abcd ff");
    assert_eq!(told(["1234", "abcd"], &[]), "1234 abcd ff");
}
