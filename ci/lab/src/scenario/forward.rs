//! Equipment on the dialer's local network, reached from the far side of the VPN after one text message.

use super::dial_in::get;
use super::{SITE, check, shows};
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::lan::{Asked, Lan};
use crate::machine::Machine;
use crate::pair::{ENDS, Pair, VPN_ENDS, put_behind_vpn};
use crate::stage::{Stage, analogue};
use crate::usb::ch341::Ch341;

const PAGE: &str = "a device on the local network";
/// Instead of [`ENDS`], which are addresses of the lab's local network.
const LINK: [&str; 2] = ["10.64.0.2", "10.64.0.1"];
/// The telephone number of the equipment at the serial port, which is a modem: it answers.
const METER: &str = "+33600000009";
/// What the site lets in, besides [`Lan::HOST`] as a whole.
const PORT: u16 = 8080;
/// The port of the box that leads to its serial port.
const SERIAL: u16 = 5000;

/// The far side pings the device, fetches its page at its own address and at a port of the box, and reaches no more of the
/// box than before. A serial port of the box is a terminal for it, for one client at a time. The device sees the box's address. Without the link nothing is forwarded. Then the server moves, and
/// one message leads the box to it.
pub fn equipment(stage: &Stage) -> Result<()> {
    let mut pair = Pair::on(stage)?;
    let meter = stage.exchange().with(|network, _| network.connect_modem("meter", METER, analogue()));
    let [wires] = stage.wires(meter)?;
    pair.dialer.attach(Box::new(Ch341::default()), vec![wires])?;
    pair.dialer.plug_into_lan(PAGE)?;
    pair.admit(&[])?;
    let tables = format!(
        "[lan]\naddress = \"dhcp\"\n[forward]\nnetworks = [\"{0}/32\"]\n\
         [[forward.port]]\nlisten = {PORT}\nto = \"{0}:80\"\n\
         [[forward.serial]]\nlisten = {SERIAL}\nport = \"1-1.2\"\n[modem]\nport = \"1-1.1\"\n",
        Lan::HOST
    );
    edit(&pair.dialer, |site| elsewhere(site) + &tables)?;
    edit(&pair.far, elsewhere)?;

    let mut far = pair.far.boot()?;
    far.until("dialctl status", &["ready, no calls"])?;
    put_behind_vpn(&mut far)?;
    far.must("wg set far peer $(wg show far peers) allowed-ips 10.9.0.2/32,192.168.32.0/24")?;
    far.must("ip route add 192.168.32.0/24 dev far")?;
    let mut dialer = pair.dialer.boot()?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;
    dialer.until("ip addr show eth0", &["inet 192.168.32.50/24"])?;
    pair.owner.text(&pair.owner.order("connect"));
    shows("the reply", &pair.owner.reply(1)?, &["connected as", LINK[0]])?;
    dialer.until("WG_COLOR_MODE=never wg show vpn", &["latest handshake: "])?;

    far.must(&format!("ping -c 2 -W 10 {}", Lan::HOST))?;
    for (host, port) in [(Lan::HOST.to_string(), 80), (VPN_ENDS[0].to_owned(), PORT)] {
        let page = far.must(&get(&host, port))?;
        shows(&format!("the page at {host}:{port}"), &page, &[PAGE])?;
    }
    let lan = pair.dialer.lan().ok_or_else(|| Error::Unexpected("the dialer has no network".to_owned()))?;
    let page_for = |asked| match asked {
        Asked::Page(client) => Some(client),
        Asked::Name(..) | Asked::File(_) => None,
    };
    let clients: Vec<_> = lan.asked().into_iter().filter_map(page_for).collect();
    check(clients == [Lan::GIVEN; 2], || format!("the device was asked by {clients:?}"))?;
    for _ in 0..2 {
        let told = far.must(&format!("(printf 'ATI\\r'; sleep 5) | nc -w 20 {} {SERIAL}", VPN_ENDS[0]))?;
        shows("the equipment at the serial port", &told, &["OK"])?;
    }
    dialer.must("echo private > /tmp/index.html && httpd -p 8081 -h /tmp")?;
    let refused = far.run(&get(VPN_ENDS[0], 8081))?;
    shows("the box's own server", &refused.text, &["timed out"])?;

    pair.owner.text(&pair.owner.order("disconnect"));
    shows("the reply", &pair.owner.reply(2)?, &["disconnected"])?;
    dialer.until("cat /proc/sys/net/ipv4/ip_forward", &["0"])?;
    moved(&pair, &mut far, &mut dialer)
}

/// The far side of the VPN moves to another port. The message opens the link by itself, and WireGuard's first
/// authenticated packet confirms the new endpoint, which is in force from then on.
fn moved(pair: &Pair, far: &mut Booted, dialer: &mut Booted) -> Result<()> {
    far.must("wg set far listen-port 443")?;
    let endpoint = format!("{}:443", LINK[1]);
    pair.owner.text(&pair.owner.order(&format!("set endpoint {endpoint}")));
    shows("the reply", &pair.owner.reply(3)?, &["trying endpoint: kept if the far side answers within 15m"])?;
    shows("the reply", &pair.owner.reply(4)?, &["kept: endpoint"])?;
    dialer.until("dialctl status", &["link      up", &format!("set by message: endpoint {endpoint}")])?;
    dialer.must("grep -q kept-endpoint /state/reach && ! grep -q trial- /state/reach")?;
    far.must(&format!("ping -c 2 -W 10 {}", Lan::HOST)).map(|_| ())
}

fn edit(machine: &Machine, change: impl FnOnce(String) -> String) -> Result<()> {
    let site = machine.card().read_text(SITE)?;
    machine.card().write(SITE, change(site).as_bytes())
}

/// The longer address has the other one as its beginning.
fn elsewhere(site: String) -> String {
    site.replace(ENDS[0], LINK[0]).replace(ENDS[1], LINK[1])
}
