//! The modem in the status.

use super::check;
use crate::error::Result;
use crate::machine::Machine;
use crate::modem::Modem;
use crate::modem::sim::SimCard;
use crate::modem::stick::icon_225_one_port;
use crate::stage::{Stage, stick};

/// The service sends `AT` to the modem by itself, and the status shows its identity and signal.
pub fn answers(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until(
        "dialctl status",
        &["ttyUSB0", "Option N.V.", "GlobeTrotter HSUPA Modem", "SIM ready, signal -77 dBm"],
    )?;
    no_pin_was_sent(&machine)
}

/// A SIM that waits for its PIN keeps its three tries.
pub fn locked(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(Modem::new(icon_225_one_port(), SimCard::locked("0000")))?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["Option N.V.", "SIM wants SIM PIN"])?;
    no_pin_was_sent(&machine)
}

/// An empty SIM holder is not a modem fault.
pub fn without_sim(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(Modem::new(icon_225_one_port(), SimCard::absent()))?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["Option N.V.", "SIM unusable: no SIM"])?;
    no_pin_was_sent(&machine)
}

fn no_pin_was_sent(machine: &Machine) -> Result<()> {
    let sent = machine.typed()?;
    check(!sent.contains("+CPIN="), || format!("a PIN was sent:\n{sent}"))
}
