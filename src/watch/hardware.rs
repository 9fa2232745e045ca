//! The kernel's watchdog device.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// An open watchdog: from now on it resets the box unless it is fed.
#[derive(Debug)]
pub struct Watchdog {
    device: File,
}

impl Watchdog {
    /// What the kernel's command line names instead of a device if no watchdog is to be used.
    pub const NONE: &str = "none";

    /// Opens the device and requests a time-out in seconds; returns the one that the hardware uses.
    pub fn open(device: &Path, timeout: u16) -> io::Result<(Self, i32)> {
        // linux/watchdog.h: WDIOC_SETTIMEOUT
        const SET_TIMEOUT: Opcode = opcode::read_write::<i32>(b'W', 6);
        let device = File::options().write(true).open(device)?;
        let mut seconds = i32::from(timeout);
        // SAFETY: WDIOC_SETTIMEOUT reads an int and writes the time-out in force back into it.
        let set = unsafe { ioctl(&device, Updater::<SET_TIMEOUT, i32>::new(&mut seconds)) };
        // A device with a fixed time-out keeps it, which is good enough.
        set.or_else(|error| if error == rustix::io::Errno::OPNOTSUPP { Ok(()) } else { Err(error) })?;
        Ok((Self { device }, seconds))
    }

    /// Delays the reset by one time-out. Never writes `V`, which would [disarm](Self::disarm) it.
    pub fn feed(&mut self) -> io::Result<()> {
        self.device.write_all(b"\0")
    }

    /// Stops it, if the kernel lets it be stopped: by `V` as the last byte before it is closed
    /// (drivers/watchdog/watchdog_dev.c, `watchdog_write`).
    pub fn disarm(mut self) -> io::Result<()> {
        self.device.write_all(b"V")
    }
}
