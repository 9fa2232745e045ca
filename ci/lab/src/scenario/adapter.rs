//! A dial-in line behind a CH341 adapter, with the kernel's own driver.

use super::{SERVICES_LOG, edit, usb_port};
use crate::error::Result;
use crate::stage::Stage;
use crate::usb::ch341::Ch341;

/// The line is reset and its ring heard; pulled out while it rings, the adapter is taken up again when it is back.
pub fn pulled_out(stage: &Stage) -> Result<()> {
    let mut machine = stage.answerer()?;
    edit::make_dial_in(&machine)?;
    let line = machine.ports().first().cloned();
    machine.attach(Box::new(Ch341::default()), vec![line])?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["dial-in up", "(ch341 at 1-1.1:1.0)", "ready, no calls"])?;
    stage.let_line_ring(2)?;
    booted.until(SERVICES_LOG, &["RING, a new call", "RING 2"])?;
    usb_port(&machine)?.pull_out()?;
    booted.until("dialctl status", &["no modem found"])?;
    stage.let_caller_hang_up();
    usb_port(&machine)?.put_in();
    booted.until("dialctl status", &["(ch341 at 1-1.1:1.0)", "ready, no calls"])?;
    stage.ring_line(2)?;
    booted.until("dialctl status", &["the last one with 2 rings"]).map(drop)
}
