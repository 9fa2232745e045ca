//! The reference stick, an Option ICON 225, with the kernel's own driver `hso`.

use super::{DIAL_IN, SITE, check, shows};
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::modem::Modem;
use crate::modem::sim::SimCard;
use crate::modem::stick::{Stick, icon_225, sticks};
use crate::network::Subscriber;
use crate::stage::{DIALER_NUMBER, Stage, boot_both};
use crate::usb::hso::Hso;

/// The purpose of each port, as the driver reports it.
const PORTS: &str = "grep . /sys/class/tty/ttyHS*/hsotype";

/// Plugs in a stick whose modem has this number; returns the modem.
fn plug_in(stage: &Stage, machine: &mut Machine, number: &str) -> Result<Subscriber> {
    let modem = Modem::new(icon_225(), SimCard::open());
    let modem = stage.exchange().with(|network, _| network.connect_modem(number, number, modem));
    let [calls, application, control] = stage.wires(modem)?;
    machine.attach(Box::new(Hso::default()), vec![control, application, None, calls])?;
    Ok(modem)
}

/// The driver creates four ttys, a modem answers at three of them, and the service uses the Modem port.
pub fn found(stage: &Stage) -> Result<()> {
    let mut machine = stage.machine("dialer", &[])?;
    plug_in(stage, &mut machine, "+33600000001")?;
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
    // The modem answers by the host's clock: on a busy host that may take long by the box's.
    for (tty, answers, seconds) in [("ttyHS0", true, 20), ("ttyHS1", true, 20), ("ttyHS2", false, 3)] {
        let asked = booted.run(&format!("stty -F /dev/{tty} raw -echo; {}", ask(tty, seconds)))?;
        check((asked.code == 0) == answers, || {
            format!("{tty}: chat ended with {}: {}", asked.code, asked.text)
        })?;
    }
    Ok(())
}

fn ask(tty: &str, seconds: u32) -> String {
    format!("chat -t {seconds} '' ATE0V1 OK AT+CGMM HSUPA < /dev/{tty} > /dev/{tty}")
}

/// A stick that shows itself as a CD-ROM is switched by Debian's usb_modeswitch: the kernel does so for some makers only.
/// Another one, of ids that no driver knows, needs a file of a few lines.
pub fn switched(stage: &Stage) -> Result<()> {
    let mut machine = stage.machine("dialer", &[])?;
    let known = &sticks()["zte-mf110"];
    let (device, lines, _) = stage.stick(known, "zte", "+33600000001")?;
    machine.attach(device, lines)?;
    let text = UNKNOWN.to_owned() + UNKNOWN_USB;
    let unknown = Stick::parse(&text).map_err(|error| Error::Unexpected(error.to_string()))?;
    let (device, lines, _) = stage.stick(&unknown, "acme", "+33600000002")?;
    machine.attach_without_driver(device, lines)?;
    let mut booted = machine.boot()?;
    booted.until(
        "dialctl status",
        &["(option at 1-1.1:1.1)", "data /dev/ttyUSB2 (option at 1-1.1:1.3)", "SIM ready"],
    )?;
    shows("logread", &booted.must("logread")?, &["usb_modeswitch: switched to 19d2:0031"])?;

    let lines = UNKNOWN.lines().map(|line| format!("'{line}'")).collect::<Vec<_>>().join(" ");
    booted.must(&format!("printf '%s\\n' {lines} > /usr/share/dialbox/modems/acme.toml"))?;
    machine.usb()[0].pull_out()?;
    booted.until("dialctl status", &["(option at 1-1.2:1.1)", "(option at 1-1.2:1.3)", "SIM ready"])?;
    shows("logread", &booted.must("logread")?, &["1234:abcd is Acme: the driver option is told its ids"])
}

/// The file of a stick that is newer than kernel and image.
const UNKNOWN: &str = "\
name = \"Acme\"
source = \"a test\"
usb = [\"1234:abcd\"]
driver = \"option\"
command = 1
data = 3
";

/// Its descriptors.
const UNKNOWN_USB: &str = "\
[simulated.usb]
source = 'a test'
names = ['Acme', 'Cellular 4G']
interfaces = ['0 ff/ff/ff 81 01', '1 ff/ff/ff 82 02', '2 08/06/50 83 03', '3 ff/ff/ff 84:16:4 85 04']
";

/// When the stick in use is pulled out, the service uses the other one. When a stick returns under the first one's
/// device names, the service finds it.
pub fn replugged(stage: &Stage) -> Result<()> {
    let mut machine = stage.machine("dialer", &[])?;
    for number in ["+33600000001", "+33600000002"] {
        plug_in(stage, &mut machine, number)?;
    }
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["ttyHS3 (hso at 1-1.1:1.2, Modem)", "SIM ready"])?;
    let [first, second] = machine.usb() else {
        return Err(Error::Unexpected("two sticks are expected".to_owned()));
    };
    first.pull_out()?;
    booted.until("dialctl status", &["ttyHS7 (hso at 1-1.2:1.2, Modem)", "SIM ready"])?;
    second.pull_out()?;
    booted.until("dialctl status", &["no modem found"])?;
    second.put_in();
    booted.until("dialctl status", &["(hso at 1-1.2:1.", "SIM ready"])?;
    shows(PORTS, &booted.must(PORTS)?, &["ttyHS0/hsotype:Control", "ttyHS3/hsotype:Modem"])
}

/// While pppd uses the Modem port, the service receives an indication at another port and reads the message.
pub fn session(stage: &Stage) -> Result<()> {
    let called = stage.answerer("dial-in")?;
    // The account of the dialer's example site.
    let accounts = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, accounts.as_bytes())?;
    let mut caller = stage.machine("dialer", &[])?;
    let stick = plug_in(stage, &mut caller, DIALER_NUMBER)?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    caller_box.until("dialctl status", &["data /dev/ttyHS3 (hso at 1-1.1:1.2, Modem)", "SIM ready"])?;
    called_box.until("dialctl status", &["ready, no calls"])?;

    caller_box.must("dialctl connect")?;
    let address = "inet 192.168.32.105 peer 192.168.32.1";
    caller_box.until("ip addr show ppp0", &[address])?;
    stage.exchange().with(|network, now| network.text("+33612345678", stick, "status", now));
    stage.exchange().until("+CMGR during the session", |network| {
        network.journal().typed(network.name(stick)).contains("AT+CMGR=").then_some(())
    })?;
    caller_box.must("ping -c 3 -W 10 192.168.32.1")?;
    shows("ip addr show ppp0", &caller_box.must("ip addr show ppp0")?, &[address])?;

    caller_box.must("dialctl disconnect")?;
    called_box.until("pidof pppd || echo no pppd", &["no pppd"])?;
    called_box.until("dialctl status", &["ready, 1 calls"]).map(drop)
}
