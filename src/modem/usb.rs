//! Deauthorizes and authorizes a USB device, which has the effect of unplugging it and plugging it in: `authorized` of
//! linux/Documentation/usb/authorization.rst.

use std::fs;
use std::io;

use crate::paths::Paths;

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
}
