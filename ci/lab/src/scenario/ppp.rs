//! The rendered files in the hands of the real pppd and chat.

use super::{check, shows};
use crate::error::Result;
use crate::machine::Machine;

/// pppd understands the provider's options, and chat dials the modem with the provider's script.
pub fn dialer(machine: &mut Machine) -> Result<()> {
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["Option N.V."])?;
    let options = booted.must("pppd call free dryrun")?;
    shows(
        "pppd call free dryrun",
        &options,
        &["connect chat -v -t 60 -f /etc/ppp/chat/free", "lcp-echo-interval 30"],
    )?;

    // One at a time on the port; the dialer wakes before its heartbeat is missed.
    booted.must("kill -STOP $(pidof sms-dialer)")?;
    let dialled = booted.run("chat -v -t 10 -f /etc/ppp/chat/free < /dev/ttyUSB0 > /dev/ttyUSB0");
    machine.modem().hang_up();
    booted.must("kill -CONT $(pidof sms-dialer)")?;
    let dialled = dialled?;
    check(dialled.code == 0, || format!("chat ended with {}: {}", dialled.code, dialled.text))?;
    let numbers = machine.modem().traffic().dialled;
    check(numbers == ["*99#"], || format!("dialled: {numbers:?}"))
}
