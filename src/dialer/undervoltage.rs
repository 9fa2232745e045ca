//! The Pi's own report of a supply voltage that is too low, by the kernel's driver raspberrypi-hwmon.
//!
//! Every two seconds the driver asks the firmware whether the voltage was below 4.63 V since it last asked. It shows the
//! answer as `in0_lcrit_alarm`, and a change of it by poll(2) (drivers/hwmon/raspberrypi-hwmon.c, `rpi_firmware_get_throttled`).

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags};

use crate::paths::Paths;

const DRIVER: &str = "raspberrypi-hwmon";
/// The name that the driver gives its device.
const DEVICE: &str = "rpi_volt";
const DEVICES: &str = "/sys/class/hwmon";

/// The report, and whether there was one since the start.
#[derive(Debug)]
pub(super) struct Undervoltage {
    /// `None` on a board whose firmware does not report it.
    alarm: Option<File>,
    has_been: bool,
}

impl Undervoltage {
    /// Loads the driver, and opens its report.
    pub fn open(paths: &Paths) -> Self {
        if paths.is_the_box() {
            // Without the module there is no report, which is no fault of the dialer.
            let _ = Command::new("modprobe").args(["-q", DRIVER]).stderr(Stdio::null()).status();
        }
        Self { alarm: alarm(paths).and_then(|file| File::open(file).ok()), has_been: false }
    }

    /// Whether the voltage was too low since the start.
    pub fn has_been(&mut self) -> bool {
        let mut digit = [0];
        // From the start of the file: sysfs then calls the driver again.
        let read = self.alarm.as_ref().map(|alarm| alarm.read_at(&mut digit, 0));
        self.has_been |= matches!(read, Some(Ok(1))) && digit != *b"0";
        self.has_been
    }

    /// What to poll(2).
    pub fn fd(&self) -> Option<PollFd<'_>> {
        Some(PollFd::from_borrowed_fd(self.alarm.as_ref()?.as_fd(), PollFlags::PRI))
    }
}

fn alarm(paths: &Paths) -> Option<PathBuf> {
    let devices = fs::read_dir(paths.path(DEVICES)).ok()?.flatten().map(|device| device.path());
    let is_it =
        |device: &PathBuf| fs::read_to_string(device.join("name")).is_ok_and(|name| name.trim() == DEVICE);
    devices.into_iter().find(is_it).map(|device| device.join("in0_lcrit_alarm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the driver shows it, beside the sensor of the processor's temperature.
    fn board(dir: &std::path::Path, alarm: &str) -> Paths {
        for (number, name) in [(0, "cpu_thermal"), (1, DEVICE)] {
            let device = dir.join(format!("{}/hwmon{number}", &DEVICES[1..]));
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("name"), format!("{name}\n")).unwrap();
            fs::write(device.join("in0_lcrit_alarm"), if name == DEVICE { alarm } else { "1\n" }).unwrap();
        }
        Paths::below(dir)
    }

    #[test]
    fn a_voltage_that_was_too_low_once_is_known_until_the_next_boot() {
        let dir = tempfile::tempdir().unwrap();
        let paths = board(dir.path(), "0\n");
        let mut undervoltage = Undervoltage::open(&paths);
        assert!(!undervoltage.has_been());
        board(dir.path(), "1\n");
        assert!(undervoltage.has_been());
        board(dir.path(), "0\n");
        assert!(undervoltage.has_been());
        assert!(!Undervoltage::open(&paths).has_been(), "after a boot");
    }

    #[test]
    fn a_board_that_does_not_report_it_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut undervoltage = Undervoltage::open(&Paths::below(dir.path()));
        assert!(!undervoltage.has_been() && undervoltage.fd().is_none());
    }
}
