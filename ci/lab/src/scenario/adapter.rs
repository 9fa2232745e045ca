//! A dial-in line behind a CH341 adapter, with the kernel's own driver.

use super::{edit, usb_port};
use crate::error::Result;
use crate::stage::Stage;
use crate::usb::ch341::Ch341;

/// Pulled out during a call, the adapter is taken up again when it is back, and the next caller gets through.
pub fn pulled_out(stage: &Stage) -> Result<()> {
    let mut machine = stage.answerer("dial-in")?;
    edit::make_dial_in(&machine)?;
    let line = machine.ports().first().cloned();
    machine.attach(Box::new(Ch341::default()), vec![line])?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["dial-in up", "(ch341 at 1-1.1:1.0)", "ready, no calls"])?;
    stage.let_line_ring(1)?;
    booted.until("dialctl lines", &["connected"])?;
    usb_port(&machine)?.pull_out()?;
    booted.until("pidof pppd || echo no pppd", &["no pppd"])?;
    booted.until("dialctl status", &["no modem found"])?;
    stage.let_caller_hang_up();
    usb_port(&machine)?.put_in();
    booted.until("dialctl status", &["(ch341 at 1-1.1:1.0)", "ready"])?;
    stage.let_line_ring(1)?;
    booted.until("dialctl lines", &["connected"]).map(drop)
}
