//! USB devices: deauthorizes and authorizes one, which has the effect of unplugging it and plugging it in (`authorized` of
//! linux/Documentation/usb/authorization.rst), and finds those that no driver knows.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::paths::Paths;
use crate::site::{MobileModel, UsbId};

const DEVICES: &str = "/sys/bus/usb/devices";

/// Deauthorizes a device: its driver is unbound, its ports vanish.
pub fn deauthorize(paths: &Paths, device: &str) -> io::Result<()> {
    fs::write(paths.path(DEVICES).join(device).join("authorized"), "0")
}

/// Authorizes every deauthorized device, also one that a killed program has left.
pub fn authorize_all(paths: &Paths) -> io::Result<()> {
    for device in fs::read_dir(paths.path(DEVICES)).into_iter().flatten().flatten() {
        let authorized = device.path().join("authorized");
        if fs::read_to_string(&authorized).is_ok_and(|text| text.trim() == "0") {
            fs::write(&authorized, "1")?;
        }
    }
    Ok(())
}

/// The ids of all devices that have an interface of the maker's own class, where the ports of modems are, without a
/// driver.
pub fn without_driver(paths: &Paths) -> Vec<UsbId> {
    let read =
        |file: PathBuf| fs::read_to_string(file).map(|text| text.trim().to_owned()).unwrap_or_default();
    let interfaces = fs::read_dir(paths.path(DEVICES)).into_iter().flatten().flatten().map(|it| it.path());
    let ids = interfaces.filter_map(|interface| {
        let (place, _) = interface.file_name()?.to_str()?.split_once(':')?;
        let is_free = read(interface.join("bInterfaceClass")) == "ff" && !interface.join("driver").exists();
        let device = interface.with_file_name(place);
        let id = UsbId::from_hex(&read(device.join("idVendor")), &read(device.join("idProduct")))?;
        is_free.then_some(id)
    });
    // A device appears once for each of its interfaces, which does no harm.
    ids.collect()
}

/// Makes the driver of a model accept the devices of these ids: a module that is not in the driver's own table.
///
/// # Errors
/// The driver is not there, or takes no ids.
pub fn bind(paths: &Paths, model: &MobileModel, id: UsbId) -> io::Result<()> {
    // linux/drivers/usb/serial/option.c names its driver so.
    let driver = if model.driver == "option" { "option1" } else { &model.driver };
    // linux/drivers/usb/serial/bus.c, `new_id_store`, and drivers/usb/core/driver.c, `usb_store_new_id`: the ids, and the
    // class of the interfaces.
    let new_id = paths.path("/sys/bus/usb-serial/drivers").join(driver).join("new_id");
    fs::write(new_id, format!("{:04x} {:04x} ff", id.0, id.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deauthorized_device_is_authorized_again_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let file = |device: &str| paths.path(DEVICES).join(device).join("authorized");
        for device in ["1-1.1", "1-1.2"] {
            fs::create_dir_all(file(device).parent().unwrap()).unwrap();
            fs::write(file(device), "1\n").unwrap();
        }
        fs::create_dir_all(paths.path(DEVICES).join("1-1.1:1.0")).unwrap();
        deauthorize(&paths, "1-1.1").unwrap();
        assert_eq!(fs::read_to_string(file("1-1.1")).unwrap(), "0");
        authorize_all(&paths).unwrap();
        assert_eq!(fs::read_to_string(file("1-1.1")).unwrap(), "1");
        assert_eq!(fs::read_to_string(file("1-1.2")).unwrap(), "1\n");
        assert!(deauthorize(&paths, "1-9").is_err());
        assert!(!paths.path(DEVICES).join("1-9").exists());
    }

    #[test]
    fn the_driver_of_a_model_is_told_the_ids_of_a_device_that_it_does_not_know() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let write = |file: &str, text: &str| {
            let file = paths.path(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        for (device, product, class, has_driver) in
            [("1-1.1", "abcd", "ff", false), ("1-1.2", "0031", "ff", true), ("1-1.3", "1111", "08", false)]
        {
            write(&format!("{DEVICES}/{device}/idVendor"), "1234\n");
            write(&format!("{DEVICES}/{device}/idProduct"), &format!("{product}\n"));
            write(&format!("{DEVICES}/{device}:1.0/bInterfaceClass"), &format!("{class}\n"));
            if has_driver {
                write(&format!("{DEVICES}/{device}:1.0/driver/bind"), "");
            }
        }
        assert_eq!(without_driver(&paths), [UsbId(0x1234, 0xabcd)]);
        let file = "name = 'x'\nsource = 'x'\nusb = ['1234:abcd']\ndriver = 'option'\n";
        let model = MobileModel::parse(file).unwrap();
        assert!(bind(&paths, &model, model.usb[0]).is_err(), "the driver is not loaded");
        let new_id = "/sys/bus/usb-serial/drivers/option1/new_id";
        write(new_id, "");
        bind(&paths, &model, model.usb[0]).unwrap();
        assert_eq!(fs::read_to_string(paths.path(new_id)).unwrap(), "1234 abcd ff");
    }
}
