//! Equipment behind a dialer, for the far side of its VPN: a host on the local network and a device at a serial port.

use crate::booted::Booted;
use crate::card::SITE;
use crate::error::Result;
use crate::lan::Lan;
use crate::machine::Machine;
use crate::pair::{ENDS, Pair, VPN_ENDS};
use crate::stage::{Stage, analogue};
use crate::usb::ch341::Ch341;

/// What the host's server shows.
pub const PAGE: &str = "a device on the local network";
/// Instead of [`ENDS`], which are addresses of the lab's local network.
pub const LINK: [&str; 2] = ["10.64.0.2", "10.64.0.1"];
/// The port of the box that leads to the host's server, besides [`Lan::HOST`] as a whole.
pub const PORT: u16 = 8080;
/// The port of the box that leads to its serial port.
pub const SERIAL: u16 = 5000;
/// The telephone number of the device at the serial port, which is a modem: it answers.
const METER: &str = "+33600000009";

/// Puts it behind the dialer, before the boxes boot, and writes their sites.
pub fn connect(stage: &Stage, pair: &mut Pair) -> Result<()> {
    let meter = stage.exchange().with(|network, _| network.connect_modem("meter", METER, analogue()));
    let [wires] = stage.wires(meter)?;
    pair.dialer.attach(Box::new(Ch341::default()), vec![wires])?;
    pair.dialer.plug_into_lan(PAGE)?;
    pair.admit(&[])?;
    let tables = format!(
        "[lan]\naddress = \"dhcp\"\n[forward]\nnetworks = [\"{0}/32\"]\nfrom-lan = true\n\
         [[forward.port]]\nlisten = {PORT}\nto = \"{0}:80\"\n\
         [[forward.serial]]\nlisten = {SERIAL}\nport = \"1-1.2\"\n[modem]\nport = \"1-1.1\"\n",
        Lan::HOST
    );
    edit(&pair.dialer, |site| elsewhere(&site) + &tables)?;
    edit(&pair.far, |site| elsewhere(&site))
}

/// Lets the box behind the VPN send its packets there.
pub fn route(far: &mut Booted) -> Result<()> {
    far.must(&format!(
        "wg set far peer $(wg show far peers) allowed-ips {}/32,{}/32",
        VPN_ENDS[0],
        Lan::HOST
    ))?;
    far.must(&format!("ip route add {} dev far", Lan::HOST)).map(|_| ())
}

/// The command of the far side that asks the device at the serial port for its name.
pub fn ask_serial() -> String {
    format!("(printf 'ATI\\r'; sleep 5) | nc -w 20 {} {SERIAL}", VPN_ENDS[0])
}

/// Changes the site of a box that is switched off.
pub fn edit(machine: &Machine, change: impl FnOnce(String) -> String) -> Result<()> {
    let site = machine.card().read_text(SITE)?;
    machine.card().write(SITE, change(site).as_bytes())
}

/// The longer address has the other one as its beginning.
fn elsewhere(site: &str) -> String {
    site.replace(ENDS[0], LINK[0]).replace(ENDS[1], LINK[1])
}
