//! A dial-in line behind a CH341 adapter, with the kernel's own driver.

use super::dial_in::ready::{self, Deadline};
use super::{edit, usb_port};
use crate::error::Result;
use crate::stage::Stage;

/// From the table in docs/dial-in.md.
const PUT_IN_AGAIN: Deadline = Deadline::new("line1", 15);

/// An adapter is pulled out during a call and plugged in again: the line finds it, and the next caller gets through.
pub fn pulled_out(stage: &Stage) -> Result<()> {
    let mut machine = stage.answerer("dial-in")?;
    edit::make_dial_in(&machine)?;
    machine.attach_adapters()?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["dial-in up", "(ch341 at 1-1.1:1.0)", "ready, no calls"])?;
    stage.let_line_ring(1)?;
    booted.until("dialctl lines", &["connected"])?;
    usb_port(&machine)?.pull_out()?;
    booted.until("pidof pppd || echo no pppd", &["no pppd"])?;
    booted.until("dialctl status", &["no modem found"])?;
    stage.let_caller_hang_up();
    let since = ready::now(&mut booted)?;
    usb_port(&machine)?.put_in();
    booted.until("dialctl status", &["(ch341 at 1-1.1:1.0)", "ready"])?;
    ready::in_time(&mut booted, since, PUT_IN_AGAIN)?;
    stage.let_line_ring(1)?;
    booted.until("dialctl lines", &["connected"]).map(drop)
}
