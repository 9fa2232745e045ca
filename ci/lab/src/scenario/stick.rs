//! The reference stick, an Option ICON 225, with the kernel's own driver `hso`.

use super::{check, shows};
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::modem::port::ModemPort;
use crate::modem::profile::STICK_3G;
use crate::modem::{Modem, sim::Sim};
use crate::usb::hso::Hso;

/// What the driver says of its ports.
const PORTS: &str = "grep . /sys/class/tty/ttyHS*/hsotype";

/// Plugs in a stick. Its modem is one simulated conversation per port that answers: Control, Application, Modem.
fn plug_in(machine: &mut Machine) -> Result<[ModemPort; 3]> {
    let number = machine.usb().len();
    let open = |port: &str| {
        let socket = machine.modem().path().with_file_name(format!("{port}{number}"));
        ModemPort::open(socket, Modem::new(STICK_3G, Sim::Ready))
    };
    let modem = [open("control")?, open("application")?, open("modem")?];
    let [control, application, calls] = modem.each_ref().map(|port| Some(port.path().to_owned()));
    machine.attach(Box::new(Hso::default()), vec![control, application, None, calls])?;
    Ok(modem)
}

/// Four ttys by the names of their purposes, a modem at three of them, and the service at the one for calls.
pub fn found(machine: &mut Machine) -> Result<()> {
    let _modem = plug_in(machine)?;
    let mut booted = machine.boot()?;
    booted.until(
        "dialctl status",
        &["ttyHS3 (hso at 1-1.1:1.2, Modem)", "Option N.V.", "SIM ready, signal -77 dBm"],
    )?;
    let ports = booted.must(PORTS)?;
    shows(
        PORTS,
        &ports,
        &["ttyHS0/hsotype:Control", "ttyHS1/hsotype:Application", "ttyHS2/hsotype:Diagnostic"],
    )?;
    for (tty, answers) in [("ttyHS0", true), ("ttyHS1", true), ("ttyHS2", false)] {
        let asked = booted.run(&format!("stty -F /dev/{tty} raw -echo; {}", ask(tty)))?;
        check((asked.code == 0) == answers, || {
            format!("{tty}: chat ended with {}: {}", asked.code, asked.text)
        })?;
    }
    Ok(())
}

fn ask(tty: &str) -> String {
    format!("chat -t 3 '' ATE0V1 OK AT+CGMM HSUPA < /dev/{tty} > /dev/{tty}")
}

/// When the stick in use goes, the other one takes its place; and when that one returns under the first one's names,
/// it is found there.
pub fn replugged(machine: &mut Machine) -> Result<()> {
    let _modems = [plug_in(machine)?, plug_in(machine)?];
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["ttyHS3 (hso at 1-1.1:1.2, Modem)", "SIM ready"])?;
    let [first, second] = machine.usb() else {
        return Err(Error::Unexpected("two sticks should be there".to_owned()));
    };
    first.pull_out()?;
    booted.until("dialctl status", &["ttyHS7 (hso at 1-1.2:1.2, Modem)", "SIM ready"])?;
    second.pull_out()?;
    booted.until("dialctl status", &["no modem found"])?;
    second.put_in();
    booted.until("dialctl status", &["(hso at 1-1.2:1.", "SIM ready"])?;
    shows(PORTS, &booted.must(PORTS)?, &["ttyHS0/hsotype:Control", "ttyHS3/hsotype:Modem"])
}
