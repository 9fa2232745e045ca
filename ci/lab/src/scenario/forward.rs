//! Equipment on the dialer's local network, reached from the far side of the VPN after one text message.

use super::{SITE, active_ftp, check, shows};
use crate::booted::Booted;
use crate::equipment::{self, LINK, PAGE, PORT};
use crate::error::{Error, Result};
use crate::lan::{Asked, Lan, get};
use crate::machine::Machine;
use crate::pair::{Pair, ROUTES, VPN_ENDS, put_behind_vpn};
use crate::stage::Stage;

/// The box finds the far side by its name, with the operator's name server, although its local network has a gateway and a
/// name server, too. The far side pings the device, fetches its page at its own address and at a port of the box, and
/// reaches no more of the box than before. A serial port of the box is a terminal for it, for one client at a time. The
/// device sees the box's address; without masquerading it sees the far side's, and itself opens a connection to it. Without the link nothing is forwarded. Then the server moves, and one message leads the
/// box to it.
pub fn reached(stage: &Stage) -> Result<()> {
    let mut pair = Pair::on(stage)?;
    equipment::connect(stage, &mut pair)?;
    name_the_peer(&mut pair)?;
    let mut far = pair.far.boot()?;
    far.until("dialctl status", &["ready, no calls"])?;
    put_behind_vpn(&mut far)?;
    equipment::route(&mut far)?;
    share_internet(&mut far)?;
    let mut dialer = pair.dialer.boot()?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;
    dialer.until("ip addr show eth0", &["inet 192.168.32.50/24"])?;
    pair.owner.text(&pair.owner.order("connect"));
    shows("the reply", &pair.owner.reply(1)?, &["connected as", LINK[0]])?;
    dialer.until("WG_COLOR_MODE=never wg show vpn", &["latest handshake: "])?;
    is_asked_over_the_link(&pair)?;
    keeps_name_servers(&mut dialer)?;

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
        let told = far.must(&equipment::ask_serial())?;
        shows("the equipment at the serial port", &told, &["OK"])?;
    }
    // `masquerade = false` differs by this table only. By active FTP the server connects to the address of its client.
    dialer.must("nft delete table ip nat")?;
    let own = VPN_ENDS[1].parse().map_err(|_| Error::Unexpected("no address".to_owned()))?;
    far.must(&format!("printf '%s\\n' '{}' >/tmp/ftp", active_ftp::script(own, 5001)))?;
    shows("the device's FTP server", &far.run(active_ftp::RUN)?.text, &active_ftp::steps(PAGE))?;
    dialer.must("echo private > /tmp/index.html && httpd -p 8081 -h /tmp")?;
    let refused = far.run(&get(VPN_ENDS[0], 8081))?;
    shows("the box's own server", &refused.text, &["timed out"])?;

    pair.owner.text(&pair.owner.order("disconnect"));
    shows("the reply", &pair.owner.reply(2)?, &["disconnected"])?;
    dialer.until("cat /proc/sys/net/ipv4/ip_forward", &["0"])?;
    dialer.until("cat /etc/resolv.conf", &[&format!("nameserver {}", Lan::HOST)])?;
    moved(&pair, &mut far, &mut dialer)
}

/// The dialer gets the default route, and the name of its peer. The operator gets an Ethernet, whose host passes for the
/// Internet, with the name server that callers are told of.
fn name_the_peer(pair: &mut Pair) -> Result<()> {
    let routes = format!("routes = [\"{}\", \"{}\"]\n", ROUTES[0], ROUTES[1]);
    let (address, named) = (format!("\"{}:51820\"", LINK[1]), format!("\"{}:51820\"", Lan::PEER.0));
    equipment::edit(&pair.dialer, |site| site.replace(&routes, "").replace(&address, &named))?;
    let site = pair.far.card().read_text(SITE)?;
    pair.far.plug_into_lan("")?;
    let tables = format!("[lan]\naddress = \"dhcp\"\n[dial-in]\ndns = [\"{}\"]\n", Lan::PUBLIC);
    pair.far.card().write(SITE, (site + &tables).as_bytes())
}

/// The operator's firewall, which is gone, had that.
fn share_internet(far: &mut Booted) -> Result<()> {
    far.until("ip addr show eth0", &[&format!("inet {}/", Lan::GIVEN)])?;
    for command in [
        format!("ip route add {} dev eth0", Lan::PUBLIC),
        "nft add table ip out".to_owned(),
        "nft 'add chain ip out leaving { type nat hook postrouting priority srcnat; }'".to_owned(),
        "nft add rule ip out leaving oifname eth0 masquerade".to_owned(),
    ] {
        far.must(&command)?;
    }
    Ok(())
}

/// The operator's name server was asked for the peer, and that of the local network was not.
fn is_asked_over_the_link(pair: &Pair) -> Result<()> {
    let asked = |machine: &Machine| machine.lan().map(Lan::asked).unwrap_or_default();
    let question = Asked::Name(Lan::GIVEN, Lan::PEER.0.to_owned());
    let (over_link, locally) = (asked(&pair.far), asked(&pair.dialer));
    check(over_link.contains(&question), || format!("the operator's name server was asked {over_link:?}"))?;
    check(!locally.contains(&question), || format!("the local network's was asked {locally:?}"))
}

/// A renewed lease of the local network does not take the link's name servers away.
fn keeps_name_servers(dialer: &mut Booted) -> Result<()> {
    let of_lan = format!("nameserver {}", Lan::HOST);
    dialer.must("rm /run/resolv.conf.lan && kill -USR1 $(pidof udhcpc)")?;
    dialer.until("cat /run/resolv.conf.lan", &[&of_lan])?;
    let log = dialer.must("logread | grep udhcpc")?;
    check(!log.contains("broadcasting renew"), || format!("the server's answer does not arrive: {log}"))?;
    let used = dialer.must("cat /etc/resolv.conf")?;
    shows("the name servers in use", &used, &["# From ppp0", &format!("nameserver {}", Lan::PUBLIC)])?;
    check(!used.contains(&of_lan), || format!("the link's name servers are gone: {used}"))
}

/// The far side of the VPN moves to another port. The message opens the link by itself, and WireGuard's first
/// authenticated packet confirms the new endpoint, which is in force from then on.
fn moved(pair: &Pair, far: &mut Booted, dialer: &mut Booted) -> Result<()> {
    far.must("wg set far listen-port 443")?;
    let endpoint = format!("{}:443", Lan::PEER.0);
    pair.owner.text(&pair.owner.order(&format!("set endpoint {endpoint}")));
    shows("the reply", &pair.owner.reply(3)?, &["trying endpoint: kept if the far side answers within 15m"])?;
    shows("the reply", &pair.owner.reply(4)?, &["kept: endpoint"])?;
    dialer.until("dialctl status", &["link      up", &format!("set by message: endpoint {endpoint}")])?;
    let status = dialer.must("dialctl status")?;
    check(!status.contains("on trial"), || format!("kept, but still on trial: {status}"))?;
    far.must(&format!("ping -c 2 -W 10 {}", Lan::HOST)).map(|_| ())
}
