//! The watchdog from the start of the boot until `watchdogd` takes it over: a boot that hangs ends in a reset.
//!
//! `init` closes the device when it starts busybox's init, without the `V` that disarms it. The kernel then keeps the
//! watchdog armed with the time-out that is set, feeds it once, and says "watchdog did not stop!"
//! (drivers/watchdog/watchdog_dev.c, `watchdog_release`). `watchdogd` opens it while it counts, and sets the site's
//! time-out (`watchdog_start` leaves an active one as it is). The descriptor is not inherited: every program of the box
//! would have it, and `watchdogd` could not open the device (`watchdog_open`: EBUSY).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::log::Log;
use crate::names::WATCHDOG;
use crate::watch::hardware::Watchdog;

/// From the last step of the boot until `watchdogd` runs, and the longest step of a healthy boot in which nothing feeds.
/// Where the hardware counts less (15 s on the Pi), the kernel feeds it until this time has passed (linux/watchdog.h,
/// `max_hw_heartbeat_ms`); a kernel that hangs is reset after the 15 s.
const TIMEOUT: u16 = 60;
/// For a driver that refuses what its hardware cannot count (bcm2835_wdt.c before Linux 6.1.74).
const SHORT_TIMEOUT: u16 = 15;
/// The hardware need not be written to more often.
const INTERVAL: Duration = Duration::from_secs(1);

/// The watchdog as `init` feeds it.
#[derive(Debug)]
pub struct BootWatchdog<'a> {
    log: &'a Log,
    /// `None` if the kernel's command line says that there is none.
    device: Option<PathBuf>,
    armed: Option<Watchdog>,
    fed: Duration,
    /// The last logged reason why it could not be opened or fed.
    trouble: String,
}

impl<'a> BootWatchdog<'a> {
    /// None yet.
    pub fn new(log: &'a Log) -> Self {
        Self { log, device: None, armed: None, fed: Duration::ZERO, trouble: String::new() }
    }

    /// Arms the device, or has [`feed`](Self::feed) do so as soon as there is one. The site cannot be read yet, so that it
    /// is the usual one unless the kernel's command line names another, or `none`.
    pub fn arm(&mut self, named: Option<&Path>) {
        let device = named.unwrap_or(Path::new(WATCHDOG));
        self.device = (device.as_os_str() != Watchdog::NONE).then(|| device.to_owned());
        self.feed();
    }

    /// Delays the reset by one time-out. To be called between the steps of the boot, and while one makes progress.
    pub fn feed(&mut self) {
        let now = clock::since_boot();
        if self.armed.is_some() && now < self.fed + INTERVAL {
            return;
        }
        self.fed = now;
        let Some(device) = &self.device else { return };
        let fed = match &mut self.armed {
            Some(watchdog) => watchdog.feed(),
            None => open(device).map(|watchdog| self.armed = Some(watchdog)),
        };
        if let Err(error) = fed {
            let trouble = format!("{}: {error}; a hang of the boot is not noticed", device.display());
            if trouble != self.trouble {
                self.log.warning(&trouble);
            }
            self.trouble = trouble;
        }
    }

    /// The armed device, which has to be fed from now on.
    pub fn armed(&self) -> Option<&Path> {
        self.device.as_deref().filter(|_| self.armed.is_some())
    }
}

fn open(device: &Path) -> std::io::Result<Watchdog> {
    let (mut watchdog, _) = Watchdog::open(device, TIMEOUT).or_else(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Watchdog::open(device, SHORT_TIMEOUT),
        _ => Err(error),
    })?;
    watchdog.feed()?;
    Ok(watchdog)
}
