//! Every model that the image has a file of, as a USB device with the descriptors of the real one.

use super::check;
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::modem::Domains;
use crate::modem::stick::{Stick, sticks};
use crate::operator::Operator;
use crate::stage::{Plugged, Stage};
use dialbox::site::PortId;
use std::net::Ipv4Addr;

/// The account of the dialer's example site.
const ACCOUNT: [&str; 2] = ["free", "free"];
/// The operator's address, and the dialer's.
const ENDS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 105)];

/// One after the other at the same port of a running box, each model gets its driver from the kernel, after its mode
/// switch if it has one; the service finds its ports, registers, and opens a link over the one for calls.
pub fn played(stage: &Stage) -> Result<()> {
    let mut machine = stage.machine("dialer", &[])?;
    let mut models = sticks().iter().filter(|(_, stick)| stick.usb.is_some());
    let first = models.next().ok_or_else(|| Error::Unexpected("no model has descriptors".to_owned()))?;
    let (device, lines, _) = plugged(stage, first)?;
    machine.attach(device, lines)?;
    let mut booted = machine.boot()?;
    stage.with_operator(Operator::new(ACCOUNT, ENDS), || {
        opens_a_link(&mut booted, first.1)?;
        for (name, stick) in models {
            let (device, lines, _) = plugged(stage, (name, stick))?;
            super::usb_port(&machine)?.replace(device, lines)?;
            opens_a_link(&mut booted, stick)?;
        }
        Ok(())
    })?;
    let log = booted.must("logread")?;
    check(!log.contains("is told its ids"), || format!("a driver of the kernel lacks a model's ids:\n{log}"))
}

fn plugged(stage: &Stage, (name, stick): (&String, &Stick)) -> Result<Plugged> {
    let plugged = stage.stick(stick, name, &format!("+3360000{name}"))?;
    let is_lte = stick.model.traits.signal.is_some() || stick.model.traits.band.is_some();
    if is_lte {
        stage
            .exchange()
            .with(|network, now| network.set_cell(plugged.2, |cell| cell.domains = Domains::Lte, now));
    }
    Ok(plugged)
}

fn opens_a_link(dialer: &mut Booted, stick: &Stick) -> Result<()> {
    let (model, driver) = (&stick.model, stick.model.driver.replace('-', "_"));
    let at = |port: &Option<PortId>| match port {
        Some(PortId::Interface(number)) => format!("({driver} at 1-1.1:1.{number})"),
        Some(PortId::Hso(_)) | None => format!("({driver} at 1-1.1:1."),
    };
    let (first, data) = match model.command {
        Some(_) => (at(&model.command), at(&model.data)),
        None => (at(&model.data), String::new()),
    };
    let name = ["+CGMI", "+CGMM"].map(|command| stick.profile.text(command)).join(", ");
    dialer.until("dialctl status", &[&first, &data, &name, "SIM ready", ", home"])?;
    dialer.must("dialctl connect")?;
    let [operator, own] = ENDS;
    dialer.until("ip addr show ppp0", &[&format!("inet {own} peer {operator}")])?;
    dialer.must(&format!("ping -c 1 -W 10 {operator}"))?;
    dialer.must("dialctl disconnect").map(drop)
}
