//! Letting a USB device go and taking it again, which is as if it had been pulled out and put back:
//! `authorized` of linux/Documentation/usb/authorization.rst.

use std::fs;
use std::io;

use crate::paths::Paths;

const DEVICES: &str = "/sys/bus/usb/devices";

/// Lets a device go: its driver is unbound, its ports vanish.
pub fn let_go(paths: &Paths, device: &str) -> io::Result<()> {
    fs::write(paths.path(DEVICES).join(device).join("authorized"), "0")
}

/// Takes every device back that was let go, also by a program that was killed just then.
pub fn take_back(paths: &Paths) -> io::Result<()> {
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
    fn what_was_let_go_is_taken_back_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let file = |device: &str| paths.path(DEVICES).join(device).join("authorized");
        for device in ["1-1.1", "1-1.2"] {
            fs::create_dir_all(file(device).parent().unwrap()).unwrap();
            fs::write(file(device), "1\n").unwrap();
        }
        fs::create_dir_all(paths.path(DEVICES).join("1-1.1:1.0")).unwrap();
        let_go(&paths, "1-1.1").unwrap();
        assert_eq!(fs::read_to_string(file("1-1.1")).unwrap(), "0");
        take_back(&paths).unwrap();
        assert_eq!(fs::read_to_string(file("1-1.1")).unwrap(), "1");
        assert_eq!(fs::read_to_string(file("1-1.2")).unwrap(), "1\n");
        assert!(let_go(&paths, "1-9").is_err());
        assert!(!paths.path(DEVICES).join("1-9").exists());
    }
}
