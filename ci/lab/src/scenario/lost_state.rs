//! What is not forgotten when the state partition has to be formatted.

use super::{SERVICES_LOG, SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::machine::Machine;
use crate::owner::{Owner, sms_table};
use crate::stage::{Stage, stick};
use dialbox::state::slots::{OFFSETS, SECTOR};

const STATE: usize = 4;
const SITE_HEAD: &str =
    "role = \"dialer\"\nhostname = \"dialer\"\n[operator]\nname = \"free\"\napn = \"free\"\n";

/// A code that was accepted is refused after the state partition was formatted, and the owner's next one is obeyed; so
/// is what the month has cost. Without the second copy no code is accepted, and the status says what to do, until two
/// codes of the app were typed.
pub fn codes(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    machine.card().write(SITE, (SITE_HEAD.to_owned() + &sms_table()).as_bytes())?;
    let owner = Owner::of(stage, machine.modem()?)?;
    let mut booted = machine.boot()?;
    booted.until("logread", &["messages: in"])?;
    let first = owner.order("status");
    owner.text(&first);
    owner.reply(1)?;
    booted.must("dialctl budget set 30MB")?;
    booted.cut_power();

    let mut booted = boot_without_state(&machine)?;
    owner.text(&first);
    booted.until(SERVICES_LOG, &["refused, used code"])?;
    owner.text(&owner.order("status"));
    owner.reply(2)?;
    shows("dialctl budget", &booted.must("dialctl budget")?, &["30MB used in "])?;
    booted.cut_power();

    for at in OFFSETS {
        machine.card().overwrite_at(at, &[0xa5; SECTOR])?;
    }
    let mut booted = boot_without_state(&machine)?;
    booted.until("dialctl status", &["codes     REFUSED", "`dialctl codes resync CODE NEXT`"])?;
    for order in [&first, &owner.order("status")] {
        owner.text(order);
    }
    booted.until(SERVICES_LOG, &["refused, which codes were used is lost"])?;
    let resync = format!("dialctl codes resync {} {}", owner.code(), owner.code());
    shows("dialctl codes resync", &booted.must(&resync)?, &["the next to be accepted"])?;
    owner.text(&owner.order("status"));
    owner.reply(3)?;
    let status = booted.must("dialctl status")?;
    check(!status.contains("REFUSED"), || format!("codes are still refused:\n{status}"))?;
    check(owner.replies().len() == 3, || format!("more was answered: {:?}", owner.replies()))
}

/// The next boot formats what it finds.
fn boot_without_state<'a>(machine: &'a Machine) -> Result<Booted<'a>> {
    machine.card().write_partition(STATE, &[0; 64 << 10])?;
    let mut booted = machine.boot()?;
    let status = booted.until("dialctl status", &["sms-dialer up", "Option N.V."])?;
    shows("dialctl status", &status, &["state     formatted"])?;
    booted.until("logread", &["messages: in"])?;
    Ok(booted)
}
