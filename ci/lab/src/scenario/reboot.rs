//! Reboots the box decides on by itself.

use super::{DIALER_UP, REBOOT, shows};
use crate::error::Result;
use crate::stage::{Stage, stick};
use std::time::Duration;

/// A heartbeat's deadline, then the watchdog's 15 s, on a slow host.
const FROZEN: Duration = Duration::from_secs(150);

/// A service that stops making progress takes the box down with it, and the next boot says which one it was.
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

/// When nobody is left to decide, the watchdog does.
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

/// At the site's hour the box starts afresh, once, and goes on from that hour where no network tells the time.
pub fn daily(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let modem = machine.modem()?;
    stage.exchange().with(|network, now| network.set_cell(modem, |cell| cell.time = None, now));
    let mut booted = machine.boot()?;
    booted.until("dialctl status", DIALER_UP)?;
    // The day after today: the box distrusts a clock that stands before its build.
    let tomorrow = booted.must("date -d @$(($(date +%s) + 86400)) +%Y-%m-%d")?;
    booted.must(&format!("date -s '{tomorrow} 03:59:30'"))?;
    booted.reboots(REBOOT + Duration::from_secs(30))?;

    let mut booted = machine.boot()?;
    let status = booted.until("dialctl status", DIALER_UP)?;
    shows("dialctl status", &status, &["the last one after: daily"])?;
    let today = booted.must("date +%Y-%m-%d")?;
    shows("the clock after the reboot", &today, &[&tomorrow])
}
