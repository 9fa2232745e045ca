//! Every model that the image has a file of, as a USB device with the descriptors of the real one.

use super::check;
use super::stick::operator;
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::modem::Domains;
use crate::modem::stick::{Stick, sticks};
use crate::stage::{Plugged, Stage, boot_both};
use dialbox::site::PortId;

/// The operator's address for the dialer.
const ADDRESS: &str = "inet 192.168.32.105 peer 192.168.32.1";

/// One after the other at the same port of a running box, each model gets its driver from the kernel, after its mode
/// switch if it has one; the service finds its ports, registers, and opens a link over the one for calls.
pub fn played(stage: &Stage) -> Result<()> {
    let called = operator(stage)?;
    let mut caller = stage.machine("dialer", &[])?;
    let mut models = sticks().iter().filter(|(_, stick)| stick.usb.is_some());
    let first = models.next().ok_or_else(|| Error::Unexpected("no model has descriptors".to_owned()))?;
    let (device, lines, _) = plugged(stage, first)?;
    caller.attach(device, lines)?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    called_box.until("dialctl status", &["ready, no calls"])?;
    opens_a_link(&mut caller_box, first.1)?;
    for ((name, stick), calls) in models.zip(1..) {
        // A box at work may fall behind; the other one, stopped until it has caught up, would not see a device leave.
        called_box.until("dialctl status", &[&format!("ready, {calls} calls")])?;
        let (device, lines, _) = plugged(stage, (name, stick))?;
        super::usb_port(&caller)?.replace(device, lines)?;
        opens_a_link(&mut caller_box, stick)?;
    }
    let log = caller_box.must("logread")?;
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
    dialer.until("ip addr show ppp0", &[ADDRESS])?;
    dialer.must("ping -c 1 -W 10 192.168.32.1")?;
    dialer.must("dialctl disconnect").map(drop)
}
