//! Reboots that the box starts itself.

use super::{DIALER_UP, REBOOT, shows};
use crate::error::Result;
use crate::stage::{Stage, stick};
use std::time::Duration;

/// A heartbeat's deadline, and then the watchdog's 15 s, on a slow host.
const FROZEN: Duration = Duration::from_secs(150);

/// A service that makes no progress causes a reboot, and the next boot names the service.
pub fn frozen_service(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    booted.must("kill -STOP $(pidof sms-dialer)")?;
    booted.reboots(FROZEN)?;

    let mut booted = machine.boot()?;
    let ledger = booted.must("dialctl ledger")?;
    shows("dialctl ledger", &ledger, &["stuck sms-dialer"])?;
    let status = booted.must("dialctl status")?;
    shows("dialctl status", &status, &["the last one after: stuck sms-dialer"])
}

/// If watchdogd itself hangs, the watchdog resets the box.
pub fn frozen_watchdogd(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    booted.must("kill -STOP $(pidof watchdogd)")?;
    booted.reboots(FROZEN)?;

    let mut booted = machine.boot()?;
    let ledger = booted.must("dialctl ledger")?;
    shows("dialctl ledger", &ledger, &["power cut or unknown"])
}

/// The box reboots once at the site's hour. Without network time, the clock continues from that hour after the reboot.
pub fn daily(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let modem = machine.modem()?;
    stage.exchange().with(|network, now| network.set_cell(modem, |cell| cell.time = None, now));
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    // The next day, since the box does not trust a clock before its build time.
    let tomorrow = booted.must("date -d @$(($(date +%s) + 86400)) +%Y-%m-%d")?;
    booted.must(&format!("date -s '{tomorrow} 03:59:30'"))?;
    booted.reboots(REBOOT + Duration::from_secs(30))?;

    let mut booted = machine.boot()?;
    let status = booted.until("dialctl status", DIALER_UP)?;
    shows("dialctl status", &status, &["the last one after: daily"])?;
    let today = booted.must("date +%Y-%m-%d")?;
    shows("the clock after the reboot", &today, &[&tomorrow])
}

/// A box on which no process can be started reboots, and the next boot names that.
pub fn no_process(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    // The least that the kernel takes (kernel/fork.c, MIN_THREADS), and it has more threads itself: every fork fails.
    booted.must("echo 20 >/proc/sys/kernel/threads-max")?;
    booted.reboots(FROZEN + Duration::from_secs(90))?;

    let mut booted = machine.boot()?;
    shows("dialctl ledger", &booted.must("dialctl ledger")?, &["no process could be started"])
}
